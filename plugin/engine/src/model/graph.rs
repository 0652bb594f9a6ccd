//! The transcriber network as a graph whose every shape is known.
//!
//! The shapes are inferred here, not by an optimiser, so that a model loads in
//! milliseconds and every deviation from the contract has a name.

mod builder;
mod outputs;

use tract_onnx::pb::ModelProto;

use super::{
    ModelError,
    onnx::{self, Constant},
    operators::{Op, ValueId},
};
use crate::{
    controls::Quality,
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::BAND_COUNT,
};
use builder::Builder;
use outputs::Outputs;

/// Name of the file, used in errors.
pub(super) const FILE: &str = "transcriber.onnx";

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// An input of the graph.
    Input,
    /// The initializer of that index.
    Constant(usize),
    /// The node of that index.
    Node(usize),
}

/// A tensor that flows through the graph.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) shape: Vec<usize>,
    pub(super) origin: Origin,
}

impl Value {
    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) output: ValueId,
}

/// A state: its value at the start of a frame and for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) current: ValueId,
    pub(super) next: ValueId,
}

/// Outputs that serve one quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) onset: ValueId,
    pub(super) velocity: ValueId,
    pub(super) mask: Option<ValueId>,
}

/// The whole network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Graph {
    pub(super) values: Vec<Value>,
    pub(super) constants: Vec<Constant>,
    /// In an order in which every node comes after those that it reads.
    pub(super) nodes: Vec<Node>,
    pub(super) frame: ValueId,
    pub(super) low: ValueId,
    pub(super) states: Vec<State>,
    /// In the order of [`Quality::ALL`].
    pub(super) heads: [Head; Quality::ALL.len()],
    pub(super) embedding: ValueId,
}

impl Graph {
    /// Reads the graph of a decoded file and checks it against the contract;
    /// `embedding` is the length that the metadata announces.
    pub(super) fn read(proto: &ModelProto, embedding: usize) -> Result<Graph, ModelError> {
        let graph = onnx::graph(proto, FILE)?;
        let mut builder = Builder::default();
        builder.read_constants(graph)?;
        builder.read_inputs(graph)?;
        builder.read_nodes(graph)?;
        let mut outputs = Outputs::new(graph, &builder)?;
        let mut heads = Vec::with_capacity(Quality::ALL.len());
        for quality in Quality::ALL {
            let suffix = quality.head_suffix();
            heads.push(Head {
                onset: outputs.take(&format!("onset{suffix}"), &[1, DRUM_COUNT])?,
                velocity: outputs.take(&format!("velocity{suffix}"), &[1, DRUM_COUNT])?,
                mask: outputs
                    .take_optional(&format!("mask{suffix}"), &[1, STEM_COUNT, BAND_COUNT])?,
            });
        }
        let embedding = outputs.take("embedding", &[1, embedding])?;
        let mut states = Vec::with_capacity(builder.states.len());
        for (index, &current) in builder.states.iter().enumerate() {
            let shape = &builder.values[current].shape;
            let next = outputs.take(&format!("state_{index}_next"), shape)?;
            states.push(State { current, next });
        }
        outputs.finish()?;
        let heads = heads
            .try_into()
            .map_err(|_| refuse("heads", Quality::ALL.len(), "others"))?;
        Ok(Graph {
            frame: builder.frame,
            low: builder.low,
            values: builder.values,
            constants: builder.constants,
            nodes: builder.nodes,
            states,
            heads,
            embedding,
        })
    }
}

fn refuse(field: impl ToString, expected: impl ToString, found: impl ToString) -> ModelError {
    ModelError::mismatch(FILE, field, expected, found)
}
