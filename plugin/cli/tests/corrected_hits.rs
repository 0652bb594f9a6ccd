//! `--corrected`: what a list of hits has against what is heard is put right, all else stays.

mod support;

use std::fs;

use support::{Bench, CLASSES, code, difference_dbfs, drum_loop, stderr, sum};

/// A bench with `loop.wav`, and the table of what is heard in it.
fn heard(seconds: f64) -> (Bench, Vec<String>) {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 2, seconds));
    bench.idm_json(&["separate", "loop.wav", "--out", "plain"]);
    let hits = hits(&bench, "plain");
    (bench, hits)
}

/// The lines of the table in a folder of results.
fn hits(bench: &Bench, out: &str) -> Vec<String> {
    let table = fs::read_to_string(bench.path(&format!("{out}/loop/onsets.csv")));
    let table = table.expect("a table");
    table.lines().skip(1).map(str::to_owned).collect()
}

/// Writes the lines as a table.
fn write(bench: &Bench, name: &str, lines: &[String]) {
    let table = format!("time_s,class,velocity\n{}\n", lines.join("\n"));
    fs::write(bench.path(name), table).expect("written");
}

/// Time and drum of a line.
fn parts(line: &str) -> (f64, &str) {
    let mut fields = line.split(',');
    let time_s = fields.next().and_then(|time| time.parse().ok());
    (time_s.expect("a time"), fields.next().expect("a class"))
}

/// Energy of a drum's bus in the tenth of a second that begins at `time_s`.
fn energy(bench: &Bench, out: &str, drum: &str, time_s: f64) -> f64 {
    let audio = bench.read(&format!("{out}/loop/{drum}.wav"));
    let from = (audio.sample_rate_hz * time_s) as usize;
    let span = from..from + (0.1 * audio.sample_rate_hz) as usize;
    let channels = audio.channels.iter();
    let samples = channels.flat_map(|channel| &channel[span.clone()]);
    samples.map(|&sample| f64::from(sample).powi(2)).sum()
}

fn same_results(bench: &Bench, one: &str, other: &str) {
    for name in CLASSES.iter().chain(&["residual"]) {
        let [a, b] = [one, other].map(|out| bench.read(&format!("{out}/loop/{name}.wav")));
        assert_eq!(a.channels, b.channels, "{name} of {one} and {other}");
    }
    assert_eq!(hits(bench, one), hits(bench, other), "{one} and {other}");
}

#[test]
fn what_was_heard_changes_nothing() {
    let (bench, heard) = heard(3.0);
    let twice = ["separate", "loop.wav", "--passes", "2", "--out", "twice"];
    bench.idm_json(&twice);
    for (file, plain, out, options) in [
        ("plain/loop/onsets.csv", "plain", "a", &[][..]),
        ("plain/loop/onsets.mid", "plain", "b", &["--block", "333"]),
        ("twice/loop/onsets.csv", "twice", "c", &["--passes", "2"]),
    ] {
        let arguments = ["separate", "loop.wav", "--corrected", file, "--out", out];
        let summary = bench.idm_json(&[&arguments[..], options].concat());
        same_results(&bench, plain, out);
        let figures = &summary["files"][0];
        assert_eq!(figures["hits_added"], 0, "{file}");
        assert_eq!(figures["hits_removed"], 0, "{file}");
        assert_eq!(figures["hits_kept"], figures["hits_total"], "{file}");
    }
    assert!(heard.len() > 6, "{heard:?}");
}

#[test]
fn a_deleted_hit_goes_an_added_one_comes_and_the_others_stay() {
    let (bench, heard) = heard(4.0);
    let kicks = heard.iter().filter(|line| parts(line).1 == "kick");
    let deleted = kicks.clone().nth(1).expect("a second kick").clone();
    let (gone_s, _) = parts(&deleted);
    let added_s = 2.85;
    let mut lines = heard.clone();
    lines.retain(|line| *line != deleted);
    lines.push(format!("{added_s:.6},floor_tom,100"));
    write(&bench, "edited.csv", &lines);
    let edited = ["separate", "loop.wav", "--corrected", "edited.csv"];
    for (out, options) in [
        ("a", &["--block", "64"][..]),
        ("b", &["--block", "4096"]),
        ("c", &["--passes", "2"]),
    ] {
        let summary = bench.idm_json(&[&edited[..], options, &["--out", out]].concat());
        let figures = &summary["files"][0];
        if out != "c" {
            // Heard twice, other hits may be heard than in the table.
            assert_eq!(figures["hits_added"], 1);
            assert_eq!(figures["hits_removed"], 1);
            assert_eq!(figures["hits_kept"], heard.len() - 1);
        }
        let now = hits(&bench, out);
        let is_near = |line: &String, time_s: f64| (parts(line).0 - time_s).abs() < 0.03;
        let is_kick = |line: &&String| parts(line).1 == "kick";
        assert!(!now.iter().filter(is_kick).any(|line| is_near(line, gone_s)));
        for kick in kicks.clone().filter(|line| **line != deleted) {
            let there = now.iter().filter(is_kick);
            let mut there = there.filter(|line| is_near(line, parts(kick).0));
            assert!(there.next().is_some(), "{kick} in {now:?}");
        }
        assert!(now.contains(&lines[lines.len() - 1]), "{now:?}");
        let kick_db = |out| 10.0 * energy(&bench, out, "kick", gone_s).log10();
        let lost_db = kick_db("plain") - kick_db(out);
        assert!(lost_db > 15.0, "{out}: {lost_db:.1} dB");
        let tom = |out| energy(&bench, out, "floor_tom", added_s);
        assert!(
            tom(out) > 10.0 * tom("plain").max(1e-9),
            "{out}: {}",
            tom(out)
        );
    }
    same_results(&bench, "a", "b");
    let stems: Vec<_> = CLASSES
        .iter()
        .chain(&["residual"])
        .map(|name| bench.read(&format!("a/loop/{name}.wav")))
        .collect();
    assert!(difference_dbfs(&sum(&stems), &bench.read("loop.wav")) < -120.0);
}

