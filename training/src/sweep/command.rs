//! The command: trains what is not finished yet, measures, writes the table.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use idm_engine::note_map::NoteMap;

use super::{Outcome, PlannedRun, Sweep, csv_table, markdown_table};
use crate::{
    config::short_name,
    files::write_file,
    kits::Split,
    network::{Compute, Network},
    recordings::note_map,
    training::{
        Checkpoint, DataFolders, Sources, TrainArgs, Validation, renderer, state_to_use, train,
    },
};

/// Number of the first piece of the final measurement, which no validation
/// during training uses.
const FIRST_PIECE: u64 = 4_000_000;

/// Trains the runs of a sweep and compares them.
#[derive(Debug, Clone, Args)]
pub struct SweepArgs {
    /// The runs (training/sweeps/*.toml).
    #[arg(long)]
    pub sweep: PathBuf,
    /// Folder with drums/ and grooves/; without it, everything is procedural.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Folder of an exported model whose weights all runs begin with: small changes of a
    /// trained network tell more of long training than the first minutes of a new one.
    #[arg(long)]
    pub warm_start: Option<PathBuf>,
    /// Folders of recordings with their hits (CSV or MIDI).
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub recordings: Vec<PathBuf>,
    /// Which instrument's notes MIDI files of recordings have.
    #[arg(long, value_name = "MAP", default_value = NoteMap::GENERAL_MIDI.id,
          value_parser = note_map())]
    pub notes: NoteMap,
    /// Where the dense part of the network runs.
    #[arg(long, value_enum, default_value_t)]
    pub device: Compute,
    /// Folder for the runs and the tables; finished runs in it are kept.
    #[arg(long)]
    pub out: PathBuf,
}

/// Runs the command until it is done or `stop` is set; the next call goes on.
///
/// # Errors
/// Unusable settings or material, failing file operations.
pub fn run(args: &SweepArgs, stop: &Arc<AtomicBool>) -> Result<Vec<Outcome>> {
    let sweep = Sweep::read(&args.sweep)?;
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    keep_start(args)?;
    let mut outcomes = Vec::new();
    for (number, planned) in sweep.runs.iter().enumerate() {
        let folder = args.out.join(planned.folder());
        let place = format!(
            "run {} of {}: {}",
            number + 1,
            sweep.runs.len(),
            planned.name
        );
        let finished = Outcome::finished(&folder, &planned.config.hash())?;
        let outcome = if let Some(outcome) = finished {
            say!("{place}: finished before");
            outcome
        } else {
            say!("{place}");
            let checkpoint = train_one(args, planned, &folder, stop)?;
            if stop.load(Ordering::Relaxed) {
                say!("interrupted; the same command goes on");
                break;
            }
            let used = state_to_use(&folder, checkpoint.clone())?;
            let outcome = measure(args, planned, &checkpoint, &used)?;
            outcome.save(&folder)?;
            outcome
        };
        outcomes.push(outcome);
        write_file(
            &args.out.join("table.md"),
            markdown_table(&outcomes).as_bytes(),
        )?;
        write_file(&args.out.join("table.csv"), &csv_table(&outcomes)?)?;
    }
    say!("{}", markdown_table(&outcomes));
    Ok(outcomes)
}

/// Makes sure that the runs in the folder begin with the same weights as those of earlier
/// calls, and learn from the same folders.
///
/// # Errors
/// They do not; failing file operations.
fn keep_start(args: &SweepArgs) -> Result<()> {
    let out = &args.out;
    let start = match &args.warm_start {
        None => "random weights".to_owned(),
        Some(folder) => {
            let model = folder.join("transcriber.onnx");
            let content = fs::read(&model)
                .with_context(|| format!("--warm-start: cannot read {}", model.display()))?;
            format!("transcriber {}", short_name(&content))
        }
    };
    let sources = Sources::given(args.data.as_deref(), &args.recordings);
    let list = |folders: &[PathBuf]| {
        let mut names: Vec<_> = folders
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.sort();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        }
    };
    let lines = [
        start,
        format!("data {}", list(&sources.data)),
        format!("recordings {}", list(&sources.recordings)),
        format!("notes {}", args.notes.id),
    ];
    let path = out.join("start.txt");
    let Ok(before) = fs::read_to_string(&path) else {
        return write_file(&path, format!("{}\n", lines.join("\n")).as_bytes());
    };
    // Older folders tell less.
    let before = before.lines().map(str::trim);
    let whats = ["begin with", "learn from", "learn from", "learn from"];
    for ((line, before), what) in lines.iter().zip(before).zip(whats) {
        ensure!(
            before == line,
            "{}: expected runs that {what} {line}, found runs that {what} {before}; \
             choose another --out",
            out.display()
        );
    }
    Ok(())
}

