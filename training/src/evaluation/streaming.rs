//! The engine as a host would run it.

use std::sync::Arc;

use anyhow::{Context, Result};
use idm_engine::{
    controls::{Controls, Quality},
    drum::DRUM_COUNT,
    engine::{Engine, EngineConfig, Events, Stems},
    model::Model,
};

use super::systems::{Detection, Estimate};
use crate::{
    kits::SAMPLE_RATE_HZ,
    render::{Hit, Piece},
};

const BLOCK_SAMPLES: usize = 512;

/// Streams the mixture of `piece` through the engine `passes` times (at least
/// once) and returns the last pass, aligned with the input, with everything that
/// the engine reports of hits.
///
/// # Errors
/// When the engine cannot be made from `model`.
pub fn stream(
    piece: &Piece,
    model: &Arc<Model>,
    quality: Quality,
    passes: usize,
) -> Result<Estimate> {
    let config = EngineConfig {
        sample_rate_hz: SAMPLE_RATE_HZ,
        quality,
        max_block_samples: BLOCK_SAMPLES,
    };
    let mut engine =
        Engine::new(config, Arc::clone(model)).context("the engine refused the model")?;
    engine.set_controls(&Controls::default());
    for _ in 1..passes {
        pass(&mut engine, &piece.mix);
        engine.rewind();
    }
    Ok(pass(&mut engine, &piece.mix))
}

fn pass(engine: &mut Engine, mix: &[f32]) -> Estimate {
    let latency = engine.latency_samples();
    let mut stems = vec![Vec::new(); DRUM_COUNT];
    let mut detections = Vec::new();
    let mut block_stems = Stems::new(BLOCK_SAMPLES);
    let mut events = Events::new();
    // Silence pushes out what the latency still holds.
    let mut padded = mix.to_vec();
    padded.resize(mix.len() + latency, 0.0);
    for block in padded.chunks(BLOCK_SAMPLES) {
        engine.process([block, block], &mut block_stems, &mut events);
        for (stem, out) in stems.iter_mut().enumerate() {
            out.extend_from_slice(block_stems.channel(stem, 0));
        }
        detections.extend(events.hits().iter().map(|hit| Detection {
            hit: Hit {
                sample: hit.onset_sample as usize,
                drum: hit.drum,
                velocity: hit.velocity,
            },
            confidence: hit.confidence,
            verdict: hit.verdict,
        }));
    }
    for stem in &mut stems {
        stem.drain(..latency.min(stem.len()));
    }
    Estimate {
        stems,
        detections: Some(detections),
    }
}
