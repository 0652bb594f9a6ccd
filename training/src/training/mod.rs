//! The training loop and what it needs.

mod checkpoint;
mod curves;
mod data;
mod optimiser;
mod patience;
mod pieces;
mod reuse;
mod run;
mod source;
mod step;
mod validation;
mod warm_start;

pub use checkpoint::{Checkpoint, Progress, Record};
pub use curves::draw_curves;
pub use data::{Batch, DataFolders, renderer};
pub use optimiser::Optimiser;
pub use patience::validations_since_best;
pub use pieces::{Pieces, open_recordings};
pub use run::{TrainArgs, train};
pub use source::{BatchPlan, BatchSource};
pub use step::{StepLosses, train_step};
pub use validation::{Calibration, ClassScore, Scores, Validation, calibrate, peaks};
pub use warm_start::warm_start;
