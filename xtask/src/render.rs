//! Streaming audio through a hosted plugin, and what comes out of it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::hosts::{BusAudio, Host, Note};
use crate::wav;

/// How a render cuts its input into blocks and what it adds: it goes on until the whole
/// delayed input is out.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// Block sizes, used in turn over and over.
    pub blocks: Vec<usize>,
    /// Silence after the input, in samples; the latency is added to it.
    pub tail_samples: usize,
    /// Notes played into the plugin, by sample since the start, sorted.
    pub notes: Vec<Note>,
    /// Place in the song at which the input begins, in samples; none while the
    /// transport stands.
    pub song_sample: Option<usize>,
}

impl RenderOptions {
    /// Blocks of `block` samples, until the delayed input is out.
    pub fn blocks_of(block: usize) -> Self {
        Self::blocks_in_turn(&[block])
    }

    /// Blocks of these sizes in turn, until the delayed input is out.
    pub fn blocks_in_turn(blocks: &[usize]) -> Self {
        Self {
            blocks: blocks.to_vec(),
            tail_samples: 0,
            notes: Vec::new(),
            song_sample: None,
        }
    }
}

/// What came out of a plugin.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// Sample rate of everything here.
    pub sample_rate_hz: f64,
    /// Reported latency.
    pub latency_samples: usize,
    /// Names of the buses in `audio`.
    pub bus_names: Vec<String>,
    /// `[bus][channel][sample]`, as it came out: late by the latency.
    pub audio: BusAudio,
    /// Notes by output sample, as they came out: late by the latency.
    pub notes: Vec<Note>,
    /// Wall-clock time of every block: samples in it, seconds.
    pub block_times: Vec<(usize, f64)>,
}

impl Rendering {
    /// A bus aligned with the input: the latency cut off its start.
    pub fn aligned(&self, bus: usize) -> Vec<&[f32]> {
        self.audio[bus]
            .iter()
            .map(|channel| &channel[self.latency_samples.min(channel.len())..])
            .collect()
    }

    /// Notes by input sample; those that sound before the input are left out.
    pub fn aligned_notes(&self) -> Vec<Note> {
        self.notes
            .iter()
            .filter_map(|note| {
                Some(Note {
                    sample: note.sample.checked_sub(self.latency_samples)?,
                    ..*note
                })
            })
            .collect()
    }

    /// Processing time over audio time.
    pub fn load(&self) -> f64 {
        let samples: usize = self.block_times.iter().map(|(samples, _)| samples).sum();
        let seconds: f64 = self.block_times.iter().map(|(_, seconds)| seconds).sum();
        seconds / (samples as f64 / self.sample_rate_hz).max(f64::MIN_POSITIVE)
    }
}

/// Activates `host`, streams `input` (one vector per channel) through it and
/// deactivates it again.
pub fn render(
    host: &mut dyn Host,
    input: &[Vec<f32>],
    sample_rate_hz: f64,
    options: &RenderOptions,
) -> Result<Rendering> {
    ensure!(
        !options.blocks.is_empty() && options.blocks.iter().all(|&block| block > 0),
        "blocks must have at least one sample"
    );
    let max_block = options.blocks.iter().copied().max().unwrap_or(1);
    host.activate(sample_rate_hz, max_block)?;
    let rendering = stream(host, input, sample_rate_hz, options);
    host.deactivate()?;
    rendering
}

