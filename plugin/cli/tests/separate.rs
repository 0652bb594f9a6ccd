//! `idm separate` from the outside: what is in the files, to the sample.

mod support;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use idm_engine::audio_file::AudioBuffer;
use midly::{MidiMessage, Smf, Timing, TrackEventKind};
use support::{
    Bench, CLASSES, GROUPS, code, difference_dbfs, drum_loop, names, stderr, stdout, sum,
};

/// The contract for all signals together.
const NULL_DBFS: f64 = -120.0;

fn stems(bench: &Bench, folder: &str) -> Vec<AudioBuffer> {
    CLASSES
        .iter()
        .chain(&["residual"])
        .map(|name| bench.read(&format!("{folder}/{name}.wav")))
        .collect()
}

#[test]
fn stems_are_aligned_and_sum_to_the_input_at_every_rate_and_quality() {
    for (rate_hz, channels, quality) in [
        (44_100.0, 2, "standard"),
        (44_100.0, 1, "high"),
        (48_000.0, 2, "low"),
        (96_000.0, 1, "standard"),
        (8_000.0, 2, "standard"),
        (192_000.0, 1, "low"),
    ] {
        let bench = Bench::new();
        // An odd length that no block or hop divides.
        let mut input = drum_loop(rate_hz, channels, 1.2);
        for samples in &mut input.channels {
            samples.truncate(samples.len() - 13);
            // Impulses at both ends show any shift and any loss.
            samples[0] = 0.9;
            *samples.last_mut().expect("not empty") = -0.9;
        }
        bench.wav("loop.wav", &input);
        let summary =
            bench.idm_json(&["separate", "loop.wav", "--out", "out", "--quality", quality]);
        let what = format!("{rate_hz} Hz, {channels} channels, {quality}");
        let total = sum(&stems(&bench, "out/loop"));
        let difference = difference_dbfs(&total, &input);
        assert!(difference < NULL_DBFS, "{what}: {difference} dBFS");

        let file = &summary["files"][0];
        let reported = file["null_test_dbfs"].as_f64().expect("a level");
        assert!(reported < NULL_DBFS, "{what}: reported {reported} dBFS");
        assert_eq!(
            file["frames"].as_u64(),
            Some(input.frames() as u64),
            "{what}"
        );
        assert_eq!(file["channels"].as_u64(), Some(channels as u64), "{what}");
        assert!(
            file["latency_samples"].as_u64().expect("latency") > 0,
            "{what}"
        );
    }
}

#[test]
fn the_block_size_changes_no_bit() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 2, 1.0));
    for mode in ["separated", "resynth"] {
        let run = |block: &str| {
            let out = format!("{mode}_{block}");
            bench.idm_json(&[
                "separate", "loop.wav", "--out", &out, "--mode", mode, "--block", block,
            ]);
            let folder = bench.path(&out).join("loop");
            names(&folder)
                .into_iter()
                .map(|name| (fs::read(folder.join(&name)).expect("read"), name))
                .collect::<Vec<_>>()
        };
        let reference = run("512");
        assert_eq!(
            reference.len(),
            13,
            "nine drums, residual, two files of hits, the list of these"
        );
        for block in ["1", "64", "333", "4096"] {
            for (found, expected) in run(block).iter().zip(&reference) {
                assert!(found == expected, "{mode}: {} at block {block}", expected.1);
            }
        }
    }
}

#[test]
fn groups_are_the_sums_of_their_classes() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(48_000.0, 2, 1.0));
    bench.idm_json(&["separate", "loop.wav", "--out", "classes"]);
    bench.idm_json(&["separate", "loop.wav", "--out", "groups", "--groups"]);
    assert_eq!(
        names(&bench.path("groups/loop")),
        [
            "cymbals.wav",
            "hihat.wav",
            "idm.json",
            "kick.wav",
            "onsets.csv",
            "onsets.mid",
            "residual.wav",
            "snare.wav",
            "toms.wav"
        ]
    );
    for (group, classes) in GROUPS {
        let classes: Vec<_> = classes
            .iter()
            .map(|class| bench.read(&format!("classes/loop/{class}.wav")))
            .collect();
        let group_file = bench.read(&format!("groups/loop/{group}.wav"));
        assert_eq!(group_file, sum(&classes), "{group}");
    }
    let residual = bench.read("classes/loop/residual.wav");
    assert_eq!(bench.read("groups/loop/residual.wav"), residual);
}

