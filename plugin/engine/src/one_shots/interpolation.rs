//! One-shots between their samples, for voices that are tuned: windowed sinc functions
//! (Smith, *Digital Audio Resampling*), whose cutoff falls as the pitch rises, so that
//! neither images of cymbals that are tuned down nor aliases of those tuned up are heard.

use std::{f64::consts::PI, sync::LazyLock};

/// Kernels per sample; between two of them it is interpolated.
const PHASES: usize = 128;
/// Cutoffs per octave of tuning up.
const CUTOFFS_PER_OCTAVE: usize = 6;
/// Octaves of tuning up with a cutoff of their own.
const OCTAVES: usize = 2;
/// Taps at the widest cutoff; there are more at lower ones, up to [`MAX_TAPS`].
const TAPS: usize = 32;
const MAX_TAPS: usize = 64;
/// Sums that run beside each other, for vector units.
const LANES: usize = 8;
/// Shape of the Kaiser window: images and aliases beyond its slope are 80 dB down.
const KAISER_BETA: f64 = 8.0;

static KERNELS: LazyLock<Vec<Kernels>> = LazyLock::new(|| {
    (0..=OCTAVES * CUTOFFS_PER_OCTAVE)
        .map(|index| Kernels::new((-(index as f64) / CUTOFFS_PER_OCTAVE as f64).exp2()))
        .collect()
});

/// Kernels of one cutoff.
#[derive(Debug)]
pub(super) struct Kernels {
    taps: usize,
    /// Shape (PHASES + 1, taps).
    values: Vec<f32>,
}

/// Makes the kernels of all cutoffs unless there are any. Allocates.
pub(super) fn prepare() {
    LazyLock::force(&KERNELS);
}

/// The kernels for a voice that goes on by `step` samples per sample. Real-time safe after
/// [`prepare`].
pub(super) fn kernels_for(step: f64) -> &'static Kernels {
    // A rounding error above a cutoff's own step does not ask for the next.
    let index = (step.log2() * CUTOFFS_PER_OCTAVE as f64 - 1e-6).ceil();
    &KERNELS[(index.max(0.0) as usize).min(KERNELS.len() - 1)]
}

impl Kernels {
    /// `cutoff` in parts of half the sample rate.
    fn new(cutoff: f64) -> Kernels {
        let wanted = (TAPS as f64 / cutoff) as usize;
        let taps = wanted.next_multiple_of(LANES).min(MAX_TAPS);
        let half = (taps / 2) as f64;
        let mut values = Vec::with_capacity((PHASES + 1) * taps);
        for phase in 0..=PHASES {
            let share = phase as f64 / PHASES as f64;
            let kernel: Vec<f64> = (0..taps)
                .map(|tap| {
                    let distance = tap as f64 - (half - 1.0) - share;
                    sinc(cutoff * distance) * kaiser(distance / half)
                })
                .collect();
            let sum: f64 = kernel.iter().sum();
            values.extend(kernel.iter().map(|value| (value / sum) as f32));
        }
        Kernels { taps, values }
    }

    /// Values of `channels` at `whole + share` samples; silence surrounds them.
    /// Real-time safe.
    pub(super) fn interpolate(&self, channels: [&[f32]; 2], whole: usize, share: f32) -> [f32; 2] {
        let phase = share.clamp(0.0, 1.0) * PHASES as f32;
        let below = (phase as usize).min(PHASES - 1);
        let blend = phase - below as f32;
        let start = below * self.taps;
        let first = &self.values[start..start + self.taps];
        let second = &self.values[start + self.taps..start + 2 * self.taps];
        let mut kernel = [0.0; MAX_TAPS];
        let kernel = &mut kernel[..self.taps];
        for ((value, first), second) in kernel.iter_mut().zip(first).zip(second) {
            *value = first + blend * (second - first);
        }
        let before = self.taps / 2 - 1;
        let left = convolve(kernel, channels[0], whole, before);
        if std::ptr::eq(channels[0], channels[1]) {
            return [left; 2];
        }
        [left, convolve(kernel, channels[1], whole, before)]
    }
}

