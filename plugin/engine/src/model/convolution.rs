//! Convolutions on plain slices.
//!
//! The kernel is compiled for several instruction sets and picks the best one
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

use super::{math::multiply_add, operators::ConvShape};

/// Output channels that are computed together.
pub(super) const CHANNEL_BLOCK: usize = 16;

/// Bands of a convolution's result that are computed together.
pub(super) const BAND_BLOCK: usize = 8;

/// `B` neighbouring bands of one output frame for one panel of channels;
/// `input` starts at the first element that the first of them reads.
#[inline(always)]
fn conv_block<const B: usize, const FUSED: bool>(
    shape: &ConvShape,
    stride: usize,
    input: &[f32],
    block: &[f32],
) -> [[f32; CHANNEL_BLOCK]; B] {
    let (lanes, _) = block.as_chunks::<CHANNEL_BLOCK>();
    let Some((bias, weights)) = lanes.split_first() else {
        return [[0.0; CHANNEL_BLOCK]; B];
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
                for lane in 0..CHANNEL_BLOCK {
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
    let block_len = CHANNEL_BLOCK * (shape.kernel_len() + 1);
    let channels = output.chunks_mut(CHANNEL_BLOCK * out_frames * out_bands);
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
    use super::{super::packing::pack_conv, *};

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

    /// With the processor's own multiply-add where it has one: that of the C
    /// library is not fused everywhere (MinGW).
    #[multiversion(targets("x86_64+fma"))]
    fn fused<const B: usize>(
        shape: &ConvShape,
        input: &[f32],
        blocks: &[f32],
        tiles: Range<usize>,
        output: &mut [f32],
    ) {
        conv_strides::<B, true>(shape, input, blocks, tiles, output);
    }

    fn close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 2e-5, "{a} and {b}");
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
            fused::<8>(&shape, &x, &blocks, 0..tiles, &mut found[0]);
            fused::<4>(&shape, &x, &blocks, 0..tiles, &mut found[1]);
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
