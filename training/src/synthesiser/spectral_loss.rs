//! How far a waveform's spectrograms are from a target's, at several
//! resolutions, and in which direction they are nearer.
//!
//! Written out by hand: the gradient of a short-time Fourier transform is an
//! inverse one, and a fast transform is dozens of times cheaper than the matrix
//! that a framework would differentiate.

use std::{fmt, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

/// Windows of the paper's loss, in samples; the hop is a quarter.
pub const WINDOWS: [usize; 4] = [2_048, 1_024, 512, 256];
/// Magnitudes count as at least this, relative to the target's loudest: −60 dB,
/// where the evaluation's distance ends as well.
const FLOOR: f32 = 1e-3;

/// One short-time Fourier transform.
struct Resolution {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
}

impl Resolution {
    fn new(length: usize) -> Resolution {
        let mut planner = RealFftPlanner::new();
        let hann = |n| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / length as f32).cos();
        Resolution {
            forward: planner.plan_fft_forward(length),
            inverse: planner.plan_fft_inverse(length),
            window: (0..length).map(hann).collect(),
        }
    }

    fn hop(&self) -> usize {
        self.window.len() / 4
    }

    fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    fn frames(&self, samples: usize) -> usize {
        samples / self.hop() + 1
    }

    /// Samples of `signal` in frame `frame`, which is centred on sample
    /// `frame * hop`: where in the frame they begin, and which they are.
    fn part(&self, frame: usize, samples: usize) -> (usize, std::ops::Range<usize>) {
        let half = self.window.len() / 2;
        let first = (frame * self.hop()).saturating_sub(half);
        let end = (frame * self.hop() + half).min(samples);
        let lead = half.saturating_sub(frame * self.hop());
        (lead, first..end.max(first))
    }

    /// `[frames, bins]`.
    fn analyse(&self, signal: &[f32]) -> Vec<Complex32> {
        let mut input = self.forward.make_input_vec();
        let mut scratch = self.forward.make_scratch_vec();
        let frames = self.frames(signal.len());
        let mut spectra = vec![Complex32::default(); frames * self.bins()];
        for (frame, row) in spectra.chunks_exact_mut(self.bins()).enumerate() {
            input.fill(0.0);
            let (lead, part) = self.part(frame, signal.len());
            let windowed = signal[part].iter().zip(&self.window[lead..]);
            for (value, (sample, weight)) in input[lead..].iter_mut().zip(windowed) {
                *value = sample * weight;
            }
            let done = self
                .forward
                .process_with_scratch(&mut input, row, &mut scratch);
            debug_assert!(done.is_ok(), "buffers were made by the plan");
        }
        spectra
    }

    /// Adds to `gradient` what the gradient of the spectra (real and imaginary
    /// parts, `[frames, bins]`) means for the samples.
    fn back(&self, mut spectra: Vec<Complex32>, gradient: &mut [f32]) {
        let mut output = self.inverse.make_output_vec();
        let mut scratch = self.inverse.make_scratch_vec();
        let last = self.bins() - 1;
        for (frame, row) in spectra.chunks_exact_mut(self.bins()).enumerate() {
            // The inverse counts all but the first and the last bin twice.
            for value in &mut row[1..last] {
                *value *= 0.5;
            }
            row[0].im = 0.0;
            row[last].im = 0.0;
            let done = self
                .inverse
                .process_with_scratch(row, &mut output, &mut scratch);
            debug_assert!(done.is_ok(), "both ends are real");
            let (lead, part) = self.part(frame, gradient.len());
            let weighted = output[lead..].iter().zip(&self.window[lead..]);
            for (sum, (value, weight)) in gradient[part].iter_mut().zip(weighted) {
                *sum += value * weight;
            }
        }
    }
}

/// The loss of the paper without its linear term: spectral convergence and
/// mean absolute difference of log magnitudes, each the mean over the
/// resolutions.
pub struct SpectralLoss {
    resolutions: Vec<Resolution>,
}

impl fmt::Debug for SpectralLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpectralLoss").finish_non_exhaustive()
    }
}

impl Default for SpectralLoss {
    fn default() -> Self {
        SpectralLoss::new(&WINDOWS)
    }
}

/// `signal` with energy 1, and what it was divided by.
fn normalised(signal: &[f32]) -> (Vec<f32>, f32) {
    let energy: f64 = signal.iter().map(|s| f64::from(*s).powi(2)).sum();
    let norm = (energy.sqrt() as f32).max(1e-9);
    (signal.iter().map(|s| s / norm).collect(), norm)
}

impl SpectralLoss {
    /// Plans the transforms of `windows` samples (multiples of 4). Allocates.
    pub fn new(windows: &[usize]) -> SpectralLoss {
        SpectralLoss {
            resolutions: windows
                .iter()
                .map(|&length| Resolution::new(length))
                .collect(),
        }
    }

