//! Weights in the order in which the kernels read them.

use super::{
    convolution::CHANNEL_BLOCK,
    dense::{PANEL, panel_width},
    half,
    operators::ConvShape,
};

/// Widths of the panels of a dense layer with `outputs` outputs, and their
/// first outputs.
fn panels(outputs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outputs)
        .step_by(PANEL)
        .map(move |first| (first, panel_width(outputs - first)))
}

/// Appends the biases of a dense layer, zero for the outputs that fill up the
/// last panel. Allocates.
pub(super) fn pack_biases(packed: &mut Vec<f32>, outputs: usize, bias: impl Fn(usize) -> f32) {
    for (first, width) in panels(outputs) {
        let lanes = first..first + width;
        packed.extend(lanes.map(|o| if o < outputs { bias(o) } else { 0.0 }));
    }
}

/// Appends the weights of a dense layer: panels of [`PANEL`] outputs (the last
/// one of [`panel_width`]), each with one row per input. Outputs beyond the last
/// are zero. Allocates.
///
/// `weight(input, output)` gives a weight.
pub(super) fn pack_full(
    packed: &mut Vec<f32>,
    (inputs, outputs): (usize, usize),
    weight: impl Fn(usize, usize) -> f32,
) {
    for (first, width) in panels(outputs) {
        for input in 0..inputs {
            let lanes = first..first + width;
            packed.extend(lanes.map(|o| if o < outputs { weight(input, o) } else { 0.0 }));
        }
    }
}

/// Appends the same weights at half size; all must [fit](half::fits). The
/// second half of each row shares the words of the first, so that a vector of
/// words becomes two vectors of neighbouring outputs. Allocates.
pub(super) fn pack_half(
    packed: &mut Vec<u32>,
    (inputs, outputs): (usize, usize),
    weight: impl Fn(usize, usize) -> f32,
) {
    for (first, width) in panels(outputs) {
        for input in 0..inputs {
            let weight = |o: usize| if o < outputs { weight(input, o) } else { 0.0 };
            let lanes = first..first + width / 2;
            packed.extend(lanes.map(|o| half::join(weight(o), weight(o + width / 2))));
        }
    }
}

/// Appends the weights of a convolution (`[out, channels, frames, bands]`):
/// panels of [`CHANNEL_BLOCK`] output channels, each with its biases first and
/// then one row per input channel, frame and band. Allocates.
pub(super) fn pack_conv(
    packed: &mut Vec<f32>,
    shape: &ConvShape,
    weights: &[f32],
    bias: impl Fn(usize) -> f32,
) {
    let kernel_len = shape.kernel_len();
    for first in (0..shape.out_channels).step_by(CHANNEL_BLOCK) {
        let lanes = first..first + CHANNEL_BLOCK;
        let inside = |o: usize| o < shape.out_channels;
        packed.extend(lanes.clone().map(|o| if inside(o) { bias(o) } else { 0.0 }));
        for tap in 0..kernel_len {
            packed.extend(lanes.clone().map(|o| {
                if inside(o) {
                    weights[o * kernel_len + tap]
                } else {
                    0.0
                }
            }));
        }
    }
}