#[test]
fn another_run_takes_its_own_old_stems_away_and_nothing_else() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 1, 0.3));
    fs::create_dir_all(bench.path("out/loop")).expect("created");
    // No run of ours wrote it.
    fs::write(bench.path("out/loop/toms.wav"), "somebody else's").expect("written");
    bench.idm_json(&["separate", "loop.wav", "--out", "out"]);
    bench.idm_json(&["separate", "loop.wav", "--out", "out"]);
    fs::remove_file(bench.path("out/loop/toms.wav")).expect("still there");
    fs::write(bench.path("out/loop/toms_2.wav"), "mine").expect("written");
    let results = |stems: &[&str]| {
        let others = ["idm.json", "onsets.csv", "onsets.mid", "toms_2.wav"];
        let stems = stems.iter().chain(&["residual"]);
        let stems = stems.map(|stem| format!("{stem}.wav"));
        let mut names: Vec<String> = others.map(str::to_owned).into_iter().chain(stems).collect();
        names.sort();
        names
    };
    bench.idm_json(&["separate", "loop.wav", "--out", "out", "--groups"]);
    let groups = GROUPS.map(|(name, _)| name);
    assert_eq!(names(&bench.path("out/loop")), results(&groups));
    bench.idm_json(&["separate", "loop.wav", "--out", "out"]);
    assert_eq!(names(&bench.path("out/loop")), results(&CLASSES));
}

#[test]
fn mono_is_the_same_as_both_sides_of_equal_stereo() {
    let bench = Bench::new();
    let mono = drum_loop(44_100.0, 1, 1.0);
    let mut stereo = mono.clone();
    stereo.channels.push(mono.channels[0].clone());
    bench.wav("mono.wav", &mono);
    bench.wav("stereo.wav", &stereo);
    bench.idm_json(&["separate", "mono.wav", "stereo.wav", "--out", "out"]);
    for (mono, stereo) in stems(&bench, "out/mono")
        .iter()
        .zip(&stems(&bench, "out/stereo"))
    {
        assert_eq!(mono.channels.len(), 1);
        assert_eq!(stereo.channels.len(), 2);
        for side in &stereo.channels {
            assert_eq!(&mono.channels[0], side);
        }
    }
}

