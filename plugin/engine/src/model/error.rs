//! What can be wrong with a model.

use std::path::Path;

use thiserror::Error;

/// Why a model was refused or could not run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// A file of the model could not be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: String,
        /// What the operating system says.
        reason: String,
    },
    /// A file is not what its name says: not TOML, not ONNX, truncated.
    #[error("{file} is not valid: {reason}")]
    Syntax {
        /// File of the model.
        file: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// A field breaks the contract between models and the engine.
    #[error("{file}: {field}: expected {expected}, found {found}")]
    Mismatch {
        /// File of the model.
        file: &'static str,
        /// Field, tensor or node.
        field: String,
        /// What the contract asks for.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The one-shot network could not be prepared or run.
    #[error("the one-shot network failed: {reason}")]
    Inference {
        /// What the inference library says.
        reason: String,
    },
}

impl ModelError {
    pub(super) fn read(path: &Path, error: &std::io::Error) -> ModelError {
        ModelError::Read {
            path: path.display().to_string(),
            reason: error.to_string(),
        }
    }

    pub(super) fn mismatch(
        file: &'static str,
        field: impl ToString,
        expected: impl ToString,
        found: impl ToString,
    ) -> ModelError {
        ModelError::Mismatch {
            file,
            field: field.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}
