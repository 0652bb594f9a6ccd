//! The nine sounds of the demonstration loop: a skin, if the drum has one, and resonances.
//!
//! How loud the resonances are and how long they ring was fitted to the median of acoustic kits,
//! in bands and at three moments (0 to 20, 40 to 80 and 150 to 250 ms): cymbals are within 5 dB
//! of it from 400 Hz on, most bands within 2; shells and wires are rougher.

use std::f32::consts::TAU;

use super::LoopHit;

mod resonances;

use resonances::Resonances;

/// Deterministic white noise.
struct Noise(u32);

impl Noise {
    /// The next number, -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0
    }
}

/// The sound of a hit; `seed` makes every stroke its own.
pub(super) fn strike(hit: &LoopHit, seed: u32, rate: f32) -> Vec<f32> {
    let mut noise = Noise(0x9e37_79b9 ^ seed.wrapping_mul(0x85eb_ca6b) ^ 1);
    let (skin, resonances) = &KIT[hit.drum];
    let mut sound = resonances.strike(&mut noise, rate);
    if let Some(skin) = skin {
        skin.add_to(&mut sound, hit.velocity, rate);
    }
    for sample in &mut sound {
        *sample *= hit.velocity;
    }
    fade_end(&mut sound, rate);
    sound
}

/// Skin and resonances of each drum, in the plugin's order.
const KIT: [(Option<Skin>, Resonances); 9] = [
    (
        Some(Skin {
            base_hz: 48.0,
            sweep: 3.2,
            sweep_s: 0.022,
            decay_s: 0.16,
            gain: 0.95,
        }),
        Resonances {
            modes: 3,
            partials: 300,
            low_hz: 160.0,
            body_db: [0.0, -19.0, -17.0, -24.0, -29.0, -34.0],
            tip_db: [29.0, 3.0, 5.0, -8.0, -30.0, -35.0],
            body_s: 0.089,
            tip_s: 0.015,
            damping: 0.16,
            bloom_s: 0.0,
            level: 0.11,
        },
    ),
    (
        Some(Skin {
            base_hz: 187.0,
            sweep: 0.15,
            sweep_s: 0.02,
            decay_s: 0.045,
            gain: 0.55,
        }),
        Resonances {
            modes: 5,
            partials: 400,
            low_hz: 250.0,
            body_db: [0.0, -8.0, -13.0, -15.0, -30.0, -36.0],
            tip_db: [21.0, 0.0, -23.0, -32.0, -39.0, -41.0],
            body_s: 0.065,
            tip_s: 0.003,
            damping: 0.0,
            bloom_s: 0.0,
            level: 0.23,
        },
    ),
    (None, CLOSED_HAT),
    (
        None,
        // The same plates, further apart.
        Resonances {
            body_db: [-12.0, -6.0, -5.0, 0.0, -4.0, -15.0],
            tip_db: [-3.0, 1.0, -27.0, -26.0, 3.0, -4.0],
            body_s: 0.29,
            tip_s: 0.047,
            damping: 0.23,
            ..CLOSED_HAT
        },
    ),
    (
        Some(Skin {
            base_hz: 196.0,
            sweep: 0.5,
            sweep_s: 0.05,
            decay_s: 0.1,
            gain: 0.65,
        }),
        Resonances {
            modes: 13,
            partials: 300,
            low_hz: 250.0,
            body_db: [0.0, -9.0, -25.0, -30.0, -39.0, -43.0],
            tip_db: [12.0, -12.0, -7.0, -19.0, -41.0, -46.0],
            body_s: 0.064,
            tip_s: 0.02,
            damping: 0.13,
            bloom_s: 0.0,
            level: 0.19,
        },
    ),
    (
        Some(Skin {
            base_hz: 142.0,
            sweep: 0.5,
            sweep_s: 0.05,
            decay_s: 0.14,
            gain: 0.65,
        }),
        Resonances {
            modes: 17,
            partials: 300,
            low_hz: 160.0,
            body_db: [0.0, -6.0, -15.0, -25.0, -32.0, -45.0],
            tip_db: [14.0, -38.0, -7.0, -20.0, -44.0, -48.0],
            body_s: 0.049,
            tip_s: 0.016,
            damping: 0.29,
            bloom_s: 0.0,
            level: 0.24,
        },
    ),
    (
        Some(Skin {
            base_hz: 92.0,
            sweep: 0.5,
            sweep_s: 0.06,
            decay_s: 0.2,
            gain: 0.75,
        }),
        Resonances {
            modes: 19,
            partials: 300,
            low_hz: 160.0,
            body_db: [0.0, -9.0, -16.0, -28.0, -38.0, -52.0],
            tip_db: [9.0, -43.0, -25.0, -28.0, -51.0, -55.0],
            body_s: 0.048,
            tip_s: 0.019,
            damping: 0.27,
            bloom_s: 0.0,
            level: 0.3,
        },
    ),
    (
        None,
        Resonances {
            modes: 23,
            partials: 300,
            low_hz: 200.0,
            body_db: [-4.0, -8.0, -1.0, 0.0, -4.0, -17.0],
            tip_db: [4.0, 16.0, -31.0, -17.0, -18.0, -13.0],
            body_s: 0.59,
            tip_s: 0.014,
            damping: 0.84,
            bloom_s: 0.0094,
            level: 0.17,
        },
    ),
    (
        None,
        Resonances {
            modes: 37,
            partials: 300,
            low_hz: 200.0,
            body_db: [-22.0, -25.0, -9.0, -6.0, 0.0, -32.0],
            tip_db: [-7.0, -7.0, -19.0, -7.0, -1.0, 4.0],
            body_s: 0.42,
            tip_s: 0.05,
            damping: 1.2,
            bloom_s: 0.0,
            level: 0.07,
        },
    ),
];

