//! Sounds that end.
//!
//! A boom that is cut off spreads over all bands for a moment, as a kick does; but it leaves
//! less low sound than there was before, and a kick more.

use super::Explainer;
use crate::front_end::{BAND_COUNT, band_centre_hz};

/// Bands up to here are low.
const LOW_HZ: f64 = 250.0;
/// Frames before an onset, but for the last, in which the sound rang.
const BEFORE: u64 = 10;
/// First and last frame after it of which the window does not see the sound any more.
const AFTER: (u64, u64) = (3, 10);
/// Share of the low power that is left where a sound ended: −10 dB.
const LEFT: f32 = 0.1;

impl Explainer {
    /// Whether low sound that rang steadily until frame `frame` ended there, as far as is
    /// known: what was taken for the onset of a kick is none. Real-time safe.
    pub fn has_ended(&self, frame: u64) -> bool {
        let last = self.newest.min(frame + AFTER.1);
        if frame < BEFORE || last < frame + AFTER.0 {
            return false;
        }
        let low = |frame: u64| -> f32 { self.observed(frame)[..self.low_bands].iter().sum() };
        let before = (frame - BEFORE..frame - 1).map(low);
        let least = before.fold(f32::INFINITY, f32::min);
        let count = (last + 1 - frame - AFTER.0) as f32;
        let after = (frame + AFTER.0..=last).map(low).sum::<f32>() / count;
        after < LEFT * least
    }
}

/// How many bands are low.
pub(super) fn low_bands() -> usize {
    let is_low = |band: &usize| band_centre_hz(*band as f64) < LOW_HZ;
    (0..BAND_COUNT).take_while(is_low).count()
}

#[cfg(test)]
mod tests {
    use super::super::tests::bank;
    use super::*;

    /// Frames of which the low bands have these powers.
    fn heard(powers: &[f32]) -> Explainer {
        let mut explainer = Explainer::new(&bank(200.0));
        for (frame, power) in powers.iter().enumerate() {
            let mut bands = [1e-6; BAND_COUNT];
            bands[..4].fill(*power);
            explainer.observe(frame as u64, &bands);
        }
        explainer
    }

    #[test]
    fn a_boom_that_is_cut_off_ends_and_a_kick_does_not() {
        let cut: Vec<f32> = (0..40).map(|n| if n < 20 { 1.0 } else { 0.01 }).collect();
        assert!(heard(&cut).has_ended(19));
        let kick: Vec<f32> = (0..40).map(|n| if n < 19 { 0.01 } else { 1.0 }).collect();
        assert!(!heard(&kick).has_ended(19));
        // A second kick, softer, soon after the first.
        let twice = |n: i32| match n {
            ..14 => 1e-6,
            14..18 => 0.6_f32.powi(n - 14),
            _ => 0.1 * 0.8_f32.powi(n - 18),
        };
        assert!(!heard(&(0..40).map(twice).collect::<Vec<_>>()).has_ended(18));
        // Nothing is known yet of what comes after, or before.
        assert!(!heard(&cut[..21]).has_ended(19));
        assert!(!heard(&cut[15..]).has_ended(4));
    }
}
