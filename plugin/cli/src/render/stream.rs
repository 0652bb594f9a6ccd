//! Blocks of one size through the engine, and what comes out, in the time of the input.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Result, bail};
use idm_engine::audio_file::Shortfall;
use idm_engine::drum::STEM_COUNT;
use idm_engine::engine::{Engine, Events, Stems, Verdict};
use idm_engine::learner::LearntKit;

use super::corrections::{Says, Word};
use super::{AudioFormat, Rendered, Sink, Stretch};
use crate::input_check::InputCheck;
use crate::onset::{self, Onset};

/// Words about hits that the engine remembers however late it decides; it has room for twice
/// as many.
const TOLD_AT_ONCE: usize = 512;

/// How long before a hit the engine is told of it, at least: it hears no other from 23 ms before
/// that on, and in low quality decides on those before the hit itself comes.
const TOLD_AHEAD_S: f64 = 0.05;

/// How often it is told: what it knows much too early, it would not do as well with.
const TOLD_APART_S: f64 = 0.01;

/// The engine with what it takes to feed it blocks of one size and to align
/// its output.
pub(super) struct Stream {
    engine: Engine,
    stems: Stems,
    events: Events,
    /// The block being filled, left and right.
    input: [Vec<f32>; 2],
    block_samples: usize,
    /// Input that has not come out yet, for the null test.
    pending: [VecDeque<f32>; 2],
    /// Sum of all stems of a block.
    sum: Vec<f32>,
    aligned: Stretch,
    /// Frames of the file, and frames given to the engine.
    frames: u64,
    processed: u64,
    /// What to tell the engine, in order of time, and how much it knows.
    words: Vec<Word>,
    told: usize,
    onsets: Vec<Onset>,
    check: InputCheck,
    null_peak: f32,
    kit: Arc<LearntKit>,
}

impl Stream {
    pub(super) fn new(
        engine: Engine,
        channels: usize,
        block_samples: usize,
        words: Vec<Word>,
    ) -> Stream {
        Stream {
            engine,
            stems: Stems::new(block_samples),
            events: Events::new(block_samples),
            input: Default::default(),
            block_samples,
            pending: Default::default(),
            sum: Vec::new(),
            aligned: vec![vec![Vec::new(); channels]; STEM_COUNT],
            frames: 0,
            processed: 0,
            words,
            told: 0,
            onsets: Vec::new(),
            check: InputCheck::default(),
            null_peak: 0.0,
            kit: Arc::default(),
        }
    }

    /// Back to the first sample, with the kit that was learnt.
    pub(super) fn rewind(&mut self) {
        self.engine.rewind();
        self.events.clear();
        for channel in 0..2 {
            self.input[channel].clear();
            self.pending[channel].clear();
        }
        self.frames = 0;
        self.processed = 0;
        self.told = 0;
        self.onsets.clear();
        self.check = InputCheck::default();
        self.null_peak = 0.0;
    }

    /// Takes samples of shape `(channels, frames)`; mono feeds both sides.
    pub(super) fn feed(&mut self, packet: &[Vec<f32>], sink: &mut dyn Sink) -> Result<()> {
        self.check.look(packet);
        let (left, right) = (&packet[0], &packet[packet.len() - 1]);
        self.frames += left.len() as u64;
        let mut position = 0;
        while position < left.len() {
            let room = self.block_samples - self.input[0].len();
            let end = left.len().min(position + room);
            // The engine counts what is not finite as silence; so must the
            // null test.
            let finite = |&sample: &f32| if sample.is_finite() { sample } else { 0.0 };
            self.input[0].extend(left[position..end].iter().map(finite));
            self.input[1].extend(right[position..end].iter().map(finite));
            position = end;
            if self.input[0].len() == self.block_samples {
                self.process(sink)?;
            }
        }
        Ok(())
    }

