//! Velocities from levels.
//!
//! The level of a hit says how it compares with others of its drum, but has no scale. The
//! network's velocity has one, and is coarse; players have one too, whose loud strokes are
//! much the same everywhere. Each drum's scale lies halfway between the two, over the hits
//! heard last, so that hits that are alike keep their velocity however many there are.

use crate::drum::{DRUM_COUNT, Drum};

/// Velocity is amplitude to this power: 20 dB span velocities 0.3 to 1.
pub const VELOCITY_CURVE: f32 = 0.5;
/// Hits that the scale is made from: the last ones.
const HITS: usize = 32;
/// The velocity of loud strokes, and the share of hits that are softer.
const LOUD: f32 = 0.85;
const SOFTER: f32 = 0.9;
/// Amplitude of a hit that is not heard: it says nothing of the scale.
const UNHEARD: f32 = 1e-8;
/// Logarithm of how far a hit's amplitude counts from the median: 26 dB.
const MOST_APART: f32 = 3.0;
/// How much the network's velocity counts (of 1, geometrically) beside a level that no
/// earlier hit confirms.
const NETWORK_SHARE: f32 = 0.4;
/// What the network is believed to mean.
const ESTIMATES: std::ops::RangeInclusive<f32> = 0.3..=1.0;
/// In place of one that is no number.
const UNKNOWN_ESTIMATE: f32 = 0.8;

/// Logarithms of the last hits' amplitudes, and of the network's velocities.
#[derive(Debug, Clone, Copy)]
struct Recent {
    levels: [f32; HITS],
    estimates: [f32; HITS],
    hits: usize,
}

/// Maps amplitudes to velocities, per drum. Real-time safe.
#[derive(Debug, Clone)]
pub struct VelocityScale {
    recent: [Recent; DRUM_COUNT],
}

impl Default for VelocityScale {
    fn default() -> Self {
        let none = Recent {
            levels: [0.0; HITS],
            estimates: [0.0; HITS],
            hits: 0,
        };
        VelocityScale {
            recent: [none; DRUM_COUNT],
        }
    }
}

impl VelocityScale {
    /// Velocity (above 0, up to 1) of a hit with `amplitude`; `estimate` is the network's
    /// velocity, `likeness` (0 to 1) how like the hit is to an earlier one. Real-time safe.
    pub fn velocity(&mut self, drum: Drum, amplitude: f32, estimate: f32, likeness: f32) -> f32 {
        // What is no number is next to nothing, and like nothing.
        let level = (amplitude.max(1e-9).ln()).clamp(-20.0, 20.0);
        let likeness = if likeness.is_finite() { likeness } else { 0.0 };
        let estimate = believed(estimate).ln();
        let recent = &mut self.recent[drum.index()];
        if amplitude > UNHEARD || recent.hits == 0 {
            recent.push(level, estimate);
        }
        let by_level = (level - recent.full_level()) * VELOCITY_CURVE;
        let share = NETWORK_SHARE * (1.0 - likeness.clamp(0.0, 1.0));
        let velocity = by_level + share * (estimate - by_level);
        velocity.exp().clamp(1.0 / 127.0, 1.0)
    }
}

/// The network's velocity as far as it is believed. Real-time safe.
pub(super) fn believed(estimate: f32) -> f32 {
    if estimate.is_finite() {
        estimate.clamp(*ESTIMATES.start(), *ESTIMATES.end())
    } else {
        UNKNOWN_ESTIMATE
    }
}

impl Recent {
    fn push(&mut self, level: f32, estimate: f32) {
        self.levels[self.hits % HITS] = level;
        self.estimates[self.hits % HITS] = estimate;
        self.hits += 1;
        if self.hits == 2 * HITS {
            self.hits = HITS;
        }
    }

    /// Logarithm of the amplitude of velocity 1; there is at least one hit.
    fn full_level(&self) -> f32 {
        let count = self.hits.min(HITS);
        let mut levels = self.levels;
        let levels = &mut levels[..count];
        levels.sort_unstable_by(f32::total_cmp);
        let loud = levels[(SOFTER * (count - 1) as f32).round() as usize];
        let median = levels[count / 2];
        for level in levels.iter_mut() {
            *level = level.clamp(median - MOST_APART, median + MOST_APART);
        }
        let mean = |values: &[f32]| values.iter().sum::<f32>() / count as f32;
        let as_network = mean(levels) - mean(&self.estimates[..count]) / VELOCITY_CURVE;
        let as_players = loud - LOUD.ln() / VELOCITY_CURVE;
        0.5 * (as_network + as_players)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_hit_is_between_the_networks_and_a_loud_one_and_louder_is_faster() {
        let mut scale = VelocityScale::default();
        let first = scale.velocity(Drum::Snare, 0.1, 0.5, 0.0);
        assert!(first > 0.5 && first < LOUD, "{first}");
        let soft = scale.velocity(Drum::Snare, 0.01, 0.4, 1.0);
        let loud = scale.velocity(Drum::Snare, 0.2, 0.9, 1.0);
        assert!(soft < 0.4 && loud > 0.8, "{soft} {loud}");
    }

    #[test]
    fn hits_that_are_alike_keep_their_velocity() {
        let mut scale = VelocityScale::default();
        let first = scale.velocity(Drum::Kick, 0.3, 0.55, 0.9);
        for hit in 0..200 {
            let velocity = scale.velocity(Drum::Kick, 0.3, 0.55, 0.9);
            assert!((velocity - first).abs() < 0.01, "hit {hit}: {velocity}");
        }
        // One that is far too loud passes.
        scale.velocity(Drum::Kick, 3.0, 1.0, 0.0);
        let after = scale.velocity(Drum::Kick, 0.3, 0.55, 0.9);
        assert!((after - first).abs() < 0.03, "{after}");
    }

    #[test]
    fn dynamics_are_kept_between_hits_of_two_levels() {
        let mut scale = VelocityScale::default();
        let mut last = [0.0; 2];
        for hit in 0..100 {
            let soft = hit % 2;
            let amplitude = [0.4, 0.1][soft];
            last[soft] = scale.velocity(Drum::ClosedHat, amplitude, 0.6, 1.0);
        }
        assert!((last[0] / last[1] - 2.0).abs() < 0.02, "{last:?}");
        assert!(last[0] < 1.0, "{last:?}");
    }

    #[test]
    fn hits_that_are_not_heard_change_nothing() {
        let mut scale = VelocityScale::default();
        let before = scale.velocity(Drum::Kick, 0.3, 0.55, 0.9);
        for unheard in [0.0, f32::NAN] {
            assert!(scale.velocity(Drum::Kick, unheard, 0.55, 0.0) < 0.1);
        }
        assert_eq!(scale.velocity(Drum::Kick, 0.3, 0.55, 0.9), before);
    }

    #[test]
    fn nonsense_stays_in_range() {
        let mut scale = VelocityScale::default();
        for amplitude in [0.0, -1.0, f32::NAN, 1e30, f32::INFINITY] {
            let velocity = scale.velocity(Drum::Kick, amplitude, f32::NAN, f32::NAN);
            assert!((0.0..=1.0).contains(&velocity), "{amplitude}: {velocity}");
        }
    }
}
