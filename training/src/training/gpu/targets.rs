//! What goes to the device before a step, and the losses that come back.

use bytemuck::cast_slice;
use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::BAND_COUNT,
};

use super::{buffers::Buffers, device::Gpu};
use crate::{
    losses::LossConfig,
    network::{Head, MASK_OUTPUTS, MaskRequest, Weights},
    training::{Batch, StepLosses, step::StepPlan},
};

/// Stands for a timbre that is not known, because not-a-number does not survive every
/// driver.
const UNKNOWN: f32 = -1e6;

/// The rows of a batch whose masks are trained.
#[derive(Debug)]
pub struct MaskSlice {
    /// First and last row.
    pub rows: std::ops::Range<usize>,
}

impl MaskSlice {
    /// The rows that `request` asks for.
    pub fn of(batch: &Batch, request: &MaskRequest) -> MaskSlice {
        let size = batch.input.batch;
        let first = request.first_frame * size;
        MaskSlice {
            rows: first..first + request.frames * size,
        }
    }
}

/// Copies weights, inputs and targets. Allocates.
pub fn upload(gpu: &Gpu, buffers: &Buffers, weights: &Weights, batch: &Batch, masks: &MaskSlice) {
    let tensors = weights
        .tensors()
        .iter()
        .map(|tensor| tensor.values.as_slice());
    let all = tensors.collect::<Vec<_>>().concat();
    gpu.write(&buffers.weights, cast_slice(&all));
    gpu.write(&buffers.frame, cast_slice(&batch.input.frame));
    gpu.write(&buffers.low, cast_slice(&batch.input.low));
    gpu.write(&buffers.event_targets[0], cast_slice(&batch.events.onset));
    gpu.write(
        &buffers.event_targets[1],
        cast_slice(&batch.events.velocity),
    );
    let rows = &masks.rows;
    let ratio = &batch.ratio[rows.start * MASK_OUTPUTS..rows.end * MASK_OUTPUTS];
    gpu.write(&buffers.ratio, ratio);
    let power = &batch.mix_power[rows.start * BAND_COUNT..rows.end * BAND_COUNT];
    gpu.write(&buffers.power, cast_slice(power));
    let timbre: Vec<f32> = batch
        .timbre
        .iter()
        .map(|&value| if value.is_nan() { UNKNOWN } else { value })
        .collect();
    gpu.write(&buffers.timbre_targets, cast_slice(&timbre));
}

/// Described rows of `head` and hits among them.
pub fn described(batch: &Batch, head: Head) -> (usize, usize) {
    let input = &batch.input;
    let frames = input.frames.saturating_sub(head.look_ahead_frames());
    let rows = frames * input.batch;
    let onsets = &batch.events.onset[..rows * DRUM_COUNT];
    (rows, onsets.iter().filter(|&&onset| onset >= 1.0).count())
}

/// Known values of the wanted timbre, over all steps.
pub fn known_timbre(batch: &Batch, steps: usize) -> usize {
    let known = batch.timbre.iter().filter(|value| !value.is_nan()).count();
    known * steps
}

/// The losses, from what [`Buffers::wanted`] asks for.
pub fn losses(
    config: &LossConfig,
    batch: &Batch,
    plan: &StepPlan,
    buffers: &Buffers,
    found: &[Vec<f32>],
) -> StepLosses {
    let mut losses = StepLosses::default();
    for head in Head::ALL {
        let (rows, hits) = described(batch, head);
        let parts = found[1 + head.index()].chunks_exact(2);
        let (mut onset, mut velocity) = (0.0_f64, 0.0_f64);
        for pair in parts {
            onset += f64::from(pair[0]);
            velocity += f64::from(pair[1]);
        }
        onset /= rows.max(1) as f64;
        velocity /= hits.max(1) as f64;
        losses.total += f64::from(config.onset) * onset + f64::from(config.velocity) * velocity;
        if head == Head::Standard {
            (losses.onset, losses.velocity) = (onset, velocity);
        }
    }
    let known = known_timbre(batch, plan.embedding_steps.len());
    losses.timbre = found[4].iter().map(|&part| f64::from(part)).sum::<f64>() / known.max(1) as f64;
    let figures = &found[5][buffers.size.0 * STEM_COUNT + 1..];
    let [entropy, distortion, leakage] = [0, 1, 2].map(|at| f64::from(figures[at]));
    let decibels = 10.0 / std::f64::consts::LN_10;
    losses.mask = entropy;
    losses.distortion_db = distortion * decibels;
    losses.leakage_db = leakage * decibels;
    losses.total += f64::from(config.timbre) * losses.timbre
        + f64::from(config.mask) * entropy
        + f64::from(config.distortion) * distortion
        + f64::from(config.leakage) * leakage;
    losses
}