/// Sum of `kernel` times the samples from `before` before `whole` on.
fn convolve(kernel: &[f32], samples: &[f32], whole: usize, before: usize) -> f32 {
    let end = whole + kernel.len() - before;
    let skipped = before.saturating_sub(whole).min(kernel.len());
    let start = (whole + skipped).saturating_sub(before).min(samples.len());
    let samples = &samples[start..end.clamp(start, samples.len())];
    let kernel = &kernel[skipped..];
    let mut sums = [0.0; LANES];
    let pairs = kernel.chunks_exact(LANES).zip(samples.chunks_exact(LANES));
    let mut done = 0;
    for (kernel, samples) in pairs {
        for ((sum, kernel), sample) in sums.iter_mut().zip(kernel).zip(samples) {
            *sum += kernel * sample;
        }
        done += LANES;
    }
    let rest = kernel[done..].iter().zip(&samples[done..]);
    sums.iter().sum::<f32>() + rest.map(|(kernel, sample)| kernel * sample).sum::<f32>()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

/// Kaiser's window over −1 to 1; nothing outside.
fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return 0.0;
    }
    bessel_i0(KAISER_BETA * (1.0 - x * x).sqrt()) / bessel_i0(KAISER_BETA)
}

/// Modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..40 {
        term *= quarter / (n * n) as f64;
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level of what is not the sine itself when one of `frequency` (in parts of half the
    /// sample rate) is played with `step`, relative to the sine that goes in.
    fn error_db(frequency: f64, step: f64) -> f64 {
        prepare();
        let sine = |position: f64| (PI * frequency * position).sin();
        let samples: Vec<f32> = (0..8_000).map(|n| sine(n as f64) as f32).collect();
        let count = (7_800.0 / step) as usize;
        let errors = (0..count).map(|n| n as f64 * step).filter(|p| *p > 100.0);
        let is_kept = frequency * step < 1.0;
        let (sum, counted) = errors.fold((0.0, 0), |(sum, counted), position| {
            let whole = position as usize;
            let share = (position - whole as f64) as f32;
            let [found, _] = kernels_for(step).interpolate([&samples; 2], whole, share);
            let expected = if is_kept { sine(position) } else { 0.0 };
            (sum + (f64::from(found) - expected).powi(2), counted + 1)
        });
        10.0 * (2.0 * sum / f64::from(counted)).log10()
    }

    #[test]
    fn sounds_tuned_down_have_no_images() {
        for step in [0.25, 0.5, 0.7937, 0.9439] {
            for frequency in [0.01, 0.3, 0.6, 0.8] {
                let error_db = error_db(frequency, step);
                assert!(error_db < -72.0, "{frequency} × {step}: {error_db:.0} dB");
            }
        }
    }

    #[test]
    fn sounds_tuned_up_keep_their_lows_and_lose_what_would_alias() {
        for step in [1.0595, 1.4983, 2.0, 4.0] {
            for kept in [0.01, 0.3, 0.6] {
                let error_db = error_db(kept / step, step);
                assert!(error_db < -60.0, "{kept} kept, {step}: {error_db:.0} dB");
            }
            if step > 1.4 {
                let error_db = error_db(0.95, step);
                assert!(error_db < -72.0, "aliases, {step}: {error_db:.0} dB");
            }
        }
    }

    #[test]
    fn silence_surrounds_a_sound_and_channels_are_apart() {
        prepare();
        let kernels = kernels_for(1.3);
        let ones = [1.0_f32; 5];
        let twos = [2.0_f32; 5];
        for whole in 0..200 {
            let [left, right] = kernels.interpolate([&ones, &twos], whole, 0.3);
            assert!((right - 2.0 * left).abs() < 1e-6);
            assert!(left.abs() < 1.2);
        }
        assert_eq!(kernels.interpolate([&ones, &twos], 150, 0.3), [0.0; 2]);
    }
}
