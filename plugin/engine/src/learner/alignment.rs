//! Hits of one drum laid exactly over each other.

/// How far two hits are shifted against each other.
const REACH_S: f64 = 0.002;
/// Stretch over which they are compared.
const COMPARE_S: f64 = 0.025;
/// Half the length of the interpolation filter.
const TAPS: isize = 12;

/// Samples of a comparison at `rate_hz`.
pub fn compared_samples(rate_hz: f64) -> usize {
    (COMPARE_S * rate_hz) as usize
}

/// Shift of `mono` at `start` that lays it best over `reference`, in samples
/// and fractions, and how well they agree then (−1 to 1). Allocates.
pub fn best_shift(mono: &[f32], start: f64, reference: &[f32], rate_hz: f64) -> (f64, f32) {
    let reach = (REACH_S * rate_hz).ceil() as isize;
    let base = start.round() as isize;
    let shifts = 2 * reach as usize + 1;
    let around = padded(mono, base - reach, reference.len() + shifts);
    let energy: f32 = reference.iter().map(|x| x * x).sum();
    // The plain product, not the likeness, says which shift is best: the decay
    // of a tone is like itself one period later. All shifts go side by side.
    let mut products = vec![0.0_f32; shifts];
    let mut powers = vec![0.0_f32; shifts];
    for (expected, samples) in reference.iter().zip(around.windows(shifts)) {
        let sums = products.iter_mut().zip(&mut powers);
        for ((product, power), sample) in sums.zip(samples) {
            *product += sample * expected;
            *power += sample * sample;
        }
    }
    let best = (0..products.len())
        .max_by(|&a, &b| products[a].total_cmp(&products[b]))
        .unwrap_or(reach as usize);
    let mut shift = (best as isize - reach) as f64;
    if best > 0 && best + 1 < products.len() {
        let [before, here, after] = [best - 1, best, best + 1].map(|index| products[index]);
        let curve = before - 2.0 * here + after;
        if curve < 0.0 {
            shift += f64::from((0.5 * (before - after) / curve).clamp(-0.5, 0.5));
        }
    }
    let likeness = products[best] / (powers[best] * energy).sqrt().max(1e-12);
    (base as f64 - start + shift, likeness)
}

/// `length` samples from `start` on, which may lie between samples; silence
/// outside. Allocates.
pub fn shifted(samples: &[f32], start: f64, length: usize) -> Vec<f32> {
    let whole = start.floor();
    let share = start - whole;
    let whole = whole as isize;
    if share < 1e-6 {
        return padded(samples, whole, length);
    }
    // Windowed sinc around the wanted position.
    let taps: Vec<f32> = (-TAPS + 1..=TAPS)
        .map(|tap| {
            let x = tap as f64 - share;
            let sinc = (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x);
            let window = 0.5 + 0.5 * (std::f64::consts::PI * x / (TAPS as f64 + 0.5)).cos();
            (sinc * window) as f32
        })
        .collect();
    let around = padded(samples, whole - TAPS + 1, length + taps.len());
    let mut out = vec![0.0; length];
    for (tap, weight) in taps.iter().enumerate() {
        for (out, sample) in out.iter_mut().zip(&around[tap..]) {
            *out += weight * sample;
        }
    }
    out
}

/// `length` samples from `first` on; silence outside. Allocates.
fn padded(samples: &[f32], first: isize, length: usize) -> Vec<f32> {
    let mut out = vec![0.0; length];
    let skipped = first.min(0).unsigned_abs().min(length);
    let inside = samples.get(first.max(0) as usize..).unwrap_or_default();
    for (out, sample) in out[skipped..].iter_mut().zip(inside) {
        *out = *sample;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    fn tone(n: f64) -> f32 {
        if n < 0.0 {
            0.0
        } else {
            ((0.31 * n).sin() * (-n / 300.0).exp() * (1.0 - (-n / 8.0).exp())) as f32
        }
    }

    #[test]
    fn a_hit_between_samples_is_laid_over_another() {
        let reference: Vec<f32> = (0..compared_samples(RATE_HZ))
            .map(|n| tone(n as f64))
            .collect();
        for delay in [0.0, 0.3, 17.5, -9.75] {
            let mono: Vec<f32> = (0..4_000).map(|n| tone(n as f64 - 500.0 - delay)).collect();
            let (shift, likeness) = best_shift(&mono, 500.0, &reference, RATE_HZ);
            assert!((shift - delay).abs() < 0.06, "{shift} for {delay}");
            assert!(likeness > 0.95);
            let back = shifted(&mono, 500.0 + shift, 1_000);
            let error: f32 = back
                .iter()
                .enumerate()
                .map(|(n, x)| (x - tone(n as f64)).powi(2))
                .sum();
            let energy: f32 = (0..1_000).map(|n| tone(n as f64).powi(2)).sum();
            assert!(error < 1e-3 * energy, "{delay}: {}", error / energy);
        }
    }
}