const CLOSED_HAT: Resonances = Resonances {
    modes: 11,
    partials: 400,
    low_hz: 250.0,
    body_db: [-2.0, -9.0, -5.0, 0.0, -1.0, -3.0],
    tip_db: [2.0, 1.0, -10.0, -11.0, 8.0, -1.0],
    body_s: 0.046,
    tip_s: 0.005,
    damping: 0.11,
    bloom_s: 0.0,
    level: 0.13,
};

/// A tuned skin.
struct Skin {
    base_hz: f32,
    /// How far the pitch starts above the base, in parts of it, where it is struck hardest.
    sweep: f32,
    sweep_s: f32,
    decay_s: f32,
    gain: f32,
}

impl Skin {
    fn add_to(&self, sound: &mut Vec<f32>, velocity: f32, rate: f32) {
        let length = (self.decay_s * 7.0 * rate) as usize;
        sound.resize(sound.len().max(length), 0.0);
        let mut phase = 0.0;
        for (at, sample) in sound.iter_mut().take(length).enumerate() {
            let t = at as f32 / rate;
            let sweep = self.sweep * velocity.sqrt() * (-t / self.sweep_s).exp();
            phase = (phase + self.base_hz * (1.0 + sweep) / rate).fract();
            let tone = (TAU * phase).sin() + 0.18 * (TAU * phase * 1.59).sin();
            *sample += self.gain * tone * (-t / self.decay_s).exp();
        }
    }
}

/// A 1 ms fade at the end.
fn fade_end(sound: &mut [f32], rate: f32) {
    let length = sound.len();
    let fade = (0.001 * rate).max(1.0);
    for (at, sample) in sound.iter_mut().enumerate() {
        *sample *= ((length - at) as f32 / fade).min(1.0);
    }
}

/// Fades `sound` out within 6 ms from sample `at`.
pub(super) fn choke(sound: &mut Vec<f32>, at: usize, rate: f32) {
    let fade = (0.006 * rate) as usize;
    sound.truncate(at + fade);
    for (index, sample) in sound.iter_mut().skip(at).enumerate() {
        *sample *= 1.0 - index as f32 / fade as f32;
    }
}
