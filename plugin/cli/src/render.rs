//! A file through the engine, exactly as a host would stream it, with the
//! latency taken out again.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use idm_engine::audio_file::{AudioReader, Shortfall};
use idm_engine::controls::{Controls, HitSource, Quality};
use idm_engine::drum::{Drum, STEM_COUNT};
use idm_engine::engine::{Engine, EngineConfig, Events, Stems, Verdict};
use idm_engine::front_end::{MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};
use idm_engine::learner::LearntKit;
use idm_engine::model::Model;
use idm_engine::one_shots::{OneShot, OwnSounds};

use crate::hits::{GivenHits, WrittenHit};
use crate::input_check::InputCheck;
use crate::interrupt;
use crate::onset::{self, Onset};

/// Hits that the engine is told at once; it remembers twice as many.
const TOLD_AT_ONCE: usize = 512;

/// Largest share of the input's peak that may be missing from the sum of the stems:
/// rounding stays 20 dB below it.
const WORST_NULL: f32 = 1e-5;

/// How a file is rendered.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The engine's quality.
    pub quality: Quality,
    /// Samples per call of the engine.
    pub block_samples: usize,
    /// How often the file is heard; only the last time counts.
    pub passes: u32,
    /// The engine's settings.
    pub controls: Controls,
    /// Samples in place of drums.
    pub own: Vec<(Drum, Vec<Arc<OneShot>>)>,
    /// Hits, if the controls say that they are given.
    pub hits: GivenHits,
    /// Where they end and the engine listens; none: they are all.
    pub hits_until_s: Option<f64>,
}

impl Settings {
    /// Whether all stems come from the recording, so that their sum is the input.
    pub fn is_separated(&self) -> bool {
        self.controls.drums.iter().all(|drum| drum.blend == 0.0)
    }
}

/// Rate and channels of a file, known before the first sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioFormat {
    /// 8 to 192 kHz.
    pub sample_rate_hz: f64,
    /// 1 or 2.
    pub channels: usize,
    /// Length of the file as far as it is announced; may be an estimate.
    pub announced_frames: Option<u64>,
}

/// Samples of shape `(STEM_COUNT, channels, frames)`.
pub type Stretch = Vec<Vec<Vec<f32>>>;

/// What takes the results of the last pass.
pub trait Sink {
    /// Called once before the first block.
    ///
    /// # Errors
    /// Ends the rendering.
    fn begin(&mut self, format: AudioFormat) -> Result<()>;

    /// Called for every stretch in the time of the input, gapless and in order. `stems` may be
    /// left as it is, or others of its shape in its place.
    ///
    /// # Errors
    /// Ends the rendering.
    fn block(&mut self, stems: &mut Stretch) -> Result<()>;
}

/// What is known after a rendering.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Rate and channels.
    pub format: AudioFormat,
    /// Length of the file.
    pub frames: u64,
    /// Latency that was taken out.
    pub latency_samples: usize,
    /// Accepted hits in order of time.
    pub onsets: Vec<Onset>,
    /// What its samples are like.
    pub input: InputCheck,
    /// What the file lacks at its end or in between.
    pub shortfall: Option<Shortfall>,
    /// Largest difference between the sum of all stems and the input.
    pub null_peak: f32,
    /// One-shots that were learnt, last of all from the end of the file.
    pub kit: Arc<LearntKit>,
}

/// Streams the file at `path` through a new engine, `settings.passes` times.
/// Every pass begins with the kit that was learnt in the one before.
/// `progress` is told the frames done and the frames in all, where known.
///
/// # Errors
/// A file that cannot be read or processed, given hits of which none is in it, a sink
/// that fails, Ctrl-C.
pub fn render(
    path: &Path,
    model: &Arc<Model>,
    settings: &Settings,
    sink: &mut dyn Sink,
    progress: &dyn Fn(u64, Option<u64>),
) -> Result<Rendered> {
    let is_given = settings.controls.hits == HitSource::Given;
    ensure!(
        !is_given || !settings.hits.is_empty(),
        "--hits: expected at least one hit of a drum, found none"
    );
    let mut reader = AudioReader::open(path)?;
    let format = AudioFormat {
        sample_rate_hz: reader.sample_rate_hz(),
        channels: reader.channels(),
        announced_frames: reader.announced_frames(),
    };
    if !(MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&format.sample_rate_hz) {
        bail!(
            "{}: sample rate: expected {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz, found {} Hz",
            path.display(),
            format.sample_rate_hz
        );
    }
    let config = EngineConfig {
        sample_rate_hz: format.sample_rate_hz,
        quality: settings.quality,
    };
    let mut engine =
        Engine::new(config, model.clone()).with_context(|| path.display().to_string())?;
    engine.set_offline(true);
    engine.set_controls(&settings.controls);
    let until = settings.hits_until_s;
    engine.listen_from(until.map(|seconds| (seconds * format.sample_rate_hz).round() as u64));
    let own = OwnSounds::new(&settings.own, format.sample_rate_hz)
        .with_context(|| path.display().to_string())?;
    engine.set_own_sounds(&Arc::new(own));
    sink.begin(format)?;

    let total = format
        .announced_frames
        .map(|frames| frames.saturating_mul(u64::from(settings.passes)));
    let mut done = 0;
    let mut stream = Stream::new(engine, format.channels, settings);
    for pass in 1..=settings.passes {
        if pass > 1 {
            stream.rewind();
            reader = AudioReader::open(path)?;
        }
        let mut deaf = Deaf;
        let sink: &mut dyn Sink = if pass == settings.passes {
            sink
        } else {
            &mut deaf
        };
        while let Some(packet) = reader.next_packet()? {
            interrupt::check()?;
            stream.feed(packet, sink)?;
            done += packet[0].len() as u64;
            progress(done, total);
        }
        if is_given {
            stream.check_hits()?;
        }
        stream.finish(sink)?;
    }
    Ok(stream.rendered(format, reader.shortfall()))
}

