//! Writing models: `transcriber.onnx`, `one_shots.onnx`, `model.toml`.

mod description;
mod files;
mod graph;
mod one_shots;
mod rounding;
mod transcriber;

pub use description::{DEFAULT_THRESHOLDS, describe};
pub use files::{export_model, model_in};
pub use graph::GraphBuilder;
pub use one_shots::{ClassPrototypes, one_shot_graph};
pub use rounding::round_matrices;
pub use transcriber::transcriber_graph;
