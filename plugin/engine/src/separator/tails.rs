//! What rings on under other drums.
//!
//! A tom still sounds when the next drum is hit, but the network names what was hit last,
//! and the additive model ends where its template does. How each membrane dies away in the
//! bands in which it rings is therefore followed while nothing else is hit, and reckoned
//! with after that: what a drum had before another one came it has, less its decay, beside
//! it.

use super::BandMasks;
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::{BAND_COUNT, band_centre_hz},
};

/// Membranes ring below this. Above it and of cymbals, whose noise covers each other's,
/// what was missed would be taken for what rings.
const HIGHEST_HZ: f64 = 700.0;
/// Share of a band from which a drum's decay is heard in it.
const OWN_SHARE: f32 = 0.5;
/// Time after a hit of another drum in which nothing is followed.
const DISTURBED_S: f64 = 0.05;
/// Time over which the decay is averaged.
const DECAY_S: f64 = 0.06;
/// Times in which the power falls by 60 dB at the fastest and at the slowest.
const FASTEST_S: f64 = 0.05;
const SLOWEST_S: f64 = 8.0;
/// Longest time after a hit.
const LONGEST_S: f64 = 6.0;

/// Frames from which on a window holds nothing of an onset that comes next.
const WINDOW_FRAMES: usize = 4;

/// Whether the tail of `drum` is followed.
const fn rings(drum: Drum) -> bool {
    match drum {
        Drum::Kick | Drum::Snare | Drum::HighTom | Drum::MidTom | Drum::FloorTom => true,
        Drum::ClosedHat | Drum::OpenHat | Drum::Crash | Drum::Ride => false,
    }
}

/// How a drum dies away.
#[derive(Debug, Clone)]
struct Tail {
    power: [f32; BAND_COUNT],
    /// Factor per frame on the power.
    decay: [f32; BAND_COUNT],
    /// Power in the frame before, where the drum had the band to itself; else 0.
    heard: [f32; BAND_COUNT],
    certainty: f32,
    /// Power of all bands in the last frames.
    sums: [f32; WINDOW_FRAMES],
    /// Frames for which the drum may still ring.
    left: u32,
    /// Frames for which a hit of it disturbs the others.
    disturbs: u32,
}

/// The tails of all drums. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct Tails {
    tails: Vec<Tail>,
    bands: usize,
    longest: u32,
    disturbed: u32,
    /// Share of a new frame in the decay.
    step: f32,
    fastest: f32,
    slowest: f32,
}

impl Tails {
    /// Nothing rings, in frames `hop_s` apart. Allocates.
    pub fn new(hop_s: f64) -> Tails {
        let factor = |seconds: f64| 1e-6_f64.powf(hop_s / seconds) as f32;
        let frames = |seconds: f64| (seconds / hop_s) as u32;
        let none = Tail {
            power: [0.0; BAND_COUNT],
            decay: [0.0; BAND_COUNT],
            heard: [0.0; BAND_COUNT],
            certainty: 0.0,
            sums: [0.0; WINDOW_FRAMES],
            left: 0,
            disturbs: 0,
        };
        Tails {
            tails: vec![none; DRUM_COUNT],
            bands: (0..BAND_COUNT)
                .take_while(|&band| band_centre_hz(band as f64) < HIGHEST_HZ)
                .count(),
            longest: frames(LONGEST_S),
            disturbed: frames(DISTURBED_S),
            step: (hop_s / DECAY_S).min(1.0) as f32,
            fastest: factor(FASTEST_S),
            slowest: factor(SLOWEST_S),
        }
    }

    /// Nothing rings. Real-time safe.
    pub fn reset(&mut self) {
        for tail in &mut self.tails {
            tail.left = 0;
            tail.disturbs = 0;
        }
    }

    /// What may be a hit of `drum`: others cannot be followed for a while. Real-time safe.
    pub fn disturb(&mut self, drum: Drum) {
        self.tails[drum.index()].disturbs = self.disturbed;
    }

    /// An accepted hit of `drum`, which rings from now on. Real-time safe.
    pub fn hit(&mut self, drum: Drum, certainty: f32) {
        if !rings(drum) {
            return;
        }
        let tail = &mut self.tails[drum.index()];
        if tail.left == 0 {
            tail.power = [0.0; BAND_COUNT];
            tail.sums = [0.0; WINDOW_FRAMES];
        }
        tail.left = self.longest;
        tail.decay = [self.fastest; BAND_COUNT];
        tail.heard = [0.0; BAND_COUNT];
        tail.certainty = certainty;
    }

    /// Power that `drum` had in the last frame or, where others were hit, is reckoned to have
    /// had, and how certain its hit was; none if it does not ring. Real-time safe.
    pub fn power(&self, drum: usize) -> Option<(&[f32; BAND_COUNT], f32)> {
        let tail = &self.tails[drum];
        (tail.left > 0).then_some((&tail.power, tail.certainty))
    }