    /// Feeds silence until the last frame of the file has come out.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let all = self.frames + self.engine.latency_samples() as u64;
        while self.processed < all {
            let left = (all - self.processed).min(self.block_samples as u64) as usize;
            for channel in &mut self.input {
                channel.resize(left, 0.0);
            }
            self.process(sink)?;
        }
        self.kit = self.engine.finish_learning();
        // Hits that the silence after the end made.
        let frames = self.frames;
        self.onsets.retain(|onset| onset.sample < frames);
        onset::sort(&mut self.onsets);
        Ok(())
    }

    fn process(&mut self, sink: &mut dyn Sink) -> Result<()> {
        while !self.input[0].is_empty() {
            let samples = self.tell()?;
            self.process_piece(samples, sink)?;
        }
        Ok(())
    }

    /// Gives the first `samples` samples of the block to the engine.
    fn process_piece(&mut self, samples: usize, sink: &mut dyn Sink) -> Result<()> {
        let [left, right] = &self.input;
        let piece = [&left[..samples], &right[..samples]];
        self.engine
            .process(piece, &mut self.stems, &mut self.events);
        for (pending, input) in self.pending.iter_mut().zip(&mut self.input) {
            pending.extend(input.drain(..samples));
        }

        let accepted = |verdict| verdict == Verdict::Accepted;
        let hits = self.events.hits().iter();
        self.onsets
            .extend(hits.filter(|hit| accepted(hit.verdict)).map(Onset::from));

        let latency = self.engine.latency_samples() as u64;
        let skip = latency.saturating_sub(self.processed).min(samples as u64) as usize;
        self.processed += samples as u64;
        if skip == samples {
            return Ok(());
        }
        self.align(skip);
        self.measure_null(skip);
        sink.block(&mut self.aligned)
    }

    /// Frames of the file that were heard in this pass.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Tells the engine the words that are due; gives how many samples it may hear until more
    /// are, at places that are the same whatever blocks come.
    ///
    /// # Errors
    /// More words at a time than the engine remembers.
    fn tell(&mut self) -> Result<usize> {
        let block = self.input[0].len();
        if self.told == self.words.len() {
            return Ok(block);
        }
        let rate_hz = self.engine.config().sample_rate_hz;
        let apart = (TOLD_APART_S * rate_hz) as u64;
        let next = (self.processed / apart + 1) * apart;
        let due = next + (TOLD_AHEAD_S * rate_hz) as u64;
        while let Some(word) = self.words.get(self.told).filter(|word| word.sample < due) {
            let offset = word.sample.saturating_sub(self.processed) as usize;
            let is_taken = match word.says {
                Says::Hit(velocity) => self.engine.give_hit(offset, word.drum, velocity),
                Says::HitNearby(velocity) => self.engine.place_hit(offset, word.drum, velocity),
                Says::NoHit => self.engine.remove_hit(offset, word.drum),
            };
            if !is_taken {
                bail!(
                    "hits: expected at most {TOLD_AT_ONCE} at a time, found more around {:.3} s",
                    word.sample as f64 / rate_hz
                );
            }
            self.told += 1;
        }
        Ok(block.min((next - self.processed) as usize))
    }

    /// Copies the stems from sample `skip` on. Mono is the mean of both sides,
    /// which is exact where they are equal.
    fn align(&mut self, skip: usize) {
        for (index, stem) in self.aligned.iter_mut().enumerate() {
            let sides = [0, 1].map(|side| &self.stems.channel(index, side)[skip..]);
            if let [mono] = stem.as_mut_slice() {
                mono.clear();
                mono.extend(sides[0].iter().zip(sides[1]).map(|(l, r)| 0.5 * (l + r)));
            } else {
                for (channel, side) in stem.iter_mut().zip(sides) {
                    channel.clear();
                    channel.extend_from_slice(side);
                }
            }
        }
    }

    /// Compares the sum of the stems from sample `skip` on with the input.
    fn measure_null(&mut self, skip: usize) {
        for (side, pending) in self.pending.iter_mut().enumerate() {
            self.sum.clear();
            self.sum.resize(self.stems.len() - skip, 0.0);
            for stem in 0..STEM_COUNT {
                let samples = &self.stems.channel(stem, side)[skip..];
                for (sum, sample) in self.sum.iter_mut().zip(samples) {
                    *sum += sample;
                }
            }
            for (sum, expected) in self.sum.iter().zip(pending.drain(..self.sum.len())) {
                self.null_peak = self.null_peak.max((sum - expected).abs());
            }
        }
    }

    pub(super) fn rendered(self, format: AudioFormat, shortfall: Option<Shortfall>) -> Rendered {
        Rendered {
            format,
            frames: self.frames,
            latency_samples: self.engine.latency_samples(),
            onsets: self.onsets,
            input: self.check,
            shortfall,
            null_peak: self.null_peak,
            kit: self.kit,
            differences: None,
        }
    }
}
