//! The table of the user's own recordings: mixtures, their hits and, where there are any, stems.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, ensure};
use idm_engine::{
    audio_file::AudioBuffer,
    drum::{DRUM_COUNT, Drum, GROUP_COUNT, Group, RESIDUAL, STEM_COUNT},
    model::Model,
    note_map::NoteMap,
};
use rayon::prelude::*;

use super::{
    Breakdown, Excerpt, Labels, Part, Report, SystemScore,
    command::{EvaluateArgs, load_model, progress},
    material::{duration_s, generic_templates},
    nmfd::Template,
    rows::System,
    score::score,
    velocities::VelocityScore,
    vocabulary::Vocabulary,
};
use crate::{
    console,
    kits::SAMPLE_RATE_HZ,
    recordings::{
        Annotation, Recording, check_hits, find_all_recordings, hits_of, pairs_remark, read_at_rate,
    },
    render::Piece,
};

/// Rows where none are asked for.
const SYSTEMS: [System; 4] = [
    System::Mixture,
    System::Ours,
    System::OursHigh,
    System::OursHighTwoPasses,
];

/// A recording that is judged.
struct Take {
    recording: Recording,
    /// Below the folder that was given.
    name: String,
    annotations: Vec<Annotation>,
}

/// What is known of a take beside its hits.
struct Known {
    excerpt: Excerpt,
    /// Whether every hit has a velocity.
    has_velocities: bool,
    /// Whether there is a stem of the drum, and of the group, or no hit of it.
    stems: ([bool; DRUM_COUNT], [bool; GROUP_COUNT]),
    has_stems: bool,
}

/// Evaluates on the recordings in `args.recordings`, one after the other on each thread of the
/// pool. Those that cannot be read are told and left out. Allocates.
///
/// # Errors
/// No recordings that can be read, systems that need to know more, a model that cannot be
/// loaded.
pub fn evaluate(args: &EvaluateArgs) -> Result<Report> {
    let systems = if args.systems.is_empty() {
        &SYSTEMS[..]
    } else {
        &args.systems
    };
    for system in systems {
        ensure!(
            !system.needs_kit() && !system.needs_another() && *system != System::Ideal,
            "{}: expected systems that need no more than hits and some stems",
            system.label()
        );
    }
    if let Some(seconds) = args.seconds {
        ensure!(
            seconds.is_finite() && seconds > 0.0,
            "--seconds: expected some seconds of each recording, found {seconds}"
        );
    }
    let takes = takes(&args.recordings, &args.notes)?;
    let model = load_model(&args.model)?;
    let templates = if systems.iter().any(|system| system.needs_templates()) {
        generic_templates(args.data.as_deref())?
    } else {
        Vec::new()
    };
    let strokes = takes.iter().flat_map(|take| &take.annotations);
    let vocabulary = Vocabulary::of(strokes.filter_map(|stroke| stroke.sound.drum()));
    let bar = progress(takes.len(), "recordings");
    let judged: Vec<Option<Judged>> = takes
        .par_iter()
        .map(|take| {
            let judged = judge(take, args.seconds, systems, &model, &templates, &vocabulary);
            bar.inc(1);
            match judged {
                Ok(judged) => Ok(Some(judged)),
                // What the others show is not lost.
                Err(Failure::Reading(error)) => {
                    bar.suspend(|| complain!("left out: {error:#}"));
                    Ok(None)
                }
                Err(Failure::Running(error)) => Err(error),
            }
        })
        .collect::<Result<_>>()?;
    bar.finish_and_clear();
    let judged: Vec<Judged> = judged.into_iter().flatten().collect();
    ensure!(!judged.is_empty(), "no recording can be read");
    Ok(report(&args.recordings, systems, &judged, &vocabulary))
}

/// The takes below `folders`, whose MIDI files have the notes of `notes`; those whose annotation is no good are told and left out.
fn takes(folders: &[PathBuf], notes: &NoteMap) -> Result<Vec<Take>> {
    let mut takes = Vec::new();
    for folder in folders {
        let recordings = find_all_recordings(folder)?;
        pairs_remark(&recordings)
            .into_iter()
            .for_each(console::remark);
        for recording in recordings {
            let audio = &recording.audio;
            let name = audio.strip_prefix(folder).unwrap_or(audio);
            let name = name.display().to_string();
            match recording.annotations(notes) {
                Ok(read) => {
                    read.strange.into_iter().for_each(console::remark);
                    takes.push(Take {
                        recording,
                        name,
                        annotations: read.strokes,
                    });
                }
                Err(error) => complain!("left out: {error:#}"),
            }
        }
    }
    ensure!(
        takes
            .iter()
            .flat_map(|take| &take.annotations)
            .any(|stroke| stroke.sound.drum().is_some()),
        "expected annotations with hits of drums, found none"
    );
    Ok(takes)
}

/// Why a take has no scores.
enum Failure {
    Reading(anyhow::Error),
    Running(anyhow::Error),
}

/// The scores of one take.
struct Judged {
    name: String,
    seconds: f64,
    has_stems: bool,
    scores: Vec<SystemScore>,
}

