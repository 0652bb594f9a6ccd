//! `idm transcribe`, and the hit files of the other commands.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use idm_engine::hit_file::write_csv;
use idm_engine::midi_file::{Grid, MidiNote, write_midi};

use crate::args::CommonArgs;
use crate::batch::{self, Job};
use crate::render::{Deaf, Rendered};
use crate::summary::Figures;

/// Runs the command.
pub fn run(args: &CommonArgs) -> ExitCode {
    if args.known.hits.is_some() && args.known.hits_until.is_none() {
        return batch::usage(
            "--hits: expected --hits-until beside it: else nothing is left to hear",
        );
    }
    let settings = match args.settings(1) {
        Ok(settings) => settings,
        Err(error) => return batch::usage(&error),
    };
    batch::run(
        "transcribe",
        args,
        &[],
        |_| Vec::new(),
        |job| {
            let started = Instant::now();
            let rendered = job.render(&settings, &mut Deaf)?;
            write_hits(job, &rendered, args)?;
            Ok(Figures::new(&rendered, &settings, started.elapsed()))
        },
    )
}

/// Writes `onsets.csv` and, with the notes and the tempo of `args`, `onsets.mid`.
///
/// # Errors
/// When a file cannot be written.
pub fn write_hits(job: &Job<'_>, rendered: &Rendered, args: &CommonArgs) -> Result<()> {
    let rate_hz = rendered.format.sample_rate_hz;
    let hits = rendered.onsets.iter();
    let table = write_csv(hits.map(|hit| (hit.time_s(rate_hz), hit.drum, hit.midi_velocity())));
    job.keep_if_edited("onsets.csv", table.as_bytes())?;
    job.write("onsets.csv", table.as_bytes())?;
    let midi: Vec<MidiNote> = rendered
        .onsets
        .iter()
        .map(|onset| MidiNote {
            time_s: onset.time_s(rate_hz),
            key: args.notes.note(onset.drum),
            velocity: onset.midi_velocity(),
        })
        .collect();
    // The recording's own tempo is not guessed: notes lie where they sound, on whatever
    // grid the project has.
    let length_s = rendered.frames as f64 / rate_hz;
    let midi = write_midi(&midi, length_s, &Grid::steady(args.tempo), &job.name())?;
    job.keep_if_edited("onsets.mid", &midi)?;
    job.write("onsets.mid", &midi)
}
