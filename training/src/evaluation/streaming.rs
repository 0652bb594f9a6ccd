//! The engine as a host would run it.

use std::{ops::Range, sync::Arc};

use anyhow::{Context, Result, ensure};
use idm_engine::{
    controls::{Controls, HitSource, Quality},
    drum::DRUM_COUNT,
    engine::{Engine, EngineConfig, Events, Stems},
    experiment::{Experiment, MaskSource},
    model::Model,
    one_shots::{Bank, OneShot},
};

use super::{
    corrections::Correction,
    material::Excerpt,
    systems::{Detection, Estimate},
};
use crate::{kits::SAMPLE_RATE_HZ, random::Random, render::Hit};

const BLOCK_SAMPLES: usize = 512;

/// How far loose hits are off: the standard deviation, and the most.
const LOOSE_S: f32 = 0.008;
const LOOSEST_S: f32 = 0.018;

/// What is heard before an excerpt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Another performance on its kit.
    SameKit,
    /// A performance on another kit.
    OtherKit,
}

/// How the engine is run, and what it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineRun {
    /// Trade between latency and certainty.
    pub quality: Quality,
    /// Times the excerpt is heard; the last counts.
    pub passes: usize,
    /// Which masks are used.
    pub masks: MaskSource,
    /// Whether the last pass begins with the kit of those before, as a project that was
    /// saved and opened again does, and learns no more.
    pub saved_kit: bool,
    /// Whether it begins with a kit that it learnt from another performance, and goes on
    /// learning.
    pub before: Option<Before>,
    /// Whether both channels have the same mask.
    pub one_mask: bool,
    /// Whether sounds that repeat are left to the masks.
    pub masks_only: bool,
    /// Whether one-shots are played in place of what is separated.
    pub resynthesised: bool,
    /// What it is told of the hits.
    pub told: ToldHits,
    /// Whether it begins with the true kit, if that is known.
    pub true_kit: bool,
}

/// What the engine is told of the hits of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToldHits {
    /// Nothing: it listens.
    Nothing,
    /// All of them.
    True,
    /// All of them, some milliseconds off.
    Loose,
    /// The same, to be moved to where their drums begin nearby.
    Snapped,
}

impl ToldHits {
    /// What that is, of a piece with these `hits`, in order of time.
    fn hits(self, hits: &[Hit]) -> Vec<Hit> {
        let random = &mut Random::new(&[hits.len() as u64, 0x1005e]);
        let mut off = |hit: &Hit| {
            let off_s = (LOOSE_S * random.normal()).clamp(-LOOSEST_S, LOOSEST_S);
            let off = (f64::from(off_s) * SAMPLE_RATE_HZ) as isize;
            Hit {
                sample: hit.sample.saturating_add_signed(off),
                ..*hit
            }
        };
        let mut told: Vec<Hit> = match self {
            ToldHits::Nothing => Vec::new(),
            ToldHits::True => hits.to_vec(),
            ToldHits::Loose | ToldHits::Snapped => hits.iter().map(&mut off).collect(),
        };
        told.sort_by_key(|hit| hit.sample);
        told
    }
}

impl Default for EngineRun {
    fn default() -> Self {
        EngineRun {
            quality: Quality::Standard,
            passes: 1,
            masks: MaskSource::Both,
            saved_kit: false,
            before: None,
            one_mask: false,
            masks_only: false,
            resynthesised: false,
            told: ToldHits::Nothing,
            true_kit: false,
        }
    }
}

