//! Where the drums stand, and how two channels hear them.

use std::f32::consts::{FRAC_PI_4, SQRT_2};

use idm_engine::drum::{Drum, RESIDUAL, STEM_COUNT};

use super::{Piece, Room};
use crate::{
    dsp::{Biquad, RATE_HZ, from_db},
    random::Random,
};

const SPEED_OF_SOUND_M_PER_S: f32 = 343.0;
/// Distance at which an overhead microphone hears a drum as loud as its close one.
const UNIT_DISTANCE_M: f32 = 0.9;
/// Distance to the side at which a drum is panned all the way.
const FULL_PAN_M: f32 = 0.7;
/// Peak of a placed piece.
const PEAK_DB: f32 = -1.0;
/// How far drums are moved from where they usually stand.
const SCATTER_M: f32 = 0.08;

/// Where a drum usually stands in metres (right, forward, up from the stool's foot, as
/// the drummer sits), and the level of its close microphone beside the overheads.
fn usual_place(stem: usize) -> ([f32; 3], f32) {
    match Drum::from_index(stem) {
        Some(Drum::Kick) => ([0.0, 0.5, 0.3], 1.0),
        Some(Drum::Snare) => ([-0.12, 0.15, 0.7], -1.0),
        Some(Drum::ClosedHat | Drum::OpenHat) => ([-0.55, 0.2, 0.95], -9.0),
        Some(Drum::HighTom) => ([-0.2, 0.5, 0.9], 0.0),
        Some(Drum::MidTom) => ([0.2, 0.5, 0.9], 0.0),
        Some(Drum::FloorTom) => ([0.55, 0.1, 0.65], 0.0),
        Some(Drum::Crash) => ([-0.5, 0.65, 1.3], -15.0),
        Some(Drum::Ride) => ([0.6, 0.45, 1.1], -12.0),
        None => ([0.1, 1.0, 1.0], -4.0),
    }
}

/// How a stem reaches each channel.
#[derive(Debug, Clone, Copy, Default)]
struct Ways {
    /// Gain of the close microphone.
    close: [f32; 2],
    /// Delay in samples and gain of the overhead.
    far: [(usize, f32); 2],
}

/// Drums placed between two channels: panned, or heard by close microphones and a
/// pair above the kit; with a stereo room.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    ways: [Ways; STEM_COUNT],
    overhead_high_pass: Biquad,
    room: [Room; 2],
    send: f32,
}

impl Stage {
    /// Draws places, microphones and the room.
    pub(crate) fn draw(random: &mut Random) -> Stage {
        let side = if random.chance(0.5) { -1.0 } else { 1.0 };
        let width = random.range(0.25, 1.0);
        let places: [[f32; 3]; STEM_COUNT] = std::array::from_fn(|stem| {
            let wander = if stem == RESIDUAL { 6.0 } else { 1.0 };
            let [x, y, z] = usual_place(stem).0;
            let moved = |at: f32, random: &mut Random| at + wander * SCATTER_M * random.normal();
            [
                side * moved(x, random),
                moved(y, random),
                moved(z, random).max(0.2),
            ]
        });
        let mut places = places;
        // Both hats are one instrument.
        places[Drum::OpenHat.index()] = places[Drum::ClosedHat.index()];
        let has_overheads = random.chance(0.6);
        let pair = Pair::draw(random);
        let overhead_gain = from_db(random.range(-8.0, 4.0));
        let mut ways: [Ways; STEM_COUNT] = std::array::from_fn(|stem| {
            let pan = (width * places[stem][0] / FULL_PAN_M).clamp(-1.0, 1.0);
            let angle = (pan + 1.0) * FRAC_PI_4;
            let gain = if has_overheads {
                from_db(usual_place(stem).1)
            } else {
                1.0
            };
            let mut ways = Ways {
                close: [angle.cos() * gain, angle.sin() * gain].map(|gain| gain * SQRT_2 / 2.0),
                ..Ways::default()
            };
            if has_overheads {
                ways.far = pair
                    .hear(places[stem])
                    .map(|(delay, gain)| (delay, gain * overhead_gain));
            }
            ways
        });
        // As if the recording began when the nearest drum arrives.
        let delays = ways.iter().flat_map(|ways| ways.far.map(|far| far.0));
        let nearest = delays.min().unwrap_or(0);
        for far in ways.iter_mut().flat_map(|ways| &mut ways.far) {
            far.0 -= nearest;
        }
        let room = Room::draw(random);
        Stage {
            ways,
            overhead_high_pass: Biquad::high_pass(random.log_range(30.0, 300.0), 0.7),
            room: [room.varied(random), room.varied(random)],
            send: from_db(random.range(-30.0, -6.0)),
        }
    }

