//! `idm kit`: the drums of a recording as a sampler instrument.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use idm_engine::drum::Drum;
use idm_engine::kit_files::{KitFiles, SampleFile};
use idm_engine::learner::LearntKit;

use crate::args::CommonArgs;
use crate::batch::{self, Job};
use crate::onset::Onset;
use crate::picture::{self, Row};
use crate::render::Deaf;
use crate::summary::{Figures, KitDrum, counted};
use crate::transcribe::write_hits;

/// What is always written beside the samples.
const INSTRUMENT: &str = "kit.sfz";
const PICTURE: &str = "kit.png";

/// Runs the command.
pub fn run(args: &CommonArgs) -> ExitCode {
    let settings = match args.settings(2) {
        Ok(settings) => settings,
        Err(error) => return batch::usage(&error),
    };
    batch::run("kit", args, &[], possible_names, |job| {
        let started = Instant::now();
        let rendered = job.render(&settings, &mut Deaf)?;
        let (kit, doubted) = without_unplayed(&rendered.kit, &rendered.onsets);
        let mut files = KitFiles::of(&job.name(), &kit);
        files.left_out.extend(doubted);
        files.left_out.extend(unlearnt(&rendered.onsets, &kit));
        let reasons: Vec<String> = files
            .left_out
            .iter()
            .map(|reason| format!("; {reason}"))
            .collect();
        ensure!(
            !files.samples.is_empty(),
            "no drum was found: expected at least one that sounds, found {}{}",
            counted(rendered.onsets.len(), "hit"),
            reasons.concat()
        );
        export(job, &kit, &files)?;
        write_hits(job, &rendered, args)?;
        let mut figures = Figures::new(&rendered, &settings, started.elapsed());
        figures.kit = Some(drums(&kit, &files));
        figures.left_out = files.left_out;
        Ok(figures)
    })
}

/// Files that the instrument of a recording called `title` may have.
fn possible_names(title: &str) -> Vec<String> {
    let mut names = KitFiles::possible_names(title);
    names.extend([INSTRUMENT, PICTURE].map(str::to_owned));
    names
}

/// The kit without the drums that no hit is of in the end, and words about them: what an earlier
/// pass took for one, a later one, which knew the kit, did not.
fn without_unplayed(kit: &LearntKit, onsets: &[Onset]) -> (LearntKit, Vec<String>) {
    let mut kit = kit.clone();
    let unplayed = kit.take_unplayed(|drum| onsets.iter().any(|onset| onset.drum == drum));
    let doubted = unplayed.into_iter().map(|learnt| {
        let (name, hits) = (learnt.drum.name(), counted(learnt.hits as usize, "hit"));
        format!("{name}: {hits} at first, none when it was heard again")
    });
    let doubted = doubted.collect();
    (kit, doubted)
}

/// Words about the drums that were hit and of which nothing was learnt.
fn unlearnt(onsets: &[Onset], kit: &LearntKit) -> impl Iterator<Item = String> {
    Drum::ALL.into_iter().filter_map(move |drum| {
        let count = onsets.iter().filter(|onset| onset.drum == drum).count();
        (count > 0 && kit.drum(drum).is_none()).then(|| {
            let (name, hits) = (drum.name(), counted(count, "hit"));
            format!("{name}: {hits}, too few or too unlike each other to learn from")
        })
    })
}

/// Drums of the kit that have files.
fn drums(kit: &LearntKit, files: &KitFiles) -> Vec<KitDrum> {
    let samples_of = |drum| {
        let own = files.samples.iter().filter(|sample| sample.drum == drum);
        own.map(|sample| sample.file.clone()).collect::<Vec<_>>()
    };
    kit.drums
        .iter()
        .map(|learnt| KitDrum {
            class: learnt.drum.file_stem(),
            samples: samples_of(learnt.drum),
            hits: learnt.hits,
            confidence: learnt.confidence,
        })
        .filter(|drum| !drum.samples.is_empty())
        .collect()
}

/// Writes the samples and `kit.sfz`, then `kit.png`, which shows them.
fn export(job: &Job<'_>, kit: &LearntKit, files: &KitFiles) -> Result<()> {
    let samples = files.samples.iter().map(|sample| sample.file.as_str());
    for name in samples.clone() {
        job.outputs.file(name)?;
    }
    job.outputs.claim(samples.chain([INSTRUMENT, PICTURE]))?;
    files.write(job.outputs.path())?;
    for name in KitFiles::possible_names(&job.name()) {
        if files.samples.iter().all(|sample| sample.file != name) {
            job.outputs.remove(&name)?;
        }
    }
    let rows: Vec<Row> = files
        .samples
        .iter()
        .map(|sample| row(kit, sample))
        .collect();
    let png = job.outputs.file(PICTURE)?;
    picture::write(&png, &job.name(), &rows).with_context(|| png.display().to_string())
}

/// Words for a sample.
fn row(kit: &LearntKit, sample: &SampleFile) -> Row {
    let (hits, confidence) = kit
        .drum(sample.drum)
        .map_or((0, 0.0), |learnt| (learnt.hits, learnt.confidence));
    Row {
        title: sample.title.clone(),
        detail: format!(
            "{:.0} ms, from {hits} hits, confidence {:.0} %",
            1_000.0 * sample.audio.duration_s(),
            100.0 * confidence
        ),
        key: format!(
            "key {}, velocity {}-{}",
            sample.drum.gm_note(),
            sample.low_velocity,
            sample.high_velocity
        ),
        audio: sample.audio.clone(),
    }
}

#[cfg(test)]
mod tests {
    use idm_engine::learner::LearntDrum;

    use super::*;

    fn learnt(drum: Drum) -> LearntDrum {
        LearntDrum {
            drum,
            layers: Vec::new(),
            hits: 1,
            confidence: 0.5,
        }
    }

    #[test]
    fn drums_that_a_later_pass_does_not_hear_are_left_out() {
        let kit = LearntKit {
            drums: [Drum::Kick, Drum::FloorTom].map(learnt).into(),
            embedding: Vec::new(),
        };
        let onsets = [Onset {
            sample: 0,
            drum: Drum::Kick,
            velocity: 0.5,
        }];
        let (left, doubted) = without_unplayed(&kit, &onsets);
        assert_eq!(left.drums.len(), 1);
        assert!(left.drum(Drum::Kick).is_some());
        assert_eq!(
            doubted,
            ["Floor tom: 1 hit at first, none when it was heard again"]
        );
    }

    #[test]
    fn drums_of_which_nothing_is_learnt_are_named() {
        let onset = |drum| Onset {
            sample: 0,
            drum,
            velocity: 0.5,
        };
        let onsets = [Drum::Kick, Drum::Crash, Drum::Kick, Drum::Crash].map(onset);
        let kit = LearntKit {
            drums: vec![learnt(Drum::Kick)],
            embedding: Vec::new(),
        };
        let words: Vec<String> = unlearnt(&onsets, &kit).collect();
        assert_eq!(words.len(), 1);
        assert!(words[0].starts_with("Crash: 2 hits"), "{words:?}");
    }
}
