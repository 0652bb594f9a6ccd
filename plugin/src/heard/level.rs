//! A level that rises at once and falls slowly, and keeps in mind when it was too high.

/// Speed at which meters fall, in dB per second.
pub const FALL_DB_PER_SECOND: f32 = 30.0;

/// Time for which too high a level is shown, in seconds.
const OVER_S: f32 = 2.0;

/// Highest level that is followed: +80 dBFS.
const LARGEST: f32 = 1e4;

/// What a meter shows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Level {
    /// Linear; 1 is full scale.
    pub peak: f32,
    /// For how long it still counts as too high.
    over_s: f32,
}

impl Level {
    /// After `elapsed_s` seconds with this peak.
    pub fn follow(&mut self, peak: f32, elapsed_s: f32) {
        // One without end would never fall.
        let peak = peak.clamp(0.0, LARGEST);
        let fall = 10.0_f32.powf(-FALL_DB_PER_SECOND * elapsed_s / 20.0);
        self.peak = peak.max(self.peak * fall);
        self.over_s = if peak > 1.0 {
            OVER_S
        } else {
            self.over_s - elapsed_s
        };
    }

    /// Whether it was above full scale not long ago.
    pub fn is_over(&self) -> bool {
        self.over_s > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_and_rises_at_once() {
        let mut level = Level::default();
        level.follow(1.0, 0.1);
        assert_eq!(level.peak, 1.0);
        level.follow(0.0, 1.0);
        let level_db = 20.0 * level.peak.log10();
        assert!((level_db + FALL_DB_PER_SECOND).abs() < 1e-3);
    }

    #[test]
    fn a_level_without_end_falls_again() {
        let mut level = Level::default();
        level.follow(f32::INFINITY, 0.1);
        level.follow(0.0, 10.0);
        assert!(level.peak < 1.0, "{}", level.peak);
        level.follow(f32::NAN, 0.1);
        assert!(level.peak.is_finite());
    }

    #[test]
    fn too_high_a_level_is_not_missed() {
        let mut level = Level::default();
        level.follow(1.0, 0.1);
        assert!(!level.is_over(), "full scale is not above it");
        level.follow(1.01, 0.02);
        for _ in 0..90 {
            level.follow(0.1, 0.02);
            assert!(level.is_over());
        }
        for _ in 0..20 {
            level.follow(0.1, 0.02);
        }
        assert!(!level.is_over());
    }
}
