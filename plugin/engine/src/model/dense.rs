//! Dense layers on plain slices: where the time goes.
//!
//! The kernel is compiled for several instruction sets and picks the best one
//! at run time. Every result is one sum in the order of the inputs, so that all
//! processors with fused multiply-add (and every partition into stages, and
//! weights at full and at half size) give the same bits.
//!
//! Most inputs of most layers come from a ReLU and are zero. Their weights are
//! not read; the sums stay the same, as weights are finite.
//!
//! All functions are real-time safe.

// The macro that compiles a function for several instruction sets calls the
// copies through `unsafe`, after it has asked the processor what it has.
#![allow(unsafe_code)]
// Loops over a constant number of lanes become vector instructions; iterators
// hide the constant.
#![allow(clippy::needless_range_loop)]

use multiversion::{multiversion, target::match_target};

use super::{half, math::multiply_add};

/// Outputs that a dense layer computes together: as many as it takes to hide
/// the latency of the additions.
pub(super) const PANEL: usize = 64;

/// Inputs that are looked at together.
const CHUNK: usize = 512;

/// The weights of a dense layer, or of some of its panels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Matrix<'a> {
    /// Packed by [`pack_full`](super::packing::pack_full).
    Full(&'a [f32]),
    /// Packed by [`pack_half`](super::packing::pack_half).
    Half(&'a [u32]),
}

/// Outputs of the panel that starts `left` outputs before the end: [`PANEL`],
/// or fewer for a last one to which half or a quarter is enough.
pub(super) fn panel_width(left: usize) -> usize {
    if left > PANEL / 2 {
        PANEL
    } else if left > PANEL / 4 {
        PANEL / 2
    } else {
        PANEL / 4
    }
}

/// What packed weights are kept in.
trait Element: Copy {
    /// Weights in one element.
    const WEIGHTS: usize;

    /// Weight `lane` of a row.
    fn low(row: &[Self], lane: usize) -> f32;

    /// Weight `half + lane` of a row of `2 * half`.
    fn high(row: &[Self], lane: usize, half: usize) -> f32;
}

impl Element for f32 {
    const WEIGHTS: usize = 1;

    #[inline(always)]
    fn low(row: &[f32], lane: usize) -> f32 {
        row[lane]
    }

    #[inline(always)]
    fn high(row: &[f32], lane: usize, half: usize) -> f32 {
        row[half + lane]
    }
}

impl Element for u32 {
    const WEIGHTS: usize = 2;

    #[inline(always)]
    fn low(row: &[u32], lane: usize) -> f32 {
        half::low(row[lane])
    }

    #[inline(always)]
    fn high(row: &[u32], lane: usize, _: usize) -> f32 {
        half::high(row[lane])
    }
}

/// The inputs of a chunk that are not zero.
struct Active {
    places: [u16; CHUNK],
    values: [f32; CHUNK],
    count: usize,
}

impl Active {
    #[inline(always)]
    fn of(chunk: &[f32]) -> Active {
        let mut active = Active {
            places: [0; CHUNK],
            values: [0.0; CHUNK],
            count: 0,
        };
        // Writes always and counts sometimes: no branch to guess wrong.
        for (place, &value) in chunk.iter().enumerate() {
            let at = active.count % CHUNK;
            active.places[at] = place as u16;
            active.values[at] = value;
            active.count += usize::from(value != 0.0);
        }
        active
    }
}

/// Adds the active inputs to the sums of one panel of 2 × `H` outputs, which
/// are in `output` or, at the first chunk, begin with the biases. `weights`
/// starts at the row of the first input of the chunk.
#[inline(always)]
fn panel<const H: usize, const FUSED: bool, E: Element>(
    active: &Active,
    weights: &[E],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let mut sums = [0.0; PANEL];
    let start = bias.unwrap_or(output);
    match <&[f32; PANEL]>::try_from(start) {
        Ok(start) => sums = *start,
        Err(_) => sums[..start.len()].copy_from_slice(start),
    }
    // Two arrays by themselves stay in registers.
    let (mut low, mut high) = ([0.0; H], [0.0; H]);
    low.copy_from_slice(&sums[..H]);
    high.copy_from_slice(&sums[H..2 * H]);
    let row_len = 2 * H / E::WEIGHTS;
    let places = active.places.iter().zip(&active.values);
    for (&place, &x) in places.take(active.count) {
        let row = &weights[usize::from(place) * row_len..][..row_len];
        for lane in 0..H {
            low[lane] = multiply_add::<FUSED>(x, E::low(row, lane), low[lane]);
        }
        for lane in 0..H {
            high[lane] = multiply_add::<FUSED>(x, E::high(row, lane, H), high[lane]);
        }
    }
    sums[..H].copy_from_slice(&low);
    sums[H..2 * H].copy_from_slice(&high);
    match <&mut [f32; PANEL]>::try_from(&mut *output) {
        Ok(output) => *output = sums,
        Err(_) => output.copy_from_slice(&sums[..output.len()]),
    }
}

#[inline(always)]
fn panels<const FUSED: bool, E: Element>(
    input: &[f32],
    biases: &[f32],
    matrix: &[E],
    output: &mut [f32],
) {
    let mut first = 0;
    for chunk in input.chunks(CHUNK) {
        let active = Active::of(chunk);
        let mut rest = matrix;
        for (output, bias) in output.chunks_mut(PANEL).zip(biases.chunks(PANEL)) {
            let row_len = bias.len() / E::WEIGHTS;
            let (weights, after) = rest.split_at(row_len * input.len());
            rest = after;
            let weights = &weights[row_len * first..];
            let start = (first == 0).then_some(bias);
            match bias.len() {
                PANEL => panel::<32, FUSED, E>(&active, weights, start, output),
                32 => panel::<16, FUSED, E>(&active, weights, start, output),
                _ => panel::<8, FUSED, E>(&active, weights, start, output),
            }
        }
        first += CHUNK;
    }
}

#[inline(always)]
fn any_panels<const FUSED: bool>(
    input: &[f32],
    biases: &[f32],
    matrix: Matrix<'_>,
    output: &mut [f32],
) {
    match matrix {
        Matrix::Full(weights) => panels::<FUSED, f32>(input, biases, weights, output),
        Matrix::Half(weights) => panels::<FUSED, u32>(input, biases, weights, output),
    }
}

/// Some panels of a dense layer: `output` has [`PANEL`] elements per panel of
/// `biases` and `matrix` (fewer in the last one).
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
pub(super) fn dense(input: &[f32], biases: &[f32], matrix: Matrix<'_>, output: &mut [f32]) {
    match_target! {
        "x86_64+fma" => any_panels::<true>(input, biases, matrix, output),
        "aarch64" => any_panels::<true>(input, biases, matrix, output),
        _ => any_panels::<false>(input, biases, matrix, output),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::packing::{pack_biases, pack_full, pack_half},
        half::round_to_half,
        *,
    };

    /// Repeatable values in ±1 that fit half size.
    fn values(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                round_to_half((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
            })
            .collect()
    }

    /// With the processor's own multiply-add where it has one: that of the C
    /// library is not fused everywhere (MinGW).
    #[multiversion(targets("x86_64+fma"))]
    fn fused(input: &[f32], biases: &[f32], matrix: Matrix<'_>, output: &mut [f32]) {
        any_panels::<true>(input, biases, matrix, output);
    }

    #[test]
    fn dense_layers_are_sums_of_products_on_every_processor() {
        for (inputs, outputs) in [
            (1, 1),
            (2, 16),
            (7, 17),
            (160, 9),
            (33, 32),
            (96, 130),
            (512, 64),
            (1_300, 111),
        ] {
            let (mut x, w) = (values(inputs, 1), values(inputs * outputs, 2));
            // Some zeros, as behind a ReLU.
            x.iter_mut().step_by(3).for_each(|x| *x = 0.0);
            let b = values(outputs, 3);
            let weight = |i: usize, o: usize| w[i * outputs + o];
            let (mut biases, mut full, mut words) = (Vec::new(), Vec::new(), Vec::new());
            pack_biases(&mut biases, outputs, |o| b[o]);
            pack_full(&mut full, (inputs, outputs), weight);
            pack_half(&mut words, (inputs, outputs), weight);
            assert_eq!(full.len(), 2 * words.len());
            let want: Vec<f64> = (0..outputs)
                .map(|o| {
                    let products = (0..inputs).map(|i| f64::from(x[i]) * f64::from(weight(i, o)));
                    f64::from(b[o]) + products.sum::<f64>()
                })
                .collect();
            let run = |kernel: fn(&[f32], &[f32], Matrix<'_>, &mut [f32]), matrix: Matrix<'_>| {
                let mut found = vec![f32::NAN; outputs];
                kernel(&x, &biases, matrix, &mut found);
                for (&found, want) in found.iter().zip(&want) {
                    assert!((f64::from(found) - want).abs() < 5e-5, "{found} and {want}");
                }
                found
            };
            let [full, half] = [Matrix::Full(&full), Matrix::Half(&words)];
            let found = run(dense, full);
            let versions = [run(fused, full), run(any_panels::<false>, full)];
            // The best version is one of the two.
            assert!(versions.contains(&found));
            // Weights that fit half size give the same bits there.
            assert_eq!(run(dense, half), found);
            assert_eq!(run(fused, half), versions[0]);
            assert_eq!(run(any_panels::<false>, half), versions[1]);
        }
    }
}
