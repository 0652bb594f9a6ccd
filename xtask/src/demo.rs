//! `cargo xtask demo`: a drum loop goes into the real plugin, nine drums come
//! out.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::analysis::{self, Matches};
use crate::bundle::{self, Selection};
use crate::demo_loop::{self, LoopHit};
use crate::drums::{self, DRUMS};
use crate::picture::{self, Mark, Scene};
use crate::render::{self, RenderOptions, Rendering};
use crate::{hosts, setup, wav, workspace};

/// Block size of the demonstration.
const BLOCK: usize = 512;
/// Sample rate of the loop that the demonstration makes itself.
const LOOP_RATE_HZ: f64 = 44_100.0;
/// A found hit this close to a true one is the same.
const TOLERANCE_SECONDS: f64 = 0.05;

/// What the demonstration has measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Sample rate.
    pub sample_rate_hz: f64,
    /// Length of the recording.
    pub seconds: f64,
    /// Hits found of each drum, in the plugin's order.
    pub hits: Vec<(String, usize)>,
    /// Hits against the known ones, for the loop made here.
    pub matches: Option<Vec<Matches>>,
    /// Peak of buses minus delayed input.
    pub null_test_dbfs: f64,
    /// Latency that the plugin reports.
    pub reported_latency_samples: usize,
    /// Latency at which the sum of the buses correlates best with the input.
    pub measured_latency_samples: usize,
    /// Time for one block.
    pub block: BlockTimes,
}

/// Wall-clock time per full block.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BlockTimes {
    /// Samples in a block.
    pub samples: usize,
    /// Mean.
    pub mean_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// Worst.
    pub max_us: f64,
    /// Processing time over audio time.
    pub share_of_core: f64,
}

impl BlockTimes {
    /// Of the full blocks of a rendering.
    pub fn of(rendering: &Rendering) -> Self {
        let samples = rendering
            .block_times
            .iter()
            .map(|(size, _)| *size)
            .max()
            .unwrap_or(0);
        let micros: Vec<f64> = rendering
            .block_times
            .iter()
            .filter(|(size, _)| *size == samples)
            .map(|(_, seconds)| seconds * 1e6)
            .collect();
        Self {
            samples,
            mean_us: micros.iter().sum::<f64>() / micros.len().max(1) as f64,
            p99_us: analysis::percentile(&micros, 0.99),
            max_us: analysis::percentile(&micros, 1.0),
            share_of_core: rendering.load(),
        }
    }
}

/// Runs the demonstration on `recording`, or on a loop made here, and leaves
/// its files in `out` (or `demo` in the target folder).
pub fn demo(recording: Option<&Path>, out: Option<&Path>) -> Result<()> {
    setup::advise();
    let bundles = bundle::bundle(Selection::Product, None)?;
    let out = match out {
        Some(out) => out.to_owned(),
        None => workspace::target_dir()?.join("demo"),
    };
    std::fs::create_dir_all(&out).with_context(|| format!("{}: cannot be made", out.display()))?;

    let (channels, sample_rate_hz, truth) = match recording {
        Some(path) => {
            let file = wav::read(path)?;
            let rate = file.sample_rate_hz;
            let channels = file.stereo().with_context(|| path.display().to_string())?;
            (channels, rate, None)
        }
        None => {
            let demo = demo_loop::render(LOOP_RATE_HZ);
            wav::write(&out.join("input.wav"), LOOP_RATE_HZ, &demo.channels)?;
            (demo.channels, LOOP_RATE_HZ, Some(demo.hits))
        }
    };

    let mut host = hosts::open(&bundles.clap)?;
    println!(
        "\nPlugin     {} ({})",
        bundles.clap.display(),
        host.format()
    );
    println!("           {}", bundles.vst3.display());
    let rendering = render::render(
        host.as_mut(),
        &channels,
        sample_rate_hz,
        &RenderOptions::blocks_of(BLOCK),
    )?;
    ensure!(
        rendering.audio.len() == DRUMS.len() + 2,
        "expected main, nine drums and residual, found {} buses",
        rendering.audio.len()
    );
    let figures = measure(&rendering, &channels, truth.as_deref());
    print_figures(&figures);

    let samples = channels[0].len();
    let mut files = render::write(&rendering, &out.join("buses"), samples)?;
    let picture = out.join("picture.png");
    draw(&picture, &rendering, &channels, truth.as_deref(), &figures)?;
    files.push(picture);
    let json = out.join("figures.json");
    std::fs::write(&json, serde_json::to_string_pretty(&figures)?)?;
    files.push(json);
    print_files(&files);
    Ok(())
}