/// Streams the mixture of `excerpt` through the engine and returns the last
/// pass, aligned with the input, with everything that the engine reports of
/// hits. Allocates.
///
/// # Errors
/// When the engine cannot be made from `model`, or the true kit is wanted and
/// not known.
pub fn stream(excerpt: &Excerpt, model: &Arc<Model>, run: &EngineRun) -> Result<Estimate> {
    let bank = match &excerpt.true_kit {
        Some(kit) if run.true_kit => Some(Arc::new(bank_of(kit)?)),
        None if run.true_kit => anyhow::bail!("the kit of this material is not known"),
        _ => None,
    };
    let experiment = Experiment {
        masks: run.masks,
        one_mask: run.one_mask,
        masks_only: run.masks_only,
        bank,
    };
    let mut engine = new_engine(SAMPLE_RATE_HZ, run.quality, model, experiment.clone())?;
    let piece = &excerpt.piece;
    let hits = &run.told.hits(&piece.hits)[..];
    let mut controls = Controls::default();
    if run.told != ToldHits::Nothing {
        controls.hits = HitSource::Given;
    }
    let snaps = run.told == ToldHits::Snapped;
    if run.resynthesised {
        for drum in &mut controls.drums {
            drum.blend = 1.0;
        }
    }
    engine.set_controls(&controls);
    if let Some(before) = run.before {
        let heard = match before {
            Before::SameKit => &excerpt.another,
            Before::OtherKit => &excerpt.foreign,
        };
        let heard = heard.as_ref();
        let heard = heard.context("no other performance is known for this material")?;
        listen(&mut engine, heard.mix_channels(), &[], false, false);
        let kit = engine.finish_learning();
        engine = new_engine(SAMPLE_RATE_HZ, run.quality, model, experiment.clone())?;
        engine.set_controls(&controls);
        engine.restore_kit((*kit).clone());
    }
    for pass in 1..run.passes {
        listen(&mut engine, piece.mix_channels(), hits, snaps, false);
        // Hits are counted anew from there on.
        if !(run.saved_kit && pass + 1 == run.passes) {
            engine.rewind();
        }
    }
    if run.saved_kit {
        let kit = engine.finish_learning();
        engine = new_engine(SAMPLE_RATE_HZ, run.quality, model, experiment)?;
        engine.set_controls(&Controls {
            learning: false,
            ..controls
        });
        engine.restore_kit((*kit).clone());
    }
    // Of a whole song they are large, and without stems to compare with of no use.
    let with_stems = piece.stems.iter().any(|stem| !stem.is_empty());
    Ok(listen(
        &mut engine,
        piece.mix_channels(),
        hits,
        snaps,
        with_stems,
    ))
}

/// An engine with default controls. Allocates.
///
/// # Errors
/// An unsupported rate, a model that cannot be run.
pub fn new_engine(
    sample_rate_hz: f64,
    quality: Quality,
    model: &Arc<Model>,
    experiment: Experiment,
) -> Result<Engine> {
    let config = EngineConfig {
        sample_rate_hz,
        quality,
    };
    let mut engine = Engine::for_experiment(config, Arc::clone(model), experiment)
        .context("the engine refused the model")?;
    engine.set_offline(true);
    engine.set_controls(&Controls::default());
    Ok(engine)
}

/// The bank of a known kit; drums that it lacks become a click that cannot be
/// heard. Allocates.
///
/// # Errors
/// Sounds that are no one-shots.
pub fn bank_of(kit: &[Vec<f32>; DRUM_COUNT]) -> Result<Bank> {
    ensure!(
        kit.iter().any(|sound| !sound.is_empty()),
        "the kit has no sound at all"
    );
    let one_shots: Vec<OneShot> = kit
        .iter()
        .map(|sound| {
            let audible = if sound.is_empty() {
                vec![1e-6; 64]
            } else {
                sound.clone()
            };
            OneShot::new(SAMPLE_RATE_HZ, vec![audible])
        })
        .collect::<Result<_, _>>()?;
    Ok(Bank::new(&one_shots, SAMPLE_RATE_HZ)?)
}

/// Lets the engine hear `samples` (mono, at its rate) and go on later; what it
/// says is dropped. Allocates.
pub fn hear(engine: &mut Engine, samples: &[f32]) {
    let mut stems = Stems::new(BLOCK_SAMPLES);
    let mut events = Events::new(BLOCK_SAMPLES);
    for block in samples.chunks(BLOCK_SAMPLES) {
        engine.process([block, block], &mut stems, &mut events);
    }
}

