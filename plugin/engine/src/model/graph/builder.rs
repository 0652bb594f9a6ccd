//! The values and nodes of a file, in their order.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, NodeProto, ValueInfoProto};

use super::{FILE, Node, Origin, Value, refuse};
use crate::{
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
    model::{
        ModelError,
        node::{self, Operand},
        onnx::{Constant, Elements, declared_shape, element_count, is_f32, show},
        operators::{Op, ValueId},
    },
};

/// Most floats that all values and what is needed to make them may have together (16 MiB).
const MAX_TOTAL_ELEMENTS: usize = 1 << 22;

/// Most nodes that a graph may have.
const MAX_NODES: usize = 10_000;

/// What was read so far.
#[derive(Default)]
pub(super) struct Builder<'a> {
    pub(super) names: HashMap<&'a str, ValueId>,
    pub(super) values: Vec<Value>,
    pub(super) constants: Vec<Constant>,
    pub(super) nodes: Vec<Node>,
    pub(super) frame: ValueId,
    pub(super) low: ValueId,
    pub(super) states: Vec<ValueId>,
    total_elements: usize,
}

impl<'a> Builder<'a> {
    fn add(
        &mut self,
        name: &'a str,
        shape: Vec<usize>,
        origin: Origin,
    ) -> Result<ValueId, ModelError> {
        let count = element_count(&shape)
            .ok_or_else(|| refuse(format!("`{name}`"), "a sensible shape", show(&shape)))?;
        if !matches!(origin, Origin::Constant(_)) {
            self.count(name, count)?;
        }
        let id = self.values.len();
        if self.names.insert(name, id).is_some() {
            return Err(refuse(format!("`{name}`"), "one value of this name", "two"));
        }
        self.values.push(Value { shape, origin });
        Ok(id)
    }

    /// Counts memory for `floats` more, which `name` needs.
    fn count(&mut self, name: &str, floats: usize) -> Result<(), ModelError> {
        self.total_elements = self.total_elements.saturating_add(floats);
        if self.total_elements > MAX_TOTAL_ELEMENTS {
            let expected = format!("at most {MAX_TOTAL_ELEMENTS} floats up to here");
            return Err(refuse(format!("`{name}`"), expected, self.total_elements));
        }
        Ok(())
    }

    pub(super) fn read_constants(&mut self, graph: &'a GraphProto) -> Result<(), ModelError> {
        for tensor in &graph.initializer {
            let constant = Constant::read(tensor, FILE)?;
            let origin = Origin::Constant(self.constants.len());
            self.add(&tensor.name, constant.shape.clone(), origin)?;
            self.constants.push(constant);
        }
        match graph.sparse_initializer.len() {
            0 => Ok(()),
            count => Err(refuse("sparse initializers", "none", count)),
        }
    }

    pub(super) fn read_inputs(&mut self, graph: &'a GraphProto) -> Result<(), ModelError> {
        let (mut frame, mut low, mut states) = (None, None, HashMap::new());
        for info in &graph.input {
            let name = info.name.as_str();
            // Older exporters list initializers among the inputs.
            let listed = self.names.get(name).map(|&id| self.values[id].origin);
            if matches!(listed, Some(Origin::Constant(_))) {
                continue;
            }
            let shape = input_shape(info)?;
            let exactly = |expected: &[usize]| {
                if shape == expected {
                    Ok(())
                } else {
                    Err(refuse(
                        format!("input `{name}`"),
                        show(expected),
                        show(&shape),
                    ))
                }
            };
            match name {
                "frame" => {
                    exactly(&[1, BAND_COUNT])?;
                    frame = Some(self.add(name, shape, Origin::Input)?);
                }
                "low" => {
                    exactly(&[1, LOW_BAND_COUNT])?;
                    low = Some(self.add(name, shape, Origin::Input)?);
                }
                _ => {
                    let index = name
                        .strip_prefix("state_")
                        .and_then(|index| index.parse::<usize>().ok())
                        .ok_or_else(|| refuse("inputs", "frame, low, state_0, …", name))?;
                    if shape.first() != Some(&1) {
                        let field = format!("input `{name}`");
                        return Err(refuse(field, "a shape that starts with 1", show(&shape)));
                    }
                    states.insert(index, self.add(name, shape, Origin::Input)?);
                }
            }
        }
        self.frame = frame.ok_or_else(|| refuse("inputs", "frame", "none of this name"))?;
        self.low = low.ok_or_else(|| refuse("inputs", "low", "none of this name"))?;
        for index in 0..states.len() {
            let state = states
                .get(&index)
                .ok_or_else(|| refuse("inputs", format!("state_{index}"), "none of this name"))?;
            self.states.push(*state);
        }
        Ok(())
    }

    pub(super) fn read_nodes(&mut self, graph: &'a GraphProto) -> Result<(), ModelError> {
        if graph.node.len() > MAX_NODES {
            return Err(refuse(
                "nodes",
                format!("at most {MAX_NODES}"),
                graph.node.len(),
            ));
        }
        for (index, proto) in graph.node.iter().enumerate() {
            let (op, shape) = self.read_node(index, proto)?;
            let [output] = proto.output.as_slice() else {
                let field = format!("{}, number of outputs", describe(index, proto));
                return Err(refuse(field, 1, proto.output.len()));
            };
            self.count(output, op.scratch_floats())?;
            let output = self.add(output, shape, Origin::Node(index))?;
            self.nodes.push(Node { op, output });
        }
        Ok(())
    }

    fn read_node(&self, index: usize, proto: &NodeProto) -> Result<(Op, Vec<usize>), ModelError> {
        let place = || describe(index, proto);
        if !matches!(proto.domain.as_str(), "" | "ai.onnx") {
            return Err(refuse(
                format!("{}, domain", place()),
                "ai.onnx",
                &proto.domain,
            ));
        }
        let mut operands = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            if name.is_empty() {
                operands.push(None);
                continue;
            }
            let &id = self.names.get(name.as_str()).ok_or_else(|| {
                let found = format!("`{name}`, which nothing before it makes");
                refuse(format!("{}, input", place()), "a value", found)
            })?;
            let value = &self.values[id];
            let constant = match value.origin {
                Origin::Constant(constant) => self.constants.get(constant),
                Origin::Input | Origin::Node(_) => None,
            };
            operands.push(Some(Operand {
                id,
                shape: &value.shape,
                constant,
            }));
        }
        let (op, shape) = node::read(proto, &operands).map_err(|refusal| {
            let field = format!("{}, {}", place(), refusal.what);
            refuse(field, refusal.expected, refusal.found)
        })?;
        for id in op.reads() {
            if let Origin::Constant(constant) = self.values[id].origin
                && let Elements::Integers(_) = self.constants[constant].elements
            {
                return Err(refuse(format!("{}, inputs", place()), "floats", "integers"));
            }
        }
        Ok((op, shape))
    }
}

/// `node 3 "conv_1" (Conv)`
fn describe(index: usize, proto: &NodeProto) -> String {
    format!("node {index} {:?} ({})", proto.name, proto.op_type)
}

fn input_shape(info: &ValueInfoProto) -> Result<Vec<usize>, ModelError> {
    let field = || format!("input `{}`", info.name);
    if !is_f32(info) {
        return Err(refuse(field(), "floats", "another data type"));
    }
    declared_shape(info).ok_or_else(|| refuse(field(), "a fixed shape", "none"))
}
