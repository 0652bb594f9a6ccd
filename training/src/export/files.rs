//! Writing a model's three files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use idm_engine::{
    drum::DRUM_COUNT,
    model::{Model, ModelMeta},
};

use super::{ClassPrototypes, one_shot_graph, transcriber_graph};
use crate::{files::write_file, network::Weights};

/// Key of the description in the metadata of `transcriber.onnx`.
const META_KEY: &str = "idm_model_toml";
/// The files of a model.
const FILES: [&str; 3] = ["transcriber.onnx", "one_shots.onnx", "model.toml"];
/// Largest one-shot network that is accepted.
const BANK_LIMIT_BYTES: usize = 8_000_000;

/// The first file of a model that `folder` holds.
pub fn model_in(folder: &Path) -> Option<PathBuf> {
    let mut files = FILES.iter().map(|name| folder.join(name));
    files.find(|path| path.exists())
}

/// Writes `transcriber.onnx`, `one_shots.onnx` and `model.toml` into `folder`, if the
/// engine accepts them.
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
    let description = toml::to_string(meta).context("cannot write the description as TOML")?;
    let transcriber = transcriber_graph(weights).finish(&[(META_KEY, &description)]);
    let one_shots = one_shot_graph(weights, classes).finish(&[]);
    ensure!(
        one_shots.len() <= BANK_LIMIT_BYTES,
        "one_shots.onnx: expected at most {BANK_LIMIT_BYTES} bytes, found {}",
        one_shots.len()
    );
    // Before a file is replaced: a refused model would take a good one's place.
    Model::from_parts(&description, &transcriber, one_shots.clone())
        .context("the engine refuses the model")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let contents = [&transcriber[..], &one_shots, description.as_bytes()];
    for (name, content) in FILES.into_iter().zip(contents) {
        write_file(&folder.join(name), content)?;
    }
    Ok(())
}
