//! The arithmetic of the network on plain slices.
//!
//! Each kernel is compiled for several instruction sets and picks the best one
//! at run time. Every result is a sum in an order that does not depend on the
//! vector width nor on how the work is divided, so that all processors with
//! fused multiply-add (and every partition into stages) give the same bits.
//!
//! All functions are real-time safe.

// The macro that compiles a function for several instruction sets calls the
// copies through `unsafe`, after it has asked the processor what it has.
#![allow(unsafe_code)]

use std::ops::Range;

use multiversion::{multiversion, target::match_target};

use super::{
    math,
    operators::{Binary, ConvShape, Unary},
};

/// Outputs that a dense layer computes together.
pub(super) const PANEL: usize = 32;

/// Outputs of a narrow last panel of a dense layer, and output channels that a
/// convolution computes together.
pub(super) const HALF_PANEL: usize = 16;

/// Bands of a convolution's result that are computed together.
pub(super) const BAND_BLOCK: usize = 8;

#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// One panel of a dense layer: `block` holds the biases of `W` outputs and
/// then, for each input, the `W` weights.
#[inline(always)]
fn dense_panel<const W: usize, const FUSED: bool>(
    input: &[f32],
    block: &[f32],
    output: &mut [f32],
) {
    let (bias, weights) = block.split_at(W);
    // Two partial sums per output hide the latency of the additions.
    let mut even = [0.0; W];
    let mut odd = [0.0; W];
    even.copy_from_slice(bias);
    let pairs = input.chunks_exact(2);
    let rest = pairs.remainder();
    let columns = weights.chunks_exact(2 * W);
    let last = columns.remainder();
    for (pair, column) in pairs.zip(columns) {
        let (first, second) = column.split_at(W);
        for lane in 0..W {
            even[lane] = multiply_add::<FUSED>(pair[0], first[lane], even[lane]);
        }
        for lane in 0..W {
            odd[lane] = multiply_add::<FUSED>(pair[1], second[lane], odd[lane]);
        }
    }
    if let [x] = rest
        && last.len() == W
    {
        for lane in 0..W {
            even[lane] = multiply_add::<FUSED>(*x, last[lane], even[lane]);
        }
    }
    for ((output, even), odd) in output.iter_mut().zip(even).zip(odd) {
        *output = even + odd;
    }
}

#[inline(always)]
fn dense_panels<const FUSED: bool>(input: &[f32], blocks: &[f32], output: &mut [f32]) {
    let full = PANEL * (input.len() + 1);
    for (output, block) in output.chunks_mut(PANEL).zip(blocks.chunks(full)) {
        if block.len() == full {
            dense_panel::<PANEL, FUSED>(input, block, output);
        } else {
            dense_panel::<HALF_PANEL, FUSED>(input, block, output);
        }
    }
}

/// Some panels of a dense layer: `output` has [`PANEL`] elements per block of
/// `blocks` (fewer in the last one), which are packed by
/// [`pack_dense`](super::packing::pack_dense).
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
pub(super) fn dense(input: &[f32], blocks: &[f32], output: &mut [f32]) {
    match_target! {
        "x86_64+fma" => dense_panels::<true>(input, blocks, output),
        "aarch64" => dense_panels::<true>(input, blocks, output),
        _ => dense_panels::<false>(input, blocks, output),
    }
}

/// `B` neighbouring bands of one output frame for one panel of channels;
/// `input` starts at the first element that the first of them reads.
#[inline(always)]
fn conv_block<const B: usize, const FUSED: bool>(
    shape: &ConvShape,
    stride: usize,
    input: &[f32],
    block: &[f32],
) -> [[f32; HALF_PANEL]; B] {
    let (bias, weights) = block.split_at(HALF_PANEL);
    let mut sums = [[0.0; HALF_PANEL]; B];
    for sum in &mut sums {
        sum.copy_from_slice(bias);
    }
    let padded = shape.padded_bands();
    let span = (B - 1) * stride + 1;
    let mut rows = weights.chunks_exact(shape.kernel_bands * HALF_PANEL);
    for channel in input.chunks(shape.frames * padded) {
        for (frame, columns) in rows.by_ref().take(shape.kernel_frames).enumerate() {
            let row = &channel[frame * padded..];
            for (offset, column) in columns.chunks_exact(HALF_PANEL).enumerate() {
                let near = &row[offset..offset + span];
                for (band, sum) in sums.iter_mut().enumerate() {
                    let x = near[band * stride];
                    for lane in 0..HALF_PANEL {
                        sum[lane] = multiply_add::<FUSED>(x, column[lane], sum[lane]);
                    }
                }
            }
        }
    }
    sums
}

