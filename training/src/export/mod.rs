//! Writing models: `transcriber.onnx`, `one_shots.onnx`, `model.toml`.

mod command;
mod description;
mod files;
mod graph;
mod one_shots;
mod rounding;
mod sources;
mod transcriber;

pub use command::{ExportArgs, run};
pub use description::{DEFAULT_THRESHOLDS, describe};
pub use files::{export_model, write_file};
pub use graph::GraphBuilder;
pub use one_shots::{BANK_SAMPLES, ClassPrototypes, one_shot_graph};
pub use rounding::round_matrices;
pub use sources::{Sources, licences_of};
pub use transcriber::transcriber_graph;
