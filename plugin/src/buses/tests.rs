// Signals are indexed by channel and time, several at once.
#![allow(clippy::needless_range_loop)]

use proptest::prelude::*;

use super::*;

const RATE_HZ: f64 = 8_000.0;
const SAMPLES: usize = 600;

struct Buses(Vec<[Vec<f32>; 2]>);

impl Buses {
    fn new(count: usize) -> Self {
        // Hosts do not clear their buffers.
        Self(vec![[vec![7.0; SAMPLES], vec![7.0; SAMPLES]]; count])
    }
}

impl AuxOutputs for Buses {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn stereo(&mut self, bus: usize) -> Option<[&mut [f32]; 2]> {
        let [left, right] = self.0.get_mut(bus)?;
        Some([left, right])
    }
}

struct Signals {
    stems: Vec<[Vec<f32>; 2]>,
    dry: [Vec<f32>; 2],
}

/// Stems of pseudo-random noise whose sum is the dry signal.
fn signals() -> Signals {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let stems: Vec<[Vec<f32>; 2]> = (0..STEM_COUNT)
        .map(|_| [0, 1].map(|_| (0..SAMPLES).map(|_| noise() * 0.1).collect()))
        .collect();
    let dry = [0, 1].map(|channel| {
        (0..SAMPLES)
            .map(|n| stems.iter().map(|stem| stem[channel][n]).sum())
            .collect()
    });
    Signals { stems, dry }
}

impl Signals {
    fn block(&self, from: usize, to: usize) -> StemBlock<'_> {
        StemBlock {
            stems: std::array::from_fn(|stem| {
                [0, 1].map(|channel| &self.stems[stem][channel][from..to])
            }),
            dry: [0, 1].map(|channel| &self.dry[channel][from..to]),
        }
    }
}

/// Runs `blocks` (length, targets) and returns main and the buses.
fn run(blocks: &[(usize, MixTargets)], bus_count: usize) -> ([Vec<f32>; 2], Buses) {
    let signals = signals();
    let mut mixer = Mixer::new(RATE_HZ, &MixTargets::default());
    let mut main = [vec![7.0; SAMPLES], vec![7.0; SAMPLES]];
    let mut buses = Buses::new(bus_count);
    let mut from = 0;
    for (length, targets) in blocks {
        mixer.set_targets(targets);
        let to = from + length;
        let [left, right] = &mut main;
        mixer.mix(
            &signals.block(from, to),
            [&mut left[from..to], &mut right[from..to]],
            &mut buses,
            from,
        );
        from = to;
    }
    (main, buses)
}

fn level_db(error: f32, reference: f32) -> f32 {
    20.0 * (error / reference).log10()
}

#[test]
fn unit_levels_sum_to_the_dry_signal() {
    let dry = signals().dry;
    for bus_count in [0, 1, 4, AUX_BUS_COUNT] {
        let (main, buses) = run(&[(SAMPLES, MixTargets::default())], bus_count);
        for channel in 0..2 {
            for n in 0..SAMPLES {
                assert!(level_db((main[channel][n] - dry[channel][n]).abs(), 1.0) < -120.0);
                if bus_count == AUX_BUS_COUNT {
                    let sum: f32 = buses.0.iter().map(|bus| bus[channel][n]).sum();
                    assert!(level_db((sum - dry[channel][n]).abs(), 1.0) < -120.0);
                }
            }
        }
    }
}

#[test]
fn bypass_copies_every_bit_and_silences_the_buses() {
    let mut signals = signals();
    signals.dry[0][5] = -0.0;
    signals.dry[1][6] = f32::MIN_POSITIVE / 4.0;
    let targets = MixTargets {
        bypass: true,
        class_gain: [0.3; DRUM_COUNT],
        ..MixTargets::default()
    };
    let mut mixer = Mixer::new(RATE_HZ, &targets);
    let mut main = [vec![7.0; SAMPLES], vec![7.0; SAMPLES]];
    let mut buses = Buses::new(AUX_BUS_COUNT);
    let [left, right] = &mut main;
    mixer.mix(&signals.block(0, SAMPLES), [left, right], &mut buses, 0);
    for channel in 0..2 {
        for (out, dry) in main[channel].iter().zip(&signals.dry[channel]) {
            assert_eq!(out.to_bits(), dry.to_bits());
        }
        assert!(
            buses
                .0
                .iter()
                .all(|bus| bus[channel].iter().all(|s| *s == 0.0))
        );
    }
}

#[test]
fn bypass_fades_in_without_a_click_and_ends_exact() {
    let dry = signals().dry;
    let half = SAMPLES / 2;
    let on = MixTargets {
        main: MainOutput::Kick,
        ..MixTargets::default()
    };
    let off = MixTargets { bypass: true, ..on };
    let (main, buses) = run(&[(half, on), (half, off)], AUX_BUS_COUNT);
    let ramp = (RATE_HZ * RAMP_SECONDS) as usize;
    for n in half + ramp..SAMPLES {
        assert_eq!(main[0][n].to_bits(), dry[0][n].to_bits());
        assert_eq!(buses.0[0][0][n], 0.0);
    }
    assert!(buses.0[0][0][half + 1].abs() > 0.0);
    assert_ne!(main[0][half], dry[0][half]);
}

