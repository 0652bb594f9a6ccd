//! `idm kit` from the outside: an instrument that samplers can load.

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::{Bench, code, drum_loop, names, stderr};

#[test]
fn a_loop_becomes_an_instrument() {
    let bench = Bench::new();
    let rate_hz = 48_000.0;
    bench.wav("My loop.wav", &drum_loop(rate_hz, 2, 6.0));
    let summary = bench.idm_json(&["kit", "My loop.wav", "--out", "out"]);
    let kit = summary["files"][0]["kit"].as_array().expect("a kit");
    assert!(!kit.is_empty());

    let folder = bench.path("out/My loop");
    let sfz = fs::read_to_string(folder.join("kit.sfz")).expect("read");
    assert!(sfz.contains("loop_mode=one_shot"), "{sfz}");
    let mut in_sfz = BTreeSet::new();
    for line in sfz.lines().filter(|line| line.starts_with("<region>")) {
        let sample = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("sample="))
            .expect("a sample");
        in_sfz.insert(sample.to_string());
        let one_shot = bench.read(&format!("out/My loop/{sample}"));
        assert_eq!(one_shot.sample_rate_hz, rate_hz, "{sample}");
        assert_eq!(one_shot.channels.len(), 2, "{sample}");
        assert!(one_shot.peak() > 0.01, "{sample} is silent");
        assert!(
            one_shot.duration_s() > 0.01,
            "{sample} is {} s long",
            one_shot.duration_s()
        );
    }
    let in_folder: BTreeSet<String> = names(&folder)
        .into_iter()
        .filter(|name| name.ends_with(".wav"))
        .collect();
    assert_eq!(in_sfz, in_folder, "the instrument uses every WAV");
    let in_summary: BTreeSet<String> = kit
        .iter()
        .flat_map(|drum| drum["samples"].as_array().expect("samples"))
        .map(|sample| sample.as_str().expect("a name").to_string())
        .collect();
    assert_eq!(in_summary, in_folder);
    assert!(
        in_folder.iter().all(|name| name.starts_with("My_loop_")),
        "{in_folder:?}"
    );

    for drum in kit {
        assert!(
            drum["confidence"].as_f64().expect("a number") > 0.0,
            "{drum}"
        );
        assert!(drum["hits"].as_u64().expect("a number") > 0, "{drum}");
    }

    let png = fs::read(folder.join("kit.png")).expect("read");
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert!(folder.join("onsets.csv").exists() && folder.join("onsets.mid").exists());

    // What an earlier kit left goes, what is the user's stays.
    let manifest = folder.join("idm.json");
    let listed = fs::read_to_string(&manifest).expect("read");
    let more = listed.replace("{\n    ", "{\n    \"My_loop_ride_soft.wav\": {},\n    ");
    assert_ne!(listed, more);
    fs::write(&manifest, more).expect("written");
    for name in ["My_loop_ride_soft.wav", "My_loop_notes.wav"] {
        fs::write(folder.join(name), b"x").expect("written");
    }
    bench.idm_json(&["kit", "My loop.wav", "--out", "out"]);
    let left: BTreeSet<String> = names(&folder)
        .into_iter()
        .filter(|name| name.ends_with(".wav"))
        .collect();
    let mut expected = in_folder;
    expected.insert("My_loop_notes.wav".to_string());
    assert_eq!(left, expected);
    assert_eq!(fs::read_to_string(&manifest).expect("read"), listed);
}

#[test]
fn a_recording_without_drums_is_an_error() {
    let bench = Bench::new();
    let silence = idm_engine::audio_file::AudioBuffer::silent(44_100.0, 1, 44_100);
    bench.wav("silence.wav", &silence);
    let output = bench.idm(&["kit", "silence.wav", "--out", "out"]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).starts_with("error: silence.wav: no drum was found"),
        "{}",
        stderr(&output)
    );
    assert!(!bench.path("out/silence").exists());
}