#[test]
fn hits_agree_in_csv_midi_and_summary() {
    let bench = Bench::new();
    let rate_hz = 44_100.0;
    bench.wav("loop.wav", &drum_loop(rate_hz, 2, 4.0));
    let summary = bench.idm_json(&["separate", "loop.wav", "--out", "out"]);
    let transcribed = bench.idm_json(&["transcribe", "loop.wav", "--out", "hits"]);
    let read = |path: &str| fs::read(bench.path(path)).expect("read");
    assert_eq!(
        names(&bench.path("hits/loop")),
        ["idm.json", "onsets.csv", "onsets.mid"]
    );
    assert_eq!(read("out/loop/onsets.csv"), read("hits/loop/onsets.csv"));
    assert_eq!(read("out/loop/onsets.mid"), read("hits/loop/onsets.mid"));
    assert_eq!(summary["files"][0]["hits"], transcribed["files"][0]["hits"]);

    let keys = [36, 38, 42, 46, 48, 47, 43, 49, 51];
    let table = String::from_utf8(read("out/loop/onsets.csv")).expect("utf-8");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("time_s,class,velocity"));
    let mut from_csv: Vec<(f64, u8, u8)> = lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let class = CLASSES
                .iter()
                .position(|&name| name == fields[1])
                .expect("a class");
            (
                fields[0].parse().expect("seconds"),
                keys[class],
                fields[2].parse().expect("a velocity"),
            )
        })
        .collect();
    assert!(from_csv.is_sorted_by(|a, b| a.0 <= b.0), "in order of time");
    assert!(
        from_csv
            .iter()
            .all(|hit| (0.0..4.0).contains(&hit.0) && hit.2 >= 1)
    );
    let counts = summary["files"][0]["hits"].as_object().expect("counts");
    for (class, key) in CLASSES.iter().zip(keys) {
        let count = from_csv.iter().filter(|hit| hit.1 == key).count();
        assert_eq!(counts[*class].as_u64(), Some(count as u64), "{class}");
    }
    // Eight kicks and snares and sixteen hats are played.
    assert!(from_csv.len() >= 8, "only {} hits found", from_csv.len());

    let order =
        |a: &(f64, u8, u8), b: &(f64, u8, u8)| (a.1, a.0).partial_cmp(&(b.1, b.0)).expect("finite");
    from_csv.sort_by(order);
    bench.idm_json(&["transcribe", "loop.wav", "--out", "slow", "--tempo", "93.5"]);
    for (folder, bpm) in [("out", 120.0), ("slow", 93.5)] {
        let midi = read(&format!("{folder}/loop/onsets.mid"));
        let mut from_midi = notes_in(&midi, 4.0, bpm);
        from_midi.sort_by(order);
        assert_eq!(from_csv.len(), from_midi.len());
        for (csv, midi) in from_csv.iter().zip(&from_midi) {
            assert!((csv.0 - midi.0).abs() < 0.0005, "{csv:?} and {midi:?}");
            assert_eq!((csv.1, csv.2), (midi.1, midi.2));
        }
    }
    let output = bench.idm(&["transcribe", "loop.wav", "--out", "bad", "--tempo", "fast"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("expected 10 to 999, found \"fast\""));
}

/// Seconds, key and velocity of the notes of a file that is so long and has this tempo.
fn notes_in(midi: &[u8], length_s: f64, bpm: f64) -> Vec<(f64, u8, u8)> {
    let smf = Smf::parse(midi).expect("a MIDI file");
    let Timing::Metrical(ticks_per_beat) = smf.header.timing else {
        panic!("metrical timing expected");
    };
    let (mut beat_us, mut time_s, mut notes) = (0.0, 0.0, Vec::new());
    for event in &smf.tracks[0] {
        time_s +=
            f64::from(event.delta.as_int()) * beat_us * 1e-6 / f64::from(ticks_per_beat.as_int());
        match event.kind {
            TrackEventKind::Meta(midly::MetaMessage::Tempo(us)) => beat_us = f64::from(us.as_int()),
            TrackEventKind::Midi {
                message: MidiMessage::NoteOn { key, vel },
                ..
            } => notes.push((time_s, key.as_int(), vel.as_int())),
            _ => {}
        }
    }
    assert!((60e6 / beat_us - bpm).abs() < 1e-3);
    assert!(
        (time_s - length_s).abs() < 1e-3,
        "as long as the recording: {time_s} s"
    );
    notes
}

#[test]
fn further_passes_keep_length_alignment_and_sum() {
    let bench = Bench::new();
    let input = drum_loop(44_100.0, 2, 2.0);
    bench.wav("loop.wav", &input);
    let twice = bench.idm_json(&["separate", "loop.wav", "--out", "a", "--passes", "2"]);
    assert_eq!(twice["files"][0]["passes"].as_u64(), Some(2));
    let difference = difference_dbfs(&sum(&stems(&bench, "a/loop")), &input);
    assert!(difference < NULL_DBFS, "{difference} dBFS");
    // The same again gives the same again.
    bench.idm_json(&[
        "separate", "loop.wav", "--out", "b", "--passes", "2", "--block", "77",
    ]);
    for (a, b) in stems(&bench, "a/loop").iter().zip(&stems(&bench, "b/loop")) {
        assert!(a == b);
    }
}

