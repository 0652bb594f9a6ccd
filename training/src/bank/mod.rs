//! The one-shot bank: several learnt one-shots per class, of which the kit
//! embedding chooses one.

mod choice;
mod cluster;
mod files;
mod learn;
mod procedural;
mod shaping;

pub use choice::{ChoiceExample, choose, train_choice};
pub use cluster::cluster;
pub use files::{bank_in, bank_sources, load_bank, save_bank};
pub use learn::{Bank, ChoiceReport, learn_bank, learn_choice};
pub use procedural::procedural_bank;
pub use shaping::Shaper;

use idm_engine::drum::Drum;

use crate::one_shot::one_shot_samples;

/// Makes `audio` fit for the bank: begins at its onset, lasts exactly as long
/// as its class, ends in silence, peaks at 1 at most. Allocates.
pub fn fit(drum: Drum, audio: &[f32], onset_samples: usize) -> Vec<f32> {
    /// Fade at the end of a sound that is cut.
    const FADE: usize = 4_410;
    let length = one_shot_samples(drum);
    let mut fitted: Vec<f32> = audio
        .iter()
        .skip(onset_samples)
        .take(length)
        .copied()
        .collect();
    let cut = audio.len() - onset_samples.min(audio.len()) > length;
    if cut {
        let start = fitted.len() - FADE.min(fitted.len());
        for (n, sample) in fitted[start..].iter_mut().enumerate() {
            *sample *= 1.0 - n as f32 / FADE as f32;
        }
    }
    fitted.resize(length, 0.0);
    let peak = fitted
        .iter()
        .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak > 0.0 {
        let gain = 0.98 / peak;
        fitted.iter_mut().for_each(|sample| *sample *= gain);
    }
    fitted
}
