//! `idm-train bank`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    note_map::NoteMap,
};
use rayon::prelude::*;

use crate::{
    bank::{bank_in, learn_bank, learn_choice, save_bank},
    one_shot::Template,
    recordings::{Recordings, heard_templates, note_map},
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
    /// Which instrument's notes MIDI files of recordings have.
    #[arg(long, value_name = "MAP", default_value = NoteMap::GENERAL_MIDI.id,
          value_parser = note_map())]
    pub notes: NoteMap,
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
    let material = Pieces::open(&checkpoint.config, &folders, &args.recordings, &args.notes)?;
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

/// The templates of each class from all passages of `recordings` but those of recordings that
/// turn out to be damaged, which are told.
///
/// # Errors
/// None can be read.
fn hear(recordings: &Recordings) -> Result<[Vec<Template>; DRUM_COUNT]> {
    let passages: Vec<Result<_>> = (0..recordings.passages())
        .into_par_iter()
        .map(|number| {
            let (example, explanation) = recordings.explained(number)?;
            Ok(heard_templates(&example, &explanation))
        })
        .collect();
    let mut heard = [const { Vec::new() }; DRUM_COUNT];
    let mut damaged = BTreeSet::new();
    let mut readable = 0;
    for (number, passage) in passages.into_iter().enumerate() {
        match passage {
            Ok(passage) => {
                readable += 1;
                for (class, template) in heard.iter_mut().zip(passage) {
                    class.extend(template);
                }
            }
            // What the others show is not lost.
            Err(error) => {
                let audio = &recordings.recording_of(number).audio;
                if damaged.insert(audio) {
                    complain!("left out: {}: {error:#}", audio.display());
                }
            }
        }
    }
    ensure!(
        readable > 0,
        "none of {} recordings can be read",
        recordings.material().0
    );
    for (drum, templates) in Drum::ALL.into_iter().zip(&heard) {
        say!(
            "{}: heard in {} of {readable} passages",
            drum.name(),
            templates.len(),
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
            notes: NoteMap::default(),
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
    #[test]
    fn one_damaged_recording_is_left_out() {
        use crate::{
            commands::render::{self, RenderArgs},
            kits::Split,
            recordings::RecordingsConfig,
        };
        let root = tempfile::tempdir().unwrap();
        render::run(&RenderArgs {
            out: root.path().to_owned(),
            config: None,
            data: None,
            pieces: 2,
            seconds: Some(4.0),
            seed: Some(21),
            wildness: Some(0.5),
            validation: false,
            stereo: false,
        })
        .unwrap();
        let config = RecordingsConfig {
            folders: vec![root.path().to_owned()],
            ..RecordingsConfig::default()
        };
        let open = || {
            Recordings::open(&config, Split::Train, &[])
                .unwrap()
                .unwrap()
        };
        let count =
            |heard: &[Vec<Template>; DRUM_COUNT]| -> usize { heard.iter().map(Vec::len).sum() };
        let all = count(&hear(&open()).unwrap());
        // Cuts the end off: header and first samples are as they were.
        let cut = |take: &str| {
            let path = root.path().join(take).join("mix.wav");
            let content = fs::read(&path).unwrap();
            fs::write(path, &content[..content.len() / 2]).unwrap();
        };
        cut("000001");
        let left = count(&hear(&open()).unwrap());
        assert!(left > 0 && left < all, "{left} of {all}");
        cut("000000");
        let error = hear(&open()).unwrap_err().to_string();
        assert_eq!(error, "none of 2 recordings can be read");
    }
}