    /// Distance (in nepers and relative error) of `found` from `target`, which
    /// is continued by silence; both at the same energy. With the gradient for
    /// `found`. The logarithms are averaged over as many frames as the target
    /// sounds in, so that short drums count as much as long ones. Allocates.
    pub fn measure(&self, target: &[f32], found: &[f32]) -> (f64, Vec<f32>) {
        let mut continued = target[..target.len().min(found.len())].to_vec();
        continued.resize(found.len(), 0.0);
        let (target, _) = normalised(&continued);
        let (signal, norm) = normalised(found);
        let mut gradient = vec![0.0; signal.len()];
        let mut loss = 0.0;
        for resolution in &self.resolutions {
            let share = 1.0 / self.resolutions.len() as f32;
            loss += measure_at(resolution, &target, &signal, share, &mut gradient);
        }
        // Back through the division by the norm.
        let along: f64 = gradient
            .iter()
            .zip(&signal)
            .map(|(g, s)| f64::from(*g) * f64::from(*s))
            .sum();
        for (gradient, sample) in gradient.iter_mut().zip(&signal) {
            *gradient = (*gradient - along as f32 * sample) / norm;
        }
        (loss, gradient)
    }
}

/// `share` of the loss at one resolution; its gradient is added to `gradient`.
fn measure_at(
    resolution: &Resolution,
    target: &[f32],
    signal: &[f32],
    share: f32,
    gradient: &mut [f32],
) -> f64 {
    let wanted: Vec<f32> = resolution
        .analyse(target)
        .iter()
        .map(|value| value.norm())
        .collect();
    let mut spectra = resolution.analyse(signal);
    let bins = resolution.bins();
    let loudest = wanted.iter().fold(1e-9_f32, |loudest, m| loudest.max(*m));
    let floor = FLOOR * loudest;
    let sounding = wanted
        .chunks_exact(bins)
        .filter(|row| row.iter().any(|magnitude| *magnitude > floor))
        .count();
    let log_share = share / (sounding.max(1) * bins) as f32;
    let (mut wanted_energy, mut error_energy, mut logs) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (value, wanted) in spectra.iter().zip(&wanted) {
        wanted_energy += f64::from(*wanted).powi(2);
        error_energy += f64::from(value.norm() - wanted).powi(2);
    }
    let wanted_norm = wanted_energy.sqrt().max(1e-9);
    let error_norm = error_energy.sqrt().max(1e-9);
    let linear_share = share / (wanted_norm * error_norm) as f32;
    let floor_square = floor * floor;
    for (value, wanted) in spectra.iter_mut().zip(&wanted) {
        let square = value.norm_sqr();
        let magnitude = square.sqrt();
        let found = square + floor_square;
        let difference = 0.5 * (found / (wanted * wanted + floor_square)).ln();
        logs += f64::from(difference.abs());
        // An equal pair has no direction: `signum` of zero would be one.
        let direction = if difference == 0.0 {
            0.0
        } else {
            difference.signum()
        };
        *value *= log_share * direction / found
            + linear_share * (magnitude - wanted) / magnitude.max(1e-9);
    }
    resolution.back(spectra, gradient);
    f64::from(share) * error_norm / wanted_norm + f64::from(log_share) * logs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn noise(seed: u64, samples: usize) -> Vec<f32> {
        let mut random = Random::new(&[seed]);
        (0..samples)
            .map(|n| random.bipolar() * (-(n as f32) / 200.0).exp())
            .collect()
    }

    #[test]
    fn equal_sounds_have_no_loss_whatever_their_level() {
        let loss = SpectralLoss::new(&[256, 64]);
        let target = noise(1, 1_500);
        let louder: Vec<f32> = target.iter().map(|s| 3.0 * s).collect();
        assert!(loss.measure(&target, &louder).0 < 1e-3);
        let other = loss.measure(&target, &noise(2, 1_500)).0;
        assert!(other > 0.5, "{other}");
        // A target that ends early asks for silence.
        let cut = loss.measure(&target[..300], &target).0;
        assert!(cut > 0.2, "{cut}");
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let loss = SpectralLoss::new(&[64, 32]);
        let (target, found) = (noise(3, 400), noise(4, 400));
        let (_, gradient) = loss.measure(&target, &found);
        let mut random = Random::new(&[5]);
        for _ in 0..5 {
            let direction: Vec<f32> = found.iter().map(|_| random.bipolar()).collect();
            let step = 1e-4;
            let at = |side: f32| {
                let moved: Vec<f32> = found
                    .iter()
                    .zip(&direction)
                    .map(|(s, d)| s + side * step * d)
                    .collect();
                loss.measure(&target, &moved).0
            };
            let slope = (at(1.0) - at(-1.0)) / f64::from(2.0 * step);
            let expected: f64 = gradient
                .iter()
                .zip(&direction)
                .map(|(g, d)| f64::from(g * d))
                .sum();
            assert!(
                (slope - expected).abs() < 0.02 * expected.abs().max(1.0),
                "{slope} {expected}"
            );
        }
    }

    #[test]
    fn descent_brings_noise_nearer() {
        let loss = SpectralLoss::new(&[128, 64]);
        let target = noise(6, 600);
        let mut found = noise(7, 600);
        let before = loss.measure(&target, &found).0;
        for _ in 0..40 {
            let (_, gradient) = loss.measure(&target, &found);
            let norm: f32 = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            for (sample, slope) in found.iter_mut().zip(&gradient) {
                *sample -= 0.05 * slope / norm;
            }
        }
        let after = loss.measure(&target, &found).0;
        assert!(after < 0.8 * before, "{before} before, {after} after");
    }
}
