//! What resonates: modes that lie at random, as those of cymbals, shells and snare wires.

use std::f32::consts::TAU;

use super::Noise;

/// Many modes between [`low_hz`](Self::low_hz) and 18 kHz.
pub(super) struct Resonances {
    /// Names the modes: every stroke finds the same ones.
    pub(super) modes: u32,
    pub(super) partials: usize,
    pub(super) low_hz: f32,
    /// Level of what rings and of what the blow itself excites for a moment, at [`POINTS_HZ`].
    pub(super) body_db: [f32; 6],
    pub(super) tip_db: [f32; 6],
    /// Duration of both at [`REFERENCE_HZ`], and the body's loss per octave as an exponent
    /// (the tip's is half of it).
    pub(super) body_s: f32,
    pub(super) tip_s: f32,
    pub(super) damping: f32,
    /// How long the body takes to bloom.
    pub(super) bloom_s: f32,
    /// Root mean square of the first 20 ms of the loudest stroke.
    pub(super) level: f32,
}

const REFERENCE_HZ: f32 = 5_000.0;
const POINTS_HZ: [f32; 6] = [300.0, 1_000.0, 3_000.0, 6_000.0, 11_000.0, 17_000.0];
const HIGHEST_HZ: f32 = 18_000.0;
/// The longest sound.
const LONGEST_S: f32 = 3.0;

impl Resonances {
    /// The loudest stroke.
    pub(super) fn strike(&self, noise: &mut Noise, rate: f32) -> Vec<f32> {
        let seconds = (6.0 * decay_s(self.body_s, self.damping, 700.0)).min(LONGEST_S);
        let mut sound = vec![0.0; (seconds * rate) as usize];
        let mut modes = Noise(self.modes.wrapping_mul(0x9e37_79b9));
        for _ in 0..self.partials {
            // Closer together towards the low end, where each of them therefore is softer.
            let place = 0.5 + 0.5 * modes.next();
            let hertz = self.low_hz + (HIGHEST_HZ - self.low_hz) * place * place;
            let strength = place.sqrt() * 2.0_f32.powf(1.6 * modes.next());
            let looseness = 2.0_f32.powf(0.7 * modes.next());
            // Above the band limit a partial would alias.
            if hertz > rate * 0.45 {
                continue;
            }
            let start = (TAU * (0.5 + 0.5 * noise.next())).sin_cos();
            let body = strength * amplitude(&self.body_db, hertz);
            let body_s = looseness * decay_s(self.body_s, self.damping, hertz);
            ring(&mut sound, body, (hertz, body_s), start, rate);
            if self.bloom_s > 0.0 {
                // What blooms is what rings less what is not yet there.
                let bloom_s = 1.0 / (1.0 / body_s + 1.0 / self.bloom_s);
                ring(&mut sound, -body, (hertz, bloom_s), start, rate);
            }
            let tip = strength * amplitude(&self.tip_db, hertz);
            let tip_s = decay_s(self.tip_s, 0.5 * self.damping, hertz);
            ring(&mut sound, tip, (hertz, tip_s), start, rate);
        }
        let first = &sound[..sound.len().min((0.02 * rate) as usize)];
        let power = first.iter().map(|s| s * s).sum::<f32>() / first.len() as f32;
        for sample in &mut sound {
            *sample *= self.level / power.sqrt().max(1e-9);
        }
        sound
    }
}

/// Duration at `hertz` of what lasts `seconds` at [`REFERENCE_HZ`].
fn decay_s(seconds: f32, damping: f32, hertz: f32) -> f32 {
    seconds * (hertz / REFERENCE_HZ).powf(-damping)
}

/// Amplitude at `hertz`, on straight lines over octaves between `levels_db` at [`POINTS_HZ`].
fn amplitude(levels_db: &[f32; 6], hertz: f32) -> f32 {
    let above = POINTS_HZ
        .partition_point(|&point| point < hertz)
        .clamp(1, 5);
    let (low, high) = (POINTS_HZ[above - 1], POINTS_HZ[above]);
    let place = ((hertz / low).ln() / (high / low).ln()).clamp(0.0, 1.0);
    let decibels = levels_db[above - 1] + place * (levels_db[above] - levels_db[above - 1]);
    10.0_f32.powf(decibels / 20.0)
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
    // 87 dB below its beginning it is over.
    let over = (10.0 * tau_s * rate) as usize;
    for sample in sound.iter_mut().take(over) {
        *sample += y;
        (x, y) = (
            shrink * (x * cosine - y * sine),
            shrink * (x * sine + y * cosine),
        );
    }
}
