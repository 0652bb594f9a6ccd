//! The nine sounds of the demonstration loop.

use std::f32::consts::TAU;

use super::LoopHit;

/// Deterministic white noise.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0
    }
}

/// First difference high-pass, applied as often as wanted.
struct HighPass {
    coefficient: f32,
    state: [(f32, f32); 2],
}

impl HighPass {
    fn new(cutoff_hz: f32, rate: f32) -> Self {
        Self {
            coefficient: (-TAU * cutoff_hz / rate).exp(),
            state: [(0.0, 0.0); 2],
        }
    }

    fn next(&mut self, input: f32) -> f32 {
        self.state
            .iter_mut()
            .fold(input, |input, (last_in, last_out)| {
                *last_out = self.coefficient * (*last_out + input - *last_in);
                *last_in = input;
                *last_out
            })
    }
}

/// The sound of a hit; `seed` makes every noise its own.
pub(super) fn strike(hit: &LoopHit, seed: u32, rate: f32) -> Vec<f32> {
    let mut noise = Noise(0x9e37_79b9 ^ seed.wrapping_mul(0x85eb_ca6b) ^ 1);
    let loud = hit.velocity;
    match hit.drum {
        0 => drum(
            &mut noise,
            rate,
            loud,
            &Shell {
                base_hz: 48.0,
                sweep: 3.2,
                sweep_s: 0.022,
                decay_s: 0.16,
                noise: 0.25,
                noise_s: 0.004,
                noise_hz: 1_500.0,
                gain: 0.95,
            },
        ),
        1 => snare(&mut noise, rate, loud),
        2 => metal(
            &mut noise,
            rate,
            loud,
            &Plate {
                partials_hz: HAT,
                decay_s: 0.022,
                noise: 0.8,
                highpass_hz: 7_000.0,
                ping: 0.0,
                gain: 0.32,
            },
        ),
        3 => metal(
            &mut noise,
            rate,
            loud,
            &Plate {
                partials_hz: HAT,
                decay_s: 0.22,
                noise: 0.8,
                highpass_hz: 6_500.0,
                ping: 0.0,
                gain: 0.30,
            },
        ),
        4 => drum(
            &mut noise,
            rate,
            loud,
            &Shell {
                base_hz: 196.0,
                sweep: 0.5,
                sweep_s: 0.05,
                decay_s: 0.16,
                noise: 0.2,
                noise_s: 0.012,
                noise_hz: 900.0,
                gain: 0.6,
            },
        ),
        5 => drum(
            &mut noise,
            rate,
            loud,
            &Shell {
                base_hz: 142.0,
                sweep: 0.5,
                sweep_s: 0.05,
                decay_s: 0.20,
                noise: 0.2,
                noise_s: 0.012,
                noise_hz: 800.0,
                gain: 0.65,
            },
        ),
        6 => drum(
            &mut noise,
            rate,
            loud,
            &Shell {
                base_hz: 92.0,
                sweep: 0.5,
                sweep_s: 0.06,
                decay_s: 0.26,
                noise: 0.2,
                noise_s: 0.012,
                noise_hz: 700.0,
                gain: 0.75,
            },
        ),
        7 => metal(
            &mut noise,
            rate,
            loud,
            &Plate {
                partials_hz: CRASH,
                decay_s: 0.65,
                noise: 1.0,
                highpass_hz: 3_000.0,
                ping: 0.0,
                gain: 0.34,
            },
        ),
        _ => metal(
            &mut noise,
            rate,
            loud,
            &Plate {
                partials_hz: RIDE,
                decay_s: 0.45,
                noise: 0.25,
                highpass_hz: 2_500.0,
                ping: 0.6,
                gain: 0.24,
            },
        ),
    }
}

/// A drum with a tuned skin.
struct Shell {
    base_hz: f32,
    /// How far the pitch starts above the base, in parts of it.
    sweep: f32,
    sweep_s: f32,
    decay_s: f32,
    noise: f32,
    noise_s: f32,
    noise_hz: f32,
    gain: f32,
}

