//! Which drums can sound now.
//!
//! A drum that has not been hit for longer than it usually rings has nothing to say: its
//! mask closes, which keeps buses of drums that are not played silent. Booms and reverb ring
//! longer: bands that a drum has nearly to itself stay open while they only die away.

use super::BandMasks;
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
};

/// Gain of a closed drum: −60 dB.
const CLOSED: f32 = 1e-3;
/// Time in which a gate closes by 20 dB.
const CLOSE_S: f64 = 0.15;
/// Longest time after the usual one for which a band stays open.
const LINGER_S: f64 = 4.0;
/// Share of a band from which it is a drum's own.
const OWN_SHARE: f32 = 0.6;
/// Power relative to that of the frames before from which something new sounds in a band.
const NEW_POWER: f32 = 2.0;
/// Time over which these frames are averaged.
const BEFORE_S: f64 = 0.05;
/// Time for which a gate waits then: a short sound leaves a boom that rings on under it.
const WAIT_S: f64 = 0.15;

/// One gate per drum and band, moved once per frame. Real-time safe.
#[derive(Debug, Clone)]
pub struct Presence {
    frames_per_second: f64,
    closing_factor: f32,
    /// Share of a new frame in the mean of those before.
    step: f32,
    /// Frames for which the drum may still ring.
    ringing: [u32; DRUM_COUNT],
    /// Frames after that for which some of its bands may.
    lingering: [u32; DRUM_COUNT],
    gains: Box<[[f32; BAND_COUNT]; DRUM_COUNT]>,
    /// Mean power of the frames before.
    before: [f32; BAND_COUNT],
    /// Frames for which gates wait since something new sounded in a band.
    waits: [u32; BAND_COUNT],
    /// Bands that were a drum's own before that.
    owned: Box<[[bool; BAND_COUNT]; DRUM_COUNT]>,
}

/// Time that a drum usually rings.
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
            step: (hop_s / BEFORE_S).min(1.0) as f32,
            ringing: [0; DRUM_COUNT],
            lingering: [0; DRUM_COUNT],
            gains: Box::new([[CLOSED; BAND_COUNT]; DRUM_COUNT]),
            before: [0.0; BAND_COUNT],
            waits: [0; BAND_COUNT],
            owned: Box::new([[false; BAND_COUNT]; DRUM_COUNT]),
        }
    }

    /// A hit of `drum` that separation reckons with. Real-time safe.
    pub fn hit(&mut self, drum: Drum) {
        let frames = |seconds: f64| (seconds * self.frames_per_second) as u32;
        self.ringing[drum.index()] = frames(ringing_s(drum));
        self.lingering[drum.index()] = frames(LINGER_S);
    }

    /// Moves on by one frame, which has `power`; `masks` are those of the frame before.
    /// Real-time safe.
    pub fn step(&mut self, power: &[f32; BAND_COUNT], masks: &BandMasks) {
        let wait = (WAIT_S * self.frames_per_second) as u32;
        for ((waits, power), before) in self.waits.iter_mut().zip(power).zip(&self.before) {
            // Whose the band is, is looked at between two waits at least once.
            *waits = match *waits {
                0 if *power > NEW_POWER * before => wait,
                waits => waits.saturating_sub(1),
            };
        }
        for (owned, mask) in self.owned.iter_mut().zip(masks) {
            for ((owned, share), waits) in owned.iter_mut().zip(mask).zip(&self.waits) {
                if *waits == 0 {
                    *owned = *share >= OWN_SHARE;
                }
            }
        }
        for (drum, gains) in self.gains.iter_mut().enumerate() {
            if self.ringing[drum] > 0 {
                self.ringing[drum] -= 1;
                gains.fill(1.0);
                continue;
            }
            let lingers = self.lingering[drum] > 0;
            self.lingering[drum] = self.lingering[drum].saturating_sub(1);
            for (band, gain) in gains.iter_mut().enumerate() {
                let stays = lingers && *gain == 1.0 && self.owned[drum][band];
                if !stays {
                    *gain = (*gain * self.closing_factor).max(CLOSED);
                }
            }
        }
        for (before, power) in self.before.iter_mut().zip(power) {
            *before += self.step * (power - *before);
        }
    }

    /// Gain of each drum's mask in each band, 0.001 to 1. Real-time safe.
    pub fn gains(&self) -> &[[f32; BAND_COUNT]; DRUM_COUNT] {
        &self.gains
    }

    /// Closes all drums. Real-time safe.
    pub fn reset(&mut self) {
        self.ringing = [0; DRUM_COUNT];
        self.lingering = [0; DRUM_COUNT];
        self.gains.fill([CLOSED; BAND_COUNT]);
        self.before = [0.0; BAND_COUNT];
        self.waits = [0; BAND_COUNT];
        self.owned.fill([false; BAND_COUNT]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drum::STEM_COUNT, front_end::HOP_S};

    fn frames(seconds: f64) -> usize {
        (seconds / HOP_S) as usize
    }

    #[test]
    fn opens_at_once_and_closes_after_the_ring() {
        let mut presence = Presence::new(HOP_S);
        let (power, masks) = ([1.0; BAND_COUNT], [[0.1; BAND_COUNT]; STEM_COUNT]);
        assert_eq!(presence.gains()[0], [CLOSED; BAND_COUNT]);
        presence.hit(Drum::Kick);
        presence.step(&power, &masks);
        assert_eq!(presence.gains()[0], [1.0; BAND_COUNT]);
        assert_eq!(presence.gains()[1], [CLOSED; BAND_COUNT]);
        for _ in 0..frames(3.0) {
            presence.step(&power, &masks);
        }
        assert_eq!(presence.gains()[0], [CLOSED; BAND_COUNT]);
    }

    #[test]
    fn a_boom_rings_until_something_else_goes_on_there() {
        let mut presence = Presence::new(HOP_S);
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        masks[0][..4].fill(0.9);
        let mut power = [1e-3; BAND_COUNT];
        power[..4].fill(1.0);
        presence.hit(Drum::Kick);
        for frame in 0..frames(2.0) {
            // Another drum, again and again, where this one has nothing.
            power[9] = if frame % 20 == 0 { 1.0 } else { 0.1 };
            power[..4].iter_mut().for_each(|power| *power *= 0.99);
            presence.step(&power, &masks);
        }
        assert_eq!(presence.gains()[0][..4], [1.0; 4]);
        assert_eq!(presence.gains()[0][4..], [CLOSED; BAND_COUNT - 4]);
        // Another drum in two of these bands: a click in one, a longer sound in the other.
        let [click, long] = [1, 2];
        for band in [click, long] {
            masks[0][band] = 0.01;
            power[band] *= 10.0;
        }
        for _ in 0..frames(0.1) {
            presence.step(&power, &masks);
        }
        assert_eq!(presence.gains()[0][..4], [1.0; 4]);
        masks[0][click] = 0.9;
        power[click] /= 10.0;
        for _ in 0..frames(0.3) {
            presence.step(&power, &masks);
        }
        assert!(presence.gains()[0][long] < 0.2 && presence.gains()[0][click] == 1.0);
        for _ in 0..frames(4.0) {
            presence.step(&power, &masks);
        }
        assert_eq!(
            presence.gains()[0],
            [CLOSED; BAND_COUNT],
            "nothing rings for ever"
        );
    }
}
