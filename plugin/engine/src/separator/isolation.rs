//! How hard each drum keeps the others out: the user's trade between bleed and ducking,
//! drum by drum.
//!
//! A share that is small is most likely another drum's. Raised to a power above 1 it
//! nearly vanishes, while a share near 1 hardly changes: bleed goes, and with it the
//! drum's own sound wherever others are louder. A power below 1 keeps both.

use super::BandMasks;
use crate::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::BAND_COUNT,
};

/// Powers of the shares at the ends of the range. Below 1 a drum that does not sound
/// would soon be heard.
const MOST_BLEED: f32 = 2.0 / 3.0;
const MOST_DUCKING: f32 = 3.0;

/// The masks that are played, where a user wants others than those that are heard. Hits,
/// templates, places and what is sure of a one-shot go by what is heard; the sound that is learnt
/// is what is played. Real-time safe after construction.
#[derive(Debug)]
pub struct Isolation {
    powers: [f32; DRUM_COUNT],
    masks: Box<BandMasks>,
    /// Whether they are those of the newest frame.
    is_used: bool,
}

impl Default for Isolation {
    /// Leaves all as it is. Allocates.
    fn default() -> Self {
        Isolation {
            powers: [1.0; DRUM_COUNT],
            masks: Box::new([[0.0; BAND_COUNT]; STEM_COUNT]),
            is_used: false,
        }
    }
}

impl Isolation {
    /// Sets how hard each drum keeps the others out, −1 (much bleed) to 1 (much ducking);
    /// 0 leaves it as it is. Real-time safe.
    pub fn set(&mut self, isolations: [f32; DRUM_COUNT]) {
        self.powers = isolations.map(|isolation| {
            let end = if isolation < 0.0 {
                MOST_BLEED
            } else {
                MOST_DUCKING
            };
            1.0 + isolation.abs() * (end - 1.0)
        });
    }

    /// Takes the `heard` masks of a frame, which sum to 1: what a drum gains or loses is
    /// the other stems', in proportion to their shares. True if others are to be played.
    /// Real-time safe.
    pub fn apply(&mut self, heard: &BandMasks) -> bool {
        self.is_used = self.powers.iter().any(|&power| power != 1.0);
        if !self.is_used {
            return false;
        }
        self.masks.copy_from_slice(heard);
        for (mask, &power) in self.masks.iter_mut().zip(&self.powers) {
            if power != 1.0 {
                for share in mask {
                    *share = share.max(0.0).powf(power);
                }
            }
        }
        let mut sum = [0.0; BAND_COUNT];
        for mask in self.masks.iter() {
            for (sum, share) in sum.iter_mut().zip(mask) {
                *sum += share;
            }
        }
        for mask in self.masks.iter_mut() {
            for (share, sum) in mask.iter_mut().zip(&sum) {
                *share /= sum.max(f32::MIN_POSITIVE);
            }
        }
        true
    }

    /// The masks to play: those that [`Isolation::apply`] made of the `heard` ones, or
    /// these. Real-time safe.
    pub fn played<'a>(&'a self, heard: &'a BandMasks) -> &'a BandMasks {
        if self.is_used { &self.masks } else { heard }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drum::{Drum, RESIDUAL};

    /// Masks of a snare with `share`, a closed hat and a residual that share the rest.
    fn masks(share: f32) -> BandMasks {
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        masks[Drum::Snare.index()] = [share; BAND_COUNT];
        masks[Drum::ClosedHat.index()] = [0.75 * (1.0 - share); BAND_COUNT];
        masks[RESIDUAL] = [0.25 * (1.0 - share); BAND_COUNT];
        masks
    }

    fn isolated(share: f32, isolation: f32) -> BandMasks {
        let mut isolations = [0.0; DRUM_COUNT];
        isolations[Drum::Snare.index()] = isolation;
        let mut isolate = Isolation::default();
        isolate.set(isolations);
        let heard = masks(share);
        assert_eq!(isolate.apply(&heard), isolation != 0.0);
        let played = *isolate.played(&heard);
        for band in 0..BAND_COUNT {
            let sum: f32 = played.iter().map(|mask| mask[band]).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }
        played
    }

    #[test]
    fn more_of_it_takes_what_others_have_and_leaves_what_is_the_drums_own() {
        let snare = |share, isolation| isolated(share, isolation)[Drum::Snare.index()][9];
        assert!(snare(0.1, 1.0) < 0.002);
        assert!(snare(0.95, 1.0) > 0.93);
        let mut before = 0.0;
        for isolation in [1.0, 0.5, 0.1, 0.0, -0.1, -0.5, -1.0] {
            let now = snare(0.3, isolation);
            assert!(now > before, "{isolation}: {now} after {before}");
            before = now;
        }
        assert!((snare(0.3, 0.0) - 0.3).abs() < 1e-6);
    }

    #[test]
    fn the_others_share_it_in_proportion() {
        for isolation in [-1.0, 1.0] {
            let masks = isolated(0.4, isolation);
            let ratio = masks[Drum::ClosedHat.index()][3] / masks[RESIDUAL][3];
            assert!((ratio - 3.0).abs() < 1e-3, "{ratio}");
        }
    }

    #[test]
    fn a_change_waits_for_the_next_frame() {
        let (old, new) = (masks(0.2), masks(0.6));
        let mut isolate = Isolation::default();
        isolate.apply(&old);
        isolate.set([1.0; DRUM_COUNT]);
        assert_eq!(*isolate.played(&old), old);
        isolate.apply(&new);
        isolate.set([0.0; DRUM_COUNT]);
        assert_ne!(*isolate.played(&new), new);
    }

    #[test]
    fn what_is_silent_stays_silent_and_what_is_alone_stays_whole() {
        for isolation in [-1.0, 1.0] {
            assert_eq!(isolated(0.0, isolation)[Drum::Snare.index()][5], 0.0);
            assert_eq!(isolated(1.0, isolation)[Drum::Snare.index()][5], 1.0);
        }
    }
}