fn drum(noise: &mut Noise, rate: f32, velocity: f32, shell: &Shell) -> Vec<f32> {
    let mut phase = 0.0;
    let mut highpass = HighPass::new(shell.noise_hz, rate);
    envelope(rate, shell.decay_s * 7.0, |t| {
        let pitch =
            shell.base_hz * (1.0 + shell.sweep * velocity.sqrt() * (-t / shell.sweep_s).exp());
        phase = (phase + pitch / rate).fract();
        let tone = (TAU * phase).sin() + 0.18 * (TAU * phase * 1.59).sin();
        let click = highpass.next(noise.next()) * shell.noise * (-t / shell.noise_s).exp();
        velocity * shell.gain * (tone * (-t / shell.decay_s).exp() + click)
    })
}

fn snare(noise: &mut Noise, rate: f32, velocity: f32) -> Vec<f32> {
    let mut highpass = HighPass::new(1_400.0, rate);
    envelope(rate, 0.9, |t| {
        let skin = (TAU * 187.0 * t).sin() * (-t / 0.06).exp()
            + 0.6 * (TAU * 331.0 * t).sin() * (-t / 0.035).exp();
        let wires = highpass.next(noise.next()) * (-t / 0.085).exp();
        velocity * (0.42 * skin + 0.55 * velocity.sqrt() * wires)
    })
}

const HAT: [f32; 6] = [3_287.0, 4_931.0, 6_103.0, 7_457.0, 8_839.0, 10_211.0];
const CRASH: [f32; 6] = [587.0, 1_373.0, 2_411.0, 3_803.0, 5_479.0, 7_919.0];
const RIDE: [f32; 6] = [2_927.0, 3_631.0, 4_409.0, 5_231.0, 6_469.0, 8_087.0];

/// A cymbal.
struct Plate {
    partials_hz: [f32; 6],
    decay_s: f32,
    /// Share of noise; the rest are partials.
    noise: f32,
    highpass_hz: f32,
    /// Level of a short stick ping.
    ping: f32,
    gain: f32,
}

fn metal(noise: &mut Noise, rate: f32, velocity: f32, plate: &Plate) -> Vec<f32> {
    let mut highpass = HighPass::new(plate.highpass_hz, rate);
    envelope(rate, plate.decay_s * 6.0, |t| {
        let partials: f32 = plate
            .partials_hz
            .iter()
            // Above the band limit a partial would alias.
            .filter(|&&hertz| hertz < rate * 0.45)
            .enumerate()
            .map(|(index, hertz)| {
                let decay = plate.decay_s / (1.0 + 0.35 * index as f32);
                (TAU * hertz * t + index as f32).sin() * (-t / decay).exp()
            })
            .sum();
        let hiss = highpass.next(noise.next()) * (-t / plate.decay_s).exp();
        let ping = plate.ping * (TAU * 5_231.0_f32.min(rate * 0.4) * t).sin() * (-t / 0.012).exp();
        velocity * plate.gain * (plate.noise * hiss + 0.3 * (1.2 - plate.noise) * partials + ping)
    })
}

/// Samples `sound(seconds)`, with a 1 ms fade at the end.
fn envelope(rate: f32, seconds: f32, mut sound: impl FnMut(f32) -> f32) -> Vec<f32> {
    let length = (seconds * rate) as usize;
    let fade = (0.001 * rate).max(1.0);
    (0..length)
        .map(|at| sound(at as f32 / rate) * ((length - at) as f32 / fade).min(1.0))
        .collect()
}

/// Fades `sound` out within 6 ms from sample `at`.
pub(super) fn choke(sound: &mut Vec<f32>, at: usize, rate: f32) {
    let fade = (0.006 * rate) as usize;
    sound.truncate(at + fade);
    for (index, sample) in sound.iter_mut().skip(at).enumerate() {
        *sample *= 1.0 - index as f32 / fade as f32;
    }
}
