//! Takes, aligned with what is known of their drum and analysed.

use super::{
    Outcome, WaveformLearner,
    spectra::{before_missed_hit, early_power, truncate},
};
use crate::{
    learner::{
        Take,
        alignment::{best_shift, compared_samples, shifted},
        average::Spectrogram,
    },
    one_shots::attack,
};

/// Shortest take that is learnt from.
const SHORTEST_S: f64 = 0.035;
/// Sound before the attack that belongs to a one-shot.
pub const LEAD_S: f64 = 0.0007;
/// Least share of the sound of a take that the masks must have been sure of.
const LEAST_PURITY: f32 = 0.35;
/// Level before the attack, relative to it, from which a hit is refused: the
/// drum still rings from the hit before.
const LOUDEST_BEFORE: f32 = 0.5;

/// A take, ready to be added.
pub(super) struct Hit {
    pub spectrogram: Spectrogram,
    pub attack: Vec<f32>,
    pub level: f32,
    /// How long it begins before its announced onset.
    pub lead_s: f64,
    pub purity: f32,
    pub ringing: f32,
}

impl WaveformLearner {
    /// Aligns and analyses a take.
    pub(super) fn prepare(&mut self, take: &Take) -> Result<Hit, Outcome> {
        let drum = take.start.drum;
        let [left, right] = &take.channels;
        let mono: Vec<f32> = left.iter().zip(right).map(|(l, r)| l + r).collect();
        let onset = (take.start.onset_samples as usize).min(mono.len());
        let start = attack(&mono, onset, self.rate_hz);
        if ((mono.len() - start) as f64) < SHORTEST_S * self.rate_hz {
            return Err(Outcome::TooShort);
        }
        let before = rms_peak(&mono[..start], self.rate_hz);
        let early = (0.02 * self.rate_hz) as usize;
        let after = rms_peak(&mono[start..(start + early).min(mono.len())], self.rate_hz);
        let ringing = before / after.max(1e-12);
        if ringing > LOUDEST_BEFORE {
            return Err(Outcome::StillRinging);
        }
        let lead = LEAD_S * self.rate_hz;
        let mut start = (start as f64 - lead).max(0.0);
        let class = &self.classes[drum.index()];
        if !class.reference.is_empty() {
            let (shift, likeness) = best_shift(&mono, start, &class.reference, self.rate_hz);
            if likeness > 0.3 {
                start = (start + shift).max(0.0);
            }
        }
        let longest = (drum.longest_s() * self.rate_hz) as usize;
        let length = (mono.len() - start.ceil() as usize).min(longest);
        let mut aligned = [left, right].map(|channel| shifted(channel, start, length));
        for samples in &mut aligned {
            for (n, sample) in samples.iter_mut().take(lead as usize).enumerate() {
                *sample *= n as f32 / lead as f32;
            }
        }
        let frames = self.grid.whole_frames(length);
        let [left, right] = &aligned;
        let mut spectrogram = Spectrogram::of(&mut self.grid, [left, right], frames);
        for (frame, masks) in spectrogram.masks.iter_mut().enumerate() {
            let moment = start + (frame * self.grid.step()) as f64;
            if let Some(mask) = take.mask_at(moment) {
                *masks = *mask;
            }
        }
        let frames = before_missed_hit(&spectrogram);
        truncate(&mut spectrogram, frames, self.grid.bins());
        let (power, sure) = early_power(&spectrogram);
        let purity = sure / power.max(1e-20);
        if frames < 2 || power < 1e-12 || purity < LEAST_PURITY {
            return Err(Outcome::Covered);
        }
        let level = power.sqrt();
        spectrogram.scale(1.0 / level);
        let attack = aligned[0].iter().zip(&aligned[1]);
        Ok(Hit {
            attack: attack
                .take(compared_samples(self.rate_hz))
                .map(|(l, r)| (l + r) / level)
                .collect(),
            spectrogram,
            level,
            lead_s: (f64::from(take.start.onset_samples) - start) / self.rate_hz,
            purity,
            ringing,
        })
    }
}

/// Highest RMS of 2 ms.
fn rms_peak(samples: &[f32], rate_hz: f64) -> f32 {
    let span = ((0.002 * rate_hz) as usize).max(1);
    let mean = |part: &[f32]| part.iter().map(|x| x * x).sum::<f32>() / span as f32;
    samples.chunks(span).map(mean).fold(0.0, f32::max).sqrt()
}
