//! Kick, snare and toms: modes of a membrane, contact, wires and shell.

use std::f32::consts::TAU;

use super::{
    Stroke,
    sources::{Noise, Partial, Sweep, add_contact, add_partials, silence},
};
use crate::random::Random;

/// Frequencies of the modes of an ideal membrane, relative to the lowest.
const MEMBRANE_MODES: [f32; 14] = [
    1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.600, 3.652, 4.060, 4.154, 4.230, 4.601,
];

/// What the modes above the fundamental have in common.
struct Head {
    frequency_hz: f32,
    tau_s: f32,
    /// Loss of amplitude per octave above the fundamental, as an exponent.
    dullness: f32,
    /// Loss of duration per octave, as an exponent.
    damping: f32,
    /// 0 strikes the centre (only round modes sound), 1 the edge.
    position: f32,
}

/// Adds modes 1.. of a struck head (the fundamental is a sweep).
fn add_modes(out: &mut [f32], head: &Head, amplitude: f32, stroke: &mut Stroke) {
    let mut partials: Vec<Partial> = MEMBRANE_MODES[1..]
        .iter()
        .enumerate()
        .map(|(mode, ratio)| {
            let round = matches!(mode, 2 | 7);
            let reach = if round {
                1.0 - 0.5 * head.position
            } else {
                0.15 + head.position
            };
            Partial {
                frequency_hz: head.frequency_hz * ratio * (1.0 + 0.01 * stroke.change.normal()),
                amplitude: amplitude
                    * reach
                    * ratio.powf(-head.dullness - stroke.softness())
                    * stroke.vary_db(3.0),
                tau_s: head.tau_s * ratio.powf(-head.damping),
                phase: stroke.change.range(0.0, 0.6),
            }
        })
        .collect();
    add_partials(out, &mut partials);
}

/// An acoustic or electronic bass drum.
pub(super) fn kick(kit: &mut Random, stroke: &mut Stroke, electronic: bool) -> Vec<f32> {
    if electronic {
        return electronic_kick(kit, stroke);
    }
    let frequency_hz = kit.log_range(38.0, 120.0);
    let tau_s = kit.log_range(0.025, 0.35);
    let head = Head {
        frequency_hz,
        tau_s,
        dullness: kit.range(0.6, 2.6),
        damping: kit.range(0.3, 1.3),
        position: kit.range(0.0, 0.6),
    };
    let mut out = silence((tau_s * 7.0).clamp(0.3, 1.6));
    Sweep {
        frequency_hz,
        depth: kit.range(0.0, 1.6) * (0.5 + 0.5 * stroke.velocity),
        sweep_tau_s: kit.log_range(0.004, 0.045),
        amplitude: 1.0,
        tau_s,
        phase: stroke.change.range(0.0, 0.5),
    }
    .add(&mut out);
    let modes = kit.log_range(0.05, 0.8);
    add_modes(&mut out, &head, modes, stroke);
    // Beater: a short contact and the click of its surface.
    let contact = kit.range(0.0, 0.6);
    add_contact(&mut out, contact, kit.log_range(0.0006, 0.004));
    let click_hz = kit.log_range(900.0, 5_500.0);
    Noise {
        amplitude: kit.log_range(0.03, 1.6) * stroke.brightness(),
        high_pass_hz: click_hz * 0.5,
        low_pass_hz: click_hz * 2.0 * stroke.brightness().sqrt(),
        attack_s: 0.0,
        tau_s: kit.log_range(0.0008, 0.008),
    }
    .add(&mut out, &mut stroke.change);
    // Shell and air.
    let shell_hz = kit.log_range(110.0, 450.0);
    let shell = kit.log_range(0.02, 0.4);
    let shell_tau_s = kit.log_range(0.01, 0.08);
    add_partials(
        &mut out,
        &mut [Partial {
            frequency_hz: shell_hz,
            amplitude: shell,
            tau_s: shell_tau_s,
            phase: 0.2,
        }],
    );
    Noise {
        amplitude: kit.log_range(0.01, 0.35),
        high_pass_hz: 60.0,
        low_pass_hz: kit.log_range(250.0, 1_800.0),
        attack_s: 0.001,
        tau_s: kit.log_range(0.01, 0.12),
    }
    .add(&mut out, &mut stroke.change);
    out
}

