//! What `idm` says and does when something is wrong.

mod support;

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::{Child, Command, Stdio};
#[cfg(unix)]
use std::time::Duration;

use idm_engine::audio_file::AudioBuffer;
use serde_json::Value;
use support::{Bench, code, drum_loop, stderr, stdout};

#[test]
fn a_bad_file_does_not_stop_the_others() {
    let bench = Bench::new();
    bench.wav("good.wav", &drum_loop(44_100.0, 2, 0.5));
    let whole = fs::read(bench.path("good.wav")).expect("read");
    fs::write(bench.path("empty.wav"), "").expect("written");
    fs::write(bench.path("text.wav"), "this is not audio at all").expect("written");
    fs::write(bench.path("cut.wav"), &whole[..whole.len() / 2]).expect("written");
    bench.wav("slow.wav", &AudioBuffer::silent(4_000.0, 1, 4_000));
    bench.wav("fast.wav", &AudioBuffer::silent(384_000.0, 1, 4_000));
    let inputs = [
        "separate",
        "empty.wav",
        "text.wav",
        "missing.wav",
        "cut.wav",
        "slow.wav",
        "fast.wav",
        "good.wav",
        "--out",
        "out",
    ];
    let output = bench.idm(&inputs);
    assert_eq!(code(&output), 1, "some failed");
    let errors = stderr(&output);
    for (file, reason) in [
        ("empty.wav", "found an empty file (0 bytes)"),
        (
            "text.wav",
            "found content that starts with \"this is not \"",
        ),
        ("missing.wav", "(os error 2)"),
        ("cut.wav", "truncated: expected 22050 frames, found"),
        ("slow.wav", "expected 8000 to 192000 Hz, found 4000 Hz"),
        ("fast.wav", "expected 8000 to 192000 Hz, found 384000 Hz"),
    ] {
        let line = errors
            .lines()
            .find(|line| line.starts_with(&format!("error: {file}: ")))
            .unwrap_or_else(|| panic!("no line for {file} in:\n{errors}"));
        assert!(line.contains(reason), "{line}");
        let folder = bench.path("out").join(file.trim_end_matches(".wav"));
        assert!(!folder.exists(), "{file} left something behind");
    }
    assert_eq!(errors.lines().count(), 6, "one line each:\n{errors}");
    let folder = Path::new("out").join("good");
    let line = format!("good.wav -> {}: ", folder.display());
    assert!(stdout(&output).starts_with(&line), "{}", stdout(&output));
    assert!(bench.path("out/good/residual.wav").exists());

    // The same for machines.
    let output = bench.idm(&[&inputs[..], &["--json"]].concat());
    assert_eq!(code(&output), 1);
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON despite failures");
    assert_eq!(summary["failed"].as_u64(), Some(6));
    let files = summary["files"].as_array().expect("files");
    assert_eq!(files.len(), 7, "in the order given");
    assert_eq!(files[0]["input"], "empty.wav");
    assert!(
        files[0]["error"]
            .as_str()
            .expect("an error")
            .starts_with("empty.wav: ")
    );
    assert!(files[6]["error"].is_null());
    assert_eq!(files[6]["output"].as_str(), folder.to_str());
}