/// Streams `mix` (one slice twice if mono; at the engine's rate), tells the engine
/// `hits` (in order of time) if it wants any, and returns signals (as those of a
/// [`crate::render::Piece`]) and detections in the time of the input. Allocates.
pub fn pass(engine: &mut Engine, mix: [&[f32]; 2], hits: &[Hit]) -> Estimate {
    listen(engine, mix, hits, false, true)
}

/// [`pass`], of hits that begin where they are or nearby, with signals or without.
fn listen(
    engine: &mut Engine,
    mix: [&[f32]; 2],
    hits: &[Hit],
    snaps: bool,
    with_stems: bool,
) -> Estimate {
    let mut hits = hits.iter().peekable();
    told(engine, mix, with_stems, |engine, block| {
        while let Some(hit) = hits.next_if(|hit| hit.sample < block.end) {
            let offset = hit.sample - block.start;
            match snaps {
                true => engine.place_hit(offset, hit.drum, None),
                false => engine.give_hit(offset, hit.drum, None),
            };
        }
    })
}

/// [`pass`] of an engine that listens and is told `corrections` (in order of time).
/// Allocates.
pub fn pass_corrected(
    engine: &mut Engine,
    mix: [&[f32]; 2],
    corrections: &[Correction],
) -> Estimate {
    let mut corrections = corrections.iter().peekable();
    told(engine, mix, true, |engine, block| {
        while let Some(correction) = corrections.next_if(|next| next.sample < block.end) {
            let offset = correction.sample - block.start;
            if correction.is_hit {
                engine.give_hit(offset, correction.drum, None);
            } else {
                engine.remove_hit(offset, correction.drum);
            }
        }
    })
}

/// Streams `mix`; before each block `tell` may say something about it. Signals are returned
/// if they are wanted.
fn told(
    engine: &mut Engine,
    mix: [&[f32]; 2],
    with_stems: bool,
    mut tell: impl FnMut(&mut Engine, Range<usize>),
) -> Estimate {
    let latency = engine.latency_samples();
    let is_mono = std::ptr::eq(mix[0], mix[1]);
    let mut stems = vec![[Vec::new(), Vec::new()]; DRUM_COUNT];
    let mut detections = Vec::new();
    let mut block_stems = Stems::new(BLOCK_SAMPLES);
    let mut events = Events::new(BLOCK_SAMPLES);
    // Silence pushes out what the latency still holds.
    let padded = mix.map(|channel| {
        let mut padded = channel.to_vec();
        padded.resize(channel.len() + latency, 0.0);
        padded
    });
    let blocks = padded[0]
        .chunks(BLOCK_SAMPLES)
        .zip(padded[1].chunks(BLOCK_SAMPLES));
    for (index, (left, right)) in blocks.enumerate() {
        let start = index * BLOCK_SAMPLES;
        tell(engine, start..start + left.len());
        engine.process([left, right], &mut block_stems, &mut events);
        for (stem, out) in stems.iter_mut().enumerate().filter(|_| with_stems) {
            for (channel, out) in out.iter_mut().enumerate() {
                out.extend_from_slice(block_stems.channel(stem, channel));
            }
        }
        detections.extend(events.hits().iter().map(|hit| Detection {
            hit: Hit {
                sample: hit.onset_sample as usize,
                drum: hit.drum,
                velocity: hit.velocity,
            },
            confidence: hit.confidence,
            evidence: Some((hit.network, hit.evidence)),
            verdict: hit.verdict,
        }));
    }
    let aligned = |channel: &Vec<f32>| channel[latency.min(channel.len())..].to_vec();
    let stems = stems.iter().map(|[left, right]| {
        let mut stem = aligned(left);
        if !is_mono {
            stem.extend(aligned(right));
        }
        stem
    });
    Estimate {
        stems: if with_stems {
            stems.collect()
        } else {
            Vec::new()
        },
        detections: Some(detections),
    }
}
