//! A sample of a kit, before and after it is decoded.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use idm_engine::audio_file;

use super::{SAMPLE_RATE_HZ, Sample, Sound, Split};
use crate::audio::read_audio;

/// Velocity of hits that do not tell theirs.
pub(super) const UNKNOWN_VELOCITY: f32 = 100.0;
/// Level, relative to the peak, at which an unlabelled hit begins.
const ONSET_THRESHOLD: f32 = 0.05;

/// A sample of a kit that is not decoded yet.
#[derive(Debug)]
pub(super) struct Entry {
    /// Name of the kit.
    pub(super) kit: String,
    /// What kind of drums it has, if that is known.
    pub(super) kind: String,
    /// Side of the training/validation border.
    pub(super) split: Split,
    /// What it is a sample of.
    pub(super) sound: Sound,
    /// The audio file.
    pub(super) path: PathBuf,
    /// How hard it was played, 0..127.
    pub(super) velocity: f32,
    /// Where the hit begins, if known.
    pub(super) onset_ms: Option<f32>,
    /// Whether it is a drum of its own beside others of its sound.
    pub(super) is_alternate: bool,
}

impl Entry {
    /// The sample. Allocates.
    ///
    /// # Errors
    /// A file that cannot be decoded or holds what is no number, or an onset outside it.
    pub(super) fn decode(&self) -> Result<Sample> {
        let buffer = read_audio(&self.path)?;
        let buffer = if buffer.sample_rate_hz == SAMPLE_RATE_HZ {
            buffer
        } else {
            audio_file::resample(&buffer, SAMPLE_RATE_HZ)
                .with_context(|| format!("{}", self.path.display()))?
        };
        let scale = 1.0 / buffer.channels.len().max(1) as f32;
        let audio: Vec<f32> = (0..buffer.frames())
            .map(|frame| scale * buffer.channels.iter().map(|c| c[frame]).sum::<f32>())
            .collect();
        let onset = match self.onset_ms {
            Some(onset_ms) => {
                let length_ms = 1000.0 * audio.len() as f64 / SAMPLE_RATE_HZ;
                ensure!(
                    f64::from(onset_ms) <= length_ms,
                    "{}: onset_ms: expected one within the file, which has {length_ms:.1} ms, \
                     found {onset_ms}",
                    self.path.display()
                );
                onset_ms * (SAMPLE_RATE_HZ / 1000.0) as f32
            }
            None => {
                let threshold =
                    ONSET_THRESHOLD * audio.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
                audio.iter().position(|s| s.abs() > threshold).unwrap_or(0) as f32
            }
        };
        Ok(Sample {
            onset: onset.min(audio.len() as f32),
            audio: audio.into(),
            velocity: (self.velocity / 127.0).clamp(0.0, 1.0),
            is_alternate: self.is_alternate,
        })
    }
}