fn train_one(
    args: &SweepArgs,
    planned: &PlannedRun,
    folder: &Path,
    stop: &Arc<AtomicBool>,
) -> Result<Checkpoint> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let settings = folder.join("settings.toml");
    fs::write(&settings, planned.config.to_toml())
        .with_context(|| format!("cannot write {}", settings.display()))?;
    let checkpoint = folder.join("checkpoint.bin");
    let is_there = checkpoint.is_file();
    let resume = is_there && Checkpoint::load(&checkpoint)?.config == planned.config;
    if is_there && !resume {
        // The plan has changed: what other settings made is not part of it.
        fs::remove_file(&checkpoint)
            .with_context(|| format!("cannot remove {}", checkpoint.display()))?;
    }
    let train_args = TrainArgs {
        config: settings,
        data: args.data.clone(),
        recordings: args.recordings.clone(),
        notes: args.notes,
        out: folder.to_owned(),
        resume,
        warm_start: args.warm_start.clone(),
        device: args.device,
        pause_at: None,
    };
    train(&train_args, stop)
}

/// What the run that ended with `last` achieved: the figures of the state `used` of it.
fn measure(
    args: &SweepArgs,
    planned: &PlannedRun,
    last: &Checkpoint,
    used: &Checkpoint,
) -> Result<Outcome> {
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let material = renderer(&planned.config, &folders, Split::Valid)?;
    let pieces = planned.config.data.validation_pieces;
    let validation = Validation::new(&material, FIRST_PIECE, pieces);
    let mut network = Network::default();
    let scores = validation.measure(&mut network, &used.optimiser.average);
    Ok(Outcome::new(&planned.name, last, &scores))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_folder_begin_alike() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        fs::create_dir(&model).unwrap();
        let cold = SweepArgs {
            sweep: PathBuf::new(),
            data: None,
            warm_start: None,
            recordings: Vec::new(),
            notes: NoteMap::default(),
            device: Compute::Cpu,
            out: folder.path().to_owned(),
        };
        let warm = SweepArgs {
            warm_start: Some(model.clone()),
            ..cold.clone()
        };
        let missing = keep_start(&warm).unwrap_err();
        assert!(
            missing.to_string().contains("transcriber.onnx"),
            "{missing}"
        );
        fs::write(model.join("transcriber.onnx"), [1, 2, 3]).unwrap();
        keep_start(&warm).unwrap();
        keep_start(&warm).unwrap();
        let other = keep_start(&cold).unwrap_err().to_string();
        assert!(
            other.contains("random weights, found runs that begin with transcriber"),
            "{other}"
        );
        let data = SweepArgs {
            data: Some("/kits".into()),
            ..warm.clone()
        };
        let other = keep_start(&data).unwrap_err().to_string();
        assert!(
            other.contains("data /kits, found runs that learn from data none"),
            "{other}"
        );
        let notes = SweepArgs {
            notes: NoteMap::TOONTRACK,
            ..warm.clone()
        };
        let other = keep_start(&notes).unwrap_err().to_string();
        assert!(
            other.contains("notes toontrack, found runs that learn from notes gm"),
            "{other}"
        );
        let takes = SweepArgs {
            recordings: vec!["/takes".into()],
            ..warm
        };
        let other = keep_start(&takes).unwrap_err().to_string();
        assert!(other.contains("recordings /takes"), "{other}");

        // A folder of an older version.
        fs::write(folder.path().join("start.txt"), "random weights\n").unwrap();
        let data = SweepArgs {
            data: Some("/kits".into()),
            ..cold
        };
        keep_start(&data).unwrap();
        assert!(keep_start(&takes).is_err());
    }
}