/// As [`render`], with a host that is active already and stays so.
pub fn stream(
    host: &mut dyn Host,
    input: &[Vec<f32>],
    sample_rate_hz: f64,
    options: &RenderOptions,
) -> Result<Rendering> {
    let latency_samples = host.latency_samples()?;
    let input_samples = input.first().map_or(0, Vec::len);
    let total = input_samples + options.tail_samples + latency_samples;
    let mut padded: Vec<Vec<f32>> = input.to_vec();
    for channel in &mut padded {
        ensure!(
            channel.len() == input_samples,
            "channels differ in length: expected {input_samples}, found {}",
            channel.len()
        );
        channel.resize(total, 0.0);
    }

    host.set_song(options.song_sample);
    let mut audio = BusAudio::new();
    let mut block_audio = BusAudio::new();
    let mut notes = Vec::new();
    let mut block_notes = Vec::new();
    let mut notes_in = options.notes.iter().peekable();
    let mut block_times = Vec::new();
    let mut sizes = options.blocks.iter().cycle();
    let mut start = 0;
    while start < total {
        let size = sizes.next().map_or(total, |&size| size).min(total - start);
        let block: Vec<&[f32]> = padded
            .iter()
            .map(|channel| &channel[start..start + size])
            .collect();
        let mut played = Vec::new();
        while let Some(note) = notes_in.next_if(|note| note.sample < start + size) {
            played.push(Note {
                sample: note.sample.saturating_sub(start),
                ..*note
            });
        }
        block_notes.clear();
        let begin = Instant::now();
        host.process(&block, &played, &mut block_audio, &mut block_notes)?;
        block_times.push((size, begin.elapsed().as_secs_f64()));
        for note in &block_notes {
            ensure!(
                note.sample < size,
                "a note came out at sample {} of a block of {size}",
                note.sample
            );
            notes.push(Note {
                sample: start + note.sample,
                ..*note
            });
        }
        append(&mut audio, &block_audio, total);
        start += size;
    }
    Ok(Rendering {
        sample_rate_hz,
        latency_samples,
        bus_names: host
            .output_buses()
            .iter()
            .map(|bus| bus.name.clone())
            .collect(),
        audio,
        notes,
        block_times,
    })
}

fn append(audio: &mut BusAudio, block: &BusAudio, capacity: usize) {
    audio.resize(block.len(), Vec::new());
    for (bus, from_bus) in audio.iter_mut().zip(block) {
        bus.resize_with(from_bus.len(), || Vec::with_capacity(capacity));
        for (channel, from) in bus.iter_mut().zip(from_bus) {
            channel.extend_from_slice(from);
        }
    }
}

/// Writes every bus of `rendering` as a 32-bit float WAV file named after the
/// bus, aligned with the input and `samples` long, and the notes as
/// `notes.mid`. Returns the files.
pub fn write(rendering: &Rendering, folder: &Path, samples: usize) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot be created", folder.display()))?;
    let mut files = Vec::new();
    for (index, name) in rendering.bus_names.iter().enumerate() {
        if index >= rendering.audio.len() {
            break;
        }
        let channels: Vec<Vec<f32>> = rendering
            .aligned(index)
            .iter()
            .map(|channel| channel[..samples.min(channel.len())].to_vec())
            .collect();
        let path = folder.join(format!("{}.wav", file_stem(name)));
        wav::write(&path, rendering.sample_rate_hz, &channels)?;
        files.push(path);
    }
    let path = folder.join("notes.mid");
    std::fs::write(
        &path,
        crate::midi::file(&rendering.aligned_notes(), rendering.sample_rate_hz),
    )
    .with_context(|| format!("{}: cannot be written", path.display()))?;
    files.push(path);
    Ok(files)
}

/// "Closed hat" becomes "closed_hat".
pub fn file_stem(bus_name: &str) -> String {
    bus_name
        .to_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bus_names_become_file_names() {
        assert_eq!(file_stem("Closed hat"), "closed_hat");
        assert_eq!(file_stem("Main"), "main");
    }

    #[test]
    fn alignment_cuts_the_latency() {
        let note = Note {
            sample: 5,
            on: true,
            channel: 0,
            key: 36,
            velocity: 1.0,
        };
        let rendering = Rendering {
            sample_rate_hz: 48_000.0,
            latency_samples: 2,
            bus_names: vec!["Main".into()],
            audio: vec![vec![vec![0.0, 0.0, 1.0, 2.0]]],
            notes: vec![Note { sample: 1, ..note }, note],
            block_times: vec![(24_000, 0.05), (24_000, 0.15)],
        };
        assert_eq!(rendering.aligned(0), [&[1.0_f32, 2.0][..]]);
        assert_eq!(rendering.aligned_notes(), [Note { sample: 3, ..note }]);
        assert!((rendering.load() - 0.2).abs() < 1e-12);
    }
}