/// Bands `bands` of output frame `frame`, all channels.
#[inline(always)]
fn conv_bands<const B: usize, const FUSED: bool>(
    shape: &ConvShape,
    stride: usize,
    input: &[f32],
    blocks: &[f32],
    (frame, band): (usize, usize),
    output: &mut [f32],
) {
    let (out_frames, out_bands) = (shape.out_frames(), shape.out_bands());
    let input = &input[frame * shape.padded_bands() + band * stride..];
    let block_len = HALF_PANEL * (shape.kernel_len() + 1);
    let channels = output.chunks_mut(HALF_PANEL * out_frames * out_bands);
    for (channels, block) in channels.zip(blocks.chunks_exact(block_len)) {
        let sums = conv_block::<B, FUSED>(shape, stride, input, block);
        for (lane, channel) in channels.chunks_mut(out_frames * out_bands).enumerate() {
            let place = &mut channel[frame * out_bands + band..][..B];
            for (output, sum) in place.iter_mut().zip(&sums) {
                *output = sum[lane];
            }
        }
    }
}

#[inline(always)]
fn conv_tiles<const B: usize, const FUSED: bool>(
    shape: &ConvShape,
    stride: usize,
    input: &[f32],
    blocks: &[f32],
    tiles: Range<usize>,
    output: &mut [f32],
) {
    let out_bands = shape.out_bands();
    let tiles_per_frame = out_bands.div_ceil(BAND_BLOCK);
    for tile in tiles {
        let frame = tile / tiles_per_frame;
        let first = tile % tiles_per_frame * BAND_BLOCK;
        let end = out_bands.min(first + BAND_BLOCK);
        let mut band = first;
        while band < end {
            if band + B <= end {
                conv_bands::<B, FUSED>(shape, stride, input, blocks, (frame, band), output);
                band += B;
            } else if B <= end {
                // Computes some bands again, to the same bits.
                conv_bands::<B, FUSED>(shape, stride, input, blocks, (frame, end - B), output);
                band = end;
            } else {
                conv_bands::<1, FUSED>(shape, stride, input, blocks, (frame, band), output);
                band += 1;
            }
        }
    }
}

/// The common strides as constants.
#[inline(always)]
fn conv_strides<const B: usize, const FUSED: bool>(
    shape: &ConvShape,
    input: &[f32],
    blocks: &[f32],
    tiles: Range<usize>,
    output: &mut [f32],
) {
    match shape.stride {
        1 => conv_tiles::<B, FUSED>(shape, 1, input, blocks, tiles, output),
        2 => conv_tiles::<B, FUSED>(shape, 2, input, blocks, tiles, output),
        stride => conv_tiles::<B, FUSED>(shape, stride, input, blocks, tiles, output),
    }
}

/// Some tiles of a convolution: tile `t` is the block of [`BAND_BLOCK`] bands
/// number `t`, counted through all output frames. `input` is padded along the
/// bands, `blocks` packed by [`pack_conv`](super::packing::pack_conv), `output`
/// the whole result.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
pub(super) fn conv(
    shape: &ConvShape,
    input: &[f32],
    blocks: &[f32],
    tiles: Range<usize>,
    output: &mut [f32],
) {
    // As many bands at a time as there are registers for their sums.
    match_target! {
        "x86_64+avx512f+fma" => conv_strides::<8, true>(shape, input, blocks, tiles, output),
        "x86_64+fma" => conv_strides::<4, true>(shape, input, blocks, tiles, output),
        "aarch64" => conv_strides::<4, true>(shape, input, blocks, tiles, output),
        _ => conv_strides::<2, false>(shape, input, blocks, tiles, output),
    }
}

