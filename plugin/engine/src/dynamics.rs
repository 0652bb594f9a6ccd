//! How far the level of what is played again follows the playing: a drum replacer's
//! dynamics.

use crate::transcriber::VELOCITY_CURVE;

/// Velocity that every hit has without dynamics, and that dynamics leave alone: that of an
/// ordinary stroke.
const PIVOT: f32 = 0.8;
/// Lowest velocity of a note.
const SOFTEST: f32 = 1.0 / 127.0;

/// Velocity of a hit of `velocity` played with `dynamics`: 0 plays all hits alike, 1 as
/// they were heard, more makes soft ones softer. Real-time safe.
pub fn played_velocity(velocity: f32, dynamics: f32) -> f32 {
    if dynamics == 1.0 {
        return velocity;
    }
    changed(velocity.max(SOFTEST), dynamics).clamp(SOFTEST, 1.0)
}

fn changed(velocity: f32, dynamics: f32) -> f32 {
    PIVOT * (velocity / PIVOT).powf(dynamics)
}

/// Factor of the amplitude of a hit whose level was heard as `velocity`, above 1 if it was
/// louder than hits of full velocity usually are. Real-time safe.
pub fn played_gain(velocity: f32, dynamics: f32) -> f32 {
    if dynamics == 1.0 {
        return 1.0;
    }
    let heard = velocity.max(SOFTEST);
    // An accent stays what it is: only beyond it nothing becomes louder.
    let played = changed(heard, dynamics).clamp(SOFTEST, heard.max(1.0));
    (played / heard).powf(1.0 / VELOCITY_CURVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_dynamics_all_hits_are_alike() {
        let level = |velocity: f32| velocity.powf(1.0 / VELOCITY_CURVE);
        let expected = level(PIVOT);
        for velocity in [0.05, 0.3, 0.8, 1.0] {
            assert!((played_velocity(velocity, 0.0) - PIVOT).abs() < 1e-6);
            let played = level(velocity) * played_gain(velocity, 0.0);
            assert!((played - expected).abs() < 1e-4, "{velocity}: {played}");
        }
    }

    #[test]
    fn the_first_percent_changes_next_to_nothing() {
        for velocity in [0.02, 0.3, 0.8, 1.0, 1.3, 2.0] {
            for dynamics in [0.99, 1.01] {
                let gain_db = 20.0 * played_gain(velocity, dynamics).log10();
                assert!(gain_db.abs() < 0.7, "{velocity} {dynamics}: {gain_db} dB");
            }
        }
        // Accents become ordinary strokes step by step, and no louder.
        let accent = [0.0, 0.5, 0.9, 1.0, 1.5, 2.0].map(|d| played_gain(1.3, d));
        assert!(accent.is_sorted(), "{accent:?}");
        assert_eq!(accent[3..], [1.0; 3]);
    }

    #[test]
    fn as_heard_changes_no_bit_and_more_widens() {
        for velocity in [0.0, 0.05, 0.3, 0.8, 1.0] {
            assert_eq!(played_velocity(velocity, 1.0), velocity);
            assert_eq!(played_gain(velocity, 1.0), 1.0);
        }
        assert!(played_velocity(0.4, 2.0) < 0.21);
        assert!(played_gain(0.4, 2.0) < 0.26);
        assert!(
            played_gain(1.0, 2.0) <= 1.0,
            "nothing louder than the loudest"
        );
        for velocity in [0.0, 1e-9, f32::MIN_POSITIVE] {
            for dynamics in [0.0, 0.5, 2.0] {
                let velocity = played_velocity(velocity, dynamics);
                assert!((1.0 / 127.0..=1.0).contains(&velocity));
                assert!(played_gain(velocity, dynamics).is_finite());
            }
        }
    }
}
