//! Which drums can sound now.
//!
//! A drum that has not been hit for longer than it can ring has nothing to
//! say: its mask closes, which keeps buses of drums that are not played
//! silent.

use crate::drum::{DRUM_COUNT, Drum};

/// Gain of a closed drum: −60 dB.
const CLOSED: f32 = 1e-3;
/// Time in which a gate closes by 20 dB.
const CLOSE_S: f64 = 0.15;

/// One gate per drum, moved once per frame. Real-time safe.
#[derive(Debug, Clone)]
pub struct Presence {
    frames_per_second: f64,
    closing_factor: f32,
    /// Frames for which the drum may still ring.
    ringing: [u32; DRUM_COUNT],
    gain: [f32; DRUM_COUNT],
}

/// Longest time a drum rings on.
const fn ringing_s(drum: Drum) -> f64 {
    match drum {
        Drum::Kick => 1.2,
        Drum::Snare => 1.2,
        Drum::ClosedHat => 0.8,
        Drum::OpenHat => 2.0,
        Drum::HighTom | Drum::MidTom => 2.0,
        Drum::FloorTom => 2.5,
        Drum::Crash => 5.0,
        Drum::Ride => 4.0,
    }
}

impl Presence {
    /// All drums closed, for frames `hop_s` apart.
    pub fn new(hop_s: f64) -> Presence {
        Presence {
            frames_per_second: 1.0 / hop_s,
            closing_factor: 0.1_f64.powf(hop_s / CLOSE_S) as f32,
            ringing: [0; DRUM_COUNT],
            gain: [CLOSED; DRUM_COUNT],
        }
    }

    /// A hit of `drum` that separation reckons with. Real-time safe.
    pub fn hit(&mut self, drum: Drum) {
        self.ringing[drum.index()] = (ringing_s(drum) * self.frames_per_second) as u32;
    }

    /// Moves on by one frame. Real-time safe.
    pub fn step(&mut self) {
        for (ringing, gain) in self.ringing.iter_mut().zip(&mut self.gain) {
            if *ringing > 0 {
                *ringing -= 1;
                *gain = 1.0;
            } else {
                *gain = (*gain * self.closing_factor).max(CLOSED);
            }
        }
    }

    /// Gain of each drum's mask, 0.001 to 1. Real-time safe.
    pub fn gains(&self) -> &[f32; DRUM_COUNT] {
        &self.gain
    }

    /// Closes all drums. Real-time safe.
    pub fn reset(&mut self) {
        self.ringing = [0; DRUM_COUNT];
        self.gain = [CLOSED; DRUM_COUNT];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_at_once_and_closes_after_the_ring() {
        let hop_s = 256.0 / 44_100.0;
        let mut presence = Presence::new(hop_s);
        assert_eq!(presence.gains()[0], CLOSED);
        presence.hit(Drum::Kick);
        presence.step();
        assert_eq!(presence.gains()[0], 1.0);
        assert_eq!(presence.gains()[1], CLOSED);
        for _ in 0..(3.0 / hop_s) as usize {
            presence.step();
        }
        assert_eq!(presence.gains()[0], CLOSED);
    }
}
