//! A hit as it is written to files.

use idm_engine::drum::Drum;
use idm_engine::engine::Hit;

/// One hit of one drum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onset {
    /// Onset in the input, in samples.
    pub sample: u64,
    /// The drum.
    pub drum: Drum,
    /// 0 to 1.
    pub velocity: f32,
}

impl Onset {
    /// Velocity as MIDI has it. A hit that was heard is at least 1, because 0
    /// means the end of a note there.
    pub fn midi_velocity(&self) -> u8 {
        // The cast ends at 0 and 255 and makes 0 of NaN.
        ((self.velocity * 127.0).round() as u8).clamp(1, 127)
    }

    /// Onset in seconds.
    pub fn time_s(&self, sample_rate_hz: f64) -> f64 {
        self.sample as f64 / sample_rate_hz
    }
}

impl From<&Hit> for Onset {
    fn from(hit: &Hit) -> Onset {
        Onset {
            sample: hit.onset_sample,
            drum: hit.drum,
            velocity: hit.velocity,
        }
    }
}

/// Puts hits in order of time, those of one time in the order of classes.
pub fn sort(onsets: &mut [Onset]) {
    onsets.sort_by_key(|onset| (onset.sample, onset.drum));
}

#[cfg(test)]
pub(crate) fn at(sample: u64, drum: Drum, velocity: f32) -> Onset {
    Onset {
        sample,
        drum,
        velocity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velocities_cover_1_to_127() {
        let velocity = |velocity| at(0, Drum::Kick, velocity).midi_velocity();
        assert_eq!(velocity(0.0), 1);
        assert_eq!(velocity(0.5), 64);
        assert_eq!(velocity(1.0), 127);
        assert_eq!(velocity(7.0), 127);
        assert_eq!(velocity(f32::NAN), 1);
    }

    #[test]
    fn order_is_time_then_class() {
        let mut onsets = [
            at(5, Drum::Kick, 1.0),
            at(3, Drum::Ride, 1.0),
            at(3, Drum::Snare, 1.0),
        ];
        sort(&mut onsets);
        let order: Vec<_> = onsets
            .iter()
            .map(|onset| (onset.sample, onset.drum))
            .collect();
        assert_eq!(order, [(3, Drum::Snare), (3, Drum::Ride), (5, Drum::Kick)]);
    }
}
