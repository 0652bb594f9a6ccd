//! Writing ONNX graphs by hand.

use super::attributes::int;
use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension},
    type_proto,
};

/// An ONNX file under construction. Values are named; every method that makes
/// one returns its name.
#[derive(Debug, Clone)]
pub struct GraphBuilder {
    /// The file so far, open for any change.
    pub proto: ModelProto,
    count: usize,
}

impl GraphBuilder {
    /// An empty graph of operator set 17.
    pub fn new() -> GraphBuilder {
        GraphBuilder {
            proto: ModelProto {
                ir_version: 8,
                opset_import: vec![OperatorSetIdProto {
                    domain: String::new(),
                    version: 17,
                }],
                graph: Some(GraphProto {
                    name: "test".into(),
                    ..GraphProto::default()
                }),
                ..ModelProto::default()
            },
            count: 0,
        }
    }

    /// The graph, open for any change.
    pub fn graph(&mut self) -> &mut GraphProto {
        self.proto.graph.get_or_insert_default()
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }

    /// Adds a line to the metadata.
    pub fn metadata(&mut self, key: &str, value: &str) {
        self.proto.metadata_props.push(StringStringEntryProto {
            key: key.into(),
            value: value.into(),
        });
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, shape: &[usize]) -> String {
        self.graph().input.push(value_info(name, shape));
        name.into()
    }

    /// Makes `value` the output `name`.
    pub fn output(&mut self, value: &str, name: &str, shape: &[usize]) {
        self.node_to("Identity", &[value], name, vec![]);
        self.graph().output.push(value_info(name, shape));
    }

    /// Adds weights, stored as raw bytes.
    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        self.tensor(TensorProto {
            dims: dims(shape),
            data_type: DataType::Float as i32,
            raw_data: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            ..TensorProto::default()
        })
    }

    /// Adds weights, stored as a list of numbers.
    pub fn listed_floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        self.tensor(TensorProto {
            dims: dims(shape),
            data_type: DataType::Float as i32,
            float_data: values.to_vec(),
            ..TensorProto::default()
        })
    }

    /// Adds a list of integers.
    pub fn integers(&mut self, values: &[i64]) -> String {
        self.tensor(TensorProto {
            dims: vec![values.len() as i64],
            data_type: DataType::Int64 as i32,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        })
    }

    /// Adds any initializer under a new name.
    pub fn tensor(&mut self, tensor: TensorProto) -> String {
        let name = self.fresh("const");
        self.graph().initializer.push(TensorProto {
            name: name.clone(),
            ..tensor
        });
        name
    }

    /// Adds a node.
    pub fn node(
        &mut self,
        op_type: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.fresh(op_type);
        self.node_to(op_type, inputs, &output, attributes);
        output
    }

    /// Adds a node whose output has a given name.
    pub fn node_to(
        &mut self,
        op_type: &str,
        inputs: &[&str],
        output: &str,
        attributes: Vec<AttributeProto>,
    ) {
        self.graph().node.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.into()],
            name: format!("{op_type} of {output}"),
            op_type: op_type.into(),
            attribute: attributes,
            ..NodeProto::default()
        });
    }

    /// Cuts `from..to` out of one axis.
    pub fn slice(&mut self, value: &str, axis: i64, from: i64, to: i64) -> String {
        let (from, to) = (self.integers(&[from]), self.integers(&[to]));
        let axes = self.integers(&[axis]);
        self.node("Slice", &[value, &from, &to, &axes], vec![])
    }

    /// Another shape.
    pub fn reshape(&mut self, value: &str, shape: &[i64]) -> String {
        let shape = self.integers(shape);
        self.node("Reshape", &[value, &shape], vec![])
    }

    /// Joins values along an axis.
    pub fn concat(&mut self, values: &[&str], axis: i64) -> String {
        self.node("Concat", values, vec![int("axis", axis)])
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}_{}", self.count)
    }
}

fn dims(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&dim| dim as i64).collect()
}

/// Declaration of an input or output.
pub fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dim = |&size: &usize| Dimension {
        value: Some(dimension::Value::DimValue(size as i64)),
        ..Dimension::default()
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                elem_type: DataType::Float as i32,
                shape: Some(TensorShapeProto {
                    dim: shape.iter().map(dim).collect(),
                }),
            })),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
