//! The editor, looked at through a host window on an X server of its own.

use std::path::Path;
use std::process::Command;

use xtask::{bundle, demo_loop, hosts, wav};

/// Runs `cargo xtask screenshot` on both bundles with these steps and returns
/// what it printed about the last pictures: width, height, colours.
fn sessions(arguments: &[&str]) -> [(u32, u32, usize); 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("editor.png");
    bundle::shared()
        .expect("the bundles are built")
        .plugins()
        .map(|plugin| session(plugin, &out, arguments))
}

/// Attempts at a session whose window stays empty. With Mesa's software renderer
/// the window library does so about once in twenty openings on a busy machine;
/// a crash or a refused step fails at once.
const ATTEMPTS: usize = 3;

fn session(plugin: &Path, out: &Path, arguments: &[&str]) -> (u32, u32, usize) {
    let text = printed(plugin, out, arguments);
    let numbers = numbers_after(&format!("{}: ", out.display()), &text);
    match numbers[0][..] {
        [width, height, colours] => (width as u32, height as u32, colours as usize),
        _ => panic!("expected three numbers, found {text}"),
    }
}

/// The numbers of each line of `text` that begins so.
fn numbers_after(beginning: &str, text: &str) -> Vec<Vec<f64>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(beginning));
    let numbers = |line: &str| {
        line.split(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
            .filter_map(|word| word.parse().ok())
            .collect()
    };
    lines.map(numbers).collect()
}

/// What the session of one bundle prints.
fn printed(plugin: &Path, out: &Path, arguments: &[&str]) -> String {
    let home = out.parent().expect("a folder");
    let run = || {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            // What is saved is saved there.
            .env("HOME", home)
            .arg("screenshot")
            .arg(out)
            .arg("--plugin")
            .arg(plugin)
            .args(arguments)
            .output()
            .expect("xtask runs")
    };
    let mut output = run();
    for _ in 1..ATTEMPTS {
        if !String::from_utf8_lossy(&output.stderr).contains("has drawn nothing") {
            break;
        }
        output = run();
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(out.exists(), "no picture");
    text.into_owned()
}

#[test]
fn the_editor_draws_while_audio_plays() {
    for (width, height, colours) in sessions(&["--play", "--do", "wait:3"]) {
        assert!(width >= 600 && height >= 400, "{width} x {height}");
        assert!(colours > 50, "{colours} colours");
    }
}

#[test]
fn the_editor_survives_opening_and_closing_again_and_again() {
    let mut arguments = vec!["--play"];
    for wait in ["wait:0", "wait:0.02", "wait:0.1", "wait:0.3"].repeat(5) {
        arguments.extend(["--do", wait, "--do", "reopen"]);
    }
    arguments.extend(["--do", "wait:1.5"]);
    for (_, _, colours) in sessions(&arguments) {
        assert!(colours > 50, "{colours} colours");
    }
}

#[test]
fn the_editor_can_be_resized_and_clicked() {
    let steps = [
        "wait:1",
        "resize:1300x850",
        "click:40,40",
        "drag:300,300,300,260",
        "key:ctrl+z",
        "wait:1",
    ];
    let arguments: Vec<&str> = steps.iter().flat_map(|step| ["--do", step]).collect();
    for (width, height, colours) in sessions(&arguments) {
        assert_eq!((width, height), (1_300, 850));
        assert!(colours > 50, "{colours} colours");
    }
}

#[test]
fn the_window_is_as_large_as_what_is_drawn_on_a_dense_screen() {
    for (width, height, colours) in sessions(&["--dpi", "144", "--do", "wait:1.5"]) {
        assert_eq!(width, 1_770);
        assert!((1_198..=1_200).contains(&height), "{height}");
        assert!(colours > 50, "{colours} colours");
    }
}

#[test]
fn zooming_out_makes_the_window_smaller_and_in_again_as_large_as_before() {
    // The buttons are beside Bypass, at the right end of the first line.
    let smaller = [
        "--do",
        "wait:1.5",
        "--do",
        "click:1006,29",
        "--do",
        "wait:0.5",
    ];
    for (width, height, _) in sessions(&smaller) {
        assert_eq!((width, height), (885, 600));
    }
    let back = [&smaller[..], &["--do", "click:816,21", "--do", "wait:0.5"]].concat();
    for (width, height, _) in sessions(&back) {
        assert_eq!((width, height), (1_180, 800));
    }
}

#[test]
fn a_file_is_dropped_on_a_pad_and_dragged_out_again_as_is_the_midi() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = folder.path().join("my kick.wav");
    let sound: Vec<f32> = (0..9_000)
        .map(|n| 0.6 * (n as f32 * 0.05).sin() * (-(n as f32) / 3_000.0).exp())
        .collect();
    wav::write(&sample, 44_100.0, &[sound]).expect("a sample");
    for plugin in bundle::shared().expect("the bundles are built").plugins() {
        let out = |name: &str| folder.path().join(name);
        let (audio, midi) = (out("out.wav"), out("out.mid"));
        let drop = format!("drop:66,362,{}", sample.display());
        let take_pad = format!("take:66,362,{}", audio.display());
        let take_midi = format!("take:1120,75,{}", midi.display());
        // Closed and opened again, it goes on.
        let steps = ["wait:3", "reopen", "wait:1", &drop, &take_pad, &take_midi];
        let mut arguments = vec!["--play"];
        arguments.extend(steps.iter().flat_map(|step| ["--do", step]));
        session(plugin, &out("editor.png"), &arguments);

        let taken = wav::read(&audio).expect("the pad's sound");
        let [left, _] = taken.stereo().expect("audio");
        // Its first sample is silence.
        assert!((8_990..=9_001).contains(&left.len()), "{}", left.len());
        let peak = left
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.5..0.65).contains(&peak), "{peak}");
        let bytes = std::fs::read(&midi).expect("the song's hits");
        assert!(bytes.starts_with(b"MThd") && bytes.len() > 100, "{bytes:?}");
        for file in [audio, midi] {
            std::fs::remove_file(file).expect("removed");
        }
    }
}

