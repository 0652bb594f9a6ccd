//! What is done with all bins of a spectrum.

use multiversion::multiversion;
use realfft::num_complex::Complex32;

/// Power relative to the mean that every bin counts as at least.
const FLOOR: f32 = 1e-4;
/// Bins that are worked on side by side: fast, and the same everywhere.
const LANES: usize = 16;

/// How much each bin counts, from the power that is heard and that of the sound, whose
/// means have the inverses `scales`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn weigh_bins(heard: &[f32], own: &[f32], (own_scale, scale): (f32, f32), weights: &mut [f32]) {
    for (weight, (heard, own)) in weights.iter_mut().zip(heard.iter().zip(own)) {
        let power = scale * heard + FLOOR;
        *weight = own_scale * own / (power * power);
    }
}

/// Adds the weighted product of what is heard and the conjugate of the sound.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn multiply(
    heard: &[Complex32],
    own: &[Complex32],
    weights: &[f32],
    product: &mut [Complex32],
) {
    let bins = heard.iter().zip(own).zip(weights);
    for (product, ((a, b), weight)) in product.iter_mut().zip(bins) {
        *product += a * b.conj() * weight;
    }
}

/// Sum of the power of all bins, each by its weight.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn weighted_power(spectrum: &[Complex32], weights: &[f32]) -> f64 {
    let mut sums = [0.0_f32; LANES];
    let (bins, last_bins) = spectrum.as_chunks::<LANES>();
    let (weights, last_weights) = weights.as_chunks::<LANES>();
    for (bins, weights) in bins.iter().zip(weights) {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * bins[lane].norm_sqr();
        }
    }
    for (sum, (bin, weight)) in sums.iter_mut().zip(last_bins.iter().zip(last_weights)) {
        *sum += weight * bin.norm_sqr();
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// How bins are turned by `angle` more from each to the next: the first ones, and from there
/// on all together.
#[inline(always)]
fn turns(angle: f64, gain: f32) -> ([Complex32; LANES], Complex32) {
    let turn = |bins: usize| {
        let (sin, cos) = (angle * bins as f64).sin_cos();
        Complex32::new(cos as f32, sin as f32)
    };
    (std::array::from_fn(|lane| turn(lane) * gain), turn(LANES))
}

/// Real part of the sum of all bins, each turned by `angle` more than the one before.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn real_sum(spectrum: &[Complex32], angle: f64) -> f32 {
    let (mut turns, step) = turns(angle, 1.0);
    let mut sums = [0.0_f32; LANES];
    let (bins, last) = spectrum.as_chunks::<LANES>();
    for bins in bins {
        for lane in 0..LANES {
            sums[lane] += bins[lane].re * turns[lane].re - bins[lane].im * turns[lane].im;
            turns[lane] *= step;
        }
    }
    for ((sum, bin), turn) in sums.iter_mut().zip(last).zip(&turns) {
        *sum += bin.re * turn.re - bin.im * turn.im;
    }
    sums.iter().sum()
}

/// Takes `gain` times `own` off, of which every bin is turned by `angle` more than the one
/// before.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn subtract_turned(own: &[Complex32], gain: f32, angle: f64, heard: &mut [Complex32]) {
    let (mut turns, step) = turns(angle, gain);
    let (own, last_own) = own.as_chunks::<LANES>();
    let (heard, last_heard) = heard.as_chunks_mut::<LANES>();
    for (heard, own) in heard.iter_mut().zip(own) {
        for lane in 0..LANES {
            heard[lane] -= own[lane] * turns[lane];
            turns[lane] *= step;
        }
    }
    for ((heard, own), turn) in last_heard.iter_mut().zip(last_own).zip(&turns) {
        *heard -= own * turn;
    }
}

/// Mean of all values.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn mean(values: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (lanes, last) = values.as_chunks::<LANES>();
    for lanes in lanes {
        for (sum, value) in sums.iter_mut().zip(lanes) {
            *sum += value;
        }
    }
    let sum = sums.iter().chain(last).sum::<f32>();
    sum / values.len().max(1) as f32
}

/// Power of both channels, averaged over `reach` bins to each side.
pub fn smoothed_power(
    [left, right]: [&[Complex32]; 2],
    reach: usize,
    raw: &mut [f32],
    power: &mut [f32],
) {
    for (raw, (l, r)) in raw.iter_mut().zip(left.iter().zip(right)) {
        *raw = l.norm_sqr() + r.norm_sqr();
    }
    let bins = raw.len();
    // In double precision: what leaves the sum must leave nothing behind.
    let mut sum: f64 = raw[..reach].iter().map(|&p| f64::from(p)).sum();
    let scale = 1.0 / (2 * reach + 1) as f64;
    let at = |bin: usize| f64::from(raw[bin]);
    for (bin, power) in power.iter_mut().enumerate() {
        // One step that waits for the one before.
        let comes = if bin + reach < bins {
            at(bin + reach)
        } else {
            0.0
        };
        let goes = if bin > reach {
            at(bin - reach - 1)
        } else {
            0.0
        };
        sum += comes - goes;
        *power = (sum * scale).max(0.0) as f32;
    }
}
