//! Hats and cymbals: hundreds of inharmonic partials of a plate, and noise.

use std::f32::consts::TAU;

use super::{
    Stroke,
    sources::{Noise, Partial, add_contact, add_partials, silence},
};
use crate::{
    dsp::{Biquad, RATE_HZ},
    random::Random,
};

/// A struck plate. Its modes lie at random, evenly dense over frequency.
struct Plate {
    partials: usize,
    low_hz: f32,
    high_hz: f32,
    /// Duration of what sounds at [`REFERENCE_HZ`].
    tau_s: f32,
    /// Loss of duration per octave, as an exponent.
    damping: f32,
    /// Loss of amplitude per octave, as an exponent (negative is brighter).
    dullness: f32,
    /// Broad resonances: frequency, width in octaves, gain.
    resonances: [(f32, f32, f32); 3],
    amplitude: f32,
}

const REFERENCE_HZ: f32 = 5_000.0;

impl Plate {
    fn colour(&self, frequency_hz: f32) -> f32 {
        let tilt = (frequency_hz / REFERENCE_HZ).powf(-self.dullness);
        let peaks: f32 = self
            .resonances
            .iter()
            .map(|&(centre_hz, octaves, gain)| {
                let distance = (frequency_hz / centre_hz).log2() / octaves;
                gain * (-distance * distance).exp()
            })
            .sum();
        tilt * (1.0 + peaks)
    }

    fn tau_at(&self, frequency_hz: f32) -> f32 {
        self.tau_s * (frequency_hz / REFERENCE_HZ).powf(-self.damping)
    }

    /// Adds the plate's partials; `modes` draws where they lie and must be in
    /// the same state for every stroke on the same plate.
    fn add(&self, out: &mut [f32], modes: &mut Random, stroke: &mut Stroke) {
        let norm = self.amplitude / (self.partials as f32).sqrt();
        let mut partials: Vec<Partial> = (0..self.partials)
            .map(|_| {
                let frequency_hz = modes.range(self.low_hz, self.high_hz);
                let strength = modes.log_range(0.15, 1.6);
                let softness = (frequency_hz / 1_500.0).max(1.0).powf(-stroke.softness());
                Partial {
                    frequency_hz,
                    amplitude: norm
                        * self.colour(frequency_hz)
                        * strength
                        * softness
                        * stroke.vary_db(3.0),
                    tau_s: self.tau_at(frequency_hz) * modes.log_range(0.5, 1.8),
                    phase: stroke.change.range(0.0, TAU),
                }
            })
            .collect();
        add_partials(out, &mut partials);
    }

    /// Adds noise in four bands that decay as the partials do; `attack_s` lets
    /// the wash of a cymbal bloom.
    fn add_noise(&self, out: &mut [f32], amplitude: f32, attack_s: f32, stroke: &mut Stroke) {
        for (low_hz, high_hz) in [
            (500.0, 2_500.0),
            (2_000.0, 6_000.0),
            (5_000.0, 11_000.0),
            (9_500.0, 19_000.0_f32),
        ] {
            if high_hz < self.low_hz {
                continue;
            }
            let centre_hz = (low_hz * high_hz).sqrt();
            Noise {
                amplitude: amplitude
                    * self.colour(centre_hz)
                    * (centre_hz / 1_500.0).max(1.0).powf(-stroke.softness()),
                high_pass_hz: low_hz.max(self.low_hz),
                low_pass_hz: high_hz,
                attack_s,
                tau_s: self.tau_at(centre_hz),
            }
            .add(out, &mut stroke.change);
        }
    }
}

fn resonances(kit: &mut Random, low_hz: f32, strength: f32) -> [(f32, f32, f32); 3] {
    std::array::from_fn(|_| {
        (
            kit.log_range(low_hz, 14_000.0),
            kit.log_range(0.1, 0.8),
            kit.range(0.0, strength),
        )
    })
}

/// The tip of the stick on metal.
fn add_tip(out: &mut [f32], kit: &mut Random, stroke: &mut Stroke, amplitude: f32) {
    add_contact(out, 0.5 * amplitude, kit.log_range(0.00005, 0.0003));
    Noise {
        amplitude: amplitude * stroke.brightness(),
        high_pass_hz: kit.log_range(1_500.0, 6_000.0),
        low_pass_hz: 19_000.0,
        attack_s: 0.0,
        tau_s: kit.log_range(0.0008, 0.006),
    }
    .add(out, &mut stroke.change);
}

/// How a pair of hats is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HatStroke {
    Closed,
    Pedal,
    Open,
}

