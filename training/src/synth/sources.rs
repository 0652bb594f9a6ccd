//! Sound sources: banks of decaying partials, swept tones, shaped noise.

use std::f32::consts::{PI, TAU};

use multiversion::multiversion;

use crate::{
    dsp::{Biquad, RATE_HZ},
    random::Random,
};

/// A decaying sine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partial {
    pub frequency_hz: f32,
    pub amplitude: f32,
    /// Time to fall by 8.7 dB.
    pub tau_s: f32,
    pub phase: f32,
}

/// Partials that run in parallel in one group.
const LANES: usize = 16;
/// A partial ends after this many time constants (−87 dB).
const ENDS_AFTER_TAUS: f32 = 10.0;

/// Adds the sum of `partials` to `out`. Each is a phasor that turns and shrinks
/// by a constant factor per sample. Those that decay alike share a group, which
/// stops when all are inaudible.
pub(super) fn add_partials(out: &mut [f32], partials: &mut [Partial]) {
    partials.sort_by(|a, b| a.tau_s.total_cmp(&b.tau_s));
    for group in partials.chunks(LANES) {
        let longest = group.last().map_or(0.0, |partial| partial.tau_s);
        let samples = ((longest * ENDS_AFTER_TAUS * RATE_HZ) as usize).min(out.len());
        let mut lanes = [[0.0_f32; LANES]; 4];
        for (lane, partial) in group.iter().enumerate() {
            if partial.frequency_hz >= 0.48 * RATE_HZ {
                continue;
            }
            let shrink = (-1.0 / (partial.tau_s * RATE_HZ)).exp();
            let omega = TAU * partial.frequency_hz / RATE_HZ;
            lanes[0][lane] = partial.amplitude * partial.phase.cos();
            lanes[1][lane] = partial.amplitude * partial.phase.sin();
            lanes[2][lane] = shrink * omega.cos();
            lanes[3][lane] = shrink * omega.sin();
        }
        turn(&mut out[..samples], lanes);
    }
}

#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma", "x86_64+sse4.2", "aarch64+neon"))]
fn turn(out: &mut [f32], lanes: [[f32; LANES]; 4]) {
    let [mut re, mut im, cos, sin] = lanes;
    for sample in out {
        let mut sums = [0.0_f32; 4];
        for lane in 0..LANES {
            let next = re[lane] * cos[lane] - im[lane] * sin[lane];
            im[lane] = re[lane] * sin[lane] + im[lane] * cos[lane];
            re[lane] = next;
        }
        for lane in 0..LANES {
            sums[lane % 4] += im[lane];
        }
        *sample += (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}

/// A tone whose pitch falls toward its end value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sweep {
    pub frequency_hz: f32,
    /// Start frequency relative to the end, minus one.
    pub depth: f32,
    pub sweep_tau_s: f32,
    pub amplitude: f32,
    pub tau_s: f32,
    pub phase: f32,
}

impl Sweep {
    pub(super) fn add(&self, out: &mut [f32]) {
        let samples = ((self.tau_s * ENDS_AFTER_TAUS * RATE_HZ) as usize).min(out.len());
        let shrink = (-1.0 / (self.tau_s * RATE_HZ)).exp();
        let settle = (-1.0 / (self.sweep_tau_s * RATE_HZ)).exp();
        let (mut phase, mut amplitude, mut depth) = (self.phase, self.amplitude, self.depth);
        for sample in &mut out[..samples] {
            *sample += amplitude * phase.sin();
            phase += TAU * self.frequency_hz * (1.0 + depth) / RATE_HZ;
            if phase > TAU {
                phase -= TAU;
            }
            amplitude *= shrink;
            depth *= settle;
        }
    }
}

/// Noise between two corner frequencies under an attack-decay envelope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    pub amplitude: f32,
    pub high_pass_hz: f32,
    pub low_pass_hz: f32,
    /// 0 begins at once.
    pub attack_s: f32,
    pub tau_s: f32,
}

impl Noise {
    pub(super) fn add(&self, out: &mut [f32], random: &mut Random) {
        let length_s = self.tau_s * ENDS_AFTER_TAUS + 2.0 * self.attack_s;
        let samples = ((length_s * RATE_HZ) as usize).min(out.len());
        let mut high_pass = Biquad::high_pass(self.high_pass_hz, 0.7);
        let mut low_pass = Biquad::low_pass(self.low_pass_hz.min(20_000.0), 0.7);
        let shrink = (-1.0 / (self.tau_s * RATE_HZ)).exp();
        let rise = (-1.0 / (self.attack_s.max(1e-6) * RATE_HZ)).exp();
        let (mut decay, mut missing) = (self.amplitude, 1.0_f32);
        if self.attack_s <= 0.0 {
            missing = 0.0;
        }
        for sample in &mut out[..samples] {
            let noise = low_pass.tick(high_pass.tick(random.bipolar()));
            *sample += noise * decay * (1.0 - missing);
            decay *= shrink;
            missing *= rise;
        }
    }
}

/// A contact pulse: half a sine of `width_s`, the sound of a tip on a head.
pub(super) fn add_contact(out: &mut [f32], amplitude: f32, width_s: f32) {
    let samples = ((width_s * RATE_HZ) as usize).clamp(1, out.len());
    for (n, sample) in out[..samples].iter_mut().enumerate() {
        *sample += amplitude * (PI * (n as f32 + 0.5) / samples as f32).sin();
    }
}

/// Silence of `seconds`.
pub(super) fn silence(seconds: f32) -> Vec<f32> {
    vec![0.0; (seconds * RATE_HZ) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partials_are_the_sines_they_say() {
        let mut partials: Vec<Partial> = (0..21)
            .map(|k| Partial {
                frequency_hz: 100.0 + 317.0 * k as f32,
                amplitude: 0.1,
                tau_s: 0.05 + 0.01 * k as f32,
                phase: 0.3 * k as f32,
            })
            .collect();
        let mut out = silence(0.2);
        add_partials(&mut out, &mut partials);
        for n in [0_usize, 10, 1_000, 5_000] {
            // The first sample is one step after the stated phase.
            let t = (n + 1) as f32 / RATE_HZ;
            let expected: f32 = partials
                .iter()
                .map(|p| {
                    p.amplitude * (-t / p.tau_s).exp() * (TAU * p.frequency_hz * t + p.phase).sin()
                })
                .sum();
            assert!(
                (out[n] - expected).abs() < 2e-3,
                "{n}: {} {expected}",
                out[n]
            );
        }
    }

    #[test]
    fn sources_begin_at_once_and_end() {
        let mut random = Random::new(&[3]);
        let mut out = silence(1.0);
        Noise {
            amplitude: 1.0,
            high_pass_hz: 100.0,
            low_pass_hz: 18_000.0,
            attack_s: 0.0,
            tau_s: 0.02,
        }
        .add(&mut out, &mut random);
        assert!(out[..20].iter().any(|s| s.abs() > 0.1));
        assert!(out[20_000..].iter().all(|s| *s == 0.0));
    }
}
