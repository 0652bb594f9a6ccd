//! The command `host`: a recording through a plugin bundle, and what comes out as files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::demo::BlockTimes;
use crate::hosts::{self, Note};
use crate::render::{self, RenderOptions};
use crate::{analysis, wav};

/// Options of `host`.
#[derive(Debug, clap::Args)]
pub struct HostArguments {
    /// Bundle to load (.clap or .vst3).
    plugin: PathBuf,
    /// Recording to stream (WAV, mono or stereo).
    input: PathBuf,
    /// Folder for the results.
    #[arg(long)]
    out: PathBuf,
    /// Samples in a block.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    block: u32,
    /// Sample rate to tell the plugin; nothing is resampled [default: the
    /// recording's].
    #[arg(long, value_parser = sample_rate)]
    rate: Option<f64>,
    /// Set a parameter, by name or id, to a value in the plugin's words
    /// ("Kick level=-6 dB") or normalised ("level_1=@0.5").
    #[arg(long = "param", value_name = "ID=VALUE")]
    parameters: Vec<String>,
    /// Which plugin of the bundle, by its name [default: the first].
    #[arg(long)]
    name: Option<String>,
    /// Tell the plugin that this is an offline render.
    #[arg(long)]
    offline: bool,
}

/// A rate in hertz that plugins can be told.
fn sample_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate_hz) if (8_000.0..=192_000.0).contains(&rate_hz) => Ok(rate_hz),
        _ => Err(format!("expected 8000 to 192000, found {text}")),
    }
}

/// What `host` prints.
#[derive(Debug, Serialize)]
struct HostSummary<'a> {
    plugin: &'a Path,
    name: &'a str,
    format: String,
    sample_rate_hz: f64,
    samples: usize,
    latency_samples: usize,
    buses: Vec<BusSummary>,
    notes: usize,
    files: Vec<PathBuf>,
    block: BlockTimes,
}

#[derive(Debug, Serialize)]
struct BusSummary {
    name: String,
    peak_dbfs: f64,
    rms_dbfs: f64,
}

/// Streams the recording through the plugin and writes what comes out.
///
/// # Errors
/// What cannot be read, loaded, set, rendered or written.
pub fn run(arguments: &HostArguments) -> Result<()> {
    let file = wav::read(&arguments.input)?;
    let sample_rate_hz = arguments.rate.unwrap_or(file.sample_rate_hz);
    let input = file
        .stereo()
        .with_context(|| arguments.input.display().to_string())?;
    let mut host = hosts::open_plugin(&arguments.plugin, arguments.name.as_deref())?;
    for parameter in &arguments.parameters {
        let (key, value) = parameter
            .split_once('=')
            .with_context(|| format!("expected ID=VALUE, found '{parameter}'"))?;
        hosts::set_parameter(host.as_mut(), key, value)?;
    }
    host.set_offline(arguments.offline)?;
    let options = RenderOptions::blocks_of(arguments.block as usize);
    let rendering = render::render(host.as_mut(), &input, sample_rate_hz, &options)?;
    let samples = input[0].len();
    let files = render::write(&rendering, &arguments.out, samples)?;
    let buses = rendering
        .bus_names
        .iter()
        .zip(&rendering.audio)
        .map(|(name, audio)| BusSummary {
            name: name.clone(),
            peak_dbfs: analysis::peak_dbfs(audio),
            rms_dbfs: analysis::rms_dbfs(audio),
        })
        .collect();
    let on = |note: &&Note| note.on;
    let summary = HostSummary {
        plugin: &arguments.plugin,
        name: host.name(),
        format: host.format().to_string(),
        sample_rate_hz,
        samples,
        latency_samples: rendering.latency_samples,
        buses,
        notes: rendering.notes.iter().filter(on).count(),
        files,
        block: BlockTimes::of(&rendering),
    };
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_no_plugin_can_be_told_are_refused() {
        assert_eq!(sample_rate("44100"), Ok(44_100.0));
        for rate in ["0", "NaN", "-44100", "inf", "7999", "192001", "fast"] {
            let error = sample_rate(rate).expect_err(rate);
            assert_eq!(error, format!("expected 8000 to 192000, found {rate}"));
        }
    }
}
