//! Recordings as a source of training pieces.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Error, Result, bail, ensure};
use idm_engine::{audio_file::AudioReader, front_end::Framing, note_map::NoteMap};
use rayon::prelude::*;

use super::{
    DecodedRecording, Recording, crop,
    explain::{ClassTemplates, ExplainSettings, Explanation},
    find_recordings, pairs_remark,
    passage::check_hits,
    starting_templates,
};
use crate::{
    console,
    kits::{Kit, SAMPLE_RATE_HZ, Split, lossy_remark},
    random::Random,
    render::{Featuriser, TrainingExample},
};

/// Length of what is explained together: long enough to hear every drum of the
/// kit, short enough for kits that change.
const PASSAGE_S: f64 = 30.0;
/// What is explained before a passage, so that ringing drums have their hit.
const CONTEXT_S: f64 = 2.0;
/// Successive pieces from one passage: explaining costs more than cropping.
const VISIT: u64 = 4;
/// Passages that are kept; one takes about 13 MB.
const KEPT: usize = 120;
/// Draws after which nothing is left to draw from.
const MOST_DRAWS: usize = 4_096;
/// Procedural kits in the start templates.
const PROCEDURAL_KITS: u64 = 16;

/// What to make pieces of.
#[derive(Debug, Clone, Default)]
pub struct RecordingsConfig {
    /// Folders that [`find_recordings`] searches.
    pub folders: Vec<PathBuf>,
    /// Take targets from stems beside the recordings instead of estimating
    /// them.
    pub use_stems: bool,
    /// Which notes MIDI files have.
    pub notes: NoteMap,
    /// How targets are estimated.
    pub explain: ExplainSettings,
}

/// A stretch of a recording, in samples at 44.1 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Passage {
    recording: usize,
    /// Where analysis begins.
    first: usize,
    /// Where pieces may begin.
    begin: usize,
    end: usize,
}

/// Where pieces may lie in a passage, in frames of `hop` samples.
#[derive(Debug, Clone, Copy)]
struct Room {
    hop: usize,
    /// The first place.
    begin: usize,
    /// Length of a piece.
    frames: usize,
    /// How many places there are.
    places: usize,
}

impl Room {
    /// The piece at a place, the last one at most.
    fn cut(&self, example: &TrainingExample, place: usize) -> TrainingExample {
        crop(
            example,
            self.begin + place.min(self.places - 1),
            self.frames,
        )
    }
}

/// Passages by number, and the order in which they were made.
type Cache = (HashMap<usize, Arc<TrainingExample>>, VecDeque<usize>);

/// Recordings of one side of the split.
pub struct Recordings {
    config: RecordingsConfig,
    recordings: Vec<Recording>,
    passages: Vec<Passage>,
    start: ClassTemplates,
    duration_s: f64,
    cache: Mutex<Cache>,
    /// Recordings that turned out to be damaged.
    damaged: Mutex<BTreeSet<usize>>,
}

impl fmt::Debug for Recordings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recordings")
            .field("recordings", &self.recordings.len())
            .field("passages", &self.passages.len())
            .finish_non_exhaustive()
    }
}

/// The decoder of the file at `path`, which could decode its first samples.
fn begin(path: &Path) -> Result<AudioReader> {
    let mut reader = AudioReader::open(path)?;
    reader.next_packet()?;
    Ok(reader)
}

/// Length of a recording at 44.1 kHz and a check of everything that can be
/// checked without decoding all of it. What of its notes is of no drum goes into `strange`.
fn inspect(
    recording: &Recording,
    config: &RecordingsConfig,
    strange: &mut Option<String>,
) -> Result<usize> {
    let reader = begin(&recording.audio)?;
    let samples = match reader.announced_frames() {
        Some(frames) => (frames as f64 * SAMPLE_RATE_HZ / reader.sample_rate_hz()) as usize,
        None => DecodedRecording::read(recording, &config.notes)?.samples(),
    };
    ensure!(
        samples > 0,
        "{}: expected at least one sample, found a header without samples",
        recording.audio.display()
    );
    let read = recording.annotations(&config.notes)?;
    *strange = read.strange;
    let annotations = read.strokes;
    check_hits(recording, &annotations, samples)?;
    if config.use_stems {
        for stem in recording.stems_for(&annotations)?.into_iter().flatten() {
            begin(stem)?;
        }
    }
    Ok(samples)
}

