//! Unusual sample rates and bad input.

use xtask::{analysis, demo_loop};

use super::{
    FORMATS, NULL_DBFS, RATE_HZ, assert_same_audio, excerpt, noise, open, render, render_at,
};

#[test]
fn extreme_sample_rates_work() {
    for format in FORMATS {
        for rate_hz in [8_000.0, 22_050.0, 192_000.0] {
            let input = demo_loop::render(rate_hz)
                .channels
                .map(|channel| channel[..(1.2 * rate_hz) as usize].to_vec());
            let rendering = render_at(open(format).as_mut(), &input, rate_hz, 512);
            let level = analysis::null_test_dbfs(&rendering, &input);
            assert!(level < NULL_DBFS, "{format} at {rate_hz} Hz: {level} dBFS");
            let drums: Vec<Vec<f32>> = rendering.audio[1..10].concat();
            let level = analysis::peak_dbfs(&drums);
            assert!(
                level > -50.0,
                "{format} at {rate_hz} Hz: drums at {level} dBFS"
            );
        }
    }
}

#[test]
fn absurd_sample_rates_pass_the_input_through() {
    let input = noise(30_000, 11);
    for format in FORMATS {
        for rate_hz in [4_000.0, 400_000.0] {
            let rendering = render_at(open(format).as_mut(), &input, rate_hz, 512);
            let dry = analysis::delayed(&input, rendering.latency_samples);
            let what = format!("{format} at {rate_hz} Hz");
            assert_same_audio(&rendering.audio[0], &dry, &what);
        }
    }
}

#[test]
fn input_that_is_no_number_is_contained() {
    let clean = excerpt();
    let half_a_second = (0.5 * RATE_HZ) as usize;
    for format in FORMATS {
        let undisturbed = render(open(format).as_mut(), &clean, 333);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            let mut input = clean.clone();
            input[0][half_a_second..half_a_second + 700].fill(bad);
            input[1][half_a_second + 3] = bad;
            let rendering = render(open(format).as_mut(), &input, 333);
            let what = format!("{format}, {bad}");
            for (bus, name) in rendering.bus_names.iter().enumerate() {
                let finite = rendering.audio[bus]
                    .iter()
                    .flatten()
                    .all(|sample| sample.is_finite());
                assert!(finite, "{what}: {name}");
            }
            // A second later it separates again as if nothing had been.
            let sum = analysis::sum_of_buses(&rendering, 1);
            let dry = analysis::delayed(&clean, rendering.latency_samples);
            let later = |audio: &[Vec<f32>]| -> Vec<Vec<f32>> {
                audio
                    .iter()
                    .map(|channel| channel[3 * half_a_second..].to_vec())
                    .collect()
            };
            let rest = analysis::difference(&later(&sum), &later(&dry));
            let level = analysis::peak_dbfs(&rest);
            assert!(level < NULL_DBFS, "{what}: {level} dBFS");
            for (bus, name) in rendering.bus_names.iter().enumerate() {
                let level = |audio: &[Vec<f32>]| analysis::rms_dbfs(&later(audio));
                let expected = level(&undisturbed.audio[bus]);
                let found = level(&rendering.audio[bus]);
                // Buses that far down hold leakage, not a drum.
                let leakage = found.max(expected) < -30.0;
                let same = leakage || (found - expected).abs() < 6.0;
                assert!(same, "{what}: {name} at {found} dBFS instead of {expected}");
            }
        }
    }
}

#[test]
fn silence_gives_silence_and_no_hits() {
    let silence = [vec![0.0; 60_000], vec![0.0; 60_000]];
    for format in FORMATS {
        let rendering = render(open(format).as_mut(), &silence, 512);
        for (bus, name) in rendering.bus_names.iter().enumerate() {
            let level = analysis::peak_dbfs(&rendering.audio[bus]);
            assert_eq!(level, analysis::SILENCE_DBFS, "{format}, {name}");
        }
        assert!(
            rendering.notes.is_empty(),
            "{format}: {:?}",
            rendering.notes
        );
    }
}

#[test]
fn instances_come_and_go() {
    for format in FORMATS {
        for round in 0..12 {
            let mut host = open(format);
            if round % 3 == 0 {
                continue;
            }
            host.activate(48_000.0, 256).expect("activates");
            let block = [vec![0.1; 256], vec![0.1; 256]];
            let input: Vec<&[f32]> = block.iter().map(Vec::as_slice).collect();
            let (mut audio, mut notes) = (Vec::new(), Vec::new());
            host.process(&input, &[], &mut audio, &mut notes)
                .expect("processes");
            if round % 3 == 1 {
                host.deactivate().expect("deactivates");
            }
            // Otherwise it is dropped while active, as hosts do that crash.
        }
    }
}
