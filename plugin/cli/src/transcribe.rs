//! `idm transcribe`, and the hit files of the other commands.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};
use idm_engine::controls::Controls;
use idm_engine::note_map::NoteMap;

use crate::args::TranscribeArgs;
use crate::batch::{self, Job};
use crate::hits::GivenHits;
use crate::render::{self, AudioFormat, Block, Rendered, Settings, Sink};
use crate::summary::Figures;
use crate::{csv, midi};

/// Runs the command.
pub fn run(args: &TranscribeArgs) -> ExitCode {
    let settings = Settings {
        quality: args.quality.into(),
        block_samples: args.common.block as usize,
        passes: args.passes,
        controls: Controls::default(),
        own: Vec::new(),
        hits: GivenHits::default(),
    };
    let notes = args.common.notes.map();
    batch::run("transcribe", &args.common, |job| {
        let started = Instant::now();
        let rendered = render::render(job.input, job.model, &settings, &mut NoSound, &|n, of| {
            job.progress(n, of);
        })?;
        write_hits(job, &rendered, &notes)?;
        Ok(Figures::new(&rendered, &settings, started.elapsed()))
    })
}

/// Writes `onsets.csv` and, with the notes of `notes`, `onsets.mid`.
///
/// # Errors
/// When a file cannot be written.
pub fn write_hits(job: &Job<'_>, rendered: &Rendered, notes: &NoteMap) -> Result<()> {
    let rate_hz = rendered.format.sample_rate_hz;
    let table = csv::encode(&rendered.onsets, rate_hz);
    job.outputs.write("onsets.csv", table.as_bytes())?;
    let (onsets, name) = (&rendered.onsets, job.name());
    let midi = midi::encode(onsets, rate_hz, rendered.frames, &name, notes)
        .map_err(|reason| anyhow!(reason))?;
    job.outputs.write("onsets.mid", &midi)
}

/// Takes the hits only.
struct NoSound;

impl Sink for NoSound {
    fn begin(&mut self, _: AudioFormat) -> Result<()> {
        Ok(())
    }

    fn block(&mut self, _: &Block<'_>) -> Result<()> {
        Ok(())
    }
}