/// A hi-hat; every way of playing shares the plate.
pub(super) fn hat(
    kit: &mut Random,
    stroke: &mut Stroke,
    electronic: bool,
    way: HatStroke,
) -> Vec<f32> {
    let low_hz = kit.log_range(250.0, 4_500.0);
    let dullness = kit.range(-2.2, 0.8);
    let peaks = resonances(kit, low_hz.max(1_200.0), 4.0);
    let closed_tau_s = kit.log_range(0.009, 0.06);
    let openness = kit.log_range(4.0, 22.0);
    let pedal_ratio = kit.range(0.5, 1.3);
    let noise_share = kit.range(0.1, 1.4);
    let tip = kit.log_range(0.05, 0.9);
    let partials = 90 + kit.below(220);
    let mut modes = Random::new(&[kit.next_u64()]);
    let tau_s = match way {
        HatStroke::Closed => closed_tau_s * (0.7 + 0.5 * stroke.velocity),
        HatStroke::Pedal => closed_tau_s * pedal_ratio,
        HatStroke::Open => (closed_tau_s * openness).clamp(0.08, 1.2),
    };
    let plate = Plate {
        partials,
        low_hz,
        high_hz: kit.range(13_000.0, 19_500.0),
        tau_s,
        damping: kit.range(-0.1, 0.7),
        dullness: dullness + if way == HatStroke::Pedal { 0.4 } else { 0.0 },
        resonances: peaks,
        amplitude: 0.5,
    };
    let mut out = silence((tau_s * 9.0).clamp(0.12, 3.5));
    if electronic {
        add_square_metal(&mut out, kit, tau_s);
        plate.add_noise(&mut out, 0.15 * noise_share, 0.0, stroke);
        return out;
    }
    plate.add(&mut out, &mut modes, stroke);
    let attack_s = match way {
        // Closing plates touch more softly than a stick.
        HatStroke::Pedal => kit.range(0.0005, 0.004),
        _ => 0.0,
    };
    plate.add_noise(&mut out, 0.3 * noise_share, attack_s, stroke);
    if way != HatStroke::Pedal {
        add_tip(&mut out, kit, stroke, 0.5 * tip);
    }
    out
}

/// Six detuned square oscillators through a high band: drum-machine metal.
fn add_square_metal(out: &mut [f32], kit: &mut Random, tau_s: f32) {
    let base_hz = kit.log_range(180.0, 620.0);
    let frequencies: [f32; 6] = std::array::from_fn(|_| base_hz * kit.range(1.0, 2.7));
    let mut phases: [f32; 6] = std::array::from_fn(|_| kit.unit());
    let ring = kit.chance(0.3);
    let mut band = Biquad::band_pass(kit.log_range(5_000.0, 11_000.0), kit.range(0.4, 1.6));
    let mut high = Biquad::high_pass(kit.log_range(2_000.0, 8_000.0), 0.8);
    let shrink = (-1.0 / (tau_s * RATE_HZ)).exp();
    let mut amplitude = 0.9;
    for sample in out {
        let mut squares = [0.0; 6];
        for ((square, phase), frequency) in squares.iter_mut().zip(&mut phases).zip(&frequencies) {
            *square = if *phase < 0.5 { 0.5 } else { -0.5 };
            *phase = (*phase + frequency / RATE_HZ).fract();
        }
        let sum: f32 = if ring {
            4.0 * (squares[0] * squares[1] + squares[2] * squares[3] + squares[4] * squares[5])
        } else {
            squares.iter().sum()
        };
        *sample += amplitude * high.tick(band.tick(sum));
        amplitude *= shrink;
    }
}

/// A crash, splash or china.
pub(super) fn crash(kit: &mut Random, stroke: &mut Stroke, electronic: bool) -> Vec<f32> {
    let kind = kit.unit();
    let (splash, china) = (kind < 0.15, kind > 0.87);
    let low_hz = kit.log_range(150.0, 900.0) * if splash { 2.0 } else { 1.0 };
    let tau_s = if splash {
        kit.log_range(0.06, 0.25)
    } else {
        kit.log_range(0.15, 1.1)
    };
    let mut modes = Random::new(&[kit.next_u64()]);
    let plate = Plate {
        partials: 200 + kit.below(240),
        low_hz,
        high_hz: kit.range(12_000.0, 19_000.0),
        tau_s,
        damping: kit.range(0.0, 0.8),
        dullness: kit.range(-1.6, 0.9),
        resonances: resonances(kit, 600.0, 3.0),
        amplitude: kit.range(0.25, 0.7),
    };
    let mut out = silence((tau_s * 7.0).clamp(0.5, 4.0));
    if electronic {
        add_square_metal(&mut out, kit, tau_s * 0.7);
    } else {
        plate.add(&mut out, &mut modes, stroke);
    }
    let wash = kit.log_range(0.1, 0.7);
    let bloom_s = kit.range(0.0, 0.03);
    plate.add_noise(&mut out, wash, bloom_s, stroke);
    let burst = kit.range(0.0, 0.6);
    Noise {
        amplitude: burst,
        high_pass_hz: kit.log_range(300.0, 2_500.0),
        low_pass_hz: 17_000.0,
        attack_s: 0.0,
        tau_s: kit.log_range(0.004, 0.05),
    }
    .add(&mut out, &mut stroke.change);
    add_tip(&mut out, kit, stroke, kit_tip(burst));
    if china {
        let drive = 2.5;
        for sample in &mut out {
            *sample = (drive * *sample).tanh() / drive;
        }
        Biquad::peak(900.0, 0.8, 6.0).run(&mut out);
    }
    out
}