    /// Gives the mono `piece` two channels; its loudest peak is −1 dB. Allocates.
    pub(crate) fn place_piece(&self, piece: &mut Piece) {
        let mut mix = vec![0.0; 2 * piece.mix.len()];
        for (number, stem) in piece.stems.iter_mut().enumerate() {
            *stem = self.place(number, stem);
            for (sum, sample) in mix.iter_mut().zip(stem) {
                *sum += *sample;
            }
        }
        let peak = mix.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
        let level = from_db(PEAK_DB) / peak;
        let signals = piece.stems.iter_mut().chain([&mut mix]);
        for sample in signals.flatten() {
            *sample *= level;
        }
        piece.mix = mix;
        piece.channels = 2;
    }

    /// Stem number `stem`, which is `mono`, in two channels, one after the other.
    /// Allocates.
    pub(crate) fn place(&self, stem: usize, mono: &[f32]) -> Vec<f32> {
        let mut placed = vec![0.0; 2 * mono.len()];
        if mono.is_empty() || mono.iter().all(|s| *s == 0.0) {
            return placed;
        }
        let ways = &self.ways[stem];
        let mut overhead = mono.to_vec();
        self.overhead_high_pass.run(&mut overhead);
        for (channel, out) in placed.chunks_mut(mono.len()).enumerate() {
            let mut wet = mono.to_vec();
            self.room[channel].add(&mut wet, self.send);
            for ((out, wet), dry) in out.iter_mut().zip(&wet).zip(mono) {
                *out = ways.close[channel] * dry + SQRT_2 / 2.0 * (wet - dry);
            }
            let (delay, gain) = ways.far[channel];
            if delay < out.len() && gain != 0.0 {
                for (out, late) in out[delay..].iter_mut().zip(&overhead) {
                    *out += gain * late;
                }
            }
        }
        placed
    }
}

/// Two microphones above the kit.
#[derive(Debug, Clone, Copy)]
struct Pair {
    /// Distance of each from the middle; 0 for a coincident pair of cardioids.
    apart_m: f32,
    height_m: f32,
}

impl Pair {
    fn draw(random: &mut Random) -> Pair {
        let spaced = random.chance(0.6);
        Pair {
            apart_m: if spaced { random.range(0.3, 0.75) } else { 0.0 },
            height_m: random.range(1.7, 2.1),
        }
    }

    /// Delay in samples and gain at each microphone of a drum at `place`.
    fn hear(&self, place: [f32; 3]) -> [(usize, f32); 2] {
        [-1.0, 1.0].map(|side: f32| {
            let from = [
                place[0] - side * self.apart_m,
                place[1] - 0.25,
                place[2] - self.height_m,
            ];
            let distance_m = from.iter().map(|d| d * d).sum::<f32>().sqrt().max(0.2);
            // A coincident pair looks 45° to each side, and down.
            let towards = if self.apart_m == 0.0 {
                (side * from[0] - from[2]) / (SQRT_2 * distance_m)
            } else {
                -from[2] / distance_m
            };
            let cardioid = 0.5 * (1.0 + towards);
            let delay_s = distance_m / SPEED_OF_SOUND_M_PER_S;
            (
                (delay_s * RATE_HZ).round() as usize,
                cardioid * UNIT_DISTANCE_M / distance_m,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drums_stand_apart_and_nothing_is_lost() {
        let mono: Vec<f32> = (0..2_000).map(|n| (n as f32 * 0.3).sin()).collect();
        let (mut widest, mut later) = (0.0_f32, 0);
        for seed in 0..24 {
            let stage = Stage::draw(&mut Random::new(&[seed]));
            for stem in [Drum::ClosedHat.index(), Drum::Ride.index(), RESIDUAL] {
                let placed = stage.place(stem, &mono);
                assert_eq!(placed.len(), 4_000);
                let energy = |signal: &[f32]| signal.iter().map(|s| s * s).sum::<f32>();
                let (left, right) = (energy(&placed[..2_000]), energy(&placed[2_000..]));
                let level_db = 10.0 * ((left + right) / energy(&mono)).log10();
                assert!((-20.0..12.0).contains(&level_db), "{level_db}");
                widest = widest.max((left / right).log10().abs());
            }
            let far = stage.ways.map(|ways| ways.far.map(|far| far.0));
            later = later.max(far.into_iter().flatten().max().unwrap_or(0));
        }
        assert!(widest > 0.6, "{widest}");
        assert!((20..300).contains(&later), "{later}");
    }
}