#[inline(always)]
fn map(input: &[f32], output: &mut [f32], function: impl Fn(f32) -> f32) {
    for (output, &x) in output.iter_mut().zip(input) {
        *output = function(x);
    }
}

/// `output = function(input)`, element by element.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn unary(function: Unary, input: &[f32], output: &mut [f32]) {
    match function {
        // Written so that NaN becomes zero.
        Unary::Relu => map(input, output, |x| if x > 0.0 { x } else { 0.0 }),
        Unary::Sigmoid => map(input, output, math::sigmoid),
        Unary::Tanh => map(input, output, math::tanh),
    }
}

#[inline(always)]
fn zip(left: &[f32], right: &[f32], output: &mut [f32], function: impl Fn(f32, f32) -> f32) {
    for ((output, &left), &right) in output.iter_mut().zip(left).zip(right) {
        *output = function(left, right);
    }
}

/// Repeats the shorter operand.
#[inline(always)]
fn zip_repeating(
    left: &[f32],
    right: &[f32],
    output: &mut [f32],
    function: impl Fn(f32, f32) -> f32 + Copy,
) {
    match (left, right) {
        ([left], _) => map(right, output, |right| function(*left, right)),
        (_, [right]) => map(left, output, |left| function(left, *right)),
        _ if left.len() >= right.len() => {
            let len = right.len();
            for (output, left) in output.chunks_exact_mut(len).zip(left.chunks_exact(len)) {
                zip(left, right, output, function);
            }
        }
        _ => {
            let len = left.len();
            for (output, right) in output.chunks_exact_mut(len).zip(right.chunks_exact(len)) {
                zip(left, right, output, function);
            }
        }
    }
}

/// `output = function(left, right)`, element by element; the shorter operand
/// repeats.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn binary(function: Binary, left: &[f32], right: &[f32], output: &mut [f32]) {
    match function {
        Binary::Add => zip_repeating(left, right, output, |a, b| a + b),
        Binary::Sub => zip_repeating(left, right, output, |a, b| a - b),
        Binary::Mul => zip_repeating(left, right, output, |a, b| a * b),
    }
}

/// Softmax of `W` neighbouring columns.
#[inline(always)]
fn softmax_columns<const W: usize>(
    input: &[f32],
    output: &mut [f32],
    (inner, column): (usize, usize),
) {
    let mut peak = [f32::MIN; W];
    for row in input.chunks_exact(inner) {
        for (peak, &x) in peak.iter_mut().zip(&row[column..column + W]) {
            *peak = if x > *peak { x } else { *peak };
        }
    }
    let mut sum = [0.0; W];
    let rows = input
        .chunks_exact(inner)
        .zip(output.chunks_exact_mut(inner));
    for (row, output) in rows {
        let (row, output) = (&row[column..column + W], &mut output[column..column + W]);
        for lane in 0..W {
            output[lane] = math::exp(row[lane] - peak[lane]);
            sum[lane] += output[lane];
        }
    }
    for output in output.chunks_exact_mut(inner) {
        for (output, sum) in output[column..column + W].iter_mut().zip(&sum) {
            *output /= sum;
        }
    }
}

/// Softmax over the rows of each group of `rows` × `inner` elements.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn softmax(rows: usize, inner: usize, input: &[f32], output: &mut [f32]) {
    const LANES: usize = 16;
    let group = rows * inner;
    for (input, output) in input
        .chunks_exact(group)
        .zip(output.chunks_exact_mut(group))
    {
        let mut column = 0;
        while column + LANES <= inner {
            softmax_columns::<LANES>(input, output, (inner, column));
            column += LANES;
        }
        for column in column..inner {
            softmax_columns::<1>(input, output, (inner, column));
        }
    }
}

/// Copies values that live on: what is not finite, and what is too small to
/// matter but would slow down every later multiplication, becomes zero.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn publish(input: &[f32], output: &mut [f32]) {
    map(input, output, |x| {
        let magnitude = x.abs();
        if magnitude > 1e-30 && magnitude < 1e30 {
            x
        } else {
            0.0
        }
    });
}
