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
        2 => CLOSED_HAT.strike(&mut noise, rate, loud),
        3 => OPEN_HAT.strike(&mut noise, rate, loud),
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
        7 => CRASH.strike(&mut noise, rate, loud),
        _ => RIDE.strike(&mut noise, rate, loud),
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

/// A cymbal: a plate whose many modes lie at random, and the noise of its wash.
struct Plate {
    /// Names the modes: every stroke on a plate finds the same ones.
    modes: u32,
    partials: usize,
    low_hz: f32,
    high_hz: f32,
    /// Duration of what sounds at [`REFERENCE_HZ`], and its loss per octave as an
    /// exponent.
    tau_s: f32,
    damping: f32,
    /// Rise of amplitude per octave as an exponent.
    brightness: f32,
    /// The wash: level, and how long it takes to bloom.
    wash: f32,
    bloom_s: f32,
    /// What the stick's tip excites at once: level, and where most of it lies.
    ping: f32,
    ping_hz: f32,
    /// Level of the first 20 ms of the loudest stroke: their root mean square.
    level: f32,
}

const REFERENCE_HZ: f32 = 5_000.0;

const CLOSED_HAT: Plate = Plate {
    modes: 11,
    partials: 160,
    low_hz: 900.0,
    high_hz: 17_000.0,
    tau_s: 0.028,
    damping: 0.15,
    brightness: 1.0,
    wash: 0.5,
    bloom_s: 0.0,
    ping: 0.25,
    ping_hz: 7_500.0,
    level: 0.13,
};
/// The same plates, further apart.
const OPEN_HAT: Plate = Plate {
    tau_s: 0.38,
    wash: 0.7,
    level: 0.13,
    ..CLOSED_HAT
};
const CRASH: Plate = Plate {
    modes: 23,
    partials: 280,
    low_hz: 280.0,
    high_hz: 16_500.0,
    tau_s: 0.95,
    damping: 0.45,
    brightness: -0.1,
    wash: 0.9,
    bloom_s: 0.006,
    ping: 0.1,
    ping_hz: 3_000.0,
    level: 0.17,
};
const RIDE: Plate = Plate {
    modes: 37,
    partials: 180,
    low_hz: 330.0,
    high_hz: 15_000.0,
    tau_s: 0.75,
    damping: 0.4,
    brightness: -0.25,
    wash: 0.25,
    bloom_s: 0.01,
    ping: 0.9,
    ping_hz: 4_200.0,
    level: 0.07,
};

impl Plate {
    fn tau_at(&self, hertz: f32) -> f32 {
        self.tau_s * (hertz / REFERENCE_HZ).powf(-self.damping)
    }

    fn strike(&self, noise: &mut Noise, rate: f32, velocity: f32) -> Vec<f32> {
        let mut sound = vec![0.0; (self.tau_at(700.0) * 5.0 * rate) as usize];
        let mut modes = Noise(self.modes.wrapping_mul(0x9e37_79b9));
        for _ in 0..self.partials {
            let place = 0.5 + 0.5 * modes.next();
            let hertz = self.low_hz + (self.high_hz - self.low_hz) * place;
            let strength = 2.0_f32.powf(1.6 * modes.next());
            let tau_s = self.tau_at(hertz) * 2.0_f32.powf(0.7 * modes.next());
            // Above the band limit a partial would alias.
            if hertz > rate * 0.45 {
                continue;
            }
            let octaves = (hertz / self.ping_hz).log2();
            let colour = (hertz / REFERENCE_HZ).powf(self.brightness);
            let amplitude = strength * colour / (self.partials as f32).sqrt();
            let start = (TAU * (0.5 + 0.5 * noise.next())).sin_cos();
            ring(&mut sound, amplitude, (hertz, tau_s), start, rate);
            // The ping: the same modes, louder and short.
            let ping = 3.0 * self.ping * (-octaves * octaves).exp() * amplitude;
            ring(&mut sound, ping, (hertz, 0.22 * tau_s), start, rate);
        }
        let mut high = HighPass::new(self.low_hz.max(2_500.0), rate);
        let mut tip = HighPass::new(4_000.0, rate);
        for (at, sample) in sound.iter_mut().enumerate() {
            let t = at as f32 / rate;
            let bloom = 1.0 - (-t / self.bloom_s.max(1e-5)).exp();
            let wash = self.wash * bloom * (-t / self.tau_at(8_000.0)).exp();
            let click = 0.5 * (-t / 0.0015).exp();
            *sample += wash * high.next(noise.next()) + click * tip.next(noise.next());
        }
        let first = &sound[..sound.len().min((0.02 * rate) as usize)];
        let power = first.iter().map(|s| s * s).sum::<f32>() / first.len() as f32;
        for sample in &mut sound {
            *sample *= velocity * self.level / power.sqrt().max(1e-9);
        }
        fade_end(&mut sound, rate);
        sound
    }
}

/// Adds a decaying sinusoid that begins at the phase whose sine and cosine are
/// `start`.
fn ring(
    sound: &mut [f32],
    amplitude: f32,
    (hertz, tau_s): (f32, f32),
    start: (f32, f32),
    rate: f32,
) {
    let (sine, cosine) = (TAU * hertz / rate).sin_cos();
    let shrink = (-1.0 / (tau_s * rate)).exp();
    let (mut y, mut x) = (amplitude * start.0, amplitude * start.1);
    for sample in sound {
        *sample += y;
        (x, y) = (
            shrink * (x * cosine - y * sine),
            shrink * (x * sine + y * cosine),
        );
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

/// Samples `sound(seconds)`, with a fade at the end.
fn envelope(rate: f32, seconds: f32, mut sound: impl FnMut(f32) -> f32) -> Vec<f32> {
    let length = (seconds * rate) as usize;
    let mut samples: Vec<f32> = (0..length).map(|at| sound(at as f32 / rate)).collect();
    fade_end(&mut samples, rate);
    samples
}

/// Fades `sound` out within 6 ms from sample `at`.
pub(super) fn choke(sound: &mut Vec<f32>, at: usize, rate: f32) {
    let fade = (0.006 * rate) as usize;
    sound.truncate(at + fade);
    for (index, sample) in sound.iter_mut().skip(at).enumerate() {
        *sample *= 1.0 - index as f32 / fade as f32;
    }
}
