//! Memory on the device for batches of one size.

use anyhow::{Result, ensure};
use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};
use wgpu::Buffer;

use super::device::Gpu;
use crate::network::{
    CONV_FRAMES, CONV1_BANDS, CONV1_CHANNELS, CONV1_WIDTH, CONV2_BANDS, CONV2_CHANNELS, DETAIL,
    EMBEDDING, EVENT_HIDDEN, FEATURES, Head, MASK_HIDDEN, MASK_OUTPUTS, TIMBRE_OUTPUTS, UNITS,
    Weights, parameter_count,
};

/// Sequences, frames, frames with masks, steps with an embedding.
pub type Size = (usize, usize, usize, usize);

/// Values of unrolled convolution inputs at a time: bounds the memory. Tests are to
/// meet the borders.
const UNROLLED: usize = if cfg!(test) { 200_000 } else { 60_000_000 };
/// Values for the parts of sums over splits.
pub const PARTS: usize = 16_000_000;

/// Buffers of a recurrent layer.
#[derive(Debug)]
pub struct Recurrent {
    /// Projections, gates, gradients of projections: `[rows, 3 * UNITS]`.
    pub gates: Buffer,
    /// A zero state and the states `[batch + rows, UNITS]`, then the recurrent part
    /// of the new gate `[rows, UNITS]`.
    pub states: Buffer,
}

/// All buffers; `rows` are time-major.
#[derive(Debug)]
pub struct Buffers {
    /// What they were made for.
    pub size: Size,
    /// All weights, one after the other.
    pub weights: Buffer,
    /// Their gradients.
    pub gradients: Buffer,
    /// Number of weights.
    pub weight_count: usize,
    /// Input `[batch, frames, BAND_COUNT]`.
    pub frame: Buffer,
    /// Input `[rows, LOW_BAND_COUNT]`.
    pub low: Buffer,
    /// Frames unrolled at a time.
    pub unrolled_frames: usize,
    /// Unrolled inputs of a convolution.
    pub unrolled: Buffer,
    /// `[rows, CONV1_BANDS, CONV1_CHANNELS]`, and its gradient.
    pub conv1: [Buffer; 2],
    /// `[rows, CONV2_BANDS, CONV2_CHANNELS]`, and its gradient.
    pub conv2: [Buffer; 2],
    /// `[rows, FEATURES]`, and its gradient.
    pub features: [Buffer; 2],
    /// `[rows, UNITS]`, and its gradient.
    pub code: [Buffer; 2],
    /// The recurrent layers.
    pub layers: [Recurrent; 2],
    /// Packed recurrent weights.
    pub packed: Buffer,
    /// Sum of both layers' states `[rows, UNITS]`, and its gradient.
    pub state: [Buffer; 2],
    /// Gradient through a recurrent layer.
    pub through: Buffer,
    /// A zero frame and the detail codes, and their gradients.
    pub detail: [Buffer; 2],
    /// Inputs of a head, and their gradient.
    pub known: [Buffer; 2],
    /// Hidden layer of a head, and its gradient.
    pub hidden: [Buffer; 2],
    /// Logits of a head's events, and their gradient.
    pub events: [Buffer; 2],
    /// Logits of the masks, and masks or their gradient.
    pub masks: [Buffer; 2],
    /// Onset and velocity targets `[rows, DRUM_COUNT]`.
    pub event_targets: [Buffer; 2],
    /// Shares of the stems, four to a value.
    pub ratio: Buffer,
    /// Power of the mixture.
    pub power: Buffer,
    /// Figures of the mask loss per row, per sequence, and its factors.
    pub figures: [Buffer; 3],
    /// States, embeddings and timbre at the wanted steps, each with its gradient.
    pub kit: [[Buffer; 2]; 3],
    /// Wanted timbre.
    pub timbre_targets: Buffer,
    /// Parts of sums.
    pub parts: Buffer,
    /// Event losses of the heads, and timbre losses, by workgroup.
    pub losses: [Buffer; 4],
    /// How many losses there are in each.
    pub loss_counts: [usize; 4],
}

