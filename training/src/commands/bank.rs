//! `idm-train bank`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use idm_engine::drum::{DRUM_COUNT, Drum};
use rayon::prelude::*;

use crate::{
    bank::{bank_in, learn_bank, learn_choice, save_bank},
    one_shot::Template,
    recordings::{Recordings, heard_templates},
    training::{Checkpoint, DataFolders, Pieces, Sources},
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
    /// Folders of recordings with their hits to learn from as well.
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub recordings: Vec<PathBuf>,
    /// Procedural kits to learn from and to shape.
    #[arg(long, default_value_t = 40)]
    pub procedural_kits: u64,
    /// Pieces to learn the choice from.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..))]
    pub pieces: u64,
    /// Folder for the one-shots and the classifier, one that holds none yet.
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
    ensure_no_bank(&args.out)?;
    let checkpoint = Checkpoint::load_transcriber(&args.checkpoint)?;
    let mut weights = checkpoint.optimiser.average;
    let material = Pieces::open(&checkpoint.config, &folders, &args.recordings)?;
    // Before the long part: what cannot be written is not learnt.
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    let heard = match material.recordings() {
        Some(recordings) => hear(recordings)?,
        None => [const { Vec::new() }; DRUM_COUNT],
    };
    let kits = material.renderer().kits();
    let bank = learn_bank(kits, &heard, args.procedural_kits, checkpoint.config.seed)?;
    let report = learn_choice(&mut weights, &bank, &material, args.pieces)?;
    say!(
        "choice on pieces not learnt from: {:.0} % right (most frequent one: {:.0} %), template distance {:.3} nepers² (most frequent one {:.3}, best possible {:.3})",
        100.0 * report.right,
        100.0 * report.majority,
        report.distance,
        report.majority_distance,
        report.best_distance
    );
    let sources = Sources::given(args.data.as_deref(), &args.recordings);
    save_bank(&args.out, &bank.classes, &weights, &sources)?;
    say!("wrote {}", args.out.display());
    Ok(())
}

/// Refuses a folder with a bank that this one would replace.
fn ensure_no_bank(out: &Path) -> Result<()> {
    if let Some(file) = bank_in(out) {
        bail!(
            "--out: expected a folder without a bank, found {}: choose another or delete it",
            file.display()
        );
    }
    Ok(())
}

/// The templates of each class from all passages of `recordings`.
fn hear(recordings: &Recordings) -> Result<[Vec<Template>; DRUM_COUNT]> {
    let passages: Vec<_> = (0..recordings.passages())
        .into_par_iter()
        .map(|number| {
            let (example, explanation) = recordings.explained(number)?;
            Ok(heard_templates(&example, &explanation))
        })
        .collect::<Result<_>>()?;
    let mut heard = [const { Vec::new() }; DRUM_COUNT];
    for passage in passages {
        for (class, template) in heard.iter_mut().zip(passage) {
            class.extend(template);
        }
    }
    for (drum, templates) in Drum::ALL.into_iter().zip(&heard) {
        say!(
            "{}: heard in {} of {} passages",
            drum.name(),
            templates.len(),
            recordings.passages()
        );
    }
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("choice.json");
        fs::write(&file, "{}").unwrap();
        let args = BankArgs {
            checkpoint: folder.path().join("nowhere.bin"),
            data: None,
            recordings: Vec::new(),
            procedural_kits: 1,
            pieces: 1,
            out: folder.path().to_owned(),
        };
        let error = run(&args).unwrap_err().to_string();
        let expected = format!("expected a folder without a bank, found {}", file.display());
        assert!(error.contains(&expected), "{error}");
        // Elsewhere it is the checkpoint that is missing.
        let out = folder.path().join("bank");
        let error = run(&BankArgs { out, ..args }).unwrap_err();
        assert!(format!("{error:#}").contains("nowhere.bin"), "{error:#}");
    }
}
