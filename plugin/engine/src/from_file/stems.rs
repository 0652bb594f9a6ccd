//! The stems of a recording in a file: a WAV per drum and the residual.

use std::{
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{FromFileError, MOST_HEARD_S, ear::Ear};
use crate::{
    audio_file::{AudioReader, WavFile},
    controls::{Controls, HitSource, Quality},
    drum::{Drum, STEM_COUNT},
    engine::{Engine, EngineConfig, Lesson, Stems},
    learner::LearntKit,
    model::Model,
    one_shots::{OneShot, OwnSounds},
};

/// What the residual's file is called.
const RESIDUAL_NAME: &str = "residual";

/// A stem whose peak is below this is left out: −120 dBFS.
const SILENCE: f32 = 1e-6;

/// How a file is heard whose stems are wanted.
#[derive(Debug, Clone)]
pub struct StemsHearing {
    /// The engine's quality.
    pub quality: Quality,
    /// What the engine is set to. Hits are heard whatever this says. Where the kit is learnt,
    /// the file is heard once before, or the first [`MOST_HEARD_S`] of it, to learn it.
    pub controls: Controls,
    /// Moments of which it is known what was played.
    pub lessons: Vec<Lesson>,
    /// The kit that is known already; may be empty.
    pub kit: Arc<LearntKit>,
    /// Samples in place of drums.
    pub own: Vec<(Drum, Vec<Arc<OneShot>>)>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct StemsFromFile {
    /// The files, in the order of drums, the residual last.
    pub files: Vec<PathBuf>,
    /// The drums that have none: they do not sound.
    pub silent: Vec<Drum>,
    /// Length of the files, in seconds.
    pub length_s: f64,
}

/// Names of the files of all stems, in their order.
pub fn stem_file_names() -> [String; STEM_COUNT] {
    std::array::from_fn(|stem| {
        let drum = Drum::ALL.get(stem);
        let name = drum.map_or(RESIDUAL_NAME, |drum| drum.file_stem());
        format!("{name}.wav")
    })
}

/// Writes the stems of the file at `path` into the folder `to`, which is there, at the file's
/// own sample rate, as long as it is and aligned with it: one 32-bit float WAV for each
/// drum that sounds, and the residual. Without resynthesis they add up to the file. No
/// file appears before all are complete; those of the same names are replaced. `go_on` is told
/// what share is done, 0 to 1, and can stop it. Allocates, takes seconds.
///
/// # Errors
/// A file that cannot be read or processed, is silent or is not heard to the end; stems that
/// cannot be written.
pub fn stems_from_file(
    path: &Path,
    to: &Path,
    model: &Arc<Model>,
    hearing: &StemsHearing,
    go_on: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<StemsFromFile, FromFileError> {
    let mut reader = AudioReader::open(path)?;
    let engine = engine(reader.sample_rate_hz(), model, hearing)?;
    let most_frames = (MOST_HEARD_S * reader.sample_rate_hz()) as u64;
    // How much of the work the pass before is, where the length is known.
    let announced = reader.announced_frames();
    let (first, last) = match (hearing.controls.learning, announced) {
        (false, frames) => (0, frames.unwrap_or(u64::MAX)),
        (true, Some(frames)) => (frames.min(most_frames), frames),
        (true, None) => (most_frames, u64::MAX),
    };
    let all = (first as f64 + last as f64).max(1.0);
    let mut report = |done: f64| match go_on((done / all).min(1.0) as f32) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(FromFileError::Stopped),
    };
    let mut ear = Ear::new(engine, most_frames);
    if hearing.controls.learning {
        let mut report = |done: u64| report(done as f64);
        let mut deaf = |_: &Stems, _: Range<usize>| Ok(());
        ear.hear_file(&mut reader, &mut report, &mut deaf)?;
        ear.finish(&mut report, &mut deaf)?;
        reader = AudioReader::open(path)?;
        ear.rewind();
    }
    ear.hear_to_the_end();
    let mut report = |done: u64| report(first as f64 + done as f64);
    let mut writer = Writer::begin(to, &reader)?;
    let mut take = |stems: &Stems, part: Range<usize>| writer.write(stems, part);
    ear.hear_file(&mut reader, &mut report, &mut take)?;
    ear.check_sound()?;
    ear.finish(&mut report, &mut take)?;
    let length_s = ear.heard_s();
    // Whoever counts on it sees the end.
    report(u64::MAX)?;
    let (files, silent) = writer.finish()?;
    Ok(StemsFromFile {
        files,
        silent,
        length_s,
    })
}

fn engine(
    sample_rate_hz: f64,
    model: &Arc<Model>,
    hearing: &StemsHearing,
) -> Result<Engine, FromFileError> {
    let config = EngineConfig {
        sample_rate_hz,
        quality: hearing.quality,
    };
    let mut engine = Engine::new(config, model.clone())?;
    engine.set_offline(true);
    engine.set_controls(&Controls {
        hits: HitSource::Heard,
        ..hearing.controls
    });
    engine.teach(hearing.lessons.iter().copied());
    if !hearing.kit.is_empty() {
        engine.restore_kit((*hearing.kit).clone());
    }
    let own = OwnSounds::new(&hearing.own, sample_rate_hz)?;
    engine.set_own_sounds(&Arc::new(own));
    Ok(engine)
}

/// The files while they are written.
struct Writer {
    to: PathBuf,
    /// One for each stem, with its largest sample.
    stems: Vec<(WavFile, f32)>,
    /// Samples of a stem whose file has one channel.
    mono: Vec<f32>,
    is_mono: bool,
}

impl Writer {
    fn begin(to: &Path, reader: &AudioReader) -> Result<Writer, FromFileError> {
        let (rate_hz, channels) = (reader.sample_rate_hz(), reader.channels());
        let frames = reader.announced_frames();
        let begun = stem_file_names().map(|name| {
            let file = WavFile::create_for(to.join(name), rate_hz, channels, frames)?;
            Ok((file, 0.0))
        });
        Ok(Writer {
            to: to.to_owned(),
            stems: begun.into_iter().collect::<Result<_, FromFileError>>()?,
            mono: Vec::new(),
            is_mono: channels == 1,
        })
    }

    /// Mono is the mean of both sides, which is exact where they are equal.
    fn write(&mut self, stems: &Stems, part: Range<usize>) -> Result<(), FromFileError> {
        for (index, (file, peak)) in self.stems.iter_mut().enumerate() {
            let [left, right] = [0, 1].map(|side| &stems.channel(index, side)[part.clone()]);
            let samples = left.iter().chain(right);
            *peak = samples.fold(*peak, |peak, sample| peak.max(sample.abs()));
            if self.is_mono {
                self.mono.clear();
                let both = left.iter().zip(right);
                self.mono.extend(both.map(|(l, r)| 0.5 * (l + r)));
                file.write(&[&self.mono])?;
            } else {
                file.write(&[left, right])?;
            }
        }
        Ok(())
    }

    /// Puts those that sound in their places.
    fn finish(self) -> Result<(Vec<PathBuf>, Vec<Drum>), FromFileError> {
        let (mut files, mut silent) = (Vec::new(), Vec::new());
        let names = stem_file_names().into_iter().enumerate();
        for ((index, name), (file, peak)) in names.zip(self.stems) {
            if peak >= SILENCE {
                file.finish()?;
                files.push(self.to.join(name));
            } else {
                silent.extend(Drum::ALL.get(index));
            }
        }
        Ok((files, silent))
    }
}
