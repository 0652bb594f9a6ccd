//! Writing a model's three files.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use idm_engine::{drum::DRUM_COUNT, model::ModelMeta};

use super::{ClassPrototypes, one_shot_graph, transcriber_graph};
use crate::network::Weights;

/// Key of the description in the metadata of `transcriber.onnx`.
const META_KEY: &str = "idm_model_toml";
/// Largest one-shot network that is accepted.
const BANK_LIMIT_BYTES: usize = 8_000_000;

/// Writes `bytes` to `path` so that no reader ever sees half a file.
///
/// # Errors
/// Failing file operations, with the path.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, bytes).with_context(|| format!("cannot write {}", draft.display()))?;
    fs::rename(&draft, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes `transcriber.onnx`, `one_shots.onnx` and `model.toml` into `folder`
/// and loads them with the engine to see that they are accepted.
///
/// # Errors
/// Failing file operations, a bank above 8 MB, or a model that the engine
/// refuses.
pub fn export_model(
    folder: &Path,
    weights: &Weights,
    classes: &[ClassPrototypes; DRUM_COUNT],
    meta: &ModelMeta,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let description = toml::to_string(meta).context("cannot write the description as TOML")?;
    let transcriber = transcriber_graph(weights).finish(&[(META_KEY, &description)]);
    let one_shots = one_shot_graph(weights, classes).finish(&[]);
    ensure!(
        one_shots.len() <= BANK_LIMIT_BYTES,
        "one_shots.onnx: expected at most {BANK_LIMIT_BYTES} bytes, found {}",
        one_shots.len()
    );
    write_atomically(&folder.join("transcriber.onnx"), &transcriber)?;
    write_atomically(&folder.join("one_shots.onnx"), &one_shots)?;
    write_atomically(&folder.join("model.toml"), description.as_bytes())?;
    idm_engine::model::Model::load(folder)
        .with_context(|| format!("the engine refuses the model in {}", folder.display()))?;
    Ok(())
}
