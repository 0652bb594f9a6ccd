//! A learnt bank on disk: WAV files to listen to, and the classifier.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use idm_engine::drum::{DRUM_COUNT, Drum};
use serde::{Deserialize, Serialize};

use crate::{
    audio::{read_audio, write_mono},
    export::ClassPrototypes,
    files::write_file,
    network::{CHOICE_COUNT, NamedTensor, Weights},
    one_shot::one_shot_samples,
    training::{Sources, initializers},
};

const CLASSIFIER: &str = "choice.json";
/// The one-shots and the classifier of a model.
const ONE_SHOTS: &str = "one_shots.onnx";
const SOURCES: &str = "sources.json";
const CLASSIFIER_WEIGHTS: [&str; 2] = ["choice.weight", "choice.bias"];

#[derive(Serialize, Deserialize)]
struct Classifier {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

fn wave_name(drum: Drum, choice: usize) -> String {
    format!("{}_{}.wav", drum.file_stem(), choice + 1)
}

/// Writes the one-shots of `classes` as 32-bit float WAV files, the
/// classifier of `weights` and what both learnt from into `folder`.
///
/// # Errors
/// Failing file operations.
pub fn save_bank(
    folder: &Path,
    classes: &[ClassPrototypes; DRUM_COUNT],
    weights: &Weights,
    sources: &Sources,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (drum, class) in Drum::ALL.into_iter().zip(classes) {
        for (choice, waveform) in class.waveforms.iter().enumerate() {
            write_mono(&folder.join(wave_name(drum, choice)), waveform)?;
        }
    }
    write_file(&folder.join(SOURCES), &serde_json::to_vec(sources)?)?;
    let [weight, bias] = CLASSIFIER_WEIGHTS.map(|name| weights.get(name).values.clone());
    let text = serde_json::to_vec(&Classifier { weight, bias })?;
    write_file(&folder.join(CLASSIFIER), &text)
}

/// The classifier of the bank that `folder` holds, if it holds one.
pub fn bank_in(folder: &Path) -> Option<PathBuf> {
    let path = folder.join(CLASSIFIER);
    path.exists().then_some(path)
}

/// What the bank in `folder` learnt from; older ones do not tell. Of a model its licences tell.
pub fn bank_sources(folder: &Path) -> Option<Sources> {
    if is_model(folder) {
        return Sources::of_weights(folder);
    }
    serde_json::from_slice(&fs::read(folder.join(SOURCES)).ok()?).ok()
}

/// Whether `folder` holds a model rather than a bank.
fn is_model(folder: &Path) -> bool {
    bank_in(folder).is_none() && folder.join(ONE_SHOTS).exists()
}

/// Reads what [`save_bank`] wrote, or the one-shots of the model in `folder`: the one-shots,
/// and the classifier that belongs to them into `weights`.
///
/// # Errors
/// Missing files, or files of another form.
pub fn load_bank(folder: &Path, weights: &mut Weights) -> Result<[ClassPrototypes; DRUM_COUNT]> {
    if is_model(folder) {
        return load_model_bank(&folder.join(ONE_SHOTS), weights);
    }
    let path = folder.join(CLASSIFIER);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let classifier: Classifier =
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    let values = [classifier.weight, classifier.bias];
    for (name, values) in CLASSIFIER_WEIGHTS.into_iter().zip(values) {
        set_classifier(weights, name, values, &path)?;
    }
    let class = |drum: Drum| {
        let waveforms = (0..CHOICE_COUNT).map(|choice| {
            let path = folder.join(wave_name(drum, choice));
            let mut audio = read_audio(&path)?;
            let waveform = audio.channels.swap_remove(0);
            ensure!(
                waveform.len() == one_shot_samples(drum),
                "{}: expected {} samples, found {}",
                path.display(),
                one_shot_samples(drum),
                waveform.len()
            );
            Ok(waveform)
        });
        Ok(ClassPrototypes {
            waveforms: waveforms.collect::<Result<_>>()?,
        })
    };
    all_classes(folder, class)
}

/// Reads the one-shots and the classifier of an exported model: its `one_shots.onnx` at `path`.
fn load_model_bank(path: &Path, weights: &mut Weights) -> Result<[ClassPrototypes; DRUM_COUNT]> {
    let mut found: BTreeMap<String, NamedTensor> = initializers(path)?
        .into_iter()
        .map(|tensor| (tensor.name.clone(), tensor))
        .collect();
    let mut take = |name: &str| {
        let tensor = found.remove(name);
        tensor.with_context(|| format!("{}: expected {name}, found none", path.display()))
    };
    for name in CLASSIFIER_WEIGHTS {
        set_classifier(weights, name, take(name)?.values, path)?;
    }
    all_classes(path, |drum| {
        let tensor = take(drum.file_stem())?;
        let samples = one_shot_samples(drum);
        ensure!(
            tensor.shape == [CHOICE_COUNT, samples],
            "{}: {}: expected {:?}, found {:?}",
            path.display(),
            tensor.name,
            [CHOICE_COUNT, samples],
            tensor.shape
        );
        let waveforms = tensor.values.chunks_exact(samples);
        Ok(ClassPrototypes {
            waveforms: waveforms.map(<[f32]>::to_vec).collect(),
        })
    })
}

/// Puts `values`, which are of the file at `path`, into the tensor `name` of `weights`.
fn set_classifier(weights: &mut Weights, name: &str, values: Vec<f32>, path: &Path) -> Result<()> {
    let index = weights.index_of(name);
    let target = &mut weights.tensors_mut()[index].values;
    ensure!(
        values.len() == target.len(),
        "{}: expected {} values of {name}, found {}",
        path.display(),
        target.len(),
        values.len()
    );
    *target = values;
    Ok(())
}

fn all_classes(
    place: &Path,
    class: impl FnMut(Drum) -> Result<ClassPrototypes>,
) -> Result<[ClassPrototypes; DRUM_COUNT]> {
    let classes: Vec<ClassPrototypes> = Drum::ALL.into_iter().map(class).collect::<Result<_>>()?;
    classes
        .try_into()
        .map_err(|_| anyhow::anyhow!("{}: a class is missing", place.display()))
}
