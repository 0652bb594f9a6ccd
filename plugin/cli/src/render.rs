//! A file through the engine, exactly as a host would stream it, with the
//! latency taken out again.

mod corrections;
mod stream;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use idm_engine::audio_file::{AudioReader, Shortfall};
use idm_engine::controls::{Controls, HitSource, Quality};
use idm_engine::drum::Drum;
use idm_engine::engine::{Engine, EngineConfig};
use idm_engine::front_end::{MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};
use idm_engine::learner::LearntKit;
use idm_engine::model::Model;
use idm_engine::one_shots::{OneShot, OwnSounds};

use crate::hits::{GivenHits, HitsRole, WrittenHit};
use crate::input_check::InputCheck;
use crate::interrupt;
use crate::onset::Onset;
pub use corrections::Differences;
use corrections::{Corrections, Word};
use stream::Stream;

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
    /// Hits that are known.
    pub hits: GivenHits,
    /// Whether each begins where its drum does nearby, if all of them are given.
    pub hits_snap: bool,
    /// What they are for; all of them only if the controls say that hits are given.
    pub hits_role: HitsRole,
    /// Where they end and the engine listens; none: they are all.
    pub hits_until_s: Option<f64>,
}

impl Settings {
    /// Whether all stems come from the recording, so that their sum is the input.
    pub fn is_separated(&self) -> bool {
        self.controls.drums.iter().all(|drum| drum.blend == 0.0)
    }

    /// Whether any hit that is known lies in the `frames` of a file.
    fn expect_hits_within(&self, frames: u64, rate_hz: f64) -> Result<()> {
        let is_inside = |hit: &WrittenHit| hit.sample(rate_hz) < frames;
        if let Some(first) = self.hits.first().filter(|hit| !is_inside(hit)) {
            bail!(
                "{}: expected hits within the file's {:.3} s, found the first at {:.3} s",
                self.hits_role.option(),
                frames as f64 / rate_hz,
                first.time_s
            );
        }
        Ok(())
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
    /// What corrected hits had against those that were heard, if there were any.
    pub differences: Option<Differences>,
}

/// What is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file.
    pub path: &'a Path,
    /// The network and its one-shots.
    pub model: &'a Arc<Model>,
    /// The kit with which the engine begins, if it is known.
    pub kit: Option<&'a LearntKit>,
}

/// Streams a file through a new engine, `settings.passes` times.
/// Every pass begins with the kit that was learnt in the one before.
/// `progress` is told the frames done and the frames in all, where known.
/// If hits are corrected, all of that is done before without a sink, to learn what is heard
/// without them; then the engine is told the differences.
///
/// # Errors
/// A file that cannot be read or processed, given hits of which none is in it, a sink
/// that fails, Ctrl-C.
pub fn render(
    source: &Source<'_>,
    settings: &Settings,
    sink: &mut dyn Sink,
    progress: &dyn Fn(u64, Option<u64>),
) -> Result<Rendered> {
    let option = settings.hits_role.option();
    let is_given = settings.controls.hits == HitSource::Given;
    let is_corrected = settings.hits_role == HitsRole::Corrected;
    ensure!(
        !(is_given || is_corrected) || !settings.hits.is_empty(),
        "{option}: expected at least one hit of a drum, found none"
    );
    if !is_corrected {
        return hear(source, settings, &[], sink, progress);
    }
    let twice = |done, total: Option<u64>| progress(done, total.map(|all| all.saturating_mul(2)));
    let heard = hear(source, settings, &[], &mut Deaf, &twice)?;
    let rate_hz = heard.format.sample_rate_hz;
    settings.expect_hits_within(heard.frames, rate_hz)?;
    let enabled = settings.controls.drums.map(|drum| drum.enabled);
    let corrections = Corrections::between(
        &heard.onsets,
        &settings.hits,
        &enabled,
        rate_hz,
        heard.frames,
    );
    let before = heard.frames.saturating_mul(u64::from(settings.passes));
    let on = |done, total: Option<u64>| {
        progress(before + done, total.map(|all| all.saturating_add(before)));
    };
    let mut rendered = hear(source, settings, &corrections.words, sink, &on)?;
    rendered.differences = Some(corrections.differences);
    Ok(rendered)
}

/// [`render`] of an engine that is told `corrections` if it listens.
fn hear(
    source: &Source<'_>,
    settings: &Settings,
    corrections: &[Word],
    sink: &mut dyn Sink,
    progress: &dyn Fn(u64, Option<u64>),
) -> Result<Rendered> {
    let is_given = settings.controls.hits == HitSource::Given;
    let path = source.path;
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
        Engine::new(config, source.model.clone()).with_context(|| path.display().to_string())?;
    engine.set_offline(true);
    engine.set_controls(&settings.controls);
    if let Some(kit) = source.kit {
        engine.restore_kit(kit.clone());
    }
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
    let words = if is_given {
        let hits = settings.hits.iter();
        let snaps = settings.hits_snap;
        hits.map(|hit| Word::hit(hit, format.sample_rate_hz, snaps))
            .collect()
    } else {
        corrections.to_vec()
    };
    let mut stream = Stream::new(engine, format.channels, settings.block_samples, words);
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
            settings.expect_hits_within(stream.frames(), format.sample_rate_hz)?;
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

    /// For how many of the hits that are known the file is too short, in one line.
    pub fn hits_beyond_end(&self, settings: &Settings) -> Option<String> {
        let given = &settings.hits;
        let rate_hz = self.format.sample_rate_hz;
        let length_s = self.frames as f64 / rate_hz;
        let is_beyond = |hit: &&WrittenHit| hit.sample(rate_hz) >= self.frames;
        let beyond = given.iter().filter(is_beyond).count();
        (beyond > 0).then(|| {
            format!(
                "{}: {beyond} of {} hits lie after the end of the file, which has {length_s:.3} s",
                settings.hits_role.option(),
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