fn electronic_kick(kit: &mut Random, stroke: &mut Stroke) -> Vec<f32> {
    let tau_s = kit.log_range(0.025, 0.45);
    let mut out = silence((tau_s * 6.0).clamp(0.25, 2.2));
    Sweep {
        frequency_hz: kit.log_range(36.0, 75.0),
        depth: kit.log_range(0.4, 9.0),
        sweep_tau_s: kit.log_range(0.003, 0.06),
        amplitude: 1.0,
        tau_s,
        phase: kit.range(0.0, 1.5),
    }
    .add(&mut out);
    let drive = kit.log_range(0.3, 5.0);
    for sample in &mut out {
        *sample = (drive * *sample).tanh() / drive.tanh();
    }
    if kit.chance(0.7) {
        let click = kit.log_range(0.05, 1.0) * stroke.brightness();
        let width_s = kit.log_range(0.0002, 0.003);
        add_contact(&mut out, click, width_s);
    }
    Noise {
        amplitude: kit.log_range(0.01, 0.6),
        high_pass_hz: kit.log_range(800.0, 4_000.0),
        low_pass_hz: kit.log_range(4_000.0, 14_000.0),
        attack_s: 0.0,
        tau_s: kit.log_range(0.001, 0.012),
    }
    .add(&mut out, &mut stroke.change);
    out
}

/// How the snare is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SnareStroke {
    Head,
    Rim,
}

/// An acoustic or electronic snare drum.
pub(super) fn snare(
    kit: &mut Random,
    stroke: &mut Stroke,
    electronic: bool,
    way: SnareStroke,
) -> Vec<f32> {
    let frequency_hz = kit.log_range(115.0, 330.0);
    let tau_s = if kit.chance(0.15) {
        kit.log_range(0.08, 0.35)
    } else {
        kit.log_range(0.015, 0.11)
    };
    let wire_tau_s = kit.log_range(0.02, 0.22);
    let wires = kit.log_range(0.12, 2.4);
    let wire_low_hz = kit.log_range(700.0, 4_000.0);
    let wire_high_hz = kit.log_range(6_000.0, 20_000.0);
    let brush = !electronic && kit.chance(0.08);
    let mut out = silence((tau_s.max(wire_tau_s) * 8.0).clamp(0.25, 1.5));
    Sweep {
        frequency_hz,
        depth: kit.range(0.0, 0.35) * if electronic { 3.0 } else { 1.0 },
        sweep_tau_s: kit.log_range(0.003, 0.03),
        amplitude: 0.8,
        tau_s,
        phase: stroke.change.range(0.0, 0.5),
    }
    .add(&mut out);
    if electronic {
        let second = Sweep {
            frequency_hz: frequency_hz * kit.range(1.4, 2.1),
            depth: kit.range(0.0, 0.6),
            sweep_tau_s: 0.01,
            amplitude: kit.range(0.0, 0.7),
            tau_s: tau_s * kit.range(0.4, 0.9),
            phase: 0.0,
        };
        second.add(&mut out);
    } else {
        let head = Head {
            frequency_hz: frequency_hz * kit.range(0.97, 1.15),
            tau_s,
            dullness: kit.range(0.2, 1.8),
            damping: kit.range(0.0, 1.0),
            position: kit.range(0.1, 1.0),
        };
        let modes = kit.log_range(0.1, 0.9);
        add_modes(&mut out, &head, modes, stroke);
    }
    let contact = if brush { 0.0 } else { kit.log_range(0.05, 0.8) };
    add_contact(&mut out, contact, kit.log_range(0.0002, 0.0012));
    // Wires rattle with the head: noise shaken at its frequency.
    let mut rattle = vec![0.0; out.len()];
    let noise = Noise {
        amplitude: wires,
        high_pass_hz: wire_low_hz,
        low_pass_hz: (wire_high_hz * stroke.brightness()).max(1.5 * wire_low_hz),
        attack_s: if brush { 0.012 } else { kit.range(0.0, 0.003) },
        tau_s: wire_tau_s * (0.7 + 0.3 * stroke.velocity),
    };
    noise.add(&mut rattle, &mut stroke.change);
    Noise {
        amplitude: wires * kit.range(0.1, 0.8),
        high_pass_hz: 250.0,
        low_pass_hz: wire_low_hz * 1.5,
        attack_s: 0.0,
        tau_s: wire_tau_s * kit.range(0.3, 0.8),
    }
    .add(&mut rattle, &mut stroke.change);
    let shake = kit.range(0.0, 0.5);
    for (n, (sample, rattle)) in out.iter_mut().zip(&rattle).enumerate() {
        let turn = TAU * frequency_hz * n as f32 / crate::dsp::RATE_HZ;
        *sample += rattle * (1.0 - shake + shake * turn.sin().abs());
    }
    if way == SnareStroke::Rim {
        let rim_hz = kit.log_range(380.0, 1_300.0);
        add_rim(&mut out, kit, stroke, rim_hz, (0.02, 0.12), 1.2);
    }
    out
}

