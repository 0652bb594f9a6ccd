//! `idm-train synthesiser`.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use idm_engine::drum::Drum;

use super::{
    architecture::Size,
    compare::compare,
    material::{MaterialConfig, kit_embedding, kit_examples},
    network::Synthesiser,
    train::{Budget, load, train},
};
use crate::{
    audio::write_mono,
    evaluation::{EXCERPT_S, Material, describe, load_model},
    network::parameter_count,
};

/// Trains a network that makes one-shots from noise, as in the paper, and
/// compares it with the bank.
#[derive(Debug, Clone, Args)]
pub struct SynthesiserArgs {
    /// Folder with drums/ and grooves/ to learn from; without it, our
    /// synthesiser's kits
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder with the held-out kits and grooves to compare on; `--data` by
    /// default
    #[arg(long, value_name = "DIR")]
    pub held_out: Option<PathBuf>,
    /// Folder of the model whose embedding conditions the network and whose
    /// bank it is compared with
    #[arg(long, value_name = "DIR", default_value = "presets/models/default")]
    pub model: PathBuf,
    /// Minutes of training
    #[arg(long, default_value_t = 25.0, conflicts_with = "steps")]
    pub minutes: f64,
    /// Steps of training instead, which repeat exactly
    #[arg(long)]
    pub steps: Option<u64>,
    /// Compare the network of this checkpoint instead of training one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["minutes", "steps"])]
    pub checkpoint: Option<PathBuf>,
    /// Mixtures to learn from; the training kits take turns
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub mixtures: u32,
    /// Kits of our own synthesiser among them
    #[arg(long, default_value_t = 40)]
    pub procedural_kits: u64,
    /// Held-out excerpts to compare on
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub excerpts: u32,
    /// Length of a held-out excerpt in seconds; `evaluate --one-shots` has the
    /// same ones of the same length
    #[arg(long, default_value_t = EXCERPT_S)]
    pub seconds: f64,
    /// Names the initial weights and what is drawn
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Number of threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub threads: u16,
    /// Folder for the checkpoint, the table, and one-shots to listen to
    #[arg(long, value_name = "DIR", default_value = "runs/synthesiser")]
    pub out: PathBuf,
}

/// Trains, compares, prints the table and writes everything to `args.out`.
///
/// # Errors
/// Unusable material, models or files; a budget that is none.
pub fn run(args: &SynthesiserArgs, stop: &Arc<AtomicBool>) -> Result<()> {
    ensure!(
        args.steps.map_or(args.minutes > 0.0, |steps| steps > 0),
        "expected minutes or steps above 0, found {}",
        args.steps.map_or(args.minutes, |steps| steps as f64)
    );
    ensure!(
        args.seconds >= 1.0,
        "expected excerpts of at least 1 s, found {}",
        args.seconds
    );
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.into())
        .build()
        .context("threads cannot be started")?;
    pool.install(|| train_and_compare(args, stop))
}

fn train_and_compare(args: &SynthesiserArgs, stop: &AtomicBool) -> Result<()> {
    let model = load_model(&args.model)?;
    let size = Size::default();
    let checkpoint = args.out.join("checkpoint.bin");
    ensure!(
        args.checkpoint.is_some() || !checkpoint.exists(),
        "--out: expected a folder without a run, or --checkpoint, found {}",
        checkpoint.display()
    );
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    // Read first: a wrong path should not cost the minutes that material takes.
    let loaded = args.checkpoint.as_deref().map(|path| load(path, size));
    let loaded = loaded.transpose()?;
    let held_out = args.held_out.as_deref().or(args.data.as_deref());
    let excerpts = Material::Plain.excerpts(held_out, args.excerpts as usize, args.seconds)?;
    let config = MaterialConfig {
        mixtures: args.mixtures as usize,
        procedural_kits: args.procedural_kits,
        seed: args.seed,
        samples: size.samples(),
    };
    say!("{} mixtures are rendered and heard", args.mixtures);
    let examples = kit_examples(args.data.as_deref(), &model, config)?;
    let weights = match loaded {
        Some(weights) => weights,
        None => {
            let budget = Budget {
                minutes: args.steps.map_or(args.minutes, |_| 0.0),
                steps: args.steps.unwrap_or(0),
            };
            train(&examples, size, budget, args.seed, Some(&checkpoint), stop)?
                .optimiser
                .average
        }
    };
    let synthesiser = Synthesiser::new(size);
    say!("{} weights", parameter_count(&weights));
    let material = describe(Material::Plain, &excerpts, held_out);
    let table = compare(
        &material,
        &excerpts,
        &examples,
        &model,
        &synthesiser,
        &weights,
    )?;
    say!("{}", table.markdown());
    let path = args.out.join("comparison.md");
    fs::write(&path, table.markdown())
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    let first = excerpts.first().context("no excerpt to compare on")?;
    let embedding = kit_embedding(&model, &first.piece.mix)?;
    let sounds = synthesiser.one_shots(&weights, &embedding);
    for (drum, sound) in Drum::ALL.into_iter().zip(&sounds) {
        let path = args.out.join(format!("{}.wav", drum.file_stem()));
        write_mono(&path, sound)?;
    }
    Ok(())
}
