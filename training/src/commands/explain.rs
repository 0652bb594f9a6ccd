//! `idm-train explain`: how well recordings are explained by their hits.

use std::{path::PathBuf, sync::Arc, time::Instant};

use anyhow::Result;
use clap::Args;
use idm_engine::{
    drum::{Drum, STEM_COUNT},
    note_map::NoteMap,
};

use crate::{
    kits::{self, Split},
    recordings::{Quality, Recordings, RecordingsConfig, note_map, quality},
    training::DataFolders,
};

/// Options of `idm-train explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Folders of recordings with their hits (and, to be judged against, stems)
    #[arg(long, required = true, num_args = 1.., value_name = "DIR")]
    pub recordings: Vec<PathBuf>,
    /// Which instrument's notes MIDI files of recordings have
    #[arg(long, value_name = "MAP", default_value = NoteMap::GENERAL_MIDI.id,
          value_parser = note_map())]
    pub notes: NoteMap,
    /// Folder with drums/ whose kits the templates start from
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Most passages to look at, spread over all
    #[arg(long, default_value_t = 40)]
    pub passages: usize,
}

/// Explains passages of the recordings and prints how much of each is
/// explained and, where there are stems, the error of the targets.
///
/// # Errors
/// Recordings that cannot be found or read.
pub fn run(args: &ExplainArgs) -> Result<()> {
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let mut kits = Vec::new();
    for folder in &folders.kits {
        kits.extend(kits::load_folder(folder)?.into_iter().map(Arc::new));
    }
    let config = RecordingsConfig {
        folders: args.recordings.clone(),
        notes: args.notes,
        ..RecordingsConfig::default()
    };
    let mut all = Vec::new();
    for split in [Split::Train, Split::Valid] {
        if let Some(recordings) = Recordings::open(&config, split, &kits)? {
            report(&recordings, args.passages, &mut all)?;
        }
    }
    summarise(&all);
    Ok(())
}

fn report(recordings: &Recordings, most: usize, all: &mut Vec<Quality>) -> Result<()> {
    let (count, seconds) = recordings.material();
    say!("{count} recordings, {:.1} min", seconds / 60.0);
    let step = recordings.passages().div_ceil(most.max(1));
    for number in (0..recordings.passages()).step_by(step) {
        let begin = Instant::now();
        let example = match recordings.explained(number) {
            Ok((example, _)) => example,
            Err(error) => {
                complain!("not explained: {error:#}");
                continue;
            }
        };
        let seconds = begin.elapsed().as_secs_f64();
        // Too few stems to judge by are no reason to tell nothing.
        let truth = recordings.true_targets(number).unwrap_or_else(|error| {
            complain!("not judged by stems: {error:#}");
            None
        });
        let judged = quality(&example, truth.as_ref());
        let error = judged
            .mean_distortion_db()
            .map_or(String::new(), |error| format!(", error {error:.2} dB"));
        say!(
            "{}: {} hits, {:.0} % explained{error}, {seconds:.2} s",
            recordings.recording_of(number).audio.display(),
            example.hits.len(),
            100.0 * judged.explained,
        );
        all.push(judged);
    }
    Ok(())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn summarise(all: &[Quality]) {
    let explained = mean(all.iter().map(|judged| judged.explained)).unwrap_or(0.0);
    say!("\nexplained: {:.1} %", 100.0 * explained);
    if let Some(error) = mean(all.iter().filter_map(Quality::mean_distortion_db)) {
        say!("error of the targets against the stems: {error:.2} dB");
    }
    for stem in 0..STEM_COUNT {
        let name = Drum::from_index(stem).map_or("Residual", Drum::name);
        if let Some(error) = mean(all.iter().filter_map(|judged| judged.distortion_db[stem])) {
            say!("  {name}: {error:.2} dB");
        }
    }
    if let Some(leakage) = mean(all.iter().filter_map(|judged| judged.leakage_db)) {
        say!("level where a stem is silent: {leakage:.1} dB");
    }
}
