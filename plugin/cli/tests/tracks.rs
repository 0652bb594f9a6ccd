//! Which WAV files `idm separate` writes, of how many bits, and into which folders.

mod support;

use std::fs;

use support::{Bench, CLASSES, GROUPS, code, difference_dbfs, drum_loop, names, stderr, sum};

/// The contract for all signals together.
const NULL_DBFS: f64 = -120.0;

#[test]
fn stems_of_24_bits_are_turned_down_alike_and_add_up() {
    let bench = Bench::new();
    for (name, level) in [("soft", 0.5), ("loud", 3.0)] {
        let mut input = drum_loop(44_100.0, 1, 1.0);
        // An odd number of bytes in each file.
        input.channels[0].truncate(44_099);
        let gain = level / input.peak();
        for sample in input.channels.iter_mut().flatten() {
            *sample *= gain;
        }
        bench.wav(&format!("{name}.wav"), &input);
        let run = ["separate", &format!("{name}.wav"), "--out"];
        let float = bench.idm_json(&[&run[..], &["float"]].concat());
        assert!(float["files"][0]["gain_db"].is_null(), "{name}");
        let integers = bench.idm_json(&[&run[..], &["out", "--bits", "24"]].concat());
        let file = &integers["files"][0];
        let gain_db = file["gain_db"].as_f64().expect("a gain");
        let warnings = file["warnings"].as_array().expect("warnings");
        let is_told = warnings.iter().any(|warning| {
            let down = format!("all stems are turned down by {:.2} dB", -gain_db);
            warning.as_str().is_some_and(|words| words.ends_with(&down))
        });
        assert_eq!(is_told, name == "loud", "{warnings:?}");

        let mut parts = Vec::new();
        let mut most = 0.0_f32;
        for stem in CLASSES.iter().chain(&["residual"]) {
            let path = format!("{name}/{stem}.wav");
            most = most.max(bench.read(&format!("float/{path}")).peak());
            let path = format!("out/{path}");
            let bytes = fs::read(bench.path(&path)).expect("read");
            assert_eq!((bytes[20], bytes[34]), (1, 24), "{path}");
            assert_eq!(bytes.len(), 44 + 3 * 44_099 + 1, "{path}");
            parts.push(bench.read(&path));
        }
        assert_eq!(most > 1.0, name == "loud");
        let expected_db = -20.0 * f64::from(most.max(1.0)).log10();
        assert!((gain_db - expected_db).abs() < 1e-9, "{gain_db}");
        let loudest = parts.iter().map(|part| part.peak()).fold(0.0, f32::max);
        assert!(loudest <= 1.0 && loudest > 0.4, "{name}: {loudest}");
        let gain = 10_f64.powf(gain_db / 20.0) as f32;
        for sample in input.channels.iter_mut().flatten() {
            *sample *= gain;
        }
        let difference = difference_dbfs(&sum(&parts), &input);
        assert!(difference < NULL_DBFS, "{name}: {difference} dBFS");
    }
    let hidden = |name: &String| name.starts_with('.');
    assert!(!names(&bench.path("out/loud")).iter().any(hidden));
}

#[test]
fn only_the_named_tracks_are_written_and_sound_as_among_all() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 2, 1.0));
    let run = ["separate", "loop.wav", "--out"];
    bench.idm_json(&[&run[..], &["all"]].concat());
    let results = |tracks: &[&str]| {
        let hits = ["idm.json", "onsets.csv", "onsets.mid"].map(str::to_owned);
        let tracks = tracks.iter().map(|track| format!("{track}.wav"));
        let mut names: Vec<String> = hits.into_iter().chain(tracks).collect();
        names.sort();
        names
    };
    let read = |path: String| fs::read(bench.path(&path)).expect("read");
    // One after the other, into the folder that has those of before.
    bench.idm_json(&[&run[..], &["out"]].concat());
    for (only, tracks) in [
        ("snare,kick,residual", &["kick", "snare", "residual"][..]),
        ("hihat", &["closed_hat", "open_hat"]),
        ("all", &CLASSES),
        ("residual", &["residual"]),
    ] {
        bench.idm_json(&[&run[..], &["out", "--only", only]].concat());
        assert_eq!(names(&bench.path("out/loop")), results(tracks), "{only}");
        for name in results(tracks).iter().filter(|name| *name != "idm.json") {
            let (found, all) = (format!("out/loop/{name}"), format!("all/loop/{name}"));
            assert!(read(found) == read(all), "{only}: {name}");
        }
        let listed = String::from_utf8(read("out/loop/idm.json".to_owned())).expect("utf-8");
        for track in CLASSES.iter().chain(&["residual"]) {
            let is_listed = listed.contains(&format!("\"{track}.wav\""));
            assert_eq!(is_listed, tracks.contains(track), "{only}: {track}");
        }
    }
    bench.idm_json(&[&run[..], &["groups", "--groups"]].concat());
    bench.idm_json(&[&run[..], &["out", "--groups", "--only", "toms,hihat"]].concat());
    assert_eq!(names(&bench.path("out/loop")), results(&["toms", "hihat"]));
    for (group, _) in &GROUPS[2..4] {
        let (found, all) = (
            format!("out/loop/{group}.wav"),
            format!("groups/loop/{group}.wav"),
        );
        assert!(read(found) == read(all), "{group}");
    }
}

