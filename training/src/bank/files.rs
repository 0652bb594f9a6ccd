//! A learnt bank on disk: WAV files to listen to, and the classifier.

use std::{
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
    network::{CHOICE_COUNT, Weights},
    one_shot::one_shot_samples,
    training::Sources,
};

const CLASSIFIER: &str = "choice.json";
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

/// What the bank in `folder` learnt from; older ones do not tell.
pub fn bank_sources(folder: &Path) -> Option<Sources> {
    serde_json::from_slice(&fs::read(folder.join(SOURCES)).ok()?).ok()
}

/// Reads what [`save_bank`] wrote: the one-shots, and the classifier into
/// `weights`.
///
/// # Errors
/// Missing files, or files of another form.
pub fn load_bank(folder: &Path, weights: &mut Weights) -> Result<[ClassPrototypes; DRUM_COUNT]> {
    let path = folder.join(CLASSIFIER);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let classifier: Classifier =
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    for (name, values) in CLASSIFIER_WEIGHTS
        .into_iter()
        .zip([classifier.weight, classifier.bias])
    {
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
    }
    let mut classes = Vec::new();
    for drum in Drum::ALL {
        let mut waveforms = Vec::new();
        for choice in 0..CHOICE_COUNT {
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
            waveforms.push(waveform);
        }
        classes.push(ClassPrototypes { waveforms });
    }
    classes
        .try_into()
        .map_err(|_| anyhow::anyhow!("{}: a class is missing", folder.display()))
}