impl Buffers {
    /// Allocates on the device.
    ///
    /// # Errors
    /// A size that the device has no room for in one buffer.
    pub fn new(gpu: &Gpu, weights: &Weights, size: Size) -> Result<Buffers> {
        let (batch, frames, mask_frames, steps) = size;
        let rows = batch * frames;
        let inputs = Head::ALL.map(Head::inputs).into_iter().max().unwrap_or(0);
        let unrolled_1 = CONV1_BANDS * CONV_FRAMES * CONV1_WIDTH;
        let unrolled_2 = CONV2_BANDS * CONV1_CHANNELS * CONV_FRAMES * 3;
        let largest_frame = batch * unrolled_1.max(unrolled_2);
        let unrolled_frames = (UNROLLED.min(gpu.most_values()) / largest_frame).clamp(1, frames);
        let hidden = EVENT_HIDDEN.max(MASK_HIDDEN);
        let largest = rows * (CONV1_BANDS * CONV1_CHANNELS).max(inputs).max(FEATURES);
        let largest = largest.max(largest_frame);
        ensure!(
            largest <= gpu.most_values(),
            "a batch of {batch} pieces of {frames} frames: expected at most {} values in a buffer of {}, found {largest}; fewer or shorter pieces take less",
            gpu.most_values(),
            gpu.name()
        );
        let pair = |count: usize| [gpu.buffer(count), gpu.buffer(count)];
        let weight_count = parameter_count(weights);
        let loss_counts: [usize; 4] = [
            2 * event_groups(batch, frames, Head::Low),
            2 * event_groups(batch, frames, Head::Standard),
            2 * event_groups(batch, frames, Head::High),
            groups(steps * batch * TIMBRE_OUTPUTS),
        ];
        let layer = || Recurrent {
            gates: gpu.buffer(rows * 3 * UNITS),
            states: gpu.buffer((2 * rows + batch) * UNITS),
        };
        let figures = 3 + 2 * STEM_COUNT;
        Ok(Buffers {
            size,
            weights: gpu.buffer(weight_count),
            gradients: gpu.buffer(weight_count),
            weight_count,
            frame: gpu.buffer(rows * BAND_COUNT),
            low: gpu.buffer(rows * LOW_BAND_COUNT),
            unrolled_frames,
            unrolled: gpu.buffer(unrolled_frames * largest_frame),
            conv1: pair(rows * CONV1_BANDS * CONV1_CHANNELS),
            conv2: pair(rows * CONV2_BANDS * CONV2_CHANNELS),
            features: pair(rows * FEATURES),
            code: pair(rows * UNITS),
            layers: [layer(), layer()],
            packed: gpu.buffer(UNITS * 3 * UNITS / 2),
            state: pair(rows * UNITS),
            through: gpu.buffer(rows * UNITS),
            detail: pair((rows + batch) * DETAIL),
            known: pair(rows * inputs),
            hidden: pair(rows * hidden),
            events: pair(rows * 2 * DRUM_COUNT),
            masks: pair(mask_frames * batch * MASK_OUTPUTS),
            event_targets: pair(rows * DRUM_COUNT),
            ratio: gpu.buffer(mask_frames * batch * MASK_OUTPUTS / 4),
            power: gpu.buffer(mask_frames * batch * BAND_COUNT),
            figures: [
                gpu.buffer(mask_frames * batch * figures),
                gpu.buffer(batch * figures),
                gpu.buffer(batch * STEM_COUNT + 4),
            ],
            kit: [
                pair(steps * batch * UNITS),
                pair(steps * batch * EMBEDDING),
                pair(steps * batch * TIMBRE_OUTPUTS),
            ],
            timbre_targets: gpu.buffer(batch * TIMBRE_OUTPUTS),
            parts: gpu.buffer(PARTS),
            losses: loss_counts.map(|count| gpu.buffer(count)),
            loss_counts,
        })
    }

    /// What a step reads back: gradients, event losses per head, timbre losses, and the
    /// figures of the masks.
    pub fn wanted(&self) -> Vec<(&Buffer, usize)> {
        let mut wanted = vec![(&self.gradients, self.weight_count)];
        for (buffer, &count) in self.losses.iter().zip(&self.loss_counts) {
            wanted.push((buffer, count.max(1)));
        }
        wanted.push((&self.figures[2], self.size.0 * STEM_COUNT + 4));
        wanted
    }
}

/// Workgroups of a kernel over `count` values, as they are spread.
fn groups(count: usize) -> usize {
    let spread = super::device::spread(count.div_ceil(256));
    spread[0] * spread[1]
}

fn event_groups(batch: usize, frames: usize, head: Head) -> usize {
    groups(frames.saturating_sub(head.look_ahead_frames()) * batch * DRUM_COUNT)
}
