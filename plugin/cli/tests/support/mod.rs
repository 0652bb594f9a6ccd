//! A drum loop, a way to run `idm`, and readers for what it writes.

// Each test binary uses its own part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use idm_engine::audio_file::{AudioBuffer, read, write_wav};
use serde_json::Value;
use tempfile::TempDir;

/// Names of the nine classes in their frozen order.
pub const CLASSES: [&str; 9] = [
    "kick",
    "snare",
    "closed_hat",
    "open_hat",
    "high_tom",
    "mid_tom",
    "floor_tom",
    "crash",
    "ride",
];

/// The five groups with the classes in them.
pub const GROUPS: [(&str, &[&str]); 5] = [
    ("kick", &["kick"]),
    ("snare", &["snare"]),
    ("toms", &["high_tom", "mid_tom", "floor_tom"]),
    ("hihat", &["closed_hat", "open_hat"]),
    ("cymbals", &["crash", "ride"]),
];

/// A folder that goes away after the test, and `idm` in it.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        Bench {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `audio` as `name`, in a folder of its own if the name has one.
    pub fn wav(&self, name: &str, audio: &AudioBuffer) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        write_wav(&path, audio).expect("written");
        path
    }

    /// Runs `idm` in the folder.
    pub fn idm(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_idm"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("idm runs")
    }

    /// Runs `idm`, which must succeed, and gives its JSON summary.
    pub fn idm_json(&self, arguments: &[&str]) -> Value {
        let output = self.idm(&[arguments, &["--json"]].concat());
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).expect("a JSON summary")
    }

    /// Reads a WAV that `idm` wrote.
    pub fn read(&self, name: &str) -> AudioBuffer {
        read(self.path(name)).expect(name)
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("not killed by a signal")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("utf-8")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("utf-8")
}

/// Names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("listed")
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .into_string()
                .expect("utf-8")
        })
        .collect();
    names.sort();
    names
}

/// Kick, snare and closed hat at 120 beats per minute; the channels differ.
pub fn drum_loop(rate_hz: f64, channels: usize, seconds: f64) -> AudioBuffer {
    let frames = (rate_hz * seconds) as usize;
    let mut audio = AudioBuffer::silent(rate_hz, channels, frames);
    let mut noise = 0x2545_F491_4F6C_DD1Du64;
    let mut random = move || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        (noise >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    for beat in 0.. {
        let start = (rate_hz * (0.1 + 0.25 * f64::from(beat))) as usize;
        if start >= frames {
            break;
        }
        for n in 0..((0.25 * rate_hz) as usize).min(frames - start) {
            let t = n as f64 / rate_hz;
            let mut sample = 0.15 * random() * (-t * 70.0).exp();
            if beat % 4 == 0 {
                let sweep = 52.0 * t + 5.0 * (1.0 - (-t * 45.0).exp());
                sample += 0.8 * (std::f64::consts::TAU * sweep).sin() * (-t * 11.0).exp();
            }
            if beat % 4 == 2 {
                let body = (std::f64::consts::TAU * 185.0 * t).sin() * (-t * 20.0).exp();
                sample += 0.35 * body + 0.4 * random() * (-t * 18.0).exp();
            }
            for (channel, samples) in audio.channels.iter_mut().enumerate() {
                samples[start + n] += (sample * (1.0 - 0.3 * channel as f64)) as f32;
            }
        }
    }
    audio
}

/// Sum of several equally long files, sample by sample.
pub fn sum(parts: &[AudioBuffer]) -> AudioBuffer {
    let mut total = AudioBuffer::silent(
        parts[0].sample_rate_hz,
        parts[0].channels.len(),
        parts[0].frames(),
    );
    for part in parts {
        assert_eq!(part.channels.len(), total.channels.len());
        for (total, samples) in total.channels.iter_mut().zip(&part.channels) {
            assert_eq!(total.len(), samples.len());
            for (total, sample) in total.iter_mut().zip(samples) {
                *total += sample;
            }
        }
    }
    total
}

/// Largest difference in dB relative to full scale.
pub fn difference_dbfs(a: &AudioBuffer, b: &AudioBuffer) -> f64 {
    assert_eq!(a.sample_rate_hz, b.sample_rate_hz, "rate");
    assert_eq!(a.channels.len(), b.channels.len(), "channels");
    assert_eq!(a.frames(), b.frames(), "length");
    let largest = a
        .channels
        .iter()
        .flatten()
        .zip(b.channels.iter().flatten())
        .fold(0.0f32, |largest, (a, b)| largest.max((a - b).abs()));
    20.0 * f64::from(largest).log10()
}
