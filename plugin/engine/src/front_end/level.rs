//! Soft recordings are heard as if they were louder.
//!
//! The network has heard levels as mixes have them. Far below, its features run into
//! their floor, and soft drums of a soft recording with them. The level follows the
//! loudest peaks and sinks slowly; what it lacks of an ordinary one is added to the
//! features, never to the sound.

/// Peak from which nothing is added: −20 dBFS.
const ORDINARY_PEAK: f32 = 0.1;
/// Most that is added, as power: 24 dB.
const MOST_GAIN: f32 = 250.0;
/// How fast the level sinks.
const SINK_DB_PER_S: f64 = 4.0;

/// Peak level of the recent input. Real-time safe.
#[derive(Debug, Clone, Copy)]
pub struct LevelFollower {
    peak: f32,
    sink: f32,
}

impl LevelFollower {
    /// A follower for hops of `hop_s` seconds that expects an ordinary level.
    pub fn new(hop_s: f64) -> LevelFollower {
        LevelFollower {
            peak: ORDINARY_PEAK,
            sink: 10.0_f64.powf(-SINK_DB_PER_S * hop_s / 20.0) as f32,
        }
    }

    /// Back to the expectation. Real-time safe.
    pub fn reset(&mut self) {
        self.peak = ORDINARY_PEAK;
    }

    /// Takes the peak of the next hop. Real-time safe.
    pub fn hop(&mut self, peak: f32) {
        self.peak = peak.max(self.peak * self.sink);
    }

    /// Factor on the power of what the network hears, from 1 up. Real-time safe.
    pub fn power_gain(&self) -> f32 {
        let lacking = ORDINARY_PEAK / self.peak.max(1e-9);
        (lacking * lacking).clamp(1.0, MOST_GAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP_S: f64 = 256.0 / 44_100.0;

    /// The gain after `seconds` of a hit of level `peak` every half second.
    fn gain_after(follower: &mut LevelFollower, seconds: f64, peak: f32) -> f32 {
        let every = (0.5 / HOP_S) as usize;
        for hop in 0..(seconds / HOP_S) as usize {
            let is_hit = hop.is_multiple_of(every);
            follower.hop(if is_hit { peak } else { 1e-4 });
        }
        follower.power_gain()
    }

    #[test]
    fn ordinary_levels_are_left_alone() {
        let mut follower = LevelFollower::new(HOP_S);
        for peak in [0.13, 0.5, 1.0] {
            assert_eq!(gain_after(&mut follower, 4.0, peak), 1.0);
        }
    }

    #[test]
    fn soft_recordings_are_lifted_to_an_ordinary_level_and_no_further_than_allowed() {
        let mut follower = LevelFollower::new(HOP_S);
        let gain = gain_after(&mut follower, 8.0, 0.01);
        assert!((80.0..160.0).contains(&gain), "about 20 dB: {gain}");
        assert_eq!(gain_after(&mut follower, 20.0, 1e-4), MOST_GAIN);
        follower.hop(0.5);
        assert_eq!(follower.power_gain(), 1.0, "a loud hit ends it at once");
        follower.reset();
        assert_eq!(follower.power_gain(), 1.0);
    }
}
