//! Velocities from fitted amplitudes.
//!
//! A network's idea of velocity is coarse, the amplitude fitted to the mixture
//! is not, but has no scale. The scale is the drum's own loudest hits: the
//! network places the first hit, then amplitudes rank all others against it.

use crate::drum::{DRUM_COUNT, Drum};

/// Velocity is amplitude to this power: 20 dB span velocities 0.3 to 1.
pub const VELOCITY_CURVE: f32 = 0.5;
/// How far the reference falls per hit towards the hits that are played.
const FORGET: f32 = 0.98;

/// Maps amplitudes to velocities, per drum. Real-time safe.
#[derive(Debug, Clone, Default)]
pub struct VelocityScale {
    /// Amplitude of velocity 1, per drum.
    reference: [Option<f32>; DRUM_COUNT],
}

impl VelocityScale {
    /// Velocity (above 0, up to 1) of a hit with `amplitude`; `estimate` is
    /// the network's velocity. Real-time safe.
    pub fn velocity(&mut self, drum: Drum, amplitude: f32, estimate: f32) -> f32 {
        let amplitude = amplitude.max(1e-9);
        let estimate = if estimate.is_finite() {
            estimate.clamp(0.3, 1.0)
        } else {
            0.8
        };
        let reference = self.reference[drum.index()].get_or_insert_with(|| {
            // Such that this first hit gets the network's velocity.
            amplitude / estimate.powf(1.0 / VELOCITY_CURVE)
        });
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
    fn louder_is_faster_and_the_first_hit_is_the_networks() {
        let mut scale = VelocityScale::default();
        assert!((scale.velocity(Drum::Snare, 0.1, 0.8) - 0.8).abs() < 0.01);
        let soft = scale.velocity(Drum::Snare, 0.01, 0.8);
        let loud = scale.velocity(Drum::Snare, 0.2, 0.1);
        assert!(soft < 0.35 && loud == 1.0, "{soft} {loud}");
    }

    #[test]
    fn nonsense_stays_in_range() {
        let mut scale = VelocityScale::default();
        for amplitude in [0.0, -1.0, f32::NAN, 1e30] {
            let velocity = scale.velocity(Drum::Kick, amplitude, f32::NAN);
            assert!((0.0..=1.0).contains(&velocity), "{amplitude}: {velocity}");
        }
    }
}
