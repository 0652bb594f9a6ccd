//! `cargo xtask`: build, bundle, host, demonstrate, test and install the plugin.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use serde::Serialize;
use xtask::bundle::{self, Selection};
use xtask::demo::BlockTimes;
use xtask::hosts::{self, Note};
use xtask::render::{self, RenderOptions};
use xtask::{analysis, checks, demo, install, presets, screenshot, setup, wav};

/// Build, bundle, host, demonstrate, test and install the Inverse Drum Machine.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the system packages; install them as root on Debian, else print
    /// the command that does.
    Setup,
    /// Build the plugin and put it into VST3 and CLAP bundles.
    Bundle {
        /// Cross-compile for this target, for example x86_64-pc-windows-gnu.
        #[arg(long)]
        target: Option<String>,
    },
    /// Load the bundle in a headless host and stream a drum loop through it:
    /// nine drums as WAV, the hits as MIDI, a picture and figures come out.
    Demo {
        /// Recording to use instead of the loop made here (WAV, mono or stereo).
        recording: Option<PathBuf>,
        /// Folder for the results [default: demo in the target folder].
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Run every check: format, bundles, unit and integration tests,
    /// benchmarks once each, presets, lints, documentation.
    Test,
    /// Stream a WAV file through a plugin bundle; write every bus as 32-bit
    /// float WAV and the notes as MIDI, print a JSON summary.
    Host(HostArguments),
    /// Build the plugin and copy it to where hosts look for plugins.
    Install,
    /// Check the models and factory presets in presets/.
    Presets,
    /// Open the editor under an X server of its own and take a picture.
    Screenshot {
        /// Picture to write.
        out: PathBuf,
        #[command(flatten)]
        session: screenshot::Session,
    },
    /// The part of `screenshot` that runs on that X server.
    #[command(hide = true)]
    EditorSession {
        out: PathBuf,
        #[command(flatten)]
        session: screenshot::Session,
    },
}

#[derive(Debug, clap::Args)]
struct HostArguments {
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

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Setup => setup::setup(),
        Command::Bundle { target } => {
            let bundles = bundle::bundle(Selection::Product, target.as_deref())?;
            for path in bundles.plugins() {
                println!("{}", path.display());
            }
            Ok(())
        }
        Command::Demo { recording, out } => demo::demo(recording.as_deref(), out.as_deref()),
        Command::Test => checks::run(),
        Command::Host(arguments) => host(&arguments),
        Command::Install => {
            for path in install::install(&bundle::bundle(Selection::Product, None)?)? {
                println!("installed {}", path.display());
            }
            Ok(())
        }
        Command::Presets => presets::check(&bundle::bundle(Selection::Product, None)?),
        Command::Screenshot { out, session } => {
            let plugin = match &session.plugin {
                Some(plugin) => plugin.clone(),
                None => bundle::bundle(Selection::Product, None)?.clap,
            };
            let program = std::env::current_exe().context("this program has no path")?;
            screenshot::screenshot(&program, &out, &plugin, &session)
        }
        Command::EditorSession { out, session } => screenshot::run_session(&out, &session),
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

fn host(arguments: &HostArguments) -> Result<()> {
    let file = wav::read(&arguments.input)?;
    let sample_rate_hz = arguments.rate.unwrap_or(file.sample_rate_hz);
    let input = file
        .stereo()
        .with_context(|| arguments.input.display().to_string())?;
    let mut host = hosts::open(&arguments.plugin)?;
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
    use clap::CommandFactory;

    #[test]
    fn rates_that_no_plugin_can_be_told_are_refused() {
        assert_eq!(sample_rate("44100"), Ok(44_100.0));
        for rate in ["0", "NaN", "-44100", "inf", "7999", "192001", "fast"] {
            let error = sample_rate(rate).expect_err(rate);
            assert_eq!(error, format!("expected 8000 to 192000, found {rate}"));
        }
    }

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