#[test]
fn a_recording_that_is_dropped_is_learnt_from_and_another_does_not_hold_the_end_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, channels: &[Vec<f32>]| {
        let path = folder.path().join(name);
        wav::write(&path, 44_100.0, channels).expect("a recording");
        format!("drop:600,200,{}", path.display())
    };
    let drums = demo_loop::render(44_100.0).channels;
    let short = write("loop.wav", &drums);
    let long = write("song.wav", &drums.map(|side| side.repeat(30)));
    let count = "value:Changes by hand";
    // The plugin is removed while it hears the long one.
    let steps = ["wait:2", count, &short, "wait:15", count, &long, "wait:0.5"];
    let mut arguments = vec!["--play"];
    arguments.extend(steps.iter().flat_map(|step| ["--do", step]));
    for plugin in bundle::shared().expect("the bundles are built").plugins() {
        let text = printed(plugin, &folder.path().join("editor.png"), &arguments);
        let counts = numbers_after("value of Changes by hand: ", &text).concat();
        assert_eq!(counts.len(), 2);
        // The host of VST3 bundles does not tell the plugin what the plugin has set.
        if plugin.extension().is_some_and(|end| end == "clap") {
            assert!(counts[1] > counts[0], "{counts:?}");
        }
    }
}

#[test]
fn values_are_typed_on_a_french_keyboard_and_other_keys_are_the_hosts() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("editor.png");
    // The keyboard changes while the window is open. Digits are typed with Shift there, and A
    // is where others have Q.
    let steps = [
        "wait:1.5",
        "layout:fr",
        "menu:50,470",
        "key:End",
        "key:ctrl+a",
        "key:minus",
        "key:6",
        "key:Return",
        "wait:1",
        "value:Kick level",
        "host-keys",
        "key:space",
        "key:q",
        "wait:1",
        "host-keys",
    ];
    let mut arguments = vec!["--play"];
    arguments.extend(steps.iter().flat_map(|step| ["--do", step]));
    for plugin in bundle::shared().expect("the bundles are built").plugins() {
        let text = printed(plugin, &out, &arguments);
        // The host of VST3 bundles does not tell the plugin what the plugin has set.
        if plugin.extension().is_some_and(|end| end == "clap") {
            let level = numbers_after("value of Kick level: ", &text)[0][0];
            let mut host = hosts::open(plugin).expect("opens");
            let kick = hosts::find_parameter(&mut *host, "Kick level").expect("a parameter");
            let expected = host.parse_value(kick.id, "-6 dB").expect("a level");
            assert!((level - expected).abs() < 1e-4, "{level}, not {expected}");
        }
        // The space bar, and the key that is A elsewhere.
        let keys = numbers_after("keys of the host: ", &text);
        assert_eq!(keys, [vec![], vec![65.0, 38.0]]);
    }
}