/// Partials of a rim and its shell.
fn add_rim(
    out: &mut [f32],
    kit: &mut Random,
    stroke: &mut Stroke,
    frequency_hz: f32,
    (shortest_s, longest_s): (f32, f32),
    amplitude: f32,
) {
    let tau_s = kit.log_range(shortest_s, longest_s);
    let mut ratio = 1.0;
    let mut partials = Vec::new();
    for rank in 0..kit.below(5) + 3 {
        partials.push(Partial {
            frequency_hz: frequency_hz * ratio,
            amplitude: amplitude * kit.log_range(0.15, 1.0) / (1.0 + 0.4 * rank as f32)
                * stroke.vary_db(2.0),
            tau_s: tau_s * ratio.powf(-0.6),
            phase: kit.range(0.0, TAU),
        });
        ratio *= kit.range(1.2, 1.9);
    }
    add_partials(out, &mut partials);
}

/// The stick laid across the snare and struck on the rim, or its imitation.
pub(super) fn side_stick(kit: &mut Random, stroke: &mut Stroke) -> Vec<f32> {
    let mut out = silence(0.45);
    let frequency_hz = kit.log_range(380.0, 1_900.0);
    add_rim(&mut out, kit, stroke, frequency_hz, (0.004, 0.045), 0.9);
    let drum_hz = kit.log_range(150.0, 350.0);
    let drum = kit.log_range(0.02, 0.4);
    let drum_tau_s = kit.log_range(0.015, 0.08);
    add_partials(
        &mut out,
        &mut [Partial {
            frequency_hz: drum_hz,
            amplitude: drum,
            tau_s: drum_tau_s,
            phase: 0.0,
        }],
    );
    add_contact(
        &mut out,
        kit.log_range(0.1, 1.0),
        kit.log_range(0.0001, 0.0006),
    );
    Noise {
        amplitude: kit.log_range(0.05, 0.9) * stroke.brightness(),
        high_pass_hz: kit.log_range(1_000.0, 4_000.0),
        low_pass_hz: 14_000.0,
        attack_s: 0.0,
        tau_s: kit.log_range(0.001, 0.01),
    }
    .add(&mut out, &mut stroke.change);
    out
}

/// One of three toms (`rank` 0 high, 1 mid, 2 floor) of a set in tune.
pub(super) fn tom(
    kit: &mut Random,
    stroke: &mut Stroke,
    electronic: bool,
    rank: usize,
) -> Vec<f32> {
    let floor_hz = kit.log_range(60.0, 160.0);
    let steps = [kit.range(1.18, 1.6), kit.range(1.15, 1.6)];
    let frequency_hz = match rank {
        0 => floor_hz * steps[0] * steps[1],
        1 => floor_hz * steps[0],
        _ => floor_hz,
    };
    let tau_s = kit.log_range(0.05, 0.5) * (floor_hz / frequency_hz).powf(0.4);
    let head = Head {
        frequency_hz,
        tau_s: tau_s * kit.range(0.2, 0.9),
        dullness: kit.range(0.3, 2.0),
        damping: kit.range(0.0, 0.9),
        position: kit.range(0.1, 1.0),
    };
    let mut out = silence((tau_s * 7.0).clamp(0.4, 2.2));
    let bend = if electronic {
        kit.log_range(0.15, 3.0)
    } else {
        kit.range(0.0, 0.35)
    };
    Sweep {
        frequency_hz,
        depth: bend * (0.3 + 0.7 * stroke.velocity),
        sweep_tau_s: kit.log_range(0.01, 0.15),
        amplitude: 1.0,
        tau_s,
        phase: stroke.change.range(0.0, 0.5),
    }
    .add(&mut out);
    let modes = kit.log_range(0.1, 1.4) * if electronic { 0.2 } else { 1.0 };
    add_modes(&mut out, &head, modes, stroke);
    add_contact(
        &mut out,
        kit.log_range(0.03, 0.6),
        kit.log_range(0.0004, 0.003),
    );
    Noise {
        amplitude: kit.log_range(0.03, 1.6) * stroke.brightness(),
        high_pass_hz: kit.log_range(400.0, 3_000.0),
        low_pass_hz: kit.log_range(3_000.0, 14_000.0),
        attack_s: 0.0,
        tau_s: kit.log_range(0.001, 0.02),
    }
    .add(&mut out, &mut stroke.change);
    Noise {
        amplitude: kit.log_range(0.005, 0.2),
        high_pass_hz: 80.0,
        low_pass_hz: frequency_hz * kit.range(3.0, 12.0),
        attack_s: 0.001,
        tau_s: tau_s * kit.range(0.1, 0.5),
    }
    .add(&mut out, &mut stroke.change);
    out
}