#[test]
fn blocks_change_nothing_however_much_is_corrected() {
    let (bench, heard) = heard(6.0);
    // Drums are closed and opened again all the time.
    let mut lines: Vec<String> = heard.iter().step_by(2).cloned().collect();
    let added = |n: u32| format!("{:.6},snare,80", 0.2 + 0.4 * f64::from(n));
    lines.extend((0..14).map(added));
    write(&bench, "edited.csv", &lines);
    for quality in ["low", "high"] {
        let blocks = ["17", "1024", "65536"].map(|block| format!("{quality}_{block}"));
        for out in &blocks {
            let block = out.split('_').next_back().expect("a number");
            let arguments = ["separate", "loop.wav", "--corrected", "edited.csv"];
            let options = ["--quality", quality, "--block", block, "--out", out];
            let summary = bench.idm_json(&[&arguments[..], &options].concat());
            assert!(
                summary["files"][0]["hits_removed"].as_u64() > Some(5),
                "{out}"
            );
        }
        same_results(&bench, &blocks[0], &blocks[1]);
        same_results(&bench, &blocks[0], &blocks[2]);
    }
}

#[test]
fn a_moved_hit_is_where_it_was_moved_in_all_commands() {
    let (bench, heard) = heard(3.0);
    let kick = heard.iter().filter(|line| parts(line).1 == "kick").nth(1);
    let kick = kick.expect("a second kick");
    let moved = format!("{:.6},kick,90", parts(kick).0 - 0.04);
    let lines: Vec<String> = heard
        .iter()
        .map(|line| if line == kick { &moved } else { line }.clone())
        .collect();
    // Where it lies, and there it stays as it was edited.
    write(&bench, "plain/loop/onsets.csv", &lines);
    let edited = ["loop.wav", "--passes", "1"];
    let edited = [&edited[..], &["--corrected", "plain/loop/onsets.csv"]].concat();
    for (command, out) in [("transcribe", "a"), ("separate", "plain"), ("kit", "c")] {
        let arguments = [&[command], &edited[..], &["--out", out]].concat();
        let output = bench.idm(&arguments);
        let said = stderr(&output);
        assert_eq!(code(&output), 0, "{said}");
        let words = "--corrected: 1 added, 1 removed, ";
        assert!(said.contains(words), "{said}");
        let now = hits(&bench, out);
        assert!(now.contains(&moved) && !now.contains(kick), "{now:?}");
        let is_left = said.contains("onsets.csv: left as it is: --corrected");
        assert_eq!(is_left, out == "plain", "{said}");
    }
    assert_eq!(hits(&bench, "plain"), lines);
}

#[test]
fn corrections_that_cannot_be_used_are_told() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 1, 1.0));
    for (name, table) in [
        ("bad.csv", "0.1,kick\n0.2,gong\n"),
        ("good.csv", "0.1,kick\n"),
        ("empty.csv", "time_s,class,velocity\n"),
        ("late.csv", "0.1,kick\n1.5,kick\n"),
        ("later.csv", "1.0,kick\n1.5,kick\n"),
    ] {
        fs::write(bench.path(name), table).expect("written");
    }
    for (arguments, expected_code, words) in [
        (&["bad.csv"][..], 2, "--corrected: bad.csv: line 2: class"),
        (&["none.mid"], 2, "none.mid"),
        (
            &["good.csv", "loop.wav"],
            2,
            "--corrected: expected one input, found 2",
        ),
        (
            &["good.csv", "--hits", "good.csv"],
            2,
            "cannot be used with",
        ),
        (
            &["empty.csv"],
            1,
            "--corrected: expected at least one hit of a drum, found none",
        ),
        (
            &["later.csv"],
            1,
            "--corrected: expected hits within the file's 1.000 s, found the first at 1.000 s",
        ),
        (
            &["late.csv"],
            0,
            "--corrected: 1 of 2 hits lie after the end of the file",
        ),
    ] {
        let command = ["separate", "loop.wav", "--out", "out", "--corrected"];
        let output = bench.idm(&[&command[..], arguments].concat());
        let said = stderr(&output);
        assert_eq!(code(&output), expected_code, "{arguments:?}: {said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(bench.path("out").exists(), expected_code == 0, "{said}");
    }
}
