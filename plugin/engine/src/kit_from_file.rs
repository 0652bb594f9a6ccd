//! The kit of a recording in a file, heard faster than it plays.
//!
//! The file is heard twice: the second time with the kit of the first, which teaches better.
//! What is learnt depends on the file and the settings only.

use std::{ops::ControlFlow, path::Path, sync::Arc};

use thiserror::Error;

use crate::{
    audio_file::{AudioFileError, AudioReader},
    controls::{Controls, HitSource, Quality},
    drum::DRUM_COUNT,
    engine::{Engine, EngineConfig, EngineError, Events, Lesson, Stems, Verdict},
    learner::LearntKit,
    model::Model,
};

/// Most of a file that is heard, from its beginning on, in seconds.
pub const MOST_HEARD_S: f64 = 240.0;

/// What is shorter is no recording of a kit: a single sound, say.
const LEAST_S: f64 = 2.0;

/// How often the file is heard.
const PASSES: u64 = 2;

/// A file whose peak is below this is silent: −80 dBFS.
const SILENCE: f32 = 1e-4;

/// Samples that are heard between two looks at whether to stop.
const BLOCK_SAMPLES: usize = 1024;

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

/// Why nothing was learnt from a file.
#[derive(Debug, Error)]
pub enum KitFromFileError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] AudioFileError),
    /// There is no engine for it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It holds a sound or two.
    #[error("expected a recording of at least {LEAST_S} s, found {found_s:.1} s")]
    Short {
        /// Its length.
        found_s: f64,
    },
    /// Nothing sounds.
    #[error("expected drums, found silence in the {heard_s:.0} s that were heard")]
    Silent {
        /// How much was heard.
        heard_s: f64,
    },
    /// No drum was heard well enough.
    #[error(
        "no drum was heard well enough: expected several clear hits of one, found {hits} hits of \
         all drums"
    )]
    NoDrum {
        /// Accepted hits.
        hits: usize,
    },
    /// Somebody said so.
    #[error("stopped")]
    Stopped,
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
) -> Result<KitFromFile, KitFromFileError> {
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
    let mut ear = Ear::new(engine, rate_hz);
    // The length that is announced may be wrong: it is known after the first pass.
    let mut frames = reader.announced_frames().unwrap_or(u64::MAX);
    let mut kit = Arc::default();
    for pass in 0..PASSES {
        if pass > 0 {
            reader = AudioReader::open(path)?;
            ear.rewind();
        }
        let expected = frames.clamp(1, ear.most_frames) as f32;
        let mut report = |done: u64| {
            let share = (done as f32 / expected).min(1.0);
            match go_on((pass as f32 + share) / PASSES as f32) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(KitFromFileError::Stopped),
            }
        };
        ear.hear_file(&mut reader, &mut report)?;
        ear.check()?;
        frames = ear.frames;
        kit = ear.finish(&mut report)?;
    }
    let mut kit = (*kit).clone();
    kit.take_unplayed(|drum| ear.hits[drum.index()] > 0);
    if kit.drums.is_empty() {
        let hits = ear.hits.iter().sum();
        return Err(KitFromFileError::NoDrum { hits });
    }
    Ok(KitFromFile {
        kit,
        heard_s: ear.heard_s(),
        is_part: ear.is_part,
    })
}

/// What is told how many frames are done, and may say that it is enough.
type Report<'a> = dyn FnMut(u64) -> Result<(), KitFromFileError> + 'a;

/// An engine that hears a file.
struct Ear {
    engine: Engine,
    stems: Stems,
    events: Events,
    rate_hz: f64,
    most_frames: u64,
    /// Those of this pass.
    frames: u64,
    peak: f32,
    hits: [usize; DRUM_COUNT],
    is_part: bool,
}

impl Ear {
    fn new(engine: Engine, rate_hz: f64) -> Ear {
        Ear {
            engine,
            stems: Stems::new(BLOCK_SAMPLES),
            events: Events::new(BLOCK_SAMPLES),
            rate_hz,
            most_frames: (MOST_HEARD_S * rate_hz) as u64,
            frames: 0,
            peak: 0.0,
            hits: [0; DRUM_COUNT],
            is_part: false,
        }
    }

    fn rewind(&mut self) {
        self.engine.rewind();
        self.frames = 0;
        self.hits = [0; DRUM_COUNT];
    }

    fn heard_s(&self) -> f64 {
        self.frames as f64 / self.rate_hz
    }

    /// Hears as much as is heard of a file.
    fn hear_file(
        &mut self,
        reader: &mut AudioReader,
        report: &mut Report<'_>,
    ) -> Result<(), KitFromFileError> {
        while let Some(packet) = reader.next_packet()? {
            let (left, right) = (&packet[0], &packet[packet.len() - 1]);
            let room = usize::try_from(self.most_frames - self.frames).unwrap_or(usize::MAX);
            let frames = left.len().min(room);
            let blocks = left[..frames].chunks(BLOCK_SAMPLES);
            for (left, right) in blocks.zip(right[..frames].chunks(BLOCK_SAMPLES)) {
                let samples = left.iter().chain(right).filter(|sample| sample.is_finite());
                self.peak = samples.fold(self.peak, |peak, sample| peak.max(sample.abs()));
                self.frames += left.len() as u64;
                self.hear([left, right]);
                report(self.frames)?;
            }
            if frames < left.len() {
                self.is_part = true;
                break;
            }
        }
        Ok(())
    }

    fn hear(&mut self, block: [&[f32]; 2]) {
        let (stems, events) = (&mut self.stems, &mut self.events);
        self.engine.process(block, stems, events);
        let accepted = |verdict| verdict == Verdict::Accepted;
        // Not those that the silence after the end makes.
        for hit in self.events.hits() {
            if accepted(hit.verdict) && hit.onset_sample < self.frames {
                self.hits[hit.drum.index()] += 1;
            }
        }
    }

    /// Whether this can be a recording of drums.
    fn check(&self) -> Result<(), KitFromFileError> {
        let heard_s = self.heard_s();
        if heard_s < LEAST_S {
            return Err(KitFromFileError::Short { found_s: heard_s });
        }
        if self.peak < SILENCE {
            return Err(KitFromFileError::Silent { heard_s });
        }
        Ok(())
    }

    /// Hears silence until the last frame has come out, and gives what was learnt.
    fn finish(&mut self, report: &mut Report<'_>) -> Result<Arc<LearntKit>, KitFromFileError> {
        let silence = [0.0; BLOCK_SAMPLES];
        let mut left = self.engine.latency_samples();
        while left > 0 {
            let samples = left.min(BLOCK_SAMPLES);
            self.hear([&silence[..samples]; 2]);
            left -= samples;
            report(self.frames)?;
        }
        Ok(self.engine.finish_learning())
    }
}
