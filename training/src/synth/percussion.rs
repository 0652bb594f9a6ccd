//! Clap, cowbell, tambourine and shaker: what the nine classes must not claim.

use std::f32::consts::TAU;

use super::{
    Stroke,
    sources::{Noise, Partial, add_contact, add_partials, silence},
};
use crate::{
    dsp::{Biquad, RATE_HZ},
    random::Random,
};

/// Hands, or noise bursts that imitate them.
pub(super) fn clap(kit: &mut Random, stroke: &mut Stroke) -> Vec<f32> {
    let mut out = silence(0.8);
    let centre_hz = kit.log_range(800.0, 2_800.0);
    let spread = kit.range(1.3, 3.0);
    let mut start = 0;
    for _ in 0..2 + kit.below(3) {
        Noise {
            amplitude: 1.0,
            high_pass_hz: centre_hz / spread,
            low_pass_hz: centre_hz * spread,
            attack_s: 0.0,
            tau_s: kit.log_range(0.002, 0.008),
        }
        .add(&mut out[start..], &mut stroke.change);
        start += (kit.range(0.006, 0.015) * RATE_HZ) as usize;
    }
    Noise {
        amplitude: kit.range(0.3, 1.0),
        high_pass_hz: centre_hz / spread,
        low_pass_hz: centre_hz * spread * 1.3,
        attack_s: 0.0,
        tau_s: kit.log_range(0.015, 0.15),
    }
    .add(&mut out[start..], &mut stroke.change);
    out
}

/// Two tones of a folded plate.
pub(super) fn cowbell(kit: &mut Random, stroke: &mut Stroke, electronic: bool) -> Vec<f32> {
    let mut out = silence(0.6);
    let base_hz = kit.log_range(400.0, 900.0);
    let second_hz = base_hz * kit.range(1.35, 1.65);
    let tau_s = kit.log_range(0.02, 0.14);
    if electronic {
        let mut band = Biquad::band_pass(second_hz * 1.2, kit.range(0.5, 2.0));
        let shrink = (-1.0 / (tau_s * RATE_HZ)).exp();
        let (mut amplitude, mut phases) = (1.0, [0.0_f32; 2]);
        for sample in &mut out {
            let mut sum = 0.0;
            for (phase, hz) in phases.iter_mut().zip([base_hz, second_hz]) {
                sum += if *phase < 0.5 { 0.5 } else { -0.5 };
                *phase = (*phase + hz / RATE_HZ).fract();
            }
            *sample = amplitude * band.tick(sum);
            amplitude *= shrink;
        }
        return out;
    }
    let mut partials: Vec<Partial> = (0..12)
        .map(|rank| {
            let frequency_hz = match rank {
                0 => base_hz,
                1 => second_hz,
                _ => base_hz * kit.range(2.0, 12.0),
            };
            Partial {
                frequency_hz,
                amplitude: if rank < 2 {
                    0.6
                } else {
                    kit.log_range(0.03, 0.3)
                } * stroke.vary_db(2.0),
                tau_s: tau_s * (base_hz / frequency_hz).powf(0.4),
                phase: kit.range(0.0, TAU),
            }
        })
        .collect();
    add_partials(&mut out, &mut partials);
    add_contact(&mut out, 0.3, 0.0003);
    out
}

/// Jingles: clusters of high partials struck several times.
pub(super) fn tambourine(kit: &mut Random, stroke: &mut Stroke) -> Vec<f32> {
    let mut out = silence(0.8);
    let tau_s = kit.log_range(0.03, 0.14);
    let centre_hz = kit.log_range(5_000.0, 10_000.0);
    let skin = if kit.chance(0.4) {
        kit.range(0.1, 0.5)
    } else {
        0.0
    };
    for strike in 0..2 + stroke.change.below(4) {
        let start = (strike as f32 * stroke.change.range(0.003, 0.018) * RATE_HZ) as usize;
        let mut partials: Vec<Partial> = (0..28)
            .map(|_| Partial {
                frequency_hz: centre_hz * stroke.change.range(0.55, 1.7),
                amplitude: 0.12 * stroke.change.log_range(0.2, 1.0),
                tau_s: tau_s * stroke.change.log_range(0.5, 1.5),
                phase: stroke.change.range(0.0, TAU),
            })
            .collect();
        add_partials(&mut out[start..], &mut partials);
        Noise {
            amplitude: 0.35,
            high_pass_hz: centre_hz * 0.7,
            low_pass_hz: 19_000.0,
            attack_s: 0.0,
            tau_s: tau_s * 0.5,
        }
        .add(&mut out[start..], &mut stroke.change);
    }
    add_partials(
        &mut out,
        &mut [Partial {
            frequency_hz: kit.log_range(200.0, 450.0),
            amplitude: skin,
            tau_s: 0.04,
            phase: 0.0,
        }],
    );
    out
}

/// Grains against a wall: soft attack, high noise.
pub(super) fn shaker(kit: &mut Random, stroke: &mut Stroke) -> Vec<f32> {
    let mut out = silence(0.3);
    let low_hz = kit.log_range(3_000.0, 8_000.0);
    Noise {
        amplitude: 1.0,
        high_pass_hz: low_hz,
        low_pass_hz: low_hz * kit.range(2.0, 4.0),
        attack_s: kit.range(0.001, 0.02),
        tau_s: kit.log_range(0.008, 0.05),
    }
    .add(&mut out, &mut stroke.change);
    out
}