#[test]
fn routing_moves_a_class_to_another_bus() {
    let signals = signals();
    let mut targets = MixTargets::default();
    targets.route[2] = 3;
    let mut mixer = Mixer::new(RATE_HZ, &targets);
    let mut main = [vec![0.0; SAMPLES], vec![0.0; SAMPLES]];
    let mut buses = Buses::new(AUX_BUS_COUNT);
    let [left, right] = &mut main;
    mixer.mix(&signals.block(0, SAMPLES), [left, right], &mut buses, 0);
    for n in 0..SAMPLES {
        assert_eq!(buses.0[2][0][n], 0.0);
        let expected = signals.stems[2][0][n] + signals.stems[3][0][n];
        assert!((buses.0[3][0][n] - expected).abs() < 1e-6);
    }
}

#[test]
fn a_change_of_bus_crosses_zero() {
    let mut moved = MixTargets::default();
    moved.route[0] = 1;
    let at = 100;
    let (_, buses) = run(
        &[(at, MixTargets::default()), (SAMPLES - at, moved)],
        AUX_BUS_COUNT,
    );
    let signals = signals();
    let ramp = (RATE_HZ * RAMP_SECONDS) as usize;
    let kick = |bus: usize, n: usize| {
        let own = if bus == 0 {
            0.0
        } else {
            signals.stems[bus][0][n]
        };
        (buses.0[bus][0][n] - own) / signals.stems[0][0][n]
    };
    assert!((kick(0, at - 1) - 1.0).abs() < 1e-3);
    assert!((kick(0, at + ramp / 2) - 0.5).abs() < 0.05);
    assert!(kick(0, at + ramp).abs() < 1e-3);
    assert!(kick(1, at + ramp - 2).abs() < 1e-3);
    assert!((kick(1, at + ramp + ramp / 2) - 0.5).abs() < 0.05);
    assert!((kick(1, at + 2 * ramp + 2) - 1.0).abs() < 1e-3);
}

#[test]
fn main_carries_the_selection() {
    let signals = signals();
    for (main, stems) in [
        (MainOutput::Snare, vec![1]),
        (MainOutput::GroupToms, vec![4, 5, 6]),
        (MainOutput::GroupCymbals, vec![7, 8]),
        (MainOutput::Residual, vec![RESIDUAL]),
        (MainOutput::Nothing, vec![]),
        (MainOutput::Mix, (0..STEM_COUNT).collect()),
    ] {
        let targets = MixTargets {
            main,
            ..MixTargets::default()
        };
        let mut mixer = Mixer::new(RATE_HZ, &targets);
        let mut output = [vec![0.0; SAMPLES], vec![0.0; SAMPLES]];
        let [left, right] = &mut output;
        let mut none = Buses::new(0);
        mixer.mix(&signals.block(0, SAMPLES), [left, right], &mut none, 0);
        for (n, sample) in output[1].iter().enumerate() {
            let expected: f32 = stems.iter().map(|stem| signals.stems[*stem][1][n]).sum();
            assert!((sample - expected).abs() < 1e-6, "{main:?}");
        }
    }
}

#[test]
fn peaks_follow_the_faders() {
    let signals = signals();
    let mut targets = MixTargets::default();
    targets.class_gain[0] = 0.5;
    targets.class_gain[1] = 0.0;
    let mut mixer = Mixer::new(RATE_HZ, &targets);
    let mut main = [vec![0.0; SAMPLES], vec![0.0; SAMPLES]];
    let [left, right] = &mut main;
    let mut none = Buses::new(0);
    let peaks = mixer.mix(&signals.block(0, SAMPLES), [left, right], &mut none, 0);
    let kick = peak([&signals.stems[0][0], &signals.stems[0][1]]);
    assert!((peaks.stems[0] - 0.5 * kick).abs() < 1e-6);
    assert_eq!(peaks.stems[1], 0.0);
    assert_eq!(peaks.dry, peak([&signals.dry[0], &signals.dry[1]]));
}

proptest! {
    /// Cutting the same run into other blocks changes no bit, whatever moves.
    #[test]
    fn any_partition_gives_the_same_bits(
        changes in proptest::collection::vec((0..SAMPLES, 0..5_usize, 0..18_usize), 1..6),
        cuts in proptest::collection::vec(0..SAMPLES, 0..20),
    ) {
        use nice_plug::prelude::Enum;
        let mut changes = changes;
        changes.sort();
        let targets_at = |n: usize| {
            let mut targets = MixTargets::default();
            for (at, what, value) in &changes {
                if *at <= n {
                    match what {
                        0 => targets.class_gain[value % DRUM_COUNT] = 0.25,
                        1 => targets.route[value % DRUM_COUNT] = (value * 7) % DRUM_COUNT,
                        2 => targets.main = MainOutput::from_index(*value),
                        3 => targets.bypass = !targets.bypass,
                        _ => targets.residual_gain = 0.0,
                    }
                }
            }
            targets
        };
        let run_with = |cuts: &[usize]| {
            let mut edges: Vec<usize> = cuts.to_vec();
            edges.extend(changes.iter().map(|(at, _, _)| *at));
            edges.extend([0, SAMPLES]);
            edges.sort();
            edges.dedup();
            let blocks: Vec<_> = edges
                .windows(2)
                .map(|edge| (edge[1] - edge[0], targets_at(edge[0])))
                .collect();
            run(&blocks, AUX_BUS_COUNT)
        };
        let (main, buses) = run_with(&[]);
        let (other_main, other_buses) = run_with(&cuts);
        prop_assert_eq!(main, other_main);
        prop_assert_eq!(buses.0, other_buses.0);
    }
}
