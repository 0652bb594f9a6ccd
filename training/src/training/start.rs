//! `idm-train train`: its options, and the state that a run begins with.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;
use idm_engine::note_map::NoteMap;

use super::{Checkpoint, Optimiser, Progress, Sources, budget_share, warm_start};
use crate::{
    config::Config,
    network::{Compute, initial_weights},
    recordings::note_map,
};

/// The state of a run, in its folder.
pub(super) const CHECKPOINT: &str = "checkpoint.bin";

/// Trains a transcriber.
#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// Settings of the run (training/configs/*.toml).
    #[arg(long)]
    pub config: PathBuf,
    /// Folder with drums/ and grooves/; without it, everything is procedural.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Folders of recordings with their hits (CSV or MIDI); no stems needed.
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub recordings: Vec<PathBuf>,
    /// Which instrument's notes MIDI files of recordings have.
    #[arg(long, value_name = "MAP", default_value = NoteMap::GENERAL_MIDI.id,
          value_parser = note_map())]
    pub notes: NoteMap,
    /// Folder for the checkpoint, the settings and the curves; without --resume, one
    /// that holds no run yet.
    #[arg(long, default_value = "runs/default")]
    pub out: PathBuf,
    /// Continue the run in the folder.
    #[arg(long)]
    pub resume: bool,
    /// Start from the averaged weights of this checkpoint, or from an exported
    /// model (its folder or its transcriber.onnx).
    #[arg(long, conflicts_with = "resume")]
    pub warm_start: Option<PathBuf>,
    /// Where the steps run; rendering and validation stay on the central processor.
    #[arg(long, value_enum, default_value_t)]
    pub device: Compute,
    /// Save and end at this step, to be resumed later; the learning rate still
    /// follows the whole budget.
    #[arg(long)]
    pub pause_at: Option<u64>,
}

/// Refuses a folder with a run that this one would replace.
fn ensure_no_run(folder: &Path) -> Result<()> {
    let path = folder.join(CHECKPOINT);
    if !path.exists() {
        return Ok(());
    }
    let found = match Checkpoint::load(&path) {
        Ok(run) => format!("one of {} steps", run.progress.step),
        Err(_) => "a file that is no checkpoint".to_owned(),
    };
    bail!(
        "{}: expected no run here, found {found}; use --resume or another --out",
        path.display()
    )
}

/// Refuses to go on with less material than the run had: it would go on with procedural
/// kits alone.
fn ensure_material(folder: &Path, had: &Sources, given: &Sources) -> Result<()> {
    let options = [
        ("--data", &had.data, &given.data),
        ("--recordings", &had.recordings, &given.recordings),
    ];
    for (option, had, given) in options {
        ensure!(
            had.is_empty() || !given.is_empty(),
            "{}: expected {option}, for the run learnt from {}, found none",
            folder.join(CHECKPOINT).display(),
            had.iter()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let map = |sources: &Sources| match &sources.notes {
        Some(id) => id.clone(),
        None => NoteMap::default().id.to_owned(),
    };
    ensure!(
        had.recordings.is_empty() || map(had) == map(given),
        "{}: expected --notes {}, with which the run read its recordings, found {}",
        folder.join(CHECKPOINT).display(),
        map(had),
        map(given)
    );
    Ok(())
}

/// Whether the budget of `state` is used up and its last state measured.
pub(super) fn is_finished(state: &Checkpoint) -> bool {
    let last = state.progress.history.last();
    budget_share(&state.config, &state.progress) >= 1.0
        && last.is_some_and(|last| last.validation_f.is_some() && last.step == state.progress.step)
}

/// The run in the folder, or a new one.
pub(super) fn start(args: &TrainArgs) -> Result<Checkpoint> {
    let config = Config::read(&args.config)?;
    let mut given = Sources::given(args.data.as_deref(), &args.recordings);
    given.notes = (!args.recordings.is_empty()).then(|| args.notes.id.to_owned());
    if !args.resume {
        ensure_no_run(&args.out)?;
    } else {
        let mut state = Checkpoint::load_transcriber(&args.out.join(CHECKPOINT))?;
        if state.config != config {
            say!("the configuration has changed since the checkpoint; the new one counts");
            state.config = config;
        }
        // What adds no step learns from nothing.
        if !is_finished(&state) {
            let sources = state.sources.get_or_insert_with(Sources::untold);
            ensure_material(&args.out, sources, &given)?;
            sources.add(given);
        }
        return Ok(state);
    }
    let mut weights = initial_weights(config.seed);
    let mut sources = given;
    if let Some(path) = &args.warm_start {
        weights = warm_start(path, weights)?;
        sources.begin_with(Sources::of_weights(path).unwrap_or_else(Sources::untold));
    }
    let optimiser = Optimiser::new(&weights);
    Ok(Checkpoint {
        config,
        progress: Progress::default(),
        weights,
        optimiser,
        sources: Some(sources),
    })
}