#[test]
fn wrong_calls_end_with_2_and_touch_nothing() {
    let bench = Bench::new();
    bench.wav("a.wav", &drum_loop(44_100.0, 1, 0.2));
    fs::write(bench.path("file"), "x").expect("written");
    fs::create_dir(bench.path("no_model")).expect("created");
    for (arguments, expected) in [
        (&["separate", "--out", "o"][..], "<IN>"),
        (&["separate", "a.wav"], "--out"),
        (
            &["separate", "a.wav", "--out", "o", "--block", "0"],
            "1..=65536",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--passes", "0"],
            "1..=16",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--mode", "magic"],
            "separated",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--quality", "best"],
            "standard",
        ),
        (&["separate", "a.wav", "--out", "file"], "expected a folder"),
        (
            &["separate", "a.wav", "--out", "o", "--model", "no_model"],
            "no_model",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--sample", "kick="],
            "expected DRUM=PATH, found no path in \"kick=\"",
        ),
        (
            &[
                "separate",
                "a.wav",
                "--out",
                "o",
                "--sample",
                "kick=a.wav",
                "--sample",
                "kick=a.wav",
            ],
            "expected each drum once, found kick again",
        ),
        (
            &[
                "transcribe",
                "a.wav",
                "--out",
                "o",
                "--without",
                "crash,gong",
            ],
            "found \"gong\"",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--isolate", "snare=150"],
            "expected snare=-100 to snare=100, found \"150\"",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--sensitivity", "all=-5"],
            "expected all=0 to all=100",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--dynamics", "kick=201"],
            "expected kick=0 to kick=200",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--tempo", "-93"],
            "expected 10 to 999, found \"-93\"",
        ),
        (
            &["separate", "a.wav", "--out", "o", "--passes", "-1"],
            "-1 is not in 1..=16",
        ),
        (
            &[
                "separate",
                "a.wav",
                "--out",
                "o",
                "--hits",
                "h.csv",
                "--hits-until",
                "-8",
            ],
            "expected more than 0 s, found \"-8\"",
        ),
        (&["mix", "a.wav"], "mix"),
        (&[], "Usage"),
    ] {
        let output = bench.idm(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(expected),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(!bench.path("o").exists(), "{arguments:?}");
    }
    for arguments in [["--help"], ["--version"]] {
        assert_eq!(code(&bench.idm(&arguments)), 0);
    }
}

#[test]
fn failing_inputs_leave_no_empty_folders() {
    let bench = Bench::new();
    let output = bench.idm(&["separate", "nofile.wav", "--out", "new/deep"]);
    assert_eq!(code(&output), 1);
    assert!(!bench.path("new").exists());
    fs::create_dir(bench.path("mine")).expect("created");
    bench.idm(&["separate", "nofile.wav", "--out", "mine"]);
    assert!(bench.path("mine").exists(), "was there before");
}

/// Starts `idm separate` on three files, writing to pipes.
#[cfg(unix)]
fn start(bench: &Bench, seconds: f64) -> Child {
    let mut arguments = vec!["separate".to_owned()];
    for n in 0..3 {
        let name = format!("loop{n}.wav");
        bench.wav(&name, &drum_loop(44_100.0, 2, seconds));
        arguments.push(name);
    }
    Command::new(env!("CARGO_BIN_EXE_idm"))
        .args(arguments)
        .args(["--out", "out"])
        .current_dir(bench.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("idm runs")
}

#[cfg(unix)]
#[test]
fn files_are_finished_when_nobody_reads_the_summary() {
    let bench = Bench::new();
    let mut idm = start(&bench, 0.5);
    drop((idm.stdout.take(), idm.stderr.take()));
    assert!(idm.wait().expect("ends").success());
    for n in 0..3 {
        let left = support::names(&bench.path(&format!("out/loop{n}")));
        assert!(left.contains(&"residual.wav".to_owned()), "{left:?}");
        assert!(!left.iter().any(|name| name.starts_with('.')), "{left:?}");
    }
}

#[cfg(unix)]
#[test]
fn requests_to_end_leave_no_unfinished_files() {
    // Whoever started the tests with `nohup` has every program of theirs outlive it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let is_nohup = ignored.is_some_and(|mask| mask & 1 == 1);
    let signals = if is_nohup {
        &["TERM"][..]
    } else {
        &["TERM", "HUP"]
    };
    for signal in signals {
        let bench = Bench::new();
        let mut idm = start(&bench, 60.0);
        // The handler is there before the folder.
        while !bench.path("out").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = idm.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(killed.expect("kill runs").success());
        let status = idm.wait().expect("ends");
        assert_eq!(status.code(), Some(1), "{signal}: {status}");
        assert!(!bench.path("out").exists(), "{signal}: something is left");
    }
}

#[test]
fn a_folder_is_no_recording() {
    let bench = Bench::new();
    bench.wav("takes/a.wav", &drum_loop(44_100.0, 1, 0.2));
    let output = bench.idm(&["separate", "takes", "--out", "out"]);
    assert_eq!(code(&output), 1);
    let files = Path::new("takes").join("*.wav");
    let expected = format!(
        "error: takes: expected audio files, found a folder: {}\n",
        files.display()
    );
    assert_eq!(stderr(&output), expected);
    assert!(!bench.path("out").exists());
}

#[test]
fn files_far_above_full_scale_are_told_and_broken_stems_an_error() {
    let bench = Bench::new();
    let loud = |gain: f32| {
        let mut audio = drum_loop(44_100.0, 1, 0.5);
        for sample in audio.channels.iter_mut().flatten() {
            *sample *= gain;
        }
        audio
    };
    for (name, gain, expected_code) in [("loud", 4_000.0, 0), ("beyond", 100_000.0, 1)] {
        let input = loud(gain);
        bench.wav(&format!("{name}.wav"), &input);
        let output = bench.idm(&["separate", &format!("{name}.wav"), "--out", "out"]);
        let said = stderr(&output);
        assert_eq!(code(&output), expected_code, "{said}");
        let peak = format!(
            "idm: {name}.wav: expected a peak of about 1 (full scale), at most 16, found {}",
            input.peak()
        );
        assert!(said.contains(&peak), "{said}");
        let is_bad = said.contains(&format!("error: {name}.wav: null test: expected"));
        assert_eq!(is_bad, expected_code == 1, "{said}");
        assert_eq!(bench.path("out").join(name).exists(), expected_code == 0);
    }
    // Notes and samples that play again do not add up to the input anyway.
    let again = ["--mode", "resynth", "--out", "again"];
    let output = bench.idm(&[&["separate", "beyond.wav"][..], &again].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn lossy_files_that_end_early_are_told() {
    let bench = Bench::new();
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../engine/tests/audio_file_fixtures"
    );
    let fixture = |name: &str| fs::read(Path::new(fixtures).join(name)).expect("read");
    let (mp3, ogg) = (fixture("sine.mp3"), fixture("pages.ogg"));
    fs::write(bench.path("whole.mp3"), &mp3).expect("written");
    fs::write(bench.path("half.mp3"), &mp3[..mp3.len() / 2]).expect("written");
    fs::write(bench.path("half.ogg"), &ogg[..ogg.len() - 1_000]).expect("written");
    let arguments = [
        "transcribe",
        "whole.mp3",
        "half.mp3",
        "half.ogg",
        "--out",
        "out",
    ];
    let output = bench.idm(&[&arguments[..], &["--json"]].concat());
    assert_eq!(code(&output), 0);
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 2, "{said}");
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let files = summary["files"].as_array().expect("files");
    assert_eq!(files[0]["is_whole"], true);
    assert_eq!(files[0]["warnings"].as_array().expect("warnings").len(), 0);
    assert_eq!(files[1]["expected_frames"], 11_025);
    for (file, name, expected) in [
        (
            &files[1],
            "half.mp3",
            "cut off or damaged: expected 0.250 s, found 0.",
        ),
        (
            &files[2],
            "half.ogg",
            "cut off: expected the mark of its end, found none after 0.",
        ),
    ] {
        assert_eq!(file["is_whole"], false);
        let warning = file["warnings"][0].as_str().expect("a warning");
        assert!(
            warning.starts_with(&format!("{name}: {expected}")),
            "{warning}"
        );
        assert!(said.contains(&format!("idm: {warning}\n")), "{said}");
    }
}

#[test]
fn silence_and_broken_samples_are_survived() {
    let bench = Bench::new();
    bench.wav("silent.wav", &AudioBuffer::silent(44_100.0, 2, 10_000));
    bench.wav("one_sample.wav", &AudioBuffer::silent(44_100.0, 1, 1));
    let mut broken = drum_loop(44_100.0, 2, 0.5);
    for (n, samples) in broken.channels.iter_mut().enumerate() {
        samples[5_000 + n] = f32::NAN;
        samples[9_000] = f32::INFINITY;
    }
    bench.wav("broken.wav", &broken);
    let arguments = [
        "separate",
        "silent.wav",
        "one_sample.wav",
        "broken.wav",
        "--out",
        "out",
    ];
    let summary = bench.idm_json(&arguments);
    let said = stderr(&bench.idm(&arguments));
    let expected = "idm: broken.wav: expected numbers, found 4 samples that are NaN or infinite, \
                    the first at 0.113 s (sample 5000 of channel 1): they count as silence\n";
    assert_eq!(said, expected);
    assert_eq!(summary["files"][0]["not_finite"].as_u64(), Some(0));
    assert_eq!(summary["files"][2]["not_finite"].as_u64(), Some(4));
    assert_eq!(summary["files"][0]["hits_total"].as_u64(), Some(0));
    assert_eq!(summary["files"][1]["frames"].as_u64(), Some(1));
    assert_eq!(bench.read("out/silent/kick.wav").peak(), 0.0);
    assert_eq!(bench.read("out/one_sample/kick.wav").frames(), 1);
    for name in ["kick", "snare", "residual"] {
        let stem = bench.read(&format!("out/broken/{name}.wav"));
        assert!(
            stem.channels
                .iter()
                .flatten()
                .all(|sample| sample.is_finite()),
            "{name}"
        );
    }
    assert!(
        summary["files"][2]["null_test_dbfs"]
            .as_f64()
            .expect("a level")
            < -120.0
    );
}
