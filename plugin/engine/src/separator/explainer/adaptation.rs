//! Templates follow the kit that is heard.
//!
//! They begin as those of the one-shot bank; each hit pulls its drum's template
//! towards what the masks gave the drum (online non-negative deconvolution in
//! the manner of Smaragdis 2004, driven by onsets). The masks know more than the
//! model alone: what the network hears trains the model, and hits that repeat
//! average the network's errors out.

use super::{Explainer, MAX_SPECTRAL_VOICES, Prediction, band_sum};
use crate::{drum::DRUM_COUNT, front_end::BAND_COUNT, one_shots::PRE_FRAMES, separator::BandMasks};

/// Share of a frame's power that a drum must have to learn from it.
const LEAST_SHARE: f32 = 0.003;
/// Evidence, in hits, that the bank's template counts for.
const PRIOR_HITS: f32 = 0.5;
/// Slowest rate at which a template follows.
const SLOWEST_RATE: f32 = 0.1;

impl Explainer {
    /// Lets templates learn from frame `frame`, which was predicted as
    /// `prediction` and separated with `masks`. Real-time safe.
    pub fn learn(&mut self, frame: u64, prediction: &Prediction, masks: &BandMasks) {
        let observed = *self.observed(frame);
        let least = LEAST_SHARE * band_sum(&observed);
        let totals: [f32; DRUM_COUNT] =
            std::array::from_fn(|class| band_sum(&prediction.power[class]));
        for slot in 0..MAX_SPECTRAL_VOICES {
            let Some(voice) = self.voices[slot] else {
                continue;
            };
            let class = voice.drum.index();
            if !voice.trusted || voice.choked || voice.gain < 1e-9 || totals[class] < least {
                continue;
            }
            let Some((lower, share)) = self.position(&voice, frame) else {
                continue;
            };
            let predicted = &prediction.power[class];
            if lower == PRE_FRAMES as isize {
                self.evidence[class] += 1.0;
            }
            let hits = self.evidence[class].max(1.0);
            let rate = (1.0 / (PRIOR_HITS + hits)).max(SLOWEST_RATE);
            let mut own = [0.0; BAND_COUNT];
            self.add_voice(&voice, frame, &mut own);
            let mut changes = [0.0; BAND_COUNT];
            for band in 0..BAND_COUNT {
                // This hit's part of what the drum was given of the mixture: a
                // band that is mostly others' tells little.
                let part = own[band] / predicted[band].max(1e-12) * masks[class][band];
                let error = observed[band] * part - own[band];
                changes[band] = rate * part.sqrt() * error / voice.gain;
            }
            let length = self.lengths[class];
            for (index, weight) in [(lower, 1.0 - share), (lower + 1, share)] {
                if let Ok(index) = usize::try_from(index)
                    && index < length
                {
                    for (value, change) in self.templates[class][index].iter_mut().zip(&changes) {
                        *value = (*value + weight * change).max(0.0);
                    }
                }
            }
        }
    }
}