/// A crash always has some stick, more when it lacks a burst.
fn kit_tip(burst: f32) -> f32 {
    0.15 + 0.3 * (0.6 - burst).max(0.0)
}

/// How a ride is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RideStroke {
    Bow,
    Bell,
}

/// A ride: a ping over a long wash, or the bell's few strong partials.
pub(super) fn ride(
    kit: &mut Random,
    stroke: &mut Stroke,
    electronic: bool,
    way: RideStroke,
) -> Vec<f32> {
    let low_hz = kit.log_range(220.0, 1_200.0);
    let tau_s = kit.log_range(0.15, 0.9);
    let ping = kit.log_range(0.3, 3.0);
    let ping_tau_s = kit.log_range(0.012, 0.15);
    let ping_low_hz = kit.log_range(1_500.0, 5_000.0);
    let wash = kit.log_range(0.08, 0.6);
    let noise = kit.log_range(0.02, 0.4);
    let rivets = kit.chance(0.1);
    let seed = kit.next_u64();
    let mut modes = Random::new(&[seed]);
    let plate = Plate {
        partials: 160 + kit.below(220),
        low_hz,
        high_hz: kit.range(11_000.0, 18_500.0),
        tau_s,
        damping: kit.range(0.0, 0.7),
        dullness: kit.range(-2.0, 0.6),
        resonances: resonances(kit, 900.0, 3.0),
        amplitude: wash,
    };
    let mut out = silence((tau_s * 6.0).clamp(0.8, 4.0));
    if electronic {
        add_square_metal(&mut out, kit, tau_s * 0.6);
        let amplitude = 0.4;
        add_bell(&mut out, &mut Random::new(&[seed, 2]), stroke, amplitude);
        plate.add_noise(&mut out, 0.4 * noise, 0.0, stroke);
        return out;
    }
    plate.add(&mut out, &mut modes, stroke);
    plate.add_noise(&mut out, noise, kit.range(0.0, 0.02), stroke);
    match way {
        RideStroke::Bow => {
            let ping_plate = Plate {
                partials: 24 + kit.below(60),
                low_hz: ping_low_hz,
                tau_s: ping_tau_s,
                damping: kit.range(0.0, 0.6),
                amplitude: ping * 0.4,
                dullness: kit.range(-1.4, 0.5),
                ..plate
            };
            ping_plate.add(&mut out, &mut Random::new(&[seed, 1]), stroke);
            let tip = kit.log_range(0.1, 1.0);
            add_tip(&mut out, kit, stroke, tip);
            if rivets {
                plate.add_noise(&mut out, 0.25, 0.05, stroke);
            }
        }
        RideStroke::Bell => {
            add_bell(&mut out, &mut Random::new(&[seed, 2]), stroke, 1.0);
            add_tip(&mut out, kit, stroke, 0.3);
        }
    }
    out
}

/// Few strong partials in a nearly harmonic row.
fn add_bell(out: &mut [f32], kit: &mut Random, stroke: &mut Stroke, amplitude: f32) {
    let base_hz = kit.log_range(420.0, 1_500.0);
    let tau_s = kit.log_range(0.1, 0.7);
    let mut partials: Vec<Partial> = (0..6 + kit.below(8))
        .map(|rank| {
            let ratio = (1.0 + rank as f32 * kit.range(0.55, 0.95)) * kit.range(0.97, 1.05);
            Partial {
                frequency_hz: base_hz * ratio,
                amplitude: 0.5 * amplitude * kit.log_range(0.2, 1.0) * stroke.vary_db(2.0),
                tau_s: tau_s * ratio.powf(-0.5),
                phase: stroke.change.range(0.0, TAU),
            }
        })
        .collect();
    add_partials(out, &mut partials);
}
