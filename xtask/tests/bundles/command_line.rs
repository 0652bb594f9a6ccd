//! The command line tool does what the plugin does, to the bit.

use std::path::Path;
use std::process::Command;

use xtask::drums::DRUMS;
use xtask::render::file_stem;
use xtask::{analysis, bundle, wav};

use super::{FORMATS, RATE_HZ, assert_same_audio, demo, open, render};

/// Runs `idm separate` on `input` and returns the folder of its results.
fn separate(input: &Path, out: &Path, more: &[&str]) -> std::path::PathBuf {
    let idm = &bundle::shared().expect("the bundles are built").idm;
    let output = Command::new(idm)
        .arg("separate")
        .arg(input)
        .arg("--out")
        .arg(out)
        .args(more)
        .output()
        .expect("idm runs");
    assert!(
        output.status.success(),
        "idm: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    out.join(input.file_stem().expect("a name"))
}

#[test]
fn idm_separate_gives_the_samples_of_the_plugin() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("loop.wav");
    let channels = &demo().channels;
    wav::write(&input, RATE_HZ, channels).expect("writes");
    let results = separate(&input, folder.path(), &["--quality", "standard"]);
    for format in FORMATS {
        let rendering = render(open(format).as_mut(), channels, 512);
        for bus in 1..rendering.audio.len() {
            let stem = file_stem(&rendering.bus_names[bus]);
            let file = wav::read(&results.join(format!("{stem}.wav"))).expect("a stem");
            assert_eq!(file.sample_rate_hz, RATE_HZ);
            let aligned: Vec<Vec<f32>> = rendering
                .aligned(bus)
                .iter()
                .map(|channel| channel[..channels[0].len()].to_vec())
                .collect();
            assert_same_audio(&aligned, &file.channels, &format!("{format}, {stem}"));
        }

        let csv = std::fs::read_to_string(results.join("onsets.csv")).expect("onsets");
        let notes = rendering.aligned_notes();
        for drum in &DRUMS {
            let from_file: Vec<usize> = csv
                .lines()
                .skip(1)
                .filter_map(|line| {
                    let mut fields = line.split(',');
                    let seconds: f64 = fields.next()?.parse().ok()?;
                    (fields.next()? == file_stem(drum.name))
                        .then_some((seconds * RATE_HZ).round() as usize)
                })
                .collect();
            let from_plugin = analysis::onsets(&notes, drum.key);
            let matches = analysis::match_hits(&from_file, &from_plugin, 1);
            let what = format!("{format}, {}", drum.name);
            assert_eq!(
                matches.truth, matches.matched,
                "{what}: {from_file:?} {from_plugin:?}"
            );
            assert_eq!(
                matches.found, matches.matched,
                "{what}: {from_file:?} {from_plugin:?}"
            );
        }
    }
}

#[test]
fn idm_separate_does_not_care_about_blocks() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("loop.wav");
    let samples = (2.0 * RATE_HZ) as usize;
    let channels = demo()
        .channels
        .clone()
        .map(|channel| channel[..samples].to_vec());
    wav::write(&input, RATE_HZ, &channels).expect("writes");
    let [small, large] = [("small", "64"), ("large", "4096")]
        .map(|(name, block)| separate(&input, &folder.path().join(name), &["--block", block]));
    for stem in ["kick", "snare", "closed_hat", "ride", "residual"] {
        let read = |folder: &Path| wav::read(&folder.join(format!("{stem}.wav"))).expect("a stem");
        assert_same_audio(&read(&small).channels, &read(&large).channels, stem);
    }
}