#[test]
fn old_results_are_handled_with_care() {
    let bench = Bench::new();
    let short = drum_loop(44_100.0, 1, 0.3);
    bench.wav("a/loop.wav", &short);
    bench.wav("b/other.wav", &drum_loop(44_100.0, 2, 0.4));
    let inputs = ["separate", "a/loop.wav", "b/other.wav", "--out", "out"];
    bench.idm_json(&inputs);
    assert_eq!(names(&bench.path("out")), ["loop", "other"]);
    assert_eq!(bench.read("out/loop/kick.wav").channels.len(), 1);
    assert_eq!(bench.read("out/other/kick.wav").channels.len(), 2);

    // A second run replaces the files and leaves nothing else behind.
    fs::write(bench.path("out/loop/kick.wav"), "old").expect("written");
    fs::write(bench.path("out/loop/notes.txt"), "mine").expect("written");
    bench.idm_json(&inputs);
    assert_eq!(bench.read("out/loop/kick.wav").frames(), short.frames());
    assert_eq!(names(&bench.path("out/loop")).len(), 14);

    // An input that lies where a result would go is not overwritten.
    let before = fs::read(bench.path("out/loop/snare.wav")).expect("read");
    let output = bench.idm(&[
        "separate",
        "a/loop.wav",
        "out/loop/snare.wav",
        "--out",
        "out",
    ]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("is an input and would be overwritten"),
        "{}",
        stderr(&output)
    );
    let folder = Path::new("out").join("snare");
    let line = format!("out/loop/snare.wav -> {}: ", folder.display());
    assert!(stdout(&output).contains(&line), "the other goes on");
    assert_eq!(
        fs::read(bench.path("out/loop/snare.wav")).expect("read"),
        before
    );
}

#[test]
fn a_sample_plays_in_place_of_a_drum() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 2, 3.0));
    let boom = AudioBuffer {
        sample_rate_hz: 48_000.0,
        channels: vec![vec![0.5; 4_800]],
    };
    bench.wav("boom.wav", &boom);
    bench.idm_json(&["separate", "loop.wav", "--out", "plain"]);
    let sample = "kick=boom.wav";
    bench.idm_json(&["separate", "loop.wav", "--out", "own", "--sample", sample]);
    let (plain, own) = (stems(&bench, "plain/loop"), stems(&bench, "own/loop"));
    assert_ne!(plain[0], own[0]);
    assert_eq!(plain[1..], own[1..]);

    // Of a folder, the samples that suit the hits, one after the other.
    bench.wav("kicks/a.wav", &boom);
    let short = AudioBuffer {
        sample_rate_hz: 48_000.0,
        channels: vec![vec![0.5; 2_400]],
    };
    bench.wav("kicks/b.wav", &short);
    let folder = "kick=kicks";
    bench.idm_json(&["separate", "loop.wav", "--out", "set", "--sample", folder]);
    let set = stems(&bench, "set/loop");
    assert_ne!(set[0], own[0]);
    assert_eq!(plain[1..], set[1..]);

    // A kit plays all drums that its files are named after, but for those with samples.
    bench.wav("a kit/Bass Drum.wav", &short);
    bench.wav("a kit/song_snare_soft.wav", &short);
    bench.wav("a kit/HH closed/1.wav", &short);
    let kit = ["--sample-kit", "a kit", "--sample", sample];
    bench.idm_json(&[&["separate", "loop.wav", "--out", "kit"][..], &kit].concat());
    let kit = stems(&bench, "kit/loop");
    assert_eq!(own[0], kit[0]);
    assert_ne!(plain[1], kit[1]);
    assert_ne!(plain[2], kit[2]);
    assert_eq!(plain[3..], kit[3..]);
    let without = ["--sample", sample, "--without", "kick"];
    let output = bench.idm(&[&["separate", "loop.wav", "--out", "none"][..], &without].concat());
    let reason = "the sample of kick is not heard: --without says that there is none";
    assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    let empty = ["--sample-kit", "kicks"];
    let output = bench.idm(&[&["separate", "loop.wav", "--out", "bad"][..], &empty].concat());
    assert_eq!(code(&output), 2);
    let reason = "expected audio files or folders named after drums";
    assert!(stderr(&output).contains(reason), "{}", stderr(&output));

    for (sample, reason) in [
        ("kick", "expected DRUM=PATH"),
        ("gong=boom.wav", "expected one of kick, snare"),
        ("kick=missing.wav", "missing.wav"),
    ] {
        let output = bench.idm(&["separate", "loop.wav", "--out", "bad", "--sample", sample]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    }
}

