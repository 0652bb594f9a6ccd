//! The layers with weights on plain slices: where the time goes.
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
// Loops over a constant number of lanes become vector instructions; iterators
// hide the constant.
#![allow(clippy::needless_range_loop)]

use std::ops::Range;

use multiversion::{multiversion, target::match_target};

use super::operators::ConvShape;

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
    let (lanes, _) = block.as_chunks::<HALF_PANEL>();
    let Some((bias, weights)) = lanes.split_first() else {
        return [[0.0; HALF_PANEL]; B];
    };
    let mut sums = [*bias; B];
    let padded = shape.padded_bands();
    let span = (B - 1) * stride + 1;
    let mut rows = weights.chunks_exact(shape.kernel_bands);
    for channel in input.chunks(shape.frames * padded) {
        for (frame, columns) in rows.by_ref().take(shape.kernel_frames).enumerate() {
            let row = &channel[frame * padded..];
            for (near, column) in row.windows(span).zip(columns) {
                let x: [f32; B] = std::array::from_fn(|band| near[band * stride]);
                for lane in 0..HALF_PANEL {
                    for band in 0..B {
                        sums[band][lane] =
                            multiply_add::<FUSED>(x[band], column[lane], sums[band][lane]);
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

#[cfg(test)]
mod tests {
    use super::{
        super::packing::{pack_conv, pack_dense},
        *,
    };

    /// Repeatable values in ±1.
    fn values(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    fn close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 2e-5, "{a} and {b}");
        }
    }

    #[test]
    fn dense_layers_are_sums_of_products_on_every_processor() {
        for (inputs, outputs) in [(1, 1), (2, 16), (7, 17), (160, 9), (33, 32), (96, 130)] {
            let (x, w) = (values(inputs, 1), values(inputs * outputs, 2));
            let bias = values(outputs, 3);
            let mut blocks = Vec::new();
            let weight = |i: usize, o: usize| w[i * outputs + o];
            pack_dense(&mut blocks, (inputs, outputs), weight, |o| bias[o]);
            let want: Vec<f32> = (0..outputs)
                .map(|o| bias[o] + (0..inputs).map(|i| x[i] * weight(i, o)).sum::<f32>())
                .collect();
            let mut found = [(); 3].map(|()| vec![0.0; outputs]);
            dense(&x, &blocks, &mut found[0]);
            dense_panels::<true>(&x, &blocks, &mut found[1]);
            dense_panels::<false>(&x, &blocks, &mut found[2]);
            for found in &found {
                close(found, &want);
            }
            // The best version is one of the two.
            assert!(found[0] == found[1] || found[0] == found[2]);
        }
    }

    #[test]
    fn convolutions_do_not_depend_on_the_registers_of_the_processor() {
        for (stride, bands, kernel_bands, out_channels) in [
            (1, 40, 3, 20),
            (2, 41, 5, 16),
            (3, 9, 2, 1),
            (1, 3, 3, 33),
            (5, 64, 4, 7),
        ] {
            let shape = ConvShape {
                channels: 3,
                frames: 4,
                bands,
                kernel_frames: 2,
                kernel_bands,
                stride,
                pad_before: 0,
                pad_after: 0,
                out_channels,
            };
            let x = values(3 * 4 * bands, 4);
            let w = values(out_channels * shape.kernel_len(), 5);
            let bias = values(out_channels, 6);
            let mut blocks = Vec::new();
            pack_conv(&mut blocks, &shape, &w, |o| bias[o]);
            let (frames, out_bands) = (shape.out_frames(), shape.out_bands());
            let mut want = Vec::new();
            for o in 0..out_channels {
                for frame in 0..frames {
                    for band in 0..out_bands {
                        let mut sum = bias[o];
                        for (tap, weight) in w[o * shape.kernel_len()..][..shape.kernel_len()]
                            .iter()
                            .enumerate()
                        {
                            let (rest, column) = (tap / kernel_bands, tap % kernel_bands);
                            let (channel, row) = (rest / 2, rest % 2);
                            let at = (channel * 4 + frame + row) * bands + band * stride + column;
                            sum += weight * x[at];
                        }
                        want.push(sum);
                    }
                }
            }
            let tiles = frames * out_bands.div_ceil(BAND_BLOCK);
            let mut found = [(); 6].map(|()| vec![0.0; want.len()]);
            conv_strides::<8, true>(&shape, &x, &blocks, 0..tiles, &mut found[0]);
            conv_strides::<4, true>(&shape, &x, &blocks, 0..tiles, &mut found[1]);
            conv_strides::<8, false>(&shape, &x, &blocks, 0..tiles, &mut found[2]);
            conv_strides::<2, false>(&shape, &x, &blocks, 0..tiles, &mut found[3]);
            conv(&shape, &x, &blocks, 0..tiles, &mut found[4]);
            for tile in (0..tiles).rev() {
                conv(&shape, &x, &blocks, tile..tile + 1, &mut found[5]);
            }
            for found in &found {
                close(found, &want);
            }
            assert_eq!(found[0], found[1]);
            assert_eq!(found[2], found[3]);
            assert_eq!(found[4], found[5]);
            assert!(found[4] == found[0] || found[4] == found[2]);
        }
    }
}
