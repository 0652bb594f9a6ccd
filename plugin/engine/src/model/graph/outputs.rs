//! What a file gives out.

use std::collections::HashMap;

use tract_onnx::pb::GraphProto;

use super::{Origin, Value, builder::Builder, refuse};
use crate::model::{
    ModelError,
    onnx::{declared_shape, show},
    operators::ValueId,
};

/// The outputs of a graph, taken out one by one.
pub(super) struct Outputs<'a> {
    left: HashMap<&'a str, (ValueId, Vec<usize>)>,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(
        graph: &'a GraphProto,
        builder: &Builder<'a>,
    ) -> Result<Outputs<'a>, ModelError> {
        let mut left = HashMap::new();
        for info in &graph.output {
            let name = info.name.as_str();
            let field = || format!("output `{name}`");
            let &id = builder
                .names
                .get(name)
                .ok_or_else(|| refuse(field(), "a value", "nothing that makes it"))?;
            let Value { shape, origin } = builder.values[id].clone();
            if let Origin::Constant(_) = origin {
                return Err(refuse(field(), "a computed value", "an initializer"));
            }
            if let Some(declared) = declared_shape(info)
                && declared != shape
            {
                return Err(refuse(field(), show(&declared), show(&shape)));
            }
            if left.insert(name, (id, shape)).is_some() {
                return Err(refuse(field(), "one output of this name", "two"));
            }
        }
        Ok(Outputs { left })
    }

    pub(super) fn take_optional(
        &mut self,
        name: &str,
        expected: &[usize],
    ) -> Result<Option<ValueId>, ModelError> {
        match self.left.remove(name) {
            None => Ok(None),
            Some((id, shape)) if shape == expected => Ok(Some(id)),
            Some((_, shape)) => Err(refuse(
                format!("output `{name}`"),
                show(expected),
                show(&shape),
            )),
        }
    }

    pub(super) fn take(&mut self, name: &str, expected: &[usize]) -> Result<ValueId, ModelError> {
        self.take_optional(name, expected)?
            .ok_or_else(|| refuse(format!("output `{name}`"), show(expected), "no such output"))
    }

    pub(super) fn finish(self) -> Result<(), ModelError> {
        match self.left.keys().min() {
            None => Ok(()),
            Some(name) => Err(refuse(
                "outputs",
                "only those of the contract",
                format!("`{name}`"),
            )),
        }
    }
}
