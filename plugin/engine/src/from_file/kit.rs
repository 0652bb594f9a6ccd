//! The kit of a recording in a file, heard faster than it plays.
//!
//! The file is heard twice: the second time with the kit of the first, which teaches better.
//! What is learnt depends on the file and the settings only.

use std::{
    ops::{ControlFlow, Range},
    path::Path,
    sync::Arc,
};

use super::{FromFileError, ear::Ear};
use crate::{
    audio_file::AudioReader,
    controls::{Controls, HitSource, Quality},
    engine::{Engine, EngineConfig, Lesson, Stems},
    learner::LearntKit,
    model::Model,
};

/// Most of a file that is heard, from its beginning on, in seconds.
pub const MOST_HEARD_S: f64 = 240.0;

/// What is shorter is no recording of a kit: a single sound, say.
const LEAST_S: f64 = 2.0;

/// How often the file is heard.
const PASSES: u64 = 2;

/// How a file is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct KitHearing {
    /// The engine's quality.
    pub quality: Quality,
    /// What is known of the drums. Hits are heard and learnt from whatever this says.
    pub controls: Controls,
    /// Moments of which it is known what was played.
    pub lessons: Vec<Lesson>,
}

/// What was learnt from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct KitFromFile {
    /// The drums that were heard well enough: one at least.
    pub kit: LearntKit,
    /// How much of the file was heard, in seconds.
    pub heard_s: f64,
    /// Whether there is more of it.
    pub is_part: bool,
}

/// Learns the kit that is played in the file at `path`, or in the first
/// [`MOST_HEARD_S`] seconds of it, at the file's own sample rate. `go_on` is told what share
/// is done, 0 to 1, and can stop it. Allocates, takes seconds.
///
/// # Errors
/// A file that cannot be read or processed, in which nothing is learnt, or that is not
/// heard to the end.
pub fn kit_from_file(
    path: &Path,
    model: &Arc<Model>,
    hearing: &KitHearing,
    go_on: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<KitFromFile, FromFileError> {
    let mut reader = AudioReader::open(path)?;
    let rate_hz = reader.sample_rate_hz();
    let config = EngineConfig {
        sample_rate_hz: rate_hz,
        quality: hearing.quality,
    };
    let mut engine = Engine::new(config, model.clone())?;
    engine.set_offline(true);
    engine.set_controls(&Controls {
        hits: HitSource::Heard,
        learning: true,
        ..hearing.controls
    });
    engine.teach(hearing.lessons.iter().copied());
    let most_frames = (MOST_HEARD_S * rate_hz) as u64;
    let mut ear = Ear::new(engine, most_frames);
    // The length that is announced may be wrong: it is known after the first pass.
    let mut frames = reader.announced_frames().unwrap_or(u64::MAX);
    let mut kit = Arc::default();
    for pass in 0..PASSES {
        if pass > 0 {
            reader = AudioReader::open(path)?;
            ear.rewind();
        }
        let expected = frames.clamp(1, most_frames) as f32;
        let mut report = |done: u64| {
            let share = (done as f32 / expected).min(1.0);
            match go_on((pass as f32 + share) / PASSES as f32) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(FromFileError::Stopped),
            }
        };
        let mut deaf = |_: &Stems, _: Range<usize>| Ok(());
        ear.hear_file(&mut reader, &mut report, &mut deaf)?;
        let found_s = ear.heard_s();
        if found_s < LEAST_S {
            let least_s = LEAST_S;
            return Err(FromFileError::Short { least_s, found_s });
        }
        ear.check_sound()?;
        frames = ear.frames;
        kit = ear.finish(&mut report, &mut deaf)?;
    }
    let mut kit = (*kit).clone();
    kit.take_unplayed(|drum| ear.hits[drum.index()] > 0);
    if kit.drums.is_empty() {
        let hits = ear.hits.iter().sum();
        return Err(FromFileError::NoDrum { hits });
    }
    Ok(KitFromFile {
        kit,
        heard_s: ear.heard_s(),
        is_part: ear.is_part,
    })
}