    /// Power of all bands of `drum` before an onset that begins about now: the least of the last
    /// frames, of which the newest hold some of what begins. Real-time safe.
    pub fn before_onset(&self, drum: usize) -> f32 {
        let tail = &self.tails[drum];
        match tail.left {
            0 => 0.0,
            _ => tail
                .sums
                .iter()
                .fold(f32::INFINITY, |least, &sum| least.min(sum)),
        }
    }

    /// Goes on by a frame with power `observed`, which was divided by `masks`. Real-time
    /// safe.
    pub fn step(&mut self, observed: &[f32; BAND_COUNT], masks: &BandMasks) {
        let mut disturbing = [false; DRUM_COUNT];
        for (disturbing, tail) in disturbing.iter_mut().zip(&mut self.tails) {
            *disturbing = tail.disturbs > 0;
            tail.disturbs = tail.disturbs.saturating_sub(1);
        }
        for (drum, tail) in self.tails.iter_mut().enumerate() {
            if tail.left == 0 {
                continue;
            }
            tail.left -= 1;
            let is_quiet = (0..DRUM_COUNT).all(|other| other == drum || !disturbing[other]);
            for band in 0..self.bands {
                let share = masks[drum][band];
                let (decay, heard) = (&mut tail.decay[band], &mut tail.heard[band]);
                if is_quiet && share >= OWN_SHARE {
                    let own = share * observed[band];
                    if *heard > 0.0 {
                        let factor = (own / *heard).clamp(self.fastest, self.slowest);
                        *decay += self.step * (factor - *decay);
                    }
                    *heard = own;
                    tail.power[band] = own;
                } else {
                    *heard = 0.0;
                    tail.power[band] = (*decay * tail.power[band]).min(observed[band]);
                }
            }
            tail.sums.rotate_left(1);
            tail.sums[WINDOW_FRAMES - 1] = tail.power[..self.bands].iter().sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drum::STEM_COUNT, front_end::HOP_S};

    /// Tails after a floor tom that rang alone for 0.3 s and lost `per_frame` in each frame,
    /// and the tom's power then.
    fn after_a_tom(per_frame: f32) -> (Tails, f32) {
        let mut tails = Tails::new(HOP_S);
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        masks[Drum::FloorTom.index()] = [1.0; BAND_COUNT];
        tails.disturb(Drum::FloorTom);
        tails.hit(Drum::FloorTom, 1.0);
        let mut power = 1.0;
        for _ in 0..(0.3 / HOP_S) as usize {
            tails.step(&[power; BAND_COUNT], &masks);
            power *= per_frame;
        }
        (tails, power)
    }

    #[test]
    fn a_tom_rings_on_under_a_kick_as_it_did_before() {
        let (mut tails, mut tom) = after_a_tom(0.97);
        // The kick takes everything, by the masks.
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        masks[Drum::Kick.index()] = [1.0; BAND_COUNT];
        tails.disturb(Drum::Kick);
        for _ in 0..40 {
            tails.step(&[1.0; BAND_COUNT], &masks);
            tom *= 0.97;
        }
        let (power, certainty) = tails.power(Drum::FloorTom.index()).unwrap();
        let error_db = 10.0 * (power[3] / tom).log10();
        assert!(error_db.abs() < 1.5, "{error_db} dB");
        assert_eq!(certainty, 1.0);
        assert!(tails.power(Drum::Kick.index()).is_none());
    }

    #[test]
    fn no_more_rings_than_is_heard_and_cymbals_are_not_followed() {
        let (mut tails, _) = after_a_tom(0.99);
        tails.disturb(Drum::Kick);
        tails.step(&[1e-6; BAND_COUNT], &[[0.0; BAND_COUNT]; STEM_COUNT]);
        let (power, _) = tails.power(Drum::FloorTom.index()).unwrap();
        assert!(power[..10].iter().all(|&power| power <= 1e-6));
        tails.hit(Drum::Crash, 1.0);
        assert!(tails.power(Drum::Crash.index()).is_none());
        tails.reset();
        assert!(tails.power(Drum::FloorTom.index()).is_none());
    }

    #[test]
    fn what_begins_is_no_tail() {
        let (mut tails, power) = after_a_tom(0.97);
        let before = tails.before_onset(Drum::FloorTom.index());
        let bands = before / power;
        assert!((10.0..120.0).contains(&bands), "{bands}");
        // Windows that reach past the onset of its next hit, before that is known.
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        masks[Drum::FloorTom.index()] = [1.0; BAND_COUNT];
        for _ in 0..2 {
            tails.step(&[1.0; BAND_COUNT], &masks);
        }
        assert_eq!(tails.before_onset(Drum::FloorTom.index()), before);
        assert_eq!(tails.before_onset(Drum::Kick.index()), 0.0);
    }

    #[test]
    fn every_tail_ends() {
        let (mut tails, _) = after_a_tom(1.0);
        let masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        for _ in 0..(LONGEST_S / HOP_S) as usize {
            tails.step(&[1.0; BAND_COUNT], &masks);
        }
        assert!(tails.power(Drum::FloorTom.index()).is_none());
    }
}
