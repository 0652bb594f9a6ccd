//! Weights in the order in which the kernels read them.

use super::{
    kernels::{HALF_PANEL, PANEL},
    operators::ConvShape,
};

/// Appends the weights of a dense layer: panels of [`PANEL`] outputs (the last
/// one of [`HALF_PANEL`] if that is enough), each with its biases first and
/// then one row per input. Outputs beyond the last are zero. Allocates.
///
/// `weight(input, output)` gives a weight, `bias(output)` a bias.
pub(super) fn pack_dense(
    packed: &mut Vec<f32>,
    (inputs, outputs): (usize, usize),
    weight: impl Fn(usize, usize) -> f32,
    bias: impl Fn(usize) -> f32,
) {
    for first in (0..outputs).step_by(PANEL) {
        let width = panel_width(outputs - first);
        let lanes = first..first + width;
        packed.extend(
            lanes
                .clone()
                .map(|o| if o < outputs { bias(o) } else { 0.0 }),
        );
        for input in 0..inputs {
            packed.extend(
                lanes
                    .clone()
                    .map(|o| if o < outputs { weight(input, o) } else { 0.0 }),
            );
        }
    }
}

/// Width of the panel that starts `left` outputs before the end.
pub(super) fn panel_width(left: usize) -> usize {
    if left > HALF_PANEL { PANEL } else { HALF_PANEL }
}

/// Appends the weights of a convolution (`[out, channels, frames, bands]`):
/// panels of [`HALF_PANEL`] output channels, each with its biases first and
/// then one row per input channel, frame and band. Allocates.
pub(super) fn pack_conv(
    packed: &mut Vec<f32>,
    shape: &ConvShape,
    weights: &[f32],
    bias: impl Fn(usize) -> f32,
) {
    let kernel_len = shape.kernel_len();
    for first in (0..shape.out_channels).step_by(HALF_PANEL) {
        let lanes = first..first + HALF_PANEL;
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