#[test]
fn drums_are_left_out_and_kept_apart_as_told() {
    let bench = Bench::new();
    bench.wav("loop.wav", &drum_loop(44_100.0, 1, 2.0));
    bench.idm_json(&["separate", "loop.wav", "--out", "plain"]);
    let told = ["--without", "kick,cymbals", "--isolate", "snare=100"];
    let summary = bench.idm_json(&[&["separate", "loop.wav", "--out", "told"][..], &told].concat());
    let reported = summary["files"][0]["null_test_dbfs"].as_f64();
    assert!(reported.expect("a level") < NULL_DBFS);
    let level = |folder: &str, name: &str| {
        let audio = bench.read(&format!("{folder}/loop/{name}.wav"));
        audio.channels[0]
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()))
    };
    assert!(level("plain", "kick") > 0.05);
    for name in ["kick", "crash", "ride"] {
        assert_eq!(level("told", name), 0.0, "{name}");
    }
    let csv = |folder: &str| {
        fs::read_to_string(bench.path(&format!("{folder}/loop/onsets.csv"))).expect("read")
    };
    assert!(csv("plain").contains(",kick,") && !csv("told").contains(",kick,"));
    assert_ne!(
        bench.read("plain/loop/snare.wav").channels,
        bench.read("told/loop/snare.wav").channels
    );

    let hits = |sensitivity: &str| {
        let sensitivity = ["--sensitivity", sensitivity];
        bench.idm_json(
            &[
                &["transcribe", "loop.wav", "--out", "hits"][..],
                &sensitivity,
            ]
            .concat(),
        );
        csv("hits").lines().count()
    };
    assert!(hits("all=100") > hits("all=0"));

    let rename = ["--rename", "kick=floor_tom"];
    bench.idm_json(&[&["transcribe", "loop.wav", "--out", "renamed"][..], &rename].concat());
    let table = csv("renamed");
    assert!(table.contains(",floor_tom,") && !table.contains(",kick,"));

    let alike = ["--mode", "resynth", "--dynamics", "kick=0"];
    bench.idm_json(&[&["separate", "loop.wav", "--out", "alike"][..], &alike].concat());
    let velocities = |drum: &str| {
        let table = csv("alike");
        let lines = table.lines().filter(|line| line.contains(drum));
        let velocity = |line: &str| line.rsplit(',').next().map(str::to_owned);
        lines.filter_map(velocity).collect::<HashSet<_>>().len()
    };
    assert_eq!(velocities(",kick,"), 1);
    assert!(velocities(",snare,") > 1);
}

#[test]
fn stems_of_coded_files_are_as_long_as_players_play_them() {
    let bench = Bench::new();
    let fixtures =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/audio_file_fixtures");
    for (name, frames) in [("sine.m4a", 11_025), ("sine_alac.caf", 4_410)] {
        fs::copy(fixtures.join(name), bench.path(name)).expect("copied");
        let run = ["separate", name, "--out", "out", "--quality", "low"];
        let file = &bench.idm_json(&run)["files"][0];
        assert_eq!(file["frames"].as_u64(), Some(frames), "{name}");
        assert_eq!(file["warnings"].as_array().map(Vec::len), Some(0), "{name}");
        let folder = format!("out/{}", name.split('.').next().expect("a name"));
        let total = sum(&stems(&bench, &folder));
        let difference = difference_dbfs(&total, &bench.read(name));
        assert!(difference < NULL_DBFS, "{name}: {difference} dBFS");
    }
    let m4a = fs::read(fixtures.join("sine.m4a")).expect("read");
    fs::write(bench.path("cut.m4a"), &m4a[..m4a.len() - 1_500]).expect("written");
    let run = ["separate", "cut.m4a", "--out", "out", "--quality", "low"];
    let file = &bench.idm_json(&run)["files"][0];
    assert_eq!(file["is_whole"].as_bool(), Some(false));
    assert_eq!(file["expected_frames"].as_u64(), Some(11_025));
}