impl Rendered {
    /// Whether the stems add up to the input.
    ///
    /// # Errors
    /// They do not, at the level of the input (of full scale where that is lower).
    pub fn check_null(&self) -> Result<()> {
        let limit = WORST_NULL * self.input.peak.max(1.0);
        ensure!(
            self.null_peak <= limit,
            "null test: expected stems that add up to the input within {limit} (100 dB below a \
             peak of {}), found {} between them",
            self.input.peak.max(1.0),
            self.null_peak
        );
        Ok(())
    }

    /// What the file lacks, in one line.
    pub fn missing(&self) -> Option<String> {
        let rate_hz = self.format.sample_rate_hz;
        let found_s = self.frames as f64 / rate_hz;
        self.shortfall.map(|shortfall| match shortfall {
            Shortfall::Frames { expected } => format!(
                "cut off or damaged: expected {:.3} s, found {found_s:.3} s; what follows a \
                 damaged place comes too early",
                expected as f64 / rate_hz
            ),
            Shortfall::Unfinished => format!(
                "not finished: expected its length in the header, found none; {found_s:.3} s \
                 were read"
            ),
            Shortfall::NoEnd => {
                format!("cut off: expected the mark of its end, found none after {found_s:.3} s")
            }
        })
    }

    /// How many of the `given` hits the file is too short for, in one line.
    pub fn hits_beyond_end(&self, given: &[WrittenHit]) -> Option<String> {
        let rate_hz = self.format.sample_rate_hz;
        let length_s = self.frames as f64 / rate_hz;
        let is_beyond = |hit: &&WrittenHit| hit.sample(rate_hz) >= self.frames;
        let beyond = given.iter().filter(is_beyond).count();
        (beyond > 0).then(|| {
            format!(
                "--hits: {beyond} of {} hits lie after the end of the file, which has {length_s:.3} s",
                given.len()
            )
        })
    }
}

/// Takes no notice: for passes in which the engine only learns.
#[derive(Debug)]
pub struct Deaf;

impl Sink for Deaf {
    fn begin(&mut self, _: AudioFormat) -> Result<()> {
        Ok(())
    }

    fn block(&mut self, _: &mut Stretch) -> Result<()> {
        Ok(())
    }
}

/// The engine with what it takes to feed it blocks of one size and to align
/// its output.
struct Stream {
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
    /// Hits to tell the engine, and how many it knows.
    given: GivenHits,
    told: usize,
    onsets: Vec<Onset>,
    check: InputCheck,
    null_peak: f32,
    kit: Arc<LearntKit>,
}

impl Stream {
    fn new(engine: Engine, channels: usize, settings: &Settings) -> Stream {
        let block_samples = settings.block_samples;
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
            given: settings.hits.clone(),
            told: 0,
            onsets: Vec::new(),
            check: InputCheck::default(),
            null_peak: 0.0,
            kit: Arc::default(),
        }
    }

    /// Back to the first sample, with the kit that was learnt.
    fn rewind(&mut self) {
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
    fn feed(&mut self, packet: &[Vec<f32>], sink: &mut dyn Sink) -> Result<()> {
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
    fn finish(&mut self, sink: &mut dyn Sink) -> Result<()> {
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
            let samples = self.tell_hits()?;
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

    /// Whether any given hit lies in what was heard, all of the file.
    fn check_hits(&self) -> Result<()> {
        let rate_hz = self.engine.config().sample_rate_hz;
        let is_inside = |hit: &WrittenHit| hit.sample(rate_hz) < self.frames;
        if let Some(first) = self.given.first().filter(|hit| !is_inside(hit)) {
            bail!(
                "--hits: expected hits within the file's {:.3} s, found the first at {:.3} s",
                self.frames as f64 / rate_hz,
                first.time_s
            );
        }
        Ok(())
    }

    /// Tells the engine hits of the block; gives the samples up to the first that it is
    /// not told yet.
    ///
    /// # Errors
    /// More hits at a time than the engine remembers.
    fn tell_hits(&mut self) -> Result<usize> {
        let rate_hz = self.engine.config().sample_rate_hz;
        let block = self.input[0].len();
        for count in 0.. {
            let Some(hit) = self.given.get(self.told) else {
                break;
            };
            let sample = hit.sample(rate_hz);
            let offset = sample.saturating_sub(self.processed) as usize;
            if offset >= block {
                break;
            }
            if count == TOLD_AT_ONCE {
                return Ok(offset.max(1));
            }
            if !self.engine.give_hit(offset, hit.drum, hit.velocity) {
                bail!(
                    "hits: expected at most {TOLD_AT_ONCE} at a time, found more around {} s",
                    hit.time_s
                );
            }
            self.told += 1;
        }
        Ok(block)
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

    fn rendered(self, format: AudioFormat, shortfall: Option<Shortfall>) -> Rendered {
        Rendered {
            format,
            frames: self.frames,
            latency_samples: self.engine.latency_samples(),
            onsets: self.onsets,
            input: self.check,
            shortfall,
            null_peak: self.null_peak,
            kit: self.kit,
        }
    }
}