fn judge(
    take: &Take,
    most_s: Option<f64>,
    systems: &[System],
    model: &Arc<Model>,
    templates: &[Template],
    vocabulary: &Vocabulary,
) -> Result<Judged, Failure> {
    let known = known(take, most_s).map_err(Failure::Reading)?;
    let piece = &known.excerpt.piece;
    let mut scores = Vec::new();
    for system in systems {
        let mut estimate = system
            .run(&known.excerpt, Some(model), templates)
            .map_err(Failure::Running)?;
        if !known.has_stems {
            estimate.stems = Vec::new();
        }
        vocabulary.restrict(&mut estimate);
        let mut scored = score(system.label(), &[piece], &[&estimate]);
        vocabulary.blank(&mut scored, [&known.stems.0, &known.stems.1]);
        if let Some(transcription) = &mut scored.transcription
            && !known.has_velocities
        {
            transcription.velocities = vec![VelocityScore::default(); DRUM_COUNT];
        }
        scores.push(scored);
    }
    Ok(Judged {
        name: take.name.clone(),
        seconds: duration_s(piece),
        has_stems: known.has_stems,
        scores,
    })
}

/// Decodes `take`, at most its first `most_s` seconds, with its stems.
fn known(take: &Take, most_s: Option<f64>) -> Result<Known> {
    let recording = &take.recording;
    let mix = read_at_rate(&recording.audio)?;
    check_hits(recording, &take.annotations, mix.frames())?;
    let most = most_s.map_or(usize::MAX, |s| (s * SAMPLE_RATE_HZ) as usize);
    let length = mix.frames().min(most);
    let channels = mix.channels.len();
    let (hits, known) = hits_of(&take.annotations, 0, length);
    let mut stems: [Vec<f32>; STEM_COUNT] = std::array::from_fn(|_| Vec::new());
    let has_stems = !recording.stems.is_empty();
    let mut drums = [false; DRUM_COUNT];
    let mut groups = [false; GROUP_COUNT];
    if has_stems {
        stems = std::array::from_fn(|_| vec![0.0; channels * length]);
        for (index, stem) in stems.iter_mut().enumerate() {
            let Some(path) = recording.stems.of(index) else {
                continue;
            };
            *stem = joined(&read_at_rate(path)?, channels, length);
            if index != RESIDUAL {
                drums[index] = true;
            }
        }
        let is_played = |drum: Drum| hits.iter().any(|hit| hit.drum == drum);
        for group in Group::ALL {
            let members = || Drum::ALL.into_iter().filter(|drum| drum.group() == group);
            let has_all = members().all(|drum| drums[drum.index()] || !is_played(drum));
            groups[group.index()] = has_all && members().any(|drum| drums[drum.index()]);
            let Some(path) = recording.stems.of_group(group).filter(|_| !has_all) else {
                continue;
            };
            // Of all of them: whose is what it does not tell.
            for (n, drum) in members().enumerate() {
                let stem = &mut stems[drum.index()];
                if n == 0 {
                    *stem = joined(&read_at_rate(path)?, channels, length);
                } else {
                    stem.fill(0.0);
                }
                drums[drum.index()] = members().count() == 1;
            }
            groups[group.index()] = true;
        }
    }
    Ok(Known {
        excerpt: Excerpt {
            piece: Piece {
                channels,
                mix: joined(&mix, channels, length),
                stems,
                hits,
                kit: 0,
            },
            labels: Labels {
                kit: take.name.clone(),
                kind: String::new(),
                style: String::new(),
            },
            true_kit: None,
            another: None,
            foreign: None,
        },
        has_velocities: known.iter().all(|known| *known),
        stems: (drums, groups),
        has_stems,
    })
}

/// `audio` in so many `channels` of `length` samples, one after the other.
fn joined(audio: &AudioBuffer, channels: usize, length: usize) -> Vec<f32> {
    let of = |channel: usize, at: usize| -> f32 {
        let sample = |channel: &Vec<f32>| channel.get(at).copied().unwrap_or(0.0);
        match (channels, audio.channels.as_slice()) {
            (1, [left, right]) => 0.5 * (sample(left) + sample(right)),
            (_, [only]) => sample(only),
            (_, all) => sample(&all[channel]),
        }
    };
    let channels = 0..channels;
    channels
        .flat_map(|channel| (0..length).map(move |at| (channel, at)))
        .map(|(channel, at)| of(channel, at))
        .collect()
}

fn report(
    folders: &[PathBuf],
    systems: &[System],
    judged: &[Judged],
    vocabulary: &Vocabulary,
) -> Report {
    let seconds: f64 = judged.iter().map(|judged| judged.seconds).sum();
    let with_stems = judged.iter().filter(|judged| judged.has_stems).count();
    let folders: Vec<String> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    let mut report = Report {
        material: format!(
            "recordings: {} of {seconds:.0} s in {}, {with_stems} with stems{}",
            judged.len(),
            folders.join(", "),
            vocabulary.describe()
        ),
        ..Report::default()
    };
    for (row, system) in systems.iter().enumerate() {
        let scores: Vec<&SystemScore> = judged.iter().map(|judged| &judged.scores[row]).collect();
        report.systems.push(SystemScore::joined(&scores));
        let is_told = report.breakdown.is_some() || scores[0].transcription.is_none();
        if is_told && *system != System::Ours {
            continue;
        }
        let part = |(judged, score): (&Judged, &&SystemScore)| Part {
            label: judged.name.clone(),
            excerpts: 1,
            si_sdr_db: score.macro_si_sdr_db(),
            lsd_db: score.macro_lsd_db(),
            silent_db: score.macro_silent_db(),
            onset_f: score.pooled_f(),
        };
        report.breakdown = Some(Breakdown {
            system: system.label().to_owned(),
            recordings: judged.iter().zip(&scores).map(part).collect(),
            ..Breakdown::default()
        });
    }
    report
}