/// [`inspect`] of all `recordings`; tells notes that are of no drum.
///
/// # Errors
/// All that cannot be used, each with its reason.
fn inspect_all(recordings: &[Recording], config: &RecordingsConfig) -> Result<Vec<usize>> {
    let (looked, strange): (Vec<Result<usize>>, Vec<Option<String>>) = recordings
        .par_iter()
        .map(|recording| {
            let mut strange = None;
            (inspect(recording, config, &mut strange), strange)
        })
        .unzip();
    strange.into_iter().flatten().for_each(console::remark);
    let reasons = looked.iter().filter_map(|looked| looked.as_ref().err());
    let reasons: Vec<String> = reasons.map(|reason| format!("{reason:#}")).collect();
    ensure!(
        reasons.len() < 2,
        "{} of {} recordings cannot be used:\n  {}",
        reasons.len(),
        recordings.len(),
        reasons.join("\n  ")
    );
    looked.into_iter().collect()
}

/// Cuts `samples` into passages of about [`PASSAGE_S`].
fn passages(recording: usize, samples: usize) -> impl Iterator<Item = Passage> {
    let length = (PASSAGE_S * SAMPLE_RATE_HZ) as usize;
    let context = (CONTEXT_S * SAMPLE_RATE_HZ) as usize;
    let count = (samples / length).max(1);
    (0..count).map(move |n| Passage {
        recording,
        first: (n * length).saturating_sub(context),
        begin: n * length,
        end: if n + 1 == count {
            samples
        } else {
            (n + 1) * length
        },
    })
}

/// `pieces` places of `samples` samples, spread evenly over `passages` by their length: the
/// number of a passage and how far into it a piece begins. Allocates.
fn spread(passages: &[Passage], pieces: usize, samples: usize) -> Vec<(usize, usize)> {
    let length = |passage: &Passage| passage.end - passage.begin;
    let all: usize = passages.iter().map(length).sum();
    let place = |piece: usize| {
        // In the middle of its share of all that there is.
        let mut middle = (2 * piece + 1) * all / (2 * pieces);
        let mut number = 0;
        while number + 1 < passages.len() && middle >= length(&passages[number]) {
            middle -= length(&passages[number]);
            number += 1;
        }
        let room = length(&passages[number]).saturating_sub(samples);
        (number, middle.saturating_sub(samples / 2).min(room))
    };
    (0..pieces).map(place).collect()
}

impl Recordings {
    /// Finds the recordings of one side of the split and checks their
    /// annotations. Templates start from `kits` and from our synthesiser's.
    /// Answers `None` if there are none on this side. Allocates.
    ///
    /// # Errors
    /// When nothing is found, or a recording or an annotation cannot be read.
    pub fn open(
        config: &RecordingsConfig,
        split: Split,
        kits: &[Arc<Kit>],
    ) -> Result<Option<Recordings>> {
        let mut recordings = Vec::new();
        for folder in &config.folders {
            recordings.extend(find_recordings(folder)?);
            let remark = lossy_remark(folder);
            if !remark.is_empty() {
                let remark = remark.trim_start_matches("; ");
                console::remark(format!("{}: {remark}", folder.display()));
            }
        }
        pairs_remark(&recordings)
            .into_iter()
            .for_each(console::remark);
        // Those of the other side too: what is wrong is told at once.
        let lengths = inspect_all(&recordings, config)?;
        let (recordings, lengths): (Vec<Recording>, Vec<usize>) = recordings
            .into_iter()
            .zip(lengths)
            .filter(|(recording, _)| recording.split == split)
            .unzip();
        if recordings.is_empty() {
            return Ok(None);
        }
        let all = lengths.iter().enumerate();
        Ok(Some(Recordings {
            passages: all.flat_map(|(n, samples)| passages(n, *samples)).collect(),
            duration_s: lengths.iter().sum::<usize>() as f64 / SAMPLE_RATE_HZ,
            start: starting_templates(kits, PROCEDURAL_KITS),
            config: config.clone(),
            recordings,
            cache: Mutex::default(),
            damaged: Mutex::default(),
        }))
    }

