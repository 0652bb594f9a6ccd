//! `idm-train bank`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::{learn_bank, learn_choice, save_bank};
use crate::{
    kits::{self, Split},
    training::{Checkpoint, DataFolders, renderer},
};

/// Learns the one-shots for a trained transcriber.
#[derive(Debug, Clone, Args)]
pub struct BankArgs {
    /// Checkpoint of the transcriber, whose embedding chooses.
    #[arg(long)]
    pub checkpoint: PathBuf,
    /// Folder with drums/ and grooves/; without it, our synthesiser's kits.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Procedural kits to learn from and to shape.
    #[arg(long, default_value_t = 40)]
    pub procedural_kits: u64,
    /// Pieces to learn the choice from.
    #[arg(long, default_value_t = 400)]
    pub pieces: u64,
    /// Folder for the one-shots and the classifier.
    #[arg(long)]
    pub out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Unusable files or material.
pub fn run(args: &BankArgs) -> Result<()> {
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let checkpoint = Checkpoint::load(&args.checkpoint)?;
    let mut weights = checkpoint.optimiser.average;
    let mut kits = Vec::new();
    for folder in &folders.kits {
        let loaded = kits::load_folder(folder)
            .with_context(|| format!("cannot load the kits in {}", folder.display()))?;
        kits.extend(loaded);
    }
    let bank = learn_bank(&kits, args.procedural_kits, checkpoint.config.seed)?;
    let material = renderer(&checkpoint.config, &folders, Split::Train)?;
    let report = learn_choice(&mut weights, &bank, &material, args.pieces);
    println!(
        "choice on pieces not learnt from: {:.0} % right (most frequent one: {:.0} %), template distance {:.3} nepers² (most frequent one {:.3}, best possible {:.3})",
        100.0 * report.right,
        100.0 * report.majority,
        report.distance,
        report.majority_distance,
        report.best_distance
    );
    save_bank(&args.out, &bank.classes, &weights)?;
    println!("wrote {}", args.out.display());
    Ok(())
}
