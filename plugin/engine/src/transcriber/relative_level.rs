//! How loud a candidate is beside the drum's louder ones.

use super::{VELOCITY_CURVE, velocity::believed};
use crate::drum::{DRUM_COUNT, Drum};

/// How far the reference falls per hit towards the hits that are played.
const FORGET: f32 = 0.98;

/// Compares fitted gains with the drum's loudest of late: a drum that is hardly played beside
/// its own louder hits is more likely another one's sound. Real-time safe.
#[derive(Debug, Clone, Default)]
pub struct RelativeLevel {
    /// Amplitude of velocity 1, per drum.
    reference: [Option<f32>; DRUM_COUNT],
}

impl RelativeLevel {
    /// Velocity (above 0, up to 1, where the loudest hits are) of a candidate with
    /// `amplitude`; the first has the network's, `estimate`. Real-time safe.
    pub fn velocity(&mut self, drum: Drum, amplitude: f32, estimate: f32) -> f32 {
        let amplitude = amplitude.max(1e-9);
        let reference = self.reference[drum.index()]
            .get_or_insert_with(|| amplitude / believed(estimate).powf(1.0 / VELOCITY_CURVE));
        *reference = (*reference * FORGET).max(amplitude);
        (amplitude / *reference)
            .powf(VELOCITY_CURVE)
            .clamp(1.0 / 127.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_faint_candidates_stay_faint_beside_a_loud_one() {
        let mut level = RelativeLevel::default();
        assert!((level.velocity(Drum::Crash, 0.1, 0.8) - 0.8).abs() < 0.01);
        assert_eq!(level.velocity(Drum::Crash, 1.0, 0.1), 1.0);
        for _ in 0..30 {
            assert!(level.velocity(Drum::Crash, 0.005, 0.9) < 0.12);
        }
    }

    #[test]
    fn nonsense_stays_in_range() {
        let mut level = RelativeLevel::default();
        for amplitude in [0.0, -1.0, f32::NAN, 1e30] {
            let velocity = level.velocity(Drum::Kick, amplitude, f32::NAN);
            assert!((0.0..=1.0).contains(&velocity), "{amplitude}: {velocity}");
        }
    }
}