#[test]
fn names_of_no_track_and_other_bits_are_wrong_calls() {
    let bench = Bench::new();
    bench.wav("a.wav", &drum_loop(44_100.0, 1, 0.2));
    for (arguments, expected) in [
        (&["--only", "kick,gong"][..], "residual, found \"gong\""),
        (&["--only", ""], "residual, found \"\""),
        (
            &["--groups", "--only", "kick,crash"],
            "error: --only: expected one of kick, snare, toms, hihat, cymbals, residual, all with \
             --groups, found \"crash\"\n",
        ),
        (&["--bits", "16"], "[possible values: 32, 24]"),
    ] {
        let output = bench.idm(&[&["separate", "a.wav", "--out", "o"][..], arguments].concat());
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(!bench.path("o").exists(), "{arguments:?}");
    }
}

#[test]
fn inputs_of_one_name_have_results_that_are_named_after_their_folders() {
    let bench = Bench::new();
    let inputs = ["song1/drums.wav", "song2/drums.wav", "song2/bass.wav"];
    for (n, input) in inputs.iter().enumerate() {
        bench.wav(input, &drum_loop(44_100.0, 1, 0.2 + 0.1 * n as f64));
    }
    let run = [&["separate"], &inputs[..], &["--out", "out"]].concat();
    let folders = ["bass", "song1 drums", "song2 drums"];
    let titles = ["song1 drums", "song2 drums", "bass"];
    for _ in 0..2 {
        // The second time it finds its own results there.
        bench.idm_json(&run);
        assert_eq!(names(&bench.path("out")), folders);
        for (title, input) in titles.iter().zip(inputs) {
            let kick = bench.read(&format!("out/{title}/kick.wav"));
            assert_eq!(kick.frames(), bench.read(input).frames(), "{title}");
            assert_eq!(names(&bench.path(&format!("out/{title}"))).len(), 13);
        }
    }
    // In another order each finds its own place; somebody else's files are left alone.
    fs::remove_file(bench.path("out/song1 drums/idm.json")).expect("removed");
    fs::remove_file(bench.path("out/song1 drums/onsets.csv")).expect("removed");
    let run = ["separate", inputs[1], inputs[0], "--out", "out"];
    let output = bench.idm(&run);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).starts_with("error: song1/drums.wav: ")
            && stderr(&output).contains("found one that was not written by idm"),
        "{}",
        stderr(&output)
    );
    assert_eq!(names(&bench.path("out")), folders);
}

/// Before anything is heard: the input is none that could be.
#[cfg(target_os = "linux")]
#[test]
fn folders_that_take_no_files_are_told_first() {
    let bench = Bench::new();
    fs::write(bench.path("text.wav"), "this is not audio at all").expect("written");
    fs::create_dir(bench.path("out")).expect("created");
    // Not even the administrator creates files there.
    std::os::unix::fs::symlink("/proc/self/task", bench.path("out/text")).expect("linked");
    for command in ["separate", "transcribe", "kit"] {
        let output = bench.idm(&[command, "text.wav", "--out", "out"]);
        assert_eq!(code(&output), 1);
        let said = stderr(&output);
        assert!(
            said.starts_with("error: text.wav: out/text: "),
            "{command}: {said}"
        );
    }
}
