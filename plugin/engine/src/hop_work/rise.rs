//! What a hit adds to the mixture around its onset.

use super::HopWork;
use crate::{
    drum::Drum,
    front_end::BAND_COUNT,
    one_shots::{LEVEL_FRAMES, PRE_FRAMES},
};

/// Frames before those around an onset from which on none of it is seen.
const BEFORE_FRAMES: i64 = 2;
/// How much of what sounded before rings on: an acoustic drum's sound does, that of a drum
/// machine is often cut off by the next hit.
const RINGS_ON: f32 = 0.5;
/// Share of the power around an onset that at least belongs to it.
const LEAST_RISE: f32 = 0.05;

/// The first frames of a hit, which are its own, and how much more power than they lead one to
/// expect says that another drum has joined in (8 dB), or that none has yet (3 dB).
const FIRST_FRAMES: usize = PRE_FRAMES + 1;
const JOINED: f32 = 6.0;
const ALONE: f32 = 2.0;
/// How much louder than the drum's other hits it has to be as a whole for that (6 dB), and how
/// much of its power may be another's at most (20 dB).
const ABOVE_USUAL: f32 = 2.0;
const MOST_JOINED: f32 = 100.0;

impl HopWork {
    /// What the hit of `drum` at this onset adds to the mixture's power around it, without
    /// what sounded before and rings on. The drum's own shape tells where another drum joins
    /// in that the masks of the onset know nothing of; there it ends. If it is no louder than
    /// `usual`, none has, and the hit was announced early.
    pub(super) fn rise_around(
        &self,
        drum: Drum,
        onset_sample: u64,
        mask: &[f32; BAND_COUNT],
        usual: Option<f32>,
    ) -> Rise {
        let newest = self.hops as i64 - 1;
        let first = self.framing.frame_at(onset_sample) as i64 - PRE_FRAMES as i64;
        let observed = |frame: i64| {
            let frame = u64::try_from(frame).ok();
            frame.map(|frame| self.explainer.observed(frame))
        };
        let silence = [0.0; BAND_COUNT];
        let before = observed(first - BEFORE_FRAMES).unwrap_or(&silence);
        let expected = self.explainer.shape::<LEVEL_FRAMES>(drum);
        let count = (newest + 1 - first).clamp(0, LEVEL_FRAMES as i64) as usize;
        let mut rises = [Rise::default(); LEVEL_FRAMES];
        let (mut sum, mut least) = (silence, f32::INFINITY);
        for (index, rise) in rises.iter_mut().enumerate().take(count) {
            if let Some(power) = observed(first + index as i64) {
                let sums = sum.iter_mut().zip(power);
                sums.for_each(|(sum, power)| *sum += power);
            }
            rise.frames = index + 1;
            for ((rise, sum), before) in rise.power.iter_mut().zip(&sum).zip(before) {
                *rise = (sum - RINGS_ON * before * (index + 1) as f32).max(LEAST_RISE * sum);
            }
            rise.ratio = rise.own(mask) / expected[index].max(1e-20);
            if rise.frames >= FIRST_FRAMES {
                least = least.min(rise.ratio);
            }
        }
        let rises = &rises[..count];
        let whole = rises.last().copied().unwrap_or_default();
        let is_usual = usual.is_some_and(|level| whole.own(mask).sqrt() <= ABOVE_USUAL * level);
        if whole.ratio <= JOINED * least || is_usual {
            return whole;
        }
        let alone = rises.iter().skip(FIRST_FRAMES - 1);
        let alone = alone.take_while(|rise| rise.ratio <= ALONE * least).last();
        match alone.copied() {
            Some(mut rise) if rise.ratio * MOST_JOINED >= whole.ratio => {
                rise.rest = expected[count - 1] / expected[rise.frames - 1].max(1e-20);
                rise
            }
            // Next to nothing is there yet: it may have been announced early.
            _ => Rise {
                power: whole.power.map(|power| power / MOST_JOINED),
                ..whole
            },
        }
    }
}

/// What a hit adds to the mixture around its onset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rise {
    /// Power per band, summed over frames.
    pub power: [f32; BAND_COUNT],
    /// How many of them.
    pub frames: usize,
    /// Power of the drum relative to what its sound has there.
    ratio: f32,
    /// Factor to the power of all frames, where these are fewer.
    pub rest: f32,
}

impl Default for Rise {
    fn default() -> Rise {
        Rise {
            power: [0.0; BAND_COUNT],
            frames: 1,
            ratio: 0.0,
            rest: 1.0,
        }
    }
}

impl Rise {
    /// Power of the drum that has `mask`.
    pub fn own(&self, mask: &[f32; BAND_COUNT]) -> f32 {
        self.power.iter().zip(mask).map(|(p, m)| p * m * m).sum()
    }
}
