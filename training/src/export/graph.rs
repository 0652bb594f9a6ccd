//! Builds ONNX graphs (opset 17).

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

/// Version of the operator set.
const OPSET: i64 = 17;
/// Version of the file format.
const IR_VERSION: i64 = 8;

/// An attribute of a node.
#[derive(Debug, Clone, Copy)]
pub enum Attribute<'a> {
    /// One integer.
    Int(&'a str, i64),
    /// A list of integers.
    Ints(&'a str, &'a [i64]),
}

/// A graph under construction. Values are referred to by name.
#[derive(Debug, Clone)]
pub struct GraphBuilder {
    graph: GraphProto,
    unnamed: usize,
}

impl GraphBuilder {
    /// An empty graph called `name`.
    pub fn new(name: &str) -> GraphBuilder {
        GraphBuilder {
            graph: GraphProto {
                name: name.to_owned(),
                ..GraphProto::default()
            },
            unnamed: 0,
        }
    }

    /// Declares a float input.
    pub fn input(&mut self, name: &str, shape: &[usize]) -> String {
        self.graph.input.push(value_info(name, shape));
        name.to_owned()
    }

    /// Declares `value` as the float output `name`.
    pub fn output(&mut self, name: &str, value: &str, shape: &[usize]) {
        let node = NodeProto {
            input: vec![value.to_owned()],
            output: vec![name.to_owned()],
            name: format!("output/{name}"),
            op_type: "Identity".to_owned(),
            ..NodeProto::default()
        };
        self.graph.node.push(node);
        self.graph.output.push(value_info(name, shape));
    }

    /// Adds a float constant.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(name, shape, DataType::Float, bytes)
    }

    /// Adds an integer constant.
    pub fn integers(&mut self, name: &str, shape: &[usize], values: &[i64]) -> String {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(name, shape, DataType::Int64, bytes)
    }

    /// Adds a constant of type `data_type` from little-endian bytes.
    pub fn constant(
        &mut self,
        name: &str,
        shape: &[usize],
        data_type: DataType,
        bytes: Vec<u8>,
    ) -> String {
        self.graph.initializer.push(TensorProto {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: data_type as i32,
            name: name.to_owned(),
            raw_data: bytes,
            ..TensorProto::default()
        });
        name.to_owned()
    }

    /// Adds a node with one output and returns the output's name.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: &[Attribute<'_>]) -> String {
        self.unnamed += 1;
        let output = format!("{}_{}", op.to_lowercase(), self.unnamed);
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            name: format!("node/{output}"),
            op_type: op.to_owned(),
            attribute: attributes.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        output
    }

    /// Adds `input · weight + bias`.
    pub fn dense(&mut self, input: &str, weight: &str, bias: &str) -> String {
        self.node("Gemm", &[input, weight, bias], &[])
    }

    /// Adds the part `start..end` of `input` along `axis`.
    pub fn slice(&mut self, input: &str, axis: i64, start: i64, end: i64) -> String {
        let name = format!("{input}/{axis}:{start}-{end}");
        let starts = self.integers(&format!("{name}/start"), &[1], &[start]);
        let ends = self.integers(&format!("{name}/end"), &[1], &[end]);
        let axes = self.integers(&format!("{name}/axis"), &[1], &[axis]);
        self.node("Slice", &[input, &starts, &ends, &axes], &[])
    }

    /// Adds `input` under another shape.
    pub fn reshape(&mut self, input: &str, shape: &[i64]) -> String {
        let name = format!("{input}/shape");
        let shape = self.integers(&name, &[shape.len()], shape);
        self.node("Reshape", &[input, &shape], &[])
    }

    /// Adds the inputs joined along `axis`.
    pub fn concat(&mut self, inputs: &[&str], axis: i64) -> String {
        self.node("Concat", inputs, &[Attribute::Int("axis", axis)])
    }

    /// The bytes of the finished file, with `properties` as its metadata.
    pub fn finish(self, properties: &[(&str, &str)]) -> Vec<u8> {
        let model = ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            producer_name: "idm-train".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.graph),
            metadata_props: properties
                .iter()
                .map(|&(key, value)| StringStringEntryProto {
                    key: key.to_owned(),
                    value: value.to_owned(),
                })
                .collect(),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }
}

fn attribute(attribute: &Attribute<'_>) -> AttributeProto {
    match *attribute {
        Attribute::Int(name, value) => AttributeProto {
            name: name.to_owned(),
            r#type: AttributeType::Int as i32,
            i: value,
            ..AttributeProto::default()
        },
        Attribute::Ints(name, values) => AttributeProto {
            name: name.to_owned(),
            r#type: AttributeType::Ints as i32,
            ints: values.to_vec(),
            ..AttributeProto::default()
        },
    }
}

fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dimension = |&size: &usize| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(size as i64)),
        ..tensor_shape_proto::Dimension::default()
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                elem_type: DataType::Float as i32,
                shape: Some(TensorShapeProto {
                    dim: shape.iter().map(dimension).collect(),
                }),
            })),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
