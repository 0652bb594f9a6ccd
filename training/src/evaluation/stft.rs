//! Short-time Fourier transform of whole signals, for the offline systems.

use std::{f32::consts::TAU, fmt, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

/// A complex spectrogram, one row of bins per frame.
#[derive(Debug, Clone)]
pub struct Spectrogram {
    /// `(frames, bins)`, row-major.
    pub values: Vec<Complex32>,
    samples: usize,
}

impl Spectrogram {
    /// Power per bin, `(frames, bins)`.
    pub fn power(&self) -> Vec<f32> {
        self.values.iter().map(|value| value.norm_sqr()).collect()
    }

    /// The same with every value multiplied by `mask`'s.
    pub fn masked(&self, mask: impl Iterator<Item = f32>) -> Spectrogram {
        Spectrogram {
            values: self
                .values
                .iter()
                .zip(mask)
                .map(|(value, mask)| value * mask)
                .collect(),
            samples: self.samples,
        }
    }
}

/// Forward and inverse transform with a periodic Hann window on both sides.
pub struct Stft {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
    hop: usize,
}

impl fmt::Debug for Stft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stft")
            .field("window", &self.window.len())
            .field("hop", &self.hop)
            .finish_non_exhaustive()
    }
}

impl Stft {
    /// Plans transforms of `window` samples every `hop` (which must divide
    /// `window` into four or more). Allocates.
    pub fn new(window: usize, hop: usize) -> Stft {
        let mut planner = RealFftPlanner::new();
        let hann: Vec<f32> = (0..window)
            .map(|n| 0.5 - 0.5 * (TAU * n as f32 / window as f32).cos())
            .collect();
        Stft {
            forward: planner.plan_fft_forward(window),
            inverse: planner.plan_fft_inverse(window),
            window: hann,
            hop,
        }
    }

    /// Bins per frame.
    pub fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    /// Samples between frames.
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Transforms `signal`. Frame `k` is centred on sample `k * hop`, so there
    /// are `samples / hop + 1` frames. Allocates.
    pub fn analyse(&mut self, signal: &[f32]) -> Spectrogram {
        let half = self.window.len() / 2;
        let frames = signal.len() / self.hop + 1;
        let mut values = Vec::with_capacity(frames * self.bins());
        let mut input = self.forward.make_input_vec();
        let mut output = self.forward.make_output_vec();
        for frame in 0..frames {
            for (n, (sample, weight)) in input.iter_mut().zip(&self.window).enumerate() {
                let position = (frame * self.hop + n).checked_sub(half);
                let value = position.and_then(|position| signal.get(position));
                *sample = weight * value.copied().unwrap_or(0.0);
            }
            let done = self.forward.process(&mut input, &mut output);
            debug_assert!(done.is_ok(), "buffers were made by the plan");
            values.extend_from_slice(&output);
        }
        Spectrogram {
            values,
            samples: signal.len(),
        }
    }

    /// Back to samples by weighted overlap-add, divided by what the squared
    /// windows sum to (less at both ends). Allocates.
    pub fn synthesise(&mut self, spectrogram: &Spectrogram) -> Vec<f32> {
        let half = self.window.len() / 2;
        let scale = 1.0 / self.window.len() as f32;
        let mut signal = vec![0.0; spectrogram.samples];
        let mut weights = vec![0.0_f32; spectrogram.samples];
        let mut output = self.inverse.make_output_vec();
        for (frame, row) in spectrogram.values.chunks(self.bins()).enumerate() {
            let mut row = row.to_vec();
            // The inverse wants real values at both ends.
            row[0].im = 0.0;
            let last = row.len() - 1;
            row[last].im = 0.0;
            let done = self.inverse.process(&mut row, &mut output);
            debug_assert!(done.is_ok(), "both ends are real");
            for (n, (value, weight)) in output.iter().zip(&self.window).enumerate() {
                let position = (frame * self.hop + n).checked_sub(half);
                if let Some(position) = position.filter(|position| *position < signal.len()) {
                    signal[position] += value * weight * scale;
                    weights[position] += weight * weight;
                }
            }
        }
        for (sample, weight) in signal.iter_mut().zip(&weights) {
            *sample /= weight.max(1e-6);
        }
        signal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_signal() {
        let signal: Vec<f32> = (0..5_000).map(|n| (n as f32 * 0.37).sin()).collect();
        for (window, hop) in [(1024, 256), (1024, 128), (2048, 512)] {
            let mut stft = Stft::new(window, hop);
            let spectrogram = stft.analyse(&signal);
            let back = stft.synthesise(&spectrogram);
            for (n, (a, b)) in signal.iter().zip(&back).enumerate() {
                assert!((a - b).abs() < 1e-4, "{window}/{hop} at {n}: {a} {b}");
            }
        }
    }
}
