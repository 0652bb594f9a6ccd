//! The same samples, however the host cuts, repeats and mixes its calls.

use xtask::analysis;
use xtask::hosts::Format;
use xtask::render::{self, RenderOptions};

use super::{
    FORMATS, NULL_DBFS, RATE_HZ, assert_same, assert_same_audio, excerpt, noise, open, open_with,
    render, render_at, render_to_the_end,
};

#[test]
fn buses_sum_to_the_delayed_input() {
    for format in FORMATS {
        for rate_hz in [44_100.0, 48_000.0, 96_000.0] {
            let rendering = render_at(open(format).as_mut(), &excerpt(), rate_hz, 512);
            let level = analysis::null_test_dbfs(&rendering, &excerpt());
            assert!(level < NULL_DBFS, "{format} at {rate_hz} Hz: {level} dBFS");
        }
        let input = noise(RATE_HZ as usize, 7);
        let rendering = render(open(format).as_mut(), &input, 333);
        let level = analysis::null_test_dbfs(&rendering, &input);
        assert!(level < NULL_DBFS, "{format}, noise: {level} dBFS");
    }
}

#[test]
fn the_main_mix_is_the_sum_of_the_buses() {
    let rendering = render(open(Format::Clap).as_mut(), &excerpt(), 512);
    let sum = analysis::sum_of_buses(&rendering, 1);
    let rest = analysis::difference(&rendering.audio[0], &sum);
    let level = analysis::peak_dbfs(&rest);
    assert!(level < NULL_DBFS, "{level} dBFS");
}

#[test]
fn bypass_and_dry_output_are_the_delayed_input_to_the_bit() {
    let input = excerpt();
    for format in FORMATS {
        for setting in [("bypass", "@1"), ("main", "Dry input")] {
            let rendering = render(open_with(format, &[setting]).as_mut(), &input, 512);
            let dry = analysis::delayed(&input, rendering.latency_samples);
            assert_same_audio(&rendering.audio[0], &dry, &format!("{format} {setting:?}"));
        }
    }
}

#[test]
fn bypass_works_while_running() {
    let input = excerpt();
    for format in FORMATS {
        let mut host = open(format);
        let bypass = xtask::hosts::find_parameter(host.as_mut(), "bypass").expect("there is one");
        let options = RenderOptions::blocks_of(512);
        host.activate(RATE_HZ, 512).expect("activates");
        let before = render::stream(host.as_mut(), &input, RATE_HZ, &options).expect("renders");
        host.set_value(bypass.id, 1.0).expect("sets");
        let after = render::stream(host.as_mut(), &input, RATE_HZ, &options).expect("renders");
        host.deactivate().expect("deactivates");
        let dry = analysis::delayed(&input, before.latency_samples);
        // A tenth of a second is enough for any fade.
        let settled = (0.1 * RATE_HZ) as usize;
        let tail = |audio: &[Vec<f32>]| -> Vec<Vec<f32>> {
            audio
                .iter()
                .map(|channel| channel[settled..].to_vec())
                .collect()
        };
        assert_same_audio(&tail(&after.audio[0]), &tail(&dry), &format!("{format}"));
        assert_ne!(
            tail(&before.audio[1]),
            tail(&after.audio[1]),
            "{format}: kick bus"
        );
    }
}

#[test]
fn every_block_size_and_both_formats_give_the_same_samples() {
    let input = excerpt();
    let expected = render(open(Format::Clap).as_mut(), &input, 512);
    let cuts: [&[usize]; 7] = [
        &[1],
        &[64],
        &[333],
        &[512],
        &[4096],
        &[1, 7, 512, 64, 333, 2],
        &[4096, 1, 255, 257],
    ];
    for format in FORMATS {
        for cut in cuts {
            let options = RenderOptions::blocks_in_turn(cut);
            let found = render::render(open(format).as_mut(), &input, RATE_HZ, &options)
                .expect("it renders");
            assert_same(&found, &expected, &format!("{format}, blocks of {cut:?}"));
        }
    }
}

#[test]
fn offline_and_repeated_renders_are_identical() {
    let input = excerpt();
    for format in FORMATS {
        let realtime = render_to_the_end(open(format).as_mut(), &input);
        let mut host = open(format);
        host.set_offline(true).expect("sets");
        for pass in 0..2 {
            let offline = render_to_the_end(host.as_mut(), &input);
            assert_same(
                &offline,
                &realtime,
                &format!("{format}, offline pass {pass}"),
            );
        }
        // Once it was listened to, more is known of the kit, and of that all exports are made.
        host.set_offline(false).expect("sets");
        render_to_the_end(host.as_mut(), &input);
        host.set_offline(true).expect("sets");
        let known = [(); 2].map(|()| render_to_the_end(host.as_mut(), &input));
        assert_same(&known[0], &known[1], &format!("{format}, exported twice"));
    }
}

#[test]
fn instances_do_not_disturb_each_other() {
    let inputs = [excerpt(), noise((1.5 * RATE_HZ) as usize, 3)];
    let alone = [0, 1].map(|index| render(open(FORMATS[index]).as_mut(), &inputs[index], 333));
    std::thread::scope(|scope| {
        for (format, input, alone) in [0, 1, 0, 1].map(|at| (FORMATS[at], &inputs[at], &alone[at]))
        {
            scope.spawn(move || {
                let together = render(open(format).as_mut(), input, 333);
                assert_same(&together, alone, &format!("{format} beside others"));
            });
        }
    });
}
