//! An engine that hears files.

use std::{ops::Range, sync::Arc};

use super::FromFileError;
use crate::{
    audio_file::AudioReader,
    drum::DRUM_COUNT,
    engine::{Engine, Events, Stems, Verdict},
    learner::LearntKit,
};

/// A file whose peak is below this is silent: −80 dBFS.
const SILENCE: f32 = 1e-4;

/// Samples that are heard between two looks at whether to stop.
const BLOCK_SAMPLES: usize = 1024;

/// What is told how many frames are done, and may say that it is enough.
pub(super) type Report<'a> = dyn FnMut(u64) -> Result<(), FromFileError> + 'a;

/// What takes the samples of `Stems` that belong to the file, gapless and in its time.
pub(super) type Take<'a> = dyn FnMut(&Stems, Range<usize>) -> Result<(), FromFileError> + 'a;

/// An engine that hears a file, once or several times.
pub(super) struct Ear {
    pub engine: Engine,
    stems: Stems,
    events: Events,
    rate_hz: f64,
    most_frames: u64,
    /// Those of this pass.
    pub frames: u64,
    /// What the engine was given in this pass: the silence after the end, too.
    processed: u64,
    peak: f32,
    /// Hits of this pass.
    pub hits: [usize; DRUM_COUNT],
    /// Whether there was more than was to be heard.
    pub is_part: bool,
}

impl Ear {
    /// For at most `most_frames` of a file. Allocates.
    pub fn new(engine: Engine, most_frames: u64) -> Ear {
        Ear {
            rate_hz: engine.config().sample_rate_hz,
            engine,
            stems: Stems::new(BLOCK_SAMPLES),
            events: Events::new(BLOCK_SAMPLES),
            most_frames,
            frames: 0,
            processed: 0,
            peak: 0.0,
            hits: [0; DRUM_COUNT],
            is_part: false,
        }
    }

    /// Back to the beginning of the file, with what was learnt.
    pub fn rewind(&mut self) {
        self.engine.rewind();
        self.frames = 0;
        self.processed = 0;
        self.hits = [0; DRUM_COUNT];
    }

    /// From now on files are heard to their end, however long they are.
    pub fn hear_to_the_end(&mut self) {
        self.most_frames = u64::MAX;
    }

    /// How much was heard.
    pub fn heard_s(&self) -> f64 {
        self.frames as f64 / self.rate_hz
    }

    /// Hears as much as is heard of a file.
    pub fn hear_file(
        &mut self,
        reader: &mut AudioReader,
        report: &mut Report<'_>,
        take: &mut Take<'_>,
    ) -> Result<(), FromFileError> {
        while let Some(packet) = reader.next_packet()? {
            let (left, right) = (&packet[0], &packet[packet.len() - 1]);
            let room = usize::try_from(self.most_frames - self.frames).unwrap_or(usize::MAX);
            let frames = left.len().min(room);
            let blocks = left[..frames].chunks(BLOCK_SAMPLES);
            for (left, right) in blocks.zip(right[..frames].chunks(BLOCK_SAMPLES)) {
                let samples = left.iter().chain(right).filter(|sample| sample.is_finite());
                self.peak = samples.fold(self.peak, |peak, sample| peak.max(sample.abs()));
                self.frames += left.len() as u64;
                self.hear([left, right], take)?;
                report(self.frames)?;
            }
            if frames < left.len() {
                self.is_part = true;
                break;
            }
        }
        Ok(())
    }

    fn hear(&mut self, block: [&[f32]; 2], take: &mut Take<'_>) -> Result<(), FromFileError> {
        let (stems, events) = (&mut self.stems, &mut self.events);
        self.engine.process(block, stems, events);
        let accepted = |verdict| verdict == Verdict::Accepted;
        // Not those that the silence after the end makes.
        for hit in self.events.hits() {
            if accepted(hit.verdict) && hit.onset_sample < self.frames {
                self.hits[hit.drum.index()] += 1;
            }
        }
        let samples = block[0].len();
        let latency = self.engine.latency_samples() as u64;
        let early = latency.saturating_sub(self.processed).min(samples as u64) as usize;
        self.processed += samples as u64;
        if early < samples {
            take(&self.stems, early..samples)?;
        }
        Ok(())
    }

    /// Whether anything sounds.
    pub fn check_sound(&self) -> Result<(), FromFileError> {
        if self.peak < SILENCE {
            let heard_s = self.heard_s();
            return Err(FromFileError::Silent { heard_s });
        }
        Ok(())
    }

    /// Hears silence until the last frame has come out, and gives what was learnt.
    pub fn finish(
        &mut self,
        report: &mut Report<'_>,
        take: &mut Take<'_>,
    ) -> Result<Arc<LearntKit>, FromFileError> {
        let silence = [0.0; BLOCK_SAMPLES];
        let mut left = self.engine.latency_samples();
        while left > 0 {
            let samples = left.min(BLOCK_SAMPLES);
            self.hear([&silence[..samples]; 2], take)?;
            left -= samples;
            report(self.frames)?;
        }
        Ok(self.engine.finish_learning())
    }
}
