//! The training loop and what it needs.

mod checkpoint;
mod curves;
mod data;
pub mod gpu;
mod optimiser;
mod patience;
mod pieces;
mod reuse;
mod run;
mod source;
mod speed;
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
pub(crate) use run::{budget_share, learning_rate};
pub use source::{BatchPlan, BatchSource};
pub use speed::{SpeedArgs, speed};
pub use step::{StepLosses, StepPlan, Stepper, cpu_step, train_step};
pub use validation::{Calibration, ClassScore, Scores, Validation, calibrate, peaks};
pub use warm_start::warm_start;
