//! The network without the engine around it: activations frame by frame, and
//! their peaks.

use anyhow::Result;
use idm_engine::{
    controls::Quality,
    drum::{DRUM_COUNT, Drum},
    front_end::{FeatureFrame, Framing, FrontEnd, LevelFollower},
    model::Model,
    transcriber::Verdict,
};

use super::systems::{Detection, Estimate};
use crate::{
    kits::SAMPLE_RATE_HZ,
    render::{Hit, Piece},
    training::peaks,
};

/// Onset probability and velocity of one class, one value per frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activation {
    /// Probability of an onset.
    pub onset: Vec<f32>,
    /// Velocity, meaningful at onsets.
    pub velocity: Vec<f32>,
}

/// What `model` says of every frame of `mix` (both channels, 44.1 kHz) at `quality`, per
/// class, through the engine's own executor. Allocates.
///
/// # Errors
/// Never for 44.1 kHz.
pub fn activations(
    mix: [&[f32]; 2],
    model: &Model,
    quality: Quality,
) -> Result<[Activation; DRUM_COUNT]> {
    let framing = Framing::for_rate(SAMPLE_RATE_HZ)?;
    let (hop, long) = (framing.hop_samples, framing.long_window_samples);
    let mut front_end = FrontEnd::new(framing);
    let mut session = model.session(quality);
    let mut features = FeatureFrame::default();
    let mut level = LevelFollower::new(hop as f64 / SAMPLE_RATE_HZ);
    let frames = mix[0].len() / hop;
    let look_ahead = quality.look_ahead_frames();
    let padded = mix.map(|channel| {
        let mut padded = vec![0.0; long - hop];
        padded.extend_from_slice(channel);
        padded.resize(long - hop + (frames + look_ahead) * hop, 0.0);
        padded
    });
    let mut activations: [Activation; DRUM_COUNT] = Default::default();
    for newest in 0..frames + look_ahead {
        let span = newest * hop..newest * hop + long;
        let samples = padded.each_ref().map(|channel| &channel[span.clone()]);
        let newest_hop = samples.iter().flat_map(|samples| &samples[long - hop..]);
        level.hop(newest_hop.fold(0.0, |peak: f32, sample| peak.max(sample.abs())));
        front_end.analyse_louder(samples, level.power_gain(), &mut features);
        session.step(&features.frame, &features.low);
        if newest < look_ahead {
            continue;
        }
        let outputs = session.onset().iter().zip(session.velocity());
        for (class, (onset, velocity)) in activations.iter_mut().zip(outputs) {
            class.onset.push(*onset);
            class.velocity.push(*velocity);
        }
    }
    Ok(activations)
}

/// The peaks of the network's activations as detections: above the model's
/// strict thresholds accepted, above its recall thresholds refused. Allocates.
///
/// # Errors
/// Never for 44.1 kHz.
pub fn network_alone(piece: &Piece, model: &Model, quality: Quality) -> Result<Estimate> {
    let framing = Framing::for_rate(SAMPLE_RATE_HZ)?;
    let thresholds = model.meta().thresholds_of(quality);
    let activations = activations(piece.mix_channels(), model, quality)?;
    let mut detections = Vec::new();
    for (drum, activation) in Drum::ALL.into_iter().zip(&activations) {
        for (frame, confidence) in peaks(&activation.onset) {
            let verdict = if confidence >= thresholds.strict[drum.index()] {
                Verdict::Accepted
            } else if confidence >= thresholds.recall[drum.index()] {
                Verdict::BelowThreshold
            } else {
                continue;
            };
            detections.push(Detection {
                hit: Hit {
                    sample: framing.centre_of(frame as u64).max(0) as usize,
                    drum,
                    velocity: activation.velocity[frame],
                },
                confidence,
                evidence: None,
                verdict,
            });
        }
    }
    Ok(Estimate {
        stems: Vec::new(),
        detections: Some(detections),
    })
}
