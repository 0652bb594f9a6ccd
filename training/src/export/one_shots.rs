//! The one-shot bank as a network: the embedding chooses, per class, one of
//! several learnt one-shots.

use idm_engine::drum::{DRUM_COUNT, Drum};
use tract_onnx::{pb::tensor_proto::DataType, prelude::f16};

use super::graph::{Attribute, GraphBuilder};
use crate::{
    network::{CHOICE_COUNT, EMBEDDING, Weights},
    one_shot::BANK_SAMPLES,
};

/// The one-shots of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassPrototypes {
    /// [`CHOICE_COUNT`] waveforms of equal length, at most [`BANK_SAMPLES`],
    /// at 44.1 kHz, each starting at its onset, peak ≤ 1.
    pub waveforms: Vec<Vec<f32>>,
}

/// The graph of the bank: `choice` weights from `weights`, waveforms stored in
/// 16-bit floats. Allocates.
///
/// # Panics
/// If a class lacks prototypes or they differ in length.
pub fn one_shot_graph(weights: &Weights, classes: &[ClassPrototypes; DRUM_COUNT]) -> GraphBuilder {
    let mut graph = GraphBuilder::new("one_shots");
    let embedding = graph.input("embedding", &[1, EMBEDDING]);
    let weight = weights.get("choice.weight");
    let weight = graph.floats("choice.weight", &weight.shape, &weight.values);
    let bias = weights.get("choice.bias");
    let bias = graph.floats("choice.bias", &bias.shape, &bias.values);
    let scores = graph.dense(&embedding, &weight, &bias);
    let scores = graph.reshape(&scores, &[DRUM_COUNT as i64, CHOICE_COUNT as i64]);
    let chosen = graph.node(
        "ArgMax",
        &[&scores],
        &[Attribute::Int("axis", 1), Attribute::Int("keepdims", 0)],
    );
    let mut rows = Vec::new();
    for (drum, class) in Drum::ALL.into_iter().zip(classes) {
        let name = drum.file_stem();
        let samples = class.waveforms[0].len();
        assert_eq!(class.waveforms.len(), CHOICE_COUNT, "one-shots of {name}");
        assert!(
            class
                .waveforms
                .iter()
                .all(|waveform| waveform.len() == samples),
            "one-shots of {name} differ in length"
        );
        let halves = class.waveforms.iter().flatten();
        let bytes = halves
            .flat_map(|&sample| f16::from_f32(sample).to_le_bytes())
            .collect();
        let bank = graph.constant(name, &[CHOICE_COUNT, samples], DataType::Float16, bytes);
        let index = drum.index() as i64;
        let choice = graph.slice(&chosen, 0, index, index + 1);
        let waveform = graph.node("Gather", &[&bank, &choice], &[Attribute::Int("axis", 0)]);
        let to = Attribute::Int("to", DataType::Float as i64);
        let waveform = graph.node("Cast", &[&waveform], &[to]);
        let missing = (BANK_SAMPLES - samples) as i64;
        let padding = graph.integers(&format!("{name}/padding"), &[4], &[0, 0, 0, missing]);
        rows.push(graph.node("Pad", &[&waveform, &padding], &[]));
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let one_shots = graph.concat(&rows, 0);
    graph.output("one_shots", &one_shots, &[DRUM_COUNT, BANK_SAMPLES]);
    graph
}
