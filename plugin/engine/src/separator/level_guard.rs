//! What a hit's level cannot be: far more than how hard it sounds to have been played.

use crate::{
    drum::{DRUM_COUNT, Drum},
    transcriber::VELOCITY_CURVE,
};

/// Hits over which the mean is taken.
const MOST_HITS: f32 = 16.0;
/// Hits from which on it is believed.
const ENOUGH_HITS: f32 = 2.0;
/// Logarithm of how much louder than that a hit may be: 12 dB.
const MOST_ABOVE: f32 = 1.4;
/// How much less than softer hits louder ones move the mean: mistakes are loud.
const RELUCTANCE: f32 = 0.5;
/// Hits in a row after which it is the mean that was wrong.
const MOST_LIMITED: u32 = 4;
/// Velocity below which hits are as loud as with it.
const LEAST_VELOCITY: f32 = 0.1;

/// Limits levels, per drum: another drum that is struck a few milliseconds later can be taken
/// for the drum's own power. Real-time safe.
#[derive(Debug, Clone, Default)]
pub struct LevelGuard {
    /// Mean logarithm of the level of a hit of full velocity, and hits that it is of.
    means: [(f32, f32); DRUM_COUNT],
    /// Hits in a row that were limited.
    limited: [u32; DRUM_COUNT],
}

impl LevelGuard {
    /// Forgets all hits. Real-time safe.
    pub fn reset(&mut self) {
        *self = LevelGuard::default();
    }

    /// Level of a hit of `drum` that the network takes for one of this velocity, as its hits
    /// usually are; none if that is not known. Real-time safe.
    pub fn usual(&self, drum: Drum, velocity: f32) -> Option<f32> {
        let (mean, hits) = self.means[drum.index()];
        let full = mean + velocity.max(LEAST_VELOCITY).ln() / VELOCITY_CURVE;
        (hits >= ENOUGH_HITS).then(|| full.exp())
    }

    /// The velocity that a `level` of `drum` means beside its other hits: above 1 if it is
    /// louder than a hit of full velocity is. Real-time safe.
    pub fn velocity(&self, drum: Drum, level: f32) -> f32 {
        let (mean, hits) = self.means[drum.index()];
        if hits == 0.0 || !level.is_finite() || level <= 0.0 {
            return 0.0;
        }
        (VELOCITY_CURVE * (level.ln() - mean)).exp()
    }

    /// Factor, at most 1, on the `level` of a hit of `drum` that the network takes for one of
    /// this velocity, 0 to 1. Real-time safe.
    pub fn factor(&mut self, drum: Drum, level: f32, velocity: f32) -> f32 {
        if !level.is_finite() || level <= 0.0 {
            return 1.0;
        }
        let full = level.ln() - velocity.max(LEAST_VELOCITY).ln() / VELOCITY_CURVE;
        let (mean, hits) = &mut self.means[drum.index()];
        let above = (full - *mean - MOST_ABOVE).max(0.0);
        let is_too_much = *hits >= ENOUGH_HITS && above > 0.0;
        let limited = &mut self.limited[drum.index()];
        *limited = if is_too_much { *limited + 1 } else { 0 };
        if *limited > MOST_LIMITED {
            // It is no mistake: it has become louder.
            (*mean, *hits, *limited) = (full, 1.0, 0);
            return 1.0;
        }
        let believed = if is_too_much { full - above } else { full };
        *hits = (*hits + 1.0).min(MOST_HITS);
        let reluctance = if *hits > ENOUGH_HITS && believed > *mean {
            RELUCTANCE
        } else {
            1.0
        };
        *mean += reluctance * (believed - *mean) / *hits;
        if is_too_much { (-above).exp() } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_hit_that_is_far_too_soft_limits_the_next_ones_little() {
        let mut guard = LevelGuard::default();
        let _ = guard.factor(Drum::Snare, 0.02, 0.7);
        let factors = [(); 4].map(|()| guard.factor(Drum::Snare, 1.0, 0.7));
        assert!(factors.iter().all(|&factor| factor > 0.5), "{factors:?}");
    }

    #[test]
    fn only_what_nobody_believes_is_limited() {
        let mut guard = LevelGuard::default();
        for velocity in [0.9, 0.5, 0.2, 0.7] {
            let level = 3.0 * velocity * velocity;
            assert_eq!(guard.factor(Drum::ClosedHat, level, velocity), 1.0);
            // The network is not sure how hard it is.
            assert_eq!(guard.factor(Drum::Snare, level, velocity * 0.9), 1.0);
        }
        let velocity = guard.velocity(Drum::ClosedHat, 3.0 * 0.25);
        assert!((0.45..0.55).contains(&velocity), "{velocity}");
        assert_eq!(guard.velocity(Drum::Ride, 1.0), 0.0);
        let factor = guard.factor(Drum::ClosedHat, 30.0 * 0.75, 0.5);
        assert!((0.12..0.15).contains(&factor), "{factor}");
        // A drum that is louder from now on is believed soon.
        let loud = [(); 8].map(|()| guard.factor(Drum::ClosedHat, 30.0 * 0.25, 0.5));
        assert!(
            loud[2] < 1.0 && loud[3..].iter().all(|&factor| factor == 1.0),
            "{loud:?}"
        );
        assert_eq!(guard.factor(Drum::Kick, f32::NAN, 0.5), 1.0);
        guard.reset();
        assert_eq!(guard.factor(Drum::ClosedHat, 1e6, 0.5), 1.0);
    }
}
