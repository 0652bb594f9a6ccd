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
    let misread = bench.idm(&[&midi[..], &["--out", "f"]].concat());
    assert_eq!(code(&misread), 1, "notes of another instrument");
    assert!(stderr(&misread).contains("2 of 2 notes belong to no drum of map gm"));
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

#[test]
fn hits_of_the_beginning_are_followed_and_the_rest_is_heard() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 1, 4.0));
    let first = "0.500000,floor_tom,100\n1.000000,ride,40\n";
    let table = format!("time_s,class,velocity\n{first}3.000000,crash,90\n");
    fs::write(bench.path("hits.csv"), table).expect("a temporary file");
    let given = ["loop.wav", "--hits", "hits.csv", "--hits-until"];
    for (command, out, block) in [
        ("transcribe", "a", "64"),
        ("separate", "b", "4096"),
        ("kit", "c", "512"),
    ] {
        let rest = ["1.5", "--passes", "1", "--block", block, "--out", out];
        bench.idm_json(&[&[command], &given[..], &rest].concat());
    }
    let written = |out: &str| {
        let path = bench.path(&format!("{out}/loop/onsets.csv"));
        fs::read_to_string(path).expect("a table")
    };
    let heard = written("a");
    assert_eq!(heard, written("b"), "blocks and commands change nothing");
    assert_eq!(heard, written("c"));
    let rest = heard.strip_prefix("time_s,class,velocity\n");
    let rest = rest
        .and_then(|rest| rest.strip_prefix(first))
        .expect(&heard);
    let times: Vec<f64> = rest
        .lines()
        .map(|line| line.split(',').next().and_then(|time| time.parse().ok()))
        .collect::<Option<_>>()
        .expect("times");
    assert!(
        times.len() > 3 && times.iter().all(|time| *time > 1.45),
        "{rest}"
    );
    for (arguments, words) in [
        (
            &["transcribe", "loop.wav", "--hits", "hits.csv"][..],
            "expected --hits-until beside it",
        ),
        (
            &[
                "separate",
                "loop.wav",
                "--hits",
                "b/loop/onsets.csv",
                "--hits-until",
                "1.5",
                "--out",
                "b",
            ],
            "expected another --out",
        ),
        (
            &["transcribe", "loop.wav", "--hits-until", "1"],
            "--hits <FILE>",
        ),
        (
            &[
                "separate",
                "loop.wav",
                "--hits",
                "hits.csv",
                "--hits-until",
                "0.2",
            ],
            "found none in hits.csv",
        ),
        (
            &[
                "separate",
                "loop.wav",
                "--hits",
                "hits.csv",
                "--hits-until",
                "0",
            ],
            "expected more than 0 s",
        ),
    ] {
        let elsewhere = ["--out", "none"];
        let out = if arguments.contains(&"--out") {
            &[][..]
        } else {
            &elsewhere
        };
        let output = bench.idm(&[arguments, out].concat());
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[test]
fn a_table_corrected_where_it_lies_stays_as_it_is() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 1, 1.0));
    bench.idm_json(&["separate", "loop.wav", "--out", "out"]);
    // As written by hand: other decimals, no velocity.
    let table = "0.5,floor_tom\n0.6,ride\n";
    fs::write(bench.path("out/loop/onsets.csv"), table).expect("corrected");
    let midi = fs::read(bench.path("out/loop/onsets.mid")).expect("heard");
    let hits = ["--hits", "out/loop/onsets.csv", "--out", "out"];
    for command in ["separate", "kit"] {
        let output = bench.idm(&[&[command, "loop.wav"], &hits[..]].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains("onsets.csv: left as it is"), "{said}");
        let left = fs::read_to_string(bench.path("out/loop/onsets.csv")).expect("there");
        assert_eq!(left, table);
        let followed = fs::read(bench.path("out/loop/onsets.mid")).expect("written anew");
        assert_ne!(followed, midi);
    }
}

#[test]
fn hits_that_cannot_be_used_are_told() {
    use idm_engine::midi_file::{Grid, MidiNote, write_midi};

    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 1, 1.0));
    let score = |keys: &[u8]| {
        let notes: Vec<MidiNote> = keys
            .iter()
            .enumerate()
            .map(|(n, &key)| MidiNote {
                time_s: 0.2 * n as f64,
                key,
                velocity: 90,
            })
            .collect();
        write_midi(&notes, 1.0, &Grid::default(), "loop").expect("written")
    };
    fs::write(bench.path("some.mid"), score(&[36, 60, 61])).expect("written");
    fs::write(bench.path("none.mid"), score(&[60, 61])).expect("written");
    fs::write(bench.path("empty.csv"), "time_s,class,velocity\n").expect("written");
    fs::write(bench.path("late.csv"), "0.5,kick\n1.5,kick\n").expect("written");
    fs::write(bench.path("later.csv"), "1.0,kick\n1.5,kick\n").expect("written");
    for (file, expected_code, expected) in [
        (
            "some.mid",
            0,
            "2 of 3 notes belong to no drum of map gm (keys 60, 61)",
        ),
        (
            "none.mid",
            1,
            "expected at least one hit of a drum, found none",
        ),
        (
            "empty.csv",
            1,
            "expected at least one hit of a drum, found none",
        ),
        ("late.csv", 0, "1 of 2 hits lie after the end of the file"),
        (
            "later.csv",
            1,
            "expected hits within the file's 1.000 s, found the first at 1.000 s",
        ),
    ] {
        let output = bench.idm(&[
            "separate",
            "loop.wav",
            "--hits",
            file,
            "--out",
            &format!("out_{file}"),
        ]);
        assert_eq!(code(&output), expected_code, "{file}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(expected),
            "{file}: {}",
            stderr(&output)
        );
    }
    assert!(
        !bench.path("out_later.csv").exists(),
        "left something behind"
    );
}
