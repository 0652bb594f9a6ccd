//! The training loop and what it needs.

mod checkpoint;
mod curves;
mod data;
pub mod gpu;
mod matching;
mod optimiser;
mod patience;
mod pieces;
mod reuse;
mod run;
mod schedule;
mod source;
mod sources;
mod speed;
mod start;
mod step;
mod validation;
mod warm_start;

pub use checkpoint::{Checkpoint, Progress, Record};
pub use curves::draw_curves;
pub use data::{Batch, DataFolders, NO_TRAINING_KITS, NO_VALIDATION_KITS, ensure_some, renderer};
pub use matching::{ClassScore, peaks};
pub use optimiser::Optimiser;
pub use patience::{best_validation, is_stalled, validations_since_best};
pub use pieces::{Pieces, open_recordings};
pub use run::{state_to_use, train};
pub(crate) use schedule::{budget_share, learning_rate};
pub use source::{BatchPlan, BatchSource};
pub use sources::{Sources, licences_of};
pub use speed::{SpeedArgs, speed};
pub use start::TrainArgs;
pub use step::{StepLosses, StepPlan, Stepper, cpu_step, train_step};
pub use validation::{Calibration, Scores, Validation, calibrate, calibrate_on};
pub use warm_start::{initializers, model_folder, warm_start};
