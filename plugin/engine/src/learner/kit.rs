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

    /// Takes the drums out that are not played after all, and gives them: what was taken for
    /// one at first is not, once the kit is known.
    pub fn take_unplayed(&mut self, is_played: impl Fn(Drum) -> bool) -> Vec<LearntDrum> {
        let drums = &mut self.drums;
        drums
            .extract_if(.., |learnt| !is_played(learnt.drum))
            .collect()
    }

    /// This kit with the drums that only `other` has.
    pub fn completed_by(mut self, other: &LearntKit) -> LearntKit {
        let missing = other
            .drums
            .iter()
            .filter(|learnt| self.drum(learnt.drum).is_none());
        let missing: Vec<LearntDrum> = missing.cloned().collect();
        self.drums.extend(missing);
        self.drums.sort_by_key(|learnt| learnt.drum.index());
        if self.embedding.is_empty() {
            self.embedding.clone_from(&other.embedding);
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kit(drums: &[(Drum, u32)], embedding: &[f32]) -> LearntKit {
        let drums = drums.iter().map(|(drum, hits)| LearntDrum {
            drum: *drum,
            layers: vec![],
            hits: *hits,
            confidence: 0.5,
        });
        LearntKit {
            drums: drums.collect(),
            embedding: embedding.to_vec(),
        }
    }

    #[test]
    fn a_kit_is_completed_in_the_frozen_order_and_keeps_its_own() {
        let before = kit(
            &[(Drum::Kick, 1), (Drum::Snare, 2), (Drum::Ride, 3)],
            &[1.0],
        );
        let new = kit(&[(Drum::Snare, 20), (Drum::Crash, 4)], &[2.0]);
        let both = new.clone().completed_by(&before);
        let expected = [
            (Drum::Kick, 1),
            (Drum::Snare, 20),
            (Drum::Crash, 4),
            (Drum::Ride, 3),
        ];
        assert_eq!(both, kit(&expected, &[2.0]));
        assert_eq!(new.clone().completed_by(&LearntKit::default()), new);
        assert_eq!(kit(&[], &[]).completed_by(&before), before);
        let mut played = both;
        let unplayed = played.take_unplayed(|drum| drum != Drum::Crash);
        assert_eq!(unplayed, kit(&[(Drum::Crash, 4)], &[]).drums);
        assert_eq!(played.drums.len(), 3);
    }
}
