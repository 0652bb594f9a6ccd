//! tract running the same network, one frame after another.

use std::{collections::HashMap, sync::Arc};

use tract_onnx::prelude::*;

use prost::Message;
use tract_onnx::pb::ModelProto;

use super::GraphBuilder;

/// The streaming network in tract, with its states.
pub struct Oracle {
    state: TypedSimpleState,
    inputs: Vec<String>,
    outputs: Vec<String>,
    values: HashMap<String, Tensor>,
}

impl Oracle {
    /// Loads a network with all states at zero, optimised.
    pub fn new(bytes: &[u8]) -> Oracle {
        Oracle::prepare(bytes, |model| model.into_optimized().unwrap())
    }

    /// The same, exactly as the file says: the optimiser of tract 0.23.9
    /// forgets the padding of convolutions whose kernel is one element.
    pub fn literal(graph: &GraphBuilder) -> Oracle {
        Oracle::prepare(&graph.encode(), |model| model.into_typed().unwrap())
    }

    fn prepare(mut bytes: &[u8], typed: fn(InferenceModel) -> TypedModel) -> Oracle {
        let proto = ModelProto::decode(bytes).unwrap().graph.unwrap();
        let model = tract_onnx::onnx().model_for_read(&mut bytes).unwrap();
        let runnable = typed(model).into_runnable().unwrap();
        let inputs: Vec<String> = proto.input.iter().map(|info| info.name.clone()).collect();
        let outputs = proto.output.iter().map(|info| info.name.clone()).collect();
        let values = inputs
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let fact = runnable.model().input_fact(index).unwrap();
                let shape = fact.shape.as_concrete().unwrap();
                (name.clone(), Tensor::zero::<f32>(shape).unwrap())
            })
            .collect();
        Oracle {
            state: Arc::clone(&runnable).spawn().unwrap(),
            inputs,
            outputs,
            values,
        }
    }

    /// Runs one frame.
    pub fn step(&mut self, frame: &[f32], low: &[f32]) {
        let tensor = |values: &[f32]| Tensor::from_shape(&[1, values.len()], values).unwrap();
        self.values.insert("frame".into(), tensor(frame));
        self.values.insert("low".into(), tensor(low));
        let inputs = self
            .inputs
            .iter()
            .map(|name| self.values[name].clone().into_tvalue());
        let results = self.state.run(inputs.collect()).unwrap();
        for (name, result) in self.outputs.iter().zip(results) {
            let result = result.into_tensor();
            if let Some(state) = name.strip_suffix("_next") {
                self.values.insert(state.into(), result);
            } else {
                self.values.insert(name.clone(), result);
            }
        }
    }

    /// An output of the newest frame.
    pub fn output(&self, name: &str) -> &[f32] {
        self.values[name]
            .try_as_plain_ram()
            .unwrap()
            .as_slice::<f32>()
            .unwrap()
    }
}
