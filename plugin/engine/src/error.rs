//! Why there is no engine.

use thiserror::Error;

use crate::{
    front_end::UnsupportedSampleRate,
    model::ModelError,
    one_shots::{BankError, OneShotError},
};

/// Why an engine could not be made.
#[derive(Debug, Error)]
pub enum EngineError {
    /// Outside the supported rates.
    #[error(transparent)]
    SampleRate(#[from] UnsupportedSampleRate),
    /// The model cannot be run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model's one-shots were refused.
    #[error(transparent)]
    Bank(#[from] BankError),
    /// One of the model's sounds was refused.
    #[error("one-shot {index} of the model: {source}")]
    OneShot {
        /// Position in the frozen order of classes.
        index: usize,
        /// The reason.
        source: OneShotError,
    },
    /// No worker thread.
    #[error("the worker thread could not be started: {reason}")]
    Thread {
        /// The system's words.
        reason: String,
    },
}
