//! Whose is what sounds before an onset.
//!
//! Windows that reach past an onset give the new drum nearly all they hold. The attack gate
//! takes off its bus what lies before the onset, which can only be what other drums leave
//! ringing there: it is theirs by the masks of the last window that ended before.

use super::BandMasks;
use crate::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::BAND_COUNT,
};

/// Power below which nothing is divided.
const SILENT_POWER: f32 = 1e-12;

/// Share below which a drum gets nothing: one that does not sound stays silent.
const LEAST_SHARE: f32 = 0.02;

/// A frame that has been divided.
#[derive(Debug, Clone)]
struct Frame {
    masks: Box<BandMasks>,
    power: [f32; BAND_COUNT],
}

/// What gates took, and the masks of earlier frames. Real-time safe after construction.
#[derive(Debug)]
pub struct EarlierShares {
    /// The last frames, as many as a window has hops.
    frames: Vec<Frame>,
    oldest: usize,
    /// Per drum and channel: what its gate has taken of the hop that is made.
    taken: Vec<[Vec<f32>; 2]>,
    is_taken: [bool; DRUM_COUNT],
}

impl EarlierShares {
    /// For windows of `window_hops` hops. Allocates.
    pub fn new(hop_samples: usize, window_hops: usize) -> EarlierShares {
        let silence = Frame {
            masks: Box::new([[0.0; BAND_COUNT]; STEM_COUNT]),
            power: [0.0; BAND_COUNT],
        };
        EarlierShares {
            frames: vec![silence; window_hops],
            oldest: 0,
            taken: (0..DRUM_COUNT)
                .map(|_| [vec![0.0; hop_samples], vec![0.0; hop_samples]])
                .collect(),
            is_taken: [false; DRUM_COUNT],
        }
    }

    /// Nothing was heard. Real-time safe.
    pub fn reset(&mut self) {
        for frame in &mut self.frames {
            frame.power = [0.0; BAND_COUNT];
        }
        for taken in self.taken.iter_mut().flatten() {
            taken.fill(0.0);
        }
        self.is_taken = [false; DRUM_COUNT];
    }

    /// Where the gate of `drum` puts what it takes, and whether it took anything.
    /// Real-time safe.
    pub fn taken(&mut self, drum: usize) -> (&mut [Vec<f32>; 2], &mut bool) {
        (&mut self.taken[drum], &mut self.is_taken[drum])
    }

    /// Adds what was taken of the frame with `masks` and `power` to the drums of `making`
    /// that it belongs to, and keeps the frame for later. Real-time safe.
    pub fn give_back(
        &mut self,
        masks: &BandMasks,
        power: &[f32; BAND_COUNT],
        making: &mut [[Vec<f32>; 2]],
    ) {
        let before = &self.frames[self.oldest];
        for (drum, mask) in masks.iter().enumerate().take(DRUM_COUNT) {
            if !std::mem::take(&mut self.is_taken[drum]) {
                continue;
            }
            let shares = shares(drum, mask, before);
            for (channel, taken) in self.taken[drum].iter_mut().enumerate() {
                for (share, making) in shares.iter().zip(making.iter_mut()) {
                    if *share > 0.0 {
                        for (out, taken) in making[channel].iter_mut().zip(taken.iter()) {
                            *out += share * taken;
                        }
                    }
                }
                taken.fill(0.0);
            }
        }
        let frame = &mut self.frames[self.oldest];
        frame.masks.copy_from_slice(masks);
        frame.power = *power;
        self.oldest = (self.oldest + 1) % self.frames.len();
    }
}

/// Shares of the other drums in what a drum with this `mask` has of the frame `before` its
/// onset; the rest is the residual's.
fn shares(drum: usize, mask: &[f32; BAND_COUNT], before: &Frame) -> [f32; DRUM_COUNT] {
    let mut shares = [0.0; DRUM_COUNT];
    let mut whole = 0.0;
    for band in 0..BAND_COUNT {
        let power = mask[band] * mask[band] * before.power[band];
        whole += power;
        for (share, masks) in shares.iter_mut().zip(before.masks.iter()) {
            *share += power * masks[band];
        }
    }
    shares[drum] = 0.0;
    if whole <= SILENT_POWER {
        return [0.0; DRUM_COUNT];
    }
    shares.map(|share| match share / whole {
        share if share < LEAST_SHARE => 0.0,
        share => share.min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drum::RESIDUAL;

    /// Masks of a tom in the lows and a residual above them, or of a kick everywhere.
    fn masks(of_the_kick: f32) -> BandMasks {
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        masks[0] = [of_the_kick; BAND_COUNT];
        masks[4][..20].fill(0.9 * (1.0 - of_the_kick));
        masks[5] = [1e-3; BAND_COUNT];
        masks[RESIDUAL][..20].fill(0.1 * (1.0 - of_the_kick));
        masks[RESIDUAL][20..].fill(1.0 - of_the_kick);
        masks
    }

    fn making() -> Vec<[Vec<f32>; 2]> {
        vec![[vec![0.0; 8], vec![0.0; 8]]; STEM_COUNT]
    }

    #[test]
    fn what_sounds_before_a_kick_goes_to_the_tom_that_rings() {
        let mut earlier = EarlierShares::new(8, 4);
        let mut power = [1e-6; BAND_COUNT];
        power[..20].fill(1.0);
        for _ in 0..4 {
            earlier.give_back(&masks(0.0), &power, &mut making());
        }
        // Windows that reach past the onset are the kick's.
        for _ in 0..4 {
            let (taken, is_taken) = earlier.taken(0);
            taken[0].fill(0.5);
            taken[1].fill(-0.25);
            *is_taken = true;
            let mut making = making();
            earlier.give_back(&masks(1.0), &power, &mut making);
            assert!((making[4][0][3] - 0.45).abs() < 2e-3, "{:?}", making[4]);
            assert!((making[4][1][3] + 0.225).abs() < 2e-3);
            for silent in [0, 5] {
                assert!(making[silent][0].iter().all(|&sample| sample == 0.0));
            }
        }
        // Now the window before is the kick's own: its smear is nobody's.
        let (taken, is_taken) = earlier.taken(0);
        taken[0].fill(0.5);
        *is_taken = true;
        let mut making = making();
        earlier.give_back(&masks(1.0), &power, &mut making);
        assert!(
            making
                .iter()
                .flatten()
                .flatten()
                .all(|&sample| sample == 0.0)
        );
    }

    #[test]
    fn nothing_is_left_over_after_a_reset() {
        let mut earlier = EarlierShares::new(8, 2);
        let (taken, is_taken) = earlier.taken(3);
        taken[0].fill(1.0);
        *is_taken = true;
        earlier.reset();
        let mut making = making();
        earlier.give_back(&masks(0.0), &[1.0; BAND_COUNT], &mut making);
        assert!(
            making
                .iter()
                .flatten()
                .flatten()
                .all(|&sample| sample == 0.0)
        );
    }
}
