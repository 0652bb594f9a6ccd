//! Measures separation and transcription on held-out material, beside
//! baselines and ceilings, in one table.

mod diagnosis;
mod material;
mod metrics;
mod network;
mod nmfd;
mod onsets;
mod report;
mod score;
mod stft;
mod streaming;
mod systems;

use std::{fs, path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use idm_engine::{controls::Quality, model::Model};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

pub use diagnosis::Diagnosis;
pub use material::{generic_templates, held_out};
pub use metrics::{level_at_silence_db, log_spectral_distance_db, sdr_db, si_sdr_db};
pub use network::{Activation, activations, network_alone};
pub use onsets::{Confusion, NOTHING, OnsetScore, confuse, match_times};
pub use report::Report;
pub use score::{PointScore, Separation, SystemScore, Transcription, score};
pub use stft::Stft;
pub use streaming::stream;
pub use systems::{Detection, Estimate, OperatingPoint};

use crate::render::Piece;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum System {
    /// The mixture as the estimate of every drum.
    Mixture,
    /// Masks from the true stems.
    Ideal,
    /// Factorisation without knowledge of the hits, offline.
    Nmfd,
    /// The true hits with an average kit.
    Oracle,
    /// The peaks of the network's activations, standard quality.
    Network,
    /// The engine, one pass, standard quality.
    Ours,
    /// The engine after hearing the excerpt before.
    OursTwoPasses,
    /// The engine in its low-latency quality.
    OursLow,
    /// The engine in its high quality.
    OursHigh,
}

impl System {
    const fn label(self) -> &'static str {
        match self {
            System::Mixture => "mixture",
            System::Ideal => "ideal ratio mask",
            System::Nmfd => "NMFD, blind, offline",
            System::Oracle => "true hits, average kit",
            System::Network => "network alone",
            System::Ours => "ours, streaming",
            System::OursTwoPasses => "ours, 2 passes",
            System::OursLow => "ours, low latency",
            System::OursHigh => "ours, high quality",
        }
    }

    /// Quality and passes of the engine, for the systems that are the engine.
    const fn engine(self) -> Option<(Quality, usize)> {
        match self {
            System::Ours => Some((Quality::Standard, 1)),
            System::OursTwoPasses => Some((Quality::Standard, 2)),
            System::OursLow => Some((Quality::Low, 1)),
            System::OursHigh => Some((Quality::High, 1)),
            System::Mixture | System::Ideal | System::Nmfd | System::Oracle | System::Network => {
                None
            }
        }
    }
}

/// Options of `idm-train evaluate`.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// Folder with drums/, drums_validation/ and grooves/; without it the
    /// excerpts are procedural
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the model
    #[arg(long, value_name = "DIR", default_value = "presets/models/default")]
    pub model: PathBuf,
    /// Rows of the table; all but the other qualities by default
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [
        System::Mixture,
        System::Ideal,
        System::Nmfd,
        System::Oracle,
        System::Network,
        System::Ours,
        System::OursTwoPasses,
    ])]
    pub systems: Vec<System>,
    /// Number of excerpts
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub excerpts: u32,
    /// Length of an excerpt in seconds
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Number of threads; all cores by default
    #[arg(long)]
    pub threads: Option<usize>,
    /// Folder for the tables (Markdown, JSON) and pictures
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Fail if a row is worse than in this earlier evaluation.json
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

/// Evaluates, prints the tables and writes what is asked for.
///
/// # Errors
/// When material or model cannot be loaded, a file cannot be written, or the
/// check fails.
pub fn run(args: EvaluateArgs) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()
        .context("threads cannot be started")?;
    let report = pool.install(|| evaluate(&args))?;
    println!("{}", report.markdown());
    if let Some(folder) = &args.out {
        report.write(folder)?;
    }
    if let Some(path) = &args.check {
        let golden = fs::read_to_string(path)
            .with_context(|| format!("{}: cannot be read", path.display()))?;
        let golden: Report = serde_json::from_str(&golden)
            .with_context(|| format!("{}: no evaluation", path.display()))?;
        report.check(&golden)?;
    }
    Ok(())
}

/// Evaluates the systems that `args` names, on all threads of the pool.
///
/// # Errors
/// When material or model cannot be loaded.
pub fn evaluate(args: &EvaluateArgs) -> Result<Report> {
    let data = args.data.as_deref();
    let pieces = held_out(data, args.excerpts as usize, args.seconds)?;
    let with_templates = [System::Nmfd, System::Oracle];
    let templates = if args
        .systems
        .iter()
        .any(|system| with_templates.contains(system))
    {
        generic_templates(data)?
    } else {
        Vec::new()
    };
    let with_model = |system: &System| system.engine().is_some() || *system == System::Network;
    let model = if args.systems.iter().any(with_model) {
        Some(Arc::new(Model::load(&args.model)?))
    } else {
        None
    };
    let mut systems = Vec::new();
    let (mut ours, mut network) = (None, None);
    for &system in &args.systems {
        let start = Instant::now();
        let bar = progress(pieces.len(), system.label());
        let estimate = |piece: &Piece| -> Result<Estimate> {
            Ok(match (system, system.engine(), &model) {
                (_, Some((quality, passes)), Some(model)) => stream(piece, model, quality, passes)?,
                (System::Network, _, Some(model)) => {
                    network_alone(piece, model, Quality::Standard)?
                }
                (System::Ideal, ..) => systems::ideal_mask(piece),
                (System::Nmfd, ..) => systems::blind_nmfd(piece, &templates),
                (System::Oracle, ..) => systems::oracle_onsets(piece, &templates),
                _ => systems::mixture(piece),
            })
        };
        let estimates: Vec<Estimate> = pieces
            .par_iter()
            .map(|piece| estimate(piece).inspect(|_| bar.inc(1)))
            .collect::<Result<_>>()?;
        systems.push(score(system.label(), &pieces, &estimates));
        match system {
            System::Ours => ours = Some(estimates),
            System::Network => network = Some(estimates),
            _ => {}
        }
        bar.finish_and_clear();
        eprintln!("{}: {:.1} s", system.label(), start.elapsed().as_secs_f64());
    }
    let diagnosis = match (&ours, &network, &model) {
        (Some(ours), Some(network), Some(model)) => {
            let strict = &model.meta().thresholds.strict;
            Some(Diagnosis::new(&pieces, ours, network, strict))
        }
        _ => None,
    };
    let seconds: f64 = pieces.iter().map(material::duration_s).sum();
    let source = if data.is_some() {
        "validation kits and grooves"
    } else {
        "procedural kits"
    };
    Ok(Report {
        material: format!("{} excerpts, {seconds:.0} s, of {source}", pieces.len()),
        systems,
        diagnosis,
    })
}

fn progress(length: usize, message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64)
        .with_style(style)
        .with_message(message)
}

#[cfg(test)]
mod tests;
