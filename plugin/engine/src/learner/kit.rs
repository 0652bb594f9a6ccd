//! What was learnt of a kit.

use std::sync::Arc;

use crate::{
    audio_file::{self, AudioBuffer},
    drum::Drum,
    one_shots::{OneShot, OneShotError},
};

/// Steps from silence to the highest peak of a learnt one-shot. Of 14 bit,
/// nothing is heard: the noise lies 80 dB below the drum's loudest moment.
const STEPS: f32 = 8_191.0;
/// Highest sample rate of a learnt one-shot; above it nothing is heard.
const HIGHEST_RATE_HZ: f64 = 50_000.0;

/// One velocity layer of a learnt drum.
#[derive(Debug, Clone, PartialEq)]
pub struct LearntLayer {
    /// Highest velocity that it stands for, 0 to 1.
    pub top_velocity: f32,
    /// The sound, at the level of a hit of velocity 1.
    pub one_shot: Arc<OneShot>,
}

/// What was learnt of one drum.
#[derive(Debug, Clone, PartialEq)]
pub struct LearntDrum {
    /// The drum.
    pub drum: Drum,
    /// From soft to loud; never none.
    pub layers: Vec<LearntLayer>,
    /// Hits that went into them.
    pub hits: u32,
    /// 0 to 1: how many hits, how clear and how alike.
    pub confidence: f32,
}

/// What was learnt of a kit: one entry per drum that was heard well enough.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LearntKit {
    /// In the frozen order of classes.
    pub drums: Vec<LearntDrum>,
    /// The network's description of the kit, which chooses the sounds of the
    /// drums that were not heard; empty for the model's default.
    pub embedding: Vec<f32>,
}

impl LearntKit {
    /// What was learnt of `drum`.
    pub fn drum(&self, drum: Drum) -> Option<&LearntDrum> {
        self.drums.iter().find(|learnt| learnt.drum == drum)
    }

    /// Whether nothing was learnt.
    pub fn is_empty(&self) -> bool {
        self.drums.is_empty() && self.embedding.is_empty()
    }
}

/// Step of the grid on which a sound with this peak is kept: a power of
/// two, so that whole numbers of steps are exact.
pub fn step_for(peak: f32) -> f32 {
    (peak.max(1e-9) / STEPS).log2().ceil().exp2()
}

/// The sound in the form in which it is kept: trimmed, mono if both channels
/// agree, no faster than needed, and on a grid of 14 bit, so that saving it
/// loses nothing. Allocates.
///
/// # Errors
/// A sound that cannot be resampled.
pub fn as_kept(one_shot: &OneShot) -> Result<OneShot, OneShotError> {
    let mut audio = AudioBuffer {
        sample_rate_hz: one_shot.sample_rate_hz(),
        channels: one_shot.trimmed().channels().to_vec(),
    };
    let peak = one_shot.peak();
    if let [left, right] = audio.channels.as_slice() {
        let differs = |(l, r): (&f32, &f32)| (l - r).abs() > peak / STEPS;
        if !left.iter().zip(right).any(differs) {
            audio.channels.pop();
        }
    }
    if audio.sample_rate_hz > HIGHEST_RATE_HZ {
        let factor = (audio.sample_rate_hz / 44_100.0).floor().max(1.0);
        let mut rate_hz = audio.sample_rate_hz / factor;
        if rate_hz > HIGHEST_RATE_HZ {
            // No whole fraction of it suits.
            rate_hz = 48_000.0;
        }
        audio = audio_file::resample(&audio, rate_hz).map_err(|_| OneShotError::SampleRate {
            found_hz: audio.sample_rate_hz,
        })?;
    }
    let step = step_for(audio.peak());
    for sample in audio.channels.iter_mut().flatten() {
        *sample = (*sample / step).round() * step;
    }
    let kept = OneShot::new(audio.sample_rate_hz, audio.channels)?;
    Ok(kept.with_lead(one_shot.lead_s()))
}