    /// Number of recordings and their length in seconds.
    pub fn material(&self) -> (usize, f64) {
        (self.recordings.len(), self.duration_s)
    }

    /// Number of passages.
    pub fn passages(&self) -> usize {
        self.passages.len()
    }

    /// Passage `number` with estimated targets, and how they were found.
    /// Allocates.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn explained(&self, number: usize) -> Result<(TrainingExample, Explanation)> {
        let Passage { first, end, .. } = self.passages[number];
        let decoded = DecodedRecording::read(self.recording_of(number), &self.config.notes)?;
        let settings = &self.config.explain;
        Ok(decoded.explained(first, end, &self.start, settings, &mut Featuriser::new()))
    }

    /// Passage `number` with the targets of its stems, if it has any.
    /// Allocates.
    ///
    /// # Errors
    /// When the recording or a stem cannot be read, or a drum with hits has no stem.
    pub fn true_targets(&self, number: usize) -> Result<Option<TrainingExample>> {
        let Passage { first, end, .. } = self.passages[number];
        let recording = self.recording_of(number);
        if recording.stems.is_empty() {
            return Ok(None);
        }
        let decoded = DecodedRecording::read(recording, &self.config.notes)?;
        decoded
            .with_stems(recording, first, end, &mut Featuriser::new())
            .map(Some)
    }

    /// The recording that passage `number` is part of.
    pub fn recording_of(&self, number: usize) -> &Recording {
        &self.recordings[self.passages[number].recording]
    }

    fn passage(&self, number: usize, at_least: usize) -> Result<Arc<TrainingExample>> {
        let known = |cache: &Cache| cache.0.get(&number).cloned();
        let lock = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(example) = known(&lock()) {
            return Ok(example);
        }
        let Passage {
            recording,
            first,
            begin,
            end,
        } = self.passages[number];
        let recording = &self.recordings[recording];
        let end = end.max(begin + at_least);
        let read = || -> Result<TrainingExample> {
            let decoded = DecodedRecording::read(recording, &self.config.notes)?;
            let mut featuriser = Featuriser::new();
            if self.config.use_stems {
                decoded.with_stems(recording, first, end, &mut featuriser)
            } else {
                let settings = &self.config.explain;
                Ok(decoded
                    .explained(first, end, &self.start, settings, &mut featuriser)
                    .0)
            }
        };
        let example = Arc::new(read().with_context(|| {
            format!("the recording {} cannot be used", recording.audio.display())
        })?);
        let (examples, order) = &mut *lock();
        if order.len() >= KEPT
            && let Some(oldest) = order.pop_front()
        {
            examples.remove(&oldest);
        }
        order.push_back(number);
        examples.insert(number, Arc::clone(&example));
        Ok(example)
    }

    /// Piece number `index` of the sequence `seed`: `piece_s` seconds from
    /// anywhere but a recording that turns out to be damaged, which is told. Depends on
    /// nothing else. Allocates.
    ///
    /// # Errors
    /// When no recording can be read any more.
    pub fn example(&self, seed: u64, index: u64, piece_s: f64) -> Result<TrainingExample> {
        let mut visit = Random::new(&[seed, index / VISIT, 0x7265_636f]);
        let samples = (piece_s * SAMPLE_RATE_HZ) as usize;
        for _ in 0..MOST_DRAWS {
            let number = visit.below(self.passages.len());
            if self.damaged().contains(&self.passages[number].recording) {
                continue;
            }
            match self.passage(number, samples) {
                Ok(example) => return self.piece_of(&example, number, samples, [seed, index]),
                Err(error) => self.leave_out(number, &error),
            }
        }
        self.none_left()
    }

    /// `pieces` pieces of `piece_s` seconds, spread evenly over all recordings but those that
    /// turn out to be damaged, which is told. The same whenever it is asked for. Allocates.
    ///
    /// # Errors
    /// When no recording can be read any more.
    pub fn spread(&self, pieces: usize, piece_s: f64) -> Result<Vec<TrainingExample>> {
        let samples = (piece_s * SAMPLE_RATE_HZ) as usize;
        'whole: loop {
            let is_whole = |number: &usize| {
                let recording = self.passages[*number].recording;
                !self.damaged().contains(&recording)
            };
            let numbers: Vec<usize> = (0..self.passages.len()).filter(is_whole).collect();
            if numbers.is_empty() {
                return self.none_left();
            }
            let passages: Vec<Passage> = numbers.iter().map(|&n| self.passages[n]).collect();
            let mut examples = Vec::with_capacity(pieces);
            for (place, into) in spread(&passages, pieces, samples) {
                let number = numbers[place];
                match self.passage(number, samples) {
                    Ok(example) => {
                        let room = self.room(&example, number, samples)?;
                        examples.push(room.cut(&example, into / room.hop));
                    }
                    Err(error) => {
                        self.leave_out(number, &error);
                        continue 'whole;
                    }
                }
            }
            return Ok(examples);
        }
    }

    fn none_left<T>(&self) -> Result<T> {
        bail!(
            "none of {} recordings can be read: {} turned out to be damaged",
            self.recordings.len(),
            self.damaged().len()
        )
    }

    fn damaged(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on without the recording of passage `number`: what others teach is not lost.
    fn leave_out(&self, number: usize, error: &Error) {
        if self.damaged().insert(self.passages[number].recording) {
            complain!("idm-train: {error:#}; it is left out from here on");
        }
    }

    /// A piece of passage `number`, from anywhere in it.
    fn piece_of(
        &self,
        example: &TrainingExample,
        number: usize,
        samples: usize,
        [seed, index]: [u64; 2],
    ) -> Result<TrainingExample> {
        let room = self.room(example, number, samples)?;
        let mut random = Random::new(&[seed, index, 0x6372_6f70]);
        Ok(room.cut(example, random.below(room.places)))
    }

    /// Where pieces of `samples` samples may lie in passage `number`, which is `example`.
    fn room(&self, example: &TrainingExample, number: usize, samples: usize) -> Result<Room> {
        let framing = Framing::for_rate(SAMPLE_RATE_HZ).context("44.1 kHz is not supported")?;
        let hop = framing.hop_samples;
        let passage = self.passages[number];
        let (begin, frames) = ((passage.begin - passage.first) / hop, samples / hop);
        Ok(Room {
            hop,
            begin,
            frames,
            places: (example.frames + 1).saturating_sub(begin + frames).max(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_over_all_that_there_is() {
        let samples = |seconds: f64| (seconds * SAMPLE_RATE_HZ) as usize;
        let lengths = [300.0, 60.0, 5.0, 180.0];
        let all: Vec<Passage> = lengths
            .iter()
            .enumerate()
            .flat_map(|(n, &seconds)| passages(n, samples(seconds)))
            .collect();
        let places = spread(&all, 36, samples(8.0));
        let mut counts = [0; 4];
        for (number, into) in &places {
            counts[all[*number].recording] += 1;
            let length = all[*number].end - all[*number].begin;
            assert!(*into == 0 || into + samples(8.0) <= length);
        }
        assert!((19..=21).contains(&counts[0]), "{counts:?}");
        assert!(counts[1] >= 3 && counts[3] >= 11, "{counts:?}");
        // As many places as passages of one length: one each.
        let even: Vec<Passage> = passages(0, samples(360.0)).collect();
        let numbers: Vec<usize> = spread(&even, 12, samples(8.0))
            .into_iter()
            .map(|place| place.0)
            .collect();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn passages_cover_a_recording_once() {
        for seconds in [1.0, 29.0, 31.0, 100.0] {
            let samples = (seconds * SAMPLE_RATE_HZ) as usize;
            let all: Vec<Passage> = passages(0, samples).collect();
            assert_eq!(all[0].begin, 0);
            assert_eq!(all.last().unwrap().end, samples);
            for pair in all.windows(2) {
                assert_eq!(pair[0].end, pair[1].begin);
                assert!(pair[1].first < pair[1].begin);
            }
        }
    }
}