/// Measures a rendering of stereo `channels`.
pub fn measure(
    rendering: &Rendering,
    channels: &[Vec<f32>; 2],
    truth: Option<&[LoopHit]>,
) -> Figures {
    let notes = rendering.aligned_notes();
    let tolerance = (TOLERANCE_SECONDS * rendering.sample_rate_hz) as usize;
    let found: Vec<Vec<usize>> = DRUMS
        .iter()
        .map(|drum| analysis::onsets(&notes, drum.key))
        .collect();
    let matches = truth.map(|truth| {
        found
            .iter()
            .enumerate()
            .map(|(drum, found)| {
                let truth: Vec<usize> = truth
                    .iter()
                    .filter(|hit| hit.drum == drum)
                    .map(|hit| hit.sample)
                    .collect();
                analysis::match_hits(&truth, found, tolerance)
            })
            .collect()
    });
    let sum = analysis::sum_of_buses(rendering, 1);
    // Two seconds are enough for the correlation and keep it quick.
    let excerpt = channels[0]
        .len()
        .min((2.0 * rendering.sample_rate_hz) as usize);
    let max_lag = 2 * rendering.latency_samples + 1_000;
    Figures {
        sample_rate_hz: rendering.sample_rate_hz,
        seconds: channels[0].len() as f64 / rendering.sample_rate_hz,
        hits: DRUMS
            .iter()
            .zip(&found)
            .map(|(drum, found)| (drum.name.to_owned(), found.len()))
            .collect(),
        matches,
        null_test_dbfs: analysis::null_test_dbfs(rendering, channels),
        reported_latency_samples: rendering.latency_samples,
        measured_latency_samples: analysis::measured_latency(
            &channels[0][..excerpt],
            &sum[0],
            max_lag,
        ),
        block: BlockTimes::of(rendering),
    }
}

fn print_figures(figures: &Figures) {
    let milliseconds = |samples: usize| samples as f64 * 1e3 / figures.sample_rate_hz;
    println!(
        "Recording  {:.1} s stereo at {} Hz",
        figures.seconds, figures.sample_rate_hz
    );
    println!("\nHits found");
    for (index, (name, found)) in figures.hits.iter().enumerate() {
        match figures.matches.as_ref().map(|matches| matches[index]) {
            Some(matches) => println!(
                "  {name:<11} {found:>4}   of {:>2} played, {:>2} right  (F {:.2})",
                matches.truth,
                matches.matched,
                matches.f_measure()
            ),
            None => println!("  {name:<11} {found:>4}"),
        }
    }
    println!("\nFigures");
    println!(
        "  Buses minus delayed input   {:.1} dBFS",
        figures.null_test_dbfs
    );
    println!(
        "  Latency                     reported {} samples ({:.1} ms), measured {}",
        figures.reported_latency_samples,
        milliseconds(figures.reported_latency_samples),
        figures.measured_latency_samples
    );
    let block = figures.block;
    println!(
        "  CPU per {} samples         mean {:.0} us, 99 % {:.0} us, worst {:.0} us of {:.0} us",
        block.samples,
        block.mean_us,
        block.p99_us,
        block.max_us,
        milliseconds(block.samples) * 1e3
    );
    println!(
        "  Share of one core           {:.1} %",
        block.share_of_core * 100.0
    );
    println!(
        "  (rendered faster than real time, as exports are: the worst block waits for the\n   \
         kit learner, which playback never does)"
    );
}

fn print_files(files: &[PathBuf]) {
    println!("\nFiles");
    for file in files {
        println!("  {}", file.display());
    }
}

fn draw(
    path: &Path,
    rendering: &Rendering,
    channels: &[Vec<f32>; 2],
    truth: Option<&[LoopHit]>,
    figures: &Figures,
) -> Result<()> {
    let buses: Vec<&[f32]> = (1..rendering.audio.len())
        .map(|bus| rendering.aligned(bus)[0])
        .collect();
    let found: Vec<Mark> = rendering
        .aligned_notes()
        .iter()
        .filter(|note| note.on)
        .filter_map(|note| {
            Some(Mark {
                drum: drums::by_key(note.key)?,
                sample: note.sample,
                velocity: note.velocity,
            })
        })
        .collect();
    let truth: Vec<Mark> = truth
        .unwrap_or_default()
        .iter()
        .map(|hit| Mark {
            drum: hit.drum,
            sample: hit.sample,
            velocity: hit.velocity,
        })
        .collect();
    let subtitle = format!(
        "{} hits found, buses minus delayed input {:.0} dBFS, latency {:.1} ms, {:.1} % of one core",
        found.len(),
        figures.null_test_dbfs,
        figures.reported_latency_samples as f64 * 1e3 / figures.sample_rate_hz,
        figures.block.share_of_core * 100.0,
    );
    picture::draw(
        path,
        &Scene {
            title: workspace::PLUGIN_NAME,
            subtitle: &subtitle,
            sample_rate_hz: rendering.sample_rate_hz,
            input: &channels[0],
            buses: &buses,
            found: &found,
            truth: &truth,
        },
    )
}
