//! `idm --learn-from`: the kit of another recording.

mod support;

use std::fs;

use idm_engine::audio_file::AudioBuffer;
use support::{Bench, CLASSES, code, difference_dbfs, drum_loop, stderr, sum};

/// Writes a loop and its first seconds, and gives these.
fn recordings(bench: &Bench) -> AudioBuffer {
    let whole = drum_loop(44_100.0, 1, 12.0);
    let part = AudioBuffer {
        channels: vec![whole.channels[0][..2 * 44_100].to_vec()],
        ..whole.clone()
    };
    bench.wav("soundcheck.wav", &whole);
    bench.wav("take.wav", &part);
    part
}

#[test]
fn the_first_hits_sound_as_later_ones_do() {
    let bench = Bench::new();
    let part = recordings(&bench);
    let plain = bench.idm_json(&["separate", "take.wav", "--out", "plain"]);
    assert!(plain.get("learnt_from").is_none(), "{plain}");
    let known = bench.idm_json(&[
        "separate",
        "take.wav",
        "--out",
        "known",
        "--learn-from",
        "soundcheck.wav",
    ]);
    let learnt = &known["learnt_from"];
    assert_eq!(learnt["file"], "soundcheck.wav");
    let drums = learnt["drums"].as_array().expect("drums");
    assert!(drums.contains(&"kick".into()), "{learnt}");
    assert!(
        learnt["heard_s"].as_f64().is_some_and(|s| s > 11.0),
        "{learnt}"
    );
    let stem = |folder: &str| bench.read(&format!("{folder}/take/kick.wav"));
    assert_ne!(stem("plain").channels, stem("known").channels);
    // All stems together are the recording, whatever is known.
    let stems: Vec<AudioBuffer> = CLASSES
        .iter()
        .chain(&["residual"])
        .map(|name| bench.read(&format!("known/take/{name}.wav")))
        .collect();
    assert!(difference_dbfs(&sum(&stems), &part) < -120.0);
}

#[test]
fn what_cannot_be_learnt_from_is_refused_before_anything_is_done() {
    let bench = Bench::new();
    recordings(&bench);
    fs::write(bench.path("notes.txt"), "no audio").expect("written");
    let silence = AudioBuffer {
        sample_rate_hz: 44_100.0,
        channels: vec![vec![0.0; 4 * 44_100]],
    };
    bench.wav("silence.wav", &silence);
    for (file, said) in [
        ("missing.wav", "missing.wav"),
        ("notes.txt", "notes.txt"),
        ("silence.wav", "expected drums, found silence"),
        (".", "expected an audio file, found a folder"),
    ] {
        let output = bench.idm(&["separate", "take.wav", "--out", "out", "--learn-from", file]);
        assert_eq!(code(&output), 2, "{file}: {}", stderr(&output));
        let words = stderr(&output);
        assert!(words.contains("--learn-from"), "{words}");
        assert!(words.contains(said), "{words}");
        assert!(!bench.path("out").exists(), "{file}");
    }
}
