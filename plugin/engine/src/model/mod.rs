//! The trained model: loading, checking, running.
//!
//! A model is a folder of three files:
//!
//! - `model.toml` ([`ModelMeta`]): front-end constants, class list, thresholds,
//!   licences;
//! - `transcriber.onnx`: one streaming step, compiled to a [`Plan`] and run by
//!   a [`Session`] on the audio thread;
//! - `one_shots.onnx`: the kit description to one-shots, run by an
//!   [`OneShotNetwork`] on a worker.
//!
//! tract decodes the files and runs what may allocate. On the audio thread an
//! executor of our own runs the transcriber: it never allocates or locks, its
//! work divides into equal stages, and its results do not depend on timing.
//! The tests hold it against tract.
//!
//! Everything is checked on loading. A file that does not fit is refused with
//! an error that names the field, what was expected and what was found.

mod aligned;
mod compile;
mod convolution;
mod dense;
mod elements;
mod error;
mod graph;
mod half;
mod liveness;
mod math;
mod meta;
mod node;
mod one_shot_network;
mod onnx;
mod operators;
mod packing;
mod plan;
mod regions;
mod session;
mod step;
mod weights;

use std::{
    borrow::Cow,
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

pub use error::ModelError;
pub use half::round_to_half;
pub use meta::{
    FrontEndMeta, LookAheadFrames, MAX_EMBEDDING, MODEL_FORMAT, ModelMeta, OneShotMeta, Thresholds,
};
pub use one_shot_network::OneShotNetwork;
pub use plan::{METADATA_KEY, Plan};
pub use session::Session;

use crate::controls::Quality;

/// Most bytes that a file of a model may have.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Path of a file of the model that is built into the program.
macro_rules! default_model {
    ($file:literal) => {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../presets/models/default/",
            $file
        )
    };
}

/// A loaded model. Immutable; all engines of a process can share one.
#[derive(Debug)]
pub struct Model {
    meta: ModelMeta,
    plan: Arc<Plan>,
    one_shots: Cow<'static, [u8]>,
}

impl Model {
    /// The model that is part of the program. The first call takes tens of
    /// milliseconds and allocates; all later ones return the same model, so
    /// that the instances of a process share its weights.
    ///
    /// # Errors
    /// A program that was built with a model that does not fit it.
    pub fn embedded() -> Result<Arc<Model>, ModelError> {
        static EMBEDDED: OnceLock<Result<Arc<Model>, ModelError>> = OnceLock::new();
        EMBEDDED
            .get_or_init(|| {
                let one_shots: &'static [u8] = include_bytes!(default_model!("one_shots.onnx"));
                Model::from_parts(
                    include_str!(default_model!("model.toml")),
                    include_bytes!(default_model!("transcriber.onnx")),
                    one_shots,
                )
                .map(Arc::new)
            })
            .clone()
    }

    /// Loads the model in the folder `folder`. Takes tens of milliseconds;
    /// allocates.
    ///
    /// # Errors
    /// Files that cannot be read, are not TOML or ONNX, or do not fit the
    /// contract.
    pub fn load(folder: &Path) -> Result<Model, ModelError> {
        let meta = read(&folder.join(meta::FILE))?;
        let meta = String::from_utf8(meta).map_err(|error| ModelError::Syntax {
            file: meta::FILE,
            reason: error.to_string(),
        })?;
        let transcriber = read(&folder.join(graph::FILE))?;
        let one_shots = read(&folder.join(one_shot_network::FILE))?;
        Model::from_parts(&meta, &transcriber, one_shots)
    }

    /// Makes a model from the contents of its three files. Allocates.
    ///
    /// # Errors
    /// Contents that are not TOML or ONNX, or do not fit the contract.
    pub fn from_parts(
        meta: &str,
        transcriber: &[u8],
        one_shots: impl Into<Cow<'static, [u8]>>,
    ) -> Result<Model, ModelError> {
        let one_shots = one_shots.into();
        let meta = ModelMeta::parse(meta)?;
        let plan = Arc::new(Plan::compile(transcriber, &meta)?);
        OneShotNetwork::check(&one_shots, meta.one_shots)?;
        Ok(Model {
            meta,
            plan,
            one_shots,
        })
    }

    /// What the model says about itself.
    pub fn meta(&self) -> &ModelMeta {
        &self.meta
    }

    /// The compiled transcriber.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// A new stream through the transcriber. Allocates.
    pub fn session(&self, quality: Quality) -> Session {
        Session::new(self.plan.clone(), quality)
    }

    /// Prepares the one-shot network. Takes some milliseconds; allocates.
    ///
    /// # Errors
    /// A network that tract cannot run.
    pub fn one_shot_network(&self) -> Result<OneShotNetwork, ModelError> {
        OneShotNetwork::load(&self.one_shots, self.meta.one_shots)
    }
}

/// Whether `folder` has the files of a model. Looks at no content. Allocates.
pub fn is_model_folder(folder: &Path) -> bool {
    [meta::FILE, graph::FILE, one_shot_network::FILE]
        .iter()
        .all(|file| folder.join(file).is_file())
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    let metadata = fs::metadata(path).map_err(|error| ModelError::read(path, &error))?;
    // A pipe would be waited for.
    if !metadata.is_file() {
        return Err(ModelError::Read {
            path: path.display().to_string(),
            reason: "expected a file".to_owned(),
        });
    }
    let size = metadata.len();
    if size > MAX_FILE_BYTES {
        return Err(ModelError::Read {
            path: path.display().to_string(),
            reason: format!("{size} bytes are more than {MAX_FILE_BYTES}"),
        });
    }
    fs::read(path).map_err(|error| ModelError::read(path, &error))
}
