//! `--hits`: a transcription that was corrected by hand is followed.

mod support;

use std::fs;

use support::{Bench, code, difference_dbfs, drum_loop, stderr, sum};

/// Energy of a stem.
fn energy(bench: &Bench, name: &str) -> f64 {
    let audio = bench.read(name);
    let samples = audio.channels.iter().flatten();
    samples.map(|&sample| f64::from(sample).powi(2)).sum()
}

#[test]
fn corrected_hits_come_back_as_they_were_written() {
    let bench = Bench::new();
    let input = drum_loop(44_100.0, 2, 2.0);
    bench.wav("loop.wav", &input);
    let table = "time_s,class,velocity\n0.500000,floor_tom,100\n1.000000,ride,40\n";
    fs::write(bench.path("hits.csv"), table).expect("a temporary file");
    for (out, block) in [("a", "64"), ("b", "4096")] {
        let arguments = ["separate", "loop.wav", "--hits", "hits.csv", "--out", out];
        bench.idm_json(&[&arguments[..], &["--block", block, "--passes", "2"]].concat());
    }
    let written = fs::read_to_string(bench.path("a/loop/onsets.csv")).expect("a table");
    assert_eq!(written, table);
    // What the loop plays there is no floor tom, but neither is it anything else now.
    assert!(energy(&bench, "a/loop/floor_tom.wav") > 100.0 * energy(&bench, "a/loop/kick.wav"));
    for name in ["kick", "floor_tom", "ride", "residual"] {
        let [a, b] = ["a", "b"].map(|out| bench.read(&format!("{out}/loop/{name}.wav")));
        assert_eq!(a.channels, b.channels, "{name}: blocks change nothing");
    }
    let stems: Vec<_> = support::CLASSES
        .iter()
        .chain(&["residual"])
        .map(|name| bench.read(&format!("a/loop/{name}.wav")))
        .collect();
    assert!(difference_dbfs(&sum(&stems), &input) < -120.0);

    // The MIDI file of a run is as good.
    let midi = ["separate", "loop.wav", "--hits", "a/loop/onsets.mid"];
    bench.idm_json(&[&midi[..], &["--out", "c"]].concat());
    let again = fs::read_to_string(bench.path("c/loop/onsets.csv")).expect("a table");
    let drums = |text: &str| -> Vec<String> {
        let fields = text.lines().filter_map(|line| line.split(',').nth(1));
        fields.map(str::to_owned).collect()
    };
    assert_eq!(drums(&again), drums(table));

    // So is one with the notes of another instrument, if both runs are told.
    let notes = ["--notes", "addictive-drums"];
    let arguments = ["separate", "loop.wav", "--hits", "hits.csv", "--out", "d"];
    bench.idm_json(&[&arguments[..], &notes].concat());
    let midi = ["separate", "loop.wav", "--hits", "d/loop/onsets.mid"];
    bench.idm_json(&[&midi[..], &["--out", "e"], &notes].concat());
    let again = fs::read_to_string(bench.path("e/loop/onsets.csv")).expect("a table");
    assert_eq!(drums(&again), drums(table));
    bench.idm_json(&[&midi[..], &["--out", "f"]].concat());
    let misread = fs::read_to_string(bench.path("f/loop/onsets.csv")).expect("a table");
    assert_ne!(drums(&misread), drums(table));
}

/// `count` hits of the kick, `apart_s` apart.
fn table(count: usize, apart_s: f64) -> String {
    let lines = (0..count).map(|n| format!("{:.6},kick,100\n", 0.01 + n as f64 * apart_s));
    lines.collect()
}

#[test]
fn no_hit_is_lost_however_long_blocks_are() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(8_000.0, 1, 10.0));
    let count = 1_400;
    fs::write(bench.path("hits.csv"), table(count, 0.007)).expect("a temporary file");
    let tables = ["1024", "65536"].map(|block| {
        let arguments = ["separate", "loop.wav", "--hits", "hits.csv", "--out", block];
        bench.idm_json(&[&arguments[..], &["--block", block]].concat());
        fs::read_to_string(bench.path(&format!("{block}/loop/onsets.csv"))).expect("a table")
    });
    assert_eq!(tables[0].lines().count(), count + 1);
    assert!(tables[0] == tables[1], "blocks change nothing");
}

#[test]
fn more_hits_than_the_engine_remembers_are_an_error() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(8_000.0, 1, 1.0));
    fs::write(bench.path("hits.csv"), table(3_000, 0.0)).expect("a temporary file");
    let output = bench.idm(&["separate", "loop.wav", "--hits", "hits.csv", "--out", "out"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("hits: expected at most 512 at a time"));
}

#[test]
fn wrong_hits_are_refused_before_anything_is_written() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 1, 0.5));
    fs::write(bench.path("bad.csv"), "0.1,kick\n0.2,gong\n").expect("a temporary file");
    fs::write(bench.path("good.csv"), "0.1,kick\n").expect("a temporary file");
    for (arguments, words) in [
        (&["loop.wav", "--hits", "bad.csv"][..], "line 2: class"),
        (&["loop.wav", "--hits", "none.mid"], "none.mid"),
        (
            &["loop.wav", "loop.wav", "--hits", "good.csv"],
            "expected one input, found 2",
        ),
    ] {
        let output = bench.idm(&[&["separate"], arguments, &["--out", "out"]].concat());
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert!(!bench.path("out").exists());
    }
}
