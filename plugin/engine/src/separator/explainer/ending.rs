//! Sounds that end, and sounds that only go on.
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

/// Bands from here on are bright.
const BRIGHT_HZ: f64 = 5_000.0;
/// First and last frame before an onset that the window does not see it in.
const UNTOUCHED: (u64, u64) = (6, 3);
/// Last frame after it whose power counts.
const STRUCK: u64 = 2;
/// By how much a stroke lifts the bright power: 2 dB.
const LIFT: f32 = 1.6;

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

    /// Whether there is more bright sound at frame `frame` than before it: a hat that was
    /// struck anew, not one that rings on. Real-time safe.
    pub fn brightens(&self, frame: u64) -> bool {
        if frame < UNTOUCHED.0 {
            return true;
        }
        let bright = |frame: u64| -> f32 { self.observed(frame)[self.bright_from..].iter().sum() };
        let count = (UNTOUCHED.0 - UNTOUCHED.1 + 1) as f32;
        let before = (frame - UNTOUCHED.0..=frame - UNTOUCHED.1).map(bright);
        let before = before.sum::<f32>() / count;
        let after = (frame - 1..=self.newest.min(frame + STRUCK)).map(bright);
        // Where a low rate has nothing bright, nothing speaks against a stroke.
        after.fold(0.0, f32::max) >= LIFT * before
    }
}

/// The first bright band.
pub(super) fn bright_from() -> usize {
    let is_dull = |band: &usize| band_centre_hz(*band as f64) < BRIGHT_HZ;
    (0..BAND_COUNT).take_while(is_dull).count()
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
    fn a_hat_that_rings_on_does_not_brighten_and_a_stroke_does() {
        let heard = |powers: &[f32]| {
            let mut explainer = Explainer::new(&bank(200.0));
            for (frame, power) in powers.iter().enumerate() {
                explainer.observe(frame as u64, &[*power; BAND_COUNT]);
            }
            explainer
        };
        let ringing: Vec<f32> = (0..40).map(|n| 0.97_f32.powi(n)).collect();
        assert!(!heard(&ringing).brightens(30));
        let mut struck = ringing;
        for (n, power) in struck[29..].iter_mut().enumerate() {
            *power += 0.5 * 0.97_f32.powi(n as i32);
        }
        assert!(heard(&struck).brightens(30));
        assert!(!heard(&struck).brightens(20));
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
