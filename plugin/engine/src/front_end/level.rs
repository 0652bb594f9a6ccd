//! Recordings are heard at one level, however loud they are.
//!
//! The network has heard levels as mixes have them and knows them unequally well: far
//! below, its features run into their floor; far above, it takes more for hits than
//! there are. The level follows the loudest peaks and sinks slowly; what it lacks of an
//! ordinary one, or has too much, is added to the features, never to the sound.

/// Peak at which nothing is added: −20 dBFS.
const ORDINARY_PEAK: f32 = 0.1;
/// Most that is added, as power: 42 dB.
const MOST_GAIN: f32 = 16_000.0;
/// Most that is taken away up to full scale: 15 dB. Only files of floats are louder, and
/// those are heard as if they reached it.
const LEAST_GAIN: f32 = 0.03;
/// Factor by which the level rises in a hop beyond full scale, 3 dB: files of floats that are
/// loud throughout are soon known, and a few samples of rubbish do not deafen.
const MOST_RISE: f32 = std::f32::consts::SQRT_2;
/// How fast the level sinks.
const SINK_DB_PER_S: f64 = 4.0;
/// How fast it sinks from the expectation to what was loudest so far: a soft recording is soon
/// known, and noise that leads in is not made loud at once.
const SEARCH_DB_PER_S: f64 = 20.0;
/// Peak up to which a hop tells nothing: −100 dBFS.
const SILENCE: f32 = 1e-5;

/// Peak level of the recent input. Real-time safe.
#[derive(Debug, Clone, Copy)]
pub struct LevelFollower {
    peak: f32,
    sink: f32,
    search_sink: f32,
    /// Loudest hop, as long as all that was heard is softer than expected.
    loudest: Option<f32>,
}

impl LevelFollower {
    /// A follower for hops of `hop_s` seconds that expects an ordinary level.
    pub fn new(hop_s: f64) -> LevelFollower {
        let sink = |db_per_s: f64| 10.0_f64.powf(-db_per_s * hop_s / 20.0) as f32;
        LevelFollower {
            peak: ORDINARY_PEAK,
            sink: sink(SINK_DB_PER_S),
            search_sink: sink(SEARCH_DB_PER_S),
            loudest: Some(0.0),
        }
    }

    /// Back to the expectation. Real-time safe.
    pub fn reset(&mut self) {
        self.peak = ORDINARY_PEAK;
        self.loudest = Some(0.0);
    }

    /// Takes the next hop of a mono signal; answers the factor on its power. Real-time
    /// safe.
    pub fn hear(&mut self, hop: &[f32]) -> f32 {
        self.hop(hop.iter().fold(0.0, |peak, sample| sample.abs().max(peak)));
        self.power_gain()
    }

    /// Takes the peak of the next hop. Real-time safe.
    pub fn hop(&mut self, peak: f32) {
        if peak > SILENCE {
            let most = MOST_RISE * self.peak.max(1.0);
            let peak = peak.min(most);
            let Some(loudest) = self.loudest else {
                self.peak = peak.max(self.peak * self.sink);
                return;
            };
            let loudest = loudest.max(peak);
            self.peak = loudest.max(self.peak * self.search_sink);
            self.loudest = (loudest < self.peak).then_some(loudest);
        }
    }

    /// Factor on the power of what the network hears. Real-time safe.
    pub fn power_gain(&self) -> f32 {
        let lacking = ORDINARY_PEAK / self.peak.max(1e-9);
        let beyond_full_scale = self.peak.max(1.0);
        (lacking * lacking).clamp(LEAST_GAIN, MOST_GAIN) / (beyond_full_scale * beyond_full_scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_end::HOP_S;

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
    fn recordings_are_brought_to_one_level_as_far_as_allowed() {
        for (peak, expected_db) in [(0.1, 0.0), (0.316, -10.0), (1.0, -15.2), (0.01, 20.0)] {
            let mut follower = LevelFollower::new(HOP_S);
            let gain_db = 10.0 * gain_after(&mut follower, 8.0, peak).log10();
            // It sinks between the hits.
            assert!(
                (expected_db - 0.1..expected_db + 2.2).contains(&gain_db),
                "{peak}: {gain_db} dB, expected {expected_db}"
            );
        }
        let mut follower = LevelFollower::new(HOP_S);
        follower.hop(1.0);
        assert_eq!(follower.power_gain(), LEAST_GAIN);
        for peak in [4.0, 100.0] {
            for _ in 0..12 {
                follower.hop(peak);
            }
            let heard_peak = peak * follower.power_gain().sqrt();
            assert!((heard_peak - LEAST_GAIN.sqrt()).abs() < 1e-6, "{peak}");
        }
        let mut follower = LevelFollower::new(HOP_S);
        assert_eq!(gain_after(&mut follower, 20.0, 2e-4), MOST_GAIN);
        follower.hop(0.1);
        assert_eq!(follower.power_gain(), 1.0, "a loud hit ends it at once");
    }

    #[test]
    fn soft_recordings_are_soon_known_and_then_followed_slowly() {
        let mut follower = LevelFollower::new(HOP_S);
        let gain_db = 10.0 * gain_after(&mut follower, 1.1, 0.01).log10();
        assert!((20.0..20.5).contains(&gain_db), "{gain_db} dB");
        // From then on it sinks as slowly as ever.
        let before_db = gain_db;
        let gain_db = 10.0 * gain_after(&mut follower, 1.0, 1e-4).log10() - before_db;
        assert!((3.5..4.5).contains(&gain_db), "{gain_db} dB");
        // A recording that is as loud as expected is not searched for.
        follower.reset();
        follower.hop(0.1);
        let gain_db = 10.0 * gain_after(&mut follower, 1.0, 1e-4).log10();
        assert!((3.5..4.5).contains(&gain_db), "{gain_db} dB");
        // After a reset one is, also through a soft beginning.
        follower.reset();
        let gain_db = 10.0 * gain_after(&mut follower, 0.5, 1e-4).log10();
        assert!((9.0..11.0).contains(&gain_db), "{gain_db} dB");
    }

    #[test]
    fn rubbish_does_not_deafen() {
        let mut follower = LevelFollower::new(HOP_S);
        gain_after(&mut follower, 2.0, 0.5);
        for _ in 0..4 {
            follower.hop(1e4);
        }
        let gain_db = 10.0 * (gain_after(&mut follower, 1.0, 0.5) / LEAST_GAIN).log10();
        assert!((-9.0..-5.0).contains(&gain_db), "{gain_db}");
    }

    #[test]
    fn silence_tells_nothing() {
        let mut follower = LevelFollower::new(HOP_S);
        follower.hop(0.05);
        let before = follower.power_gain();
        for _ in 0..10_000 {
            follower.hop(0.0);
        }
        assert_eq!(follower.power_gain(), before);
        follower.reset();
        assert_eq!(follower.power_gain(), 1.0);
    }
}
