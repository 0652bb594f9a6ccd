//! What a run achieved.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use idm_engine::drum::GROUP_COUNT;
use serde::{Deserialize, Serialize};

use crate::{
    files::write_file,
    network::{Head, parameter_count},
    training::{Checkpoint, Scores},
};

/// Name of the file that says that a run is finished.
const FILE: &str = "outcome.json";

/// Figures of a finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the run.
    pub name: String,
    /// [`crate::config::Config::hash`] of its settings.
    pub config_hash: String,
    /// Steps done.
    pub steps: u64,
    /// Minutes of training.
    pub minutes: f64,
    /// Onset F-measure, hits of all groups together (50 ms), by [`Head::index`]: what
    /// looking further ahead brings. None where there are no hits.
    pub head_f: [Option<f64>; Head::ALL.len()],
    /// Onset F-measure per group that there are hits of, standard head.
    pub group_f: [Option<f64>; GROUP_COUNT],
    /// Mask error of sounding stems in dB.
    pub mask_db: f64,
    /// Mask level of silent stems in dB.
    pub silent_db: f64,
    /// Seconds of audio learnt from per second.
    pub audio_s_per_s: f64,
    /// Number of weights.
    pub parameters: usize,
}

impl Outcome {
    /// Figures of `checkpoint`, whose validation gave `scores`.
    pub fn new(name: &str, checkpoint: &Checkpoint, scores: &Scores) -> Outcome {
        let standard = &scores.heads[Head::Standard.index()];
        let progress = &checkpoint.progress;
        let data = &checkpoint.config.data;
        let audio_s = progress.step as f64 * data.batch as f64 * data.piece_s;
        Outcome {
            name: name.to_owned(),
            config_hash: checkpoint.config.hash(),
            steps: progress.step,
            minutes: progress.elapsed_s / 60.0,
            head_f: Head::ALL.map(|head| scores.heads[head.index()].pooled_f()),
            group_f: standard.groups.map(|score| score.heard_f()),
            mask_db: scores.distortion_db,
            silent_db: scores.leakage_db,
            audio_s_per_s: audio_s / progress.elapsed_s.max(1e-9),
            parameters: parameter_count(&checkpoint.weights),
        }
    }

    /// The outcome in `folder` if the run there has finished with these
    /// settings.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn finished(folder: &Path, config_hash: &str) -> Result<Option<Outcome>> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let outcome: Outcome = serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged; delete it", path.display()))?;
        Ok((outcome.config_hash == config_hash).then_some(outcome))
    }

    /// Marks the run in `folder` as finished.
    ///
    /// # Errors
    /// Failing file operations.
    pub fn save(&self, folder: &Path) -> Result<()> {
        write_file(&folder.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}