#[test]
fn steps_are_taken_back_on_a_german_keyboard() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("editor.png");
    let count = "value:Changes by hand";
    let steps = [
        "layout:de",
        "wait:3",
        "click:56,134",
        "wait:0.5",
        count,
        "click:500,230",
        "wait:1",
        count,
        "key:ctrl+z",
        "wait:1",
        count,
        "key:ctrl+y",
        "wait:1",
        count,
        "key:ctrl+s",
        "wait:1",
        "host-keys",
    ];
    let mut arguments = vec!["--play"];
    arguments.extend(steps.iter().flat_map(|step| ["--do", step]));
    let plugins = bundle::shared().expect("the bundles are built").plugins();
    let clap = plugins
        .iter()
        .find(|plugin| plugin.extension().is_some_and(|end| end == "clap"));
    let text = printed(clap.expect("a CLAP bundle"), &out, &arguments);
    let counts = numbers_after("value of Changes by hand: ", &text).concat();
    assert_eq!(counts.len(), 4);
    // Each step is a change.
    assert!(counts.is_sorted_by(|a, b| a < b), "{counts:?}");
    // The host saves, and has nothing to take back.
    let keys = numbers_after("keys of the host: ", &text).concat();
    assert!(keys.contains(&39.0), "{keys:?}");
    assert!(!keys.contains(&29.0) && !keys.contains(&52.0), "{keys:?}");
}

/// The VST3 bundle.
fn vst3() -> &'static Path {
    &bundle::shared().expect("the bundles are built").vst3
}

#[test]
fn a_window_that_was_closed_leaves_nothing_with_the_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut steps = vec!["wait:1", "reopen", "wait:1", "resources"];
    steps.extend(["reopen"; 20]);
    steps.extend(["wait:1", "resources"]);
    let arguments: Vec<&str> = steps.iter().flat_map(|step| ["--do", step]).collect();
    let text = printed(vst3(), &folder.path().join("editor.png"), &arguments);
    let resources = numbers_after("resources: ", &text);
    assert_eq!(resources.len(), 2);
    // Sockets, handlers, workers.
    assert_eq!(resources[0][1], 1.0);
    assert_eq!(resources[1], resources[0]);
}

#[test]
fn automation_goes_on_while_the_window_opens_and_closes() {
    let folder = tempfile::tempdir().expect("a folder");
    let steps = [
        "wait:1",
        "resources",
        "automate:Kick level",
        "wait:0.5",
        "value:Kick level",
        "resources",
    ];
    let mut arguments = vec!["--play"];
    arguments.extend(steps.iter().flat_map(|step| ["--do", step]));
    let text = printed(vst3(), &folder.path().join("editor.png"), &arguments);
    let level = numbers_after("value of Kick level: ", &text)[0][0];
    assert!((level - 0.3).abs() < 1e-3, "{level}");
    let workers: Vec<f64> = numbers_after("resources: ", &text)
        .iter()
        .map(|numbers| numbers[2])
        .collect();
    assert_eq!(workers, [1.0, 1.0]);
}
