//! Short-time spectra of one-shots, on a grid that begins at the onset.

use std::{f64::consts::PI, fmt, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use crate::front_end::{BAND_COUNT, BandMap, Framing};

/// Analysis and synthesis with square-root Hann windows that overlap by half:
/// frame `k` is centred `k` steps after the onset, and all frames together add
/// up to the sound.
pub struct Grid {
    window: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    root_hann: Vec<f32>,
    time: Vec<f32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
    map: BandMap,
}

impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

impl Grid {
    /// A grid with the front end's window. Allocates.
    pub fn new(framing: &Framing) -> Grid {
        let window = framing.window_samples;
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(window);
        let inverse = planner.plan_fft_inverse(window);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Grid {
            window,
            root_hann: (0..window)
                .map(|n| (PI * n as f64 / window as f64).sin() as f32)
                .collect(),
            time: vec![0.0; window],
            scratch: vec![Complex32::default(); scratch],
            power: vec![0.0; window / 2 + 1],
            map: BandMap::new(framing.sample_rate_hz, window),
            forward,
            inverse,
        }
    }

    /// Distance of frames in samples.
    pub fn step(&self) -> usize {
        self.window / 2
    }

    /// Bins of a spectrum.
    pub fn bins(&self) -> usize {
        self.window / 2 + 1
    }

    /// Frames that lie wholly within `samples` samples after the onset.
    pub fn whole_frames(&self, samples: usize) -> usize {
        samples / self.step()
    }

    /// Spectrum of frame `frame` of a sound whose onset is its first sample;
    /// silence outside.
    pub fn analyse(&mut self, samples: &[f32], frame: usize, spectrum: &mut [Complex32]) {
        let first = (frame * self.step()) as isize - (self.window / 2) as isize;
        for (n, (out, weight)) in self.time.iter_mut().zip(&self.root_hann).enumerate() {
            let sample = usize::try_from(first + n as isize)
                .ok()
                .and_then(|index| samples.get(index));
            *out = weight * sample.copied().unwrap_or(0.0);
        }
        let done = self
            .forward
            .process_with_scratch(&mut self.time, spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "buffers were made for the plan");
    }

    /// Mean power of the channels' spectra per band.
    pub fn band_power(&mut self, channels: [&[Complex32]; 2], bands: &mut [f32; BAND_COUNT]) {
        let [left, right] = channels;
        for ((power, l), r) in self.power.iter_mut().zip(left).zip(right) {
            *power = 0.5 * (l.norm_sqr() + r.norm_sqr());
        }
        self.map.reduce(&self.power, bands);
    }

    /// Band values interpolated to bins.
    pub fn expand(&self, bands: &[f32; BAND_COUNT], bins: &mut [f32]) {
        self.map.expand(bands, bins);
    }

    /// Adds frame `frame` with this spectrum, which is used up, to `samples`.
    pub fn synthesise(&mut self, spectrum: &mut [Complex32], frame: usize, samples: &mut [f32]) {
        // Exactly real at both ends, as the inverse transform asks.
        spectrum[0].im = 0.0;
        if let Some(last) = spectrum.last_mut() {
            last.im = 0.0;
        }
        let done = self
            .inverse
            .process_with_scratch(spectrum, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "buffers were made for the plan");
        let first = (frame * self.step()) as isize - (self.window / 2) as isize;
        let scale = 1.0 / self.window as f32;
        for (n, (sample, weight)) in self.time.iter().zip(&self.root_hann).enumerate() {
            if let Ok(index) = usize::try_from(first + n as isize)
                && let Some(sum) = samples.get_mut(index)
            {
                *sum += scale * weight * sample;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn analysis_and_synthesis_give_the_sound_back() {
        let mut grid = Grid::new(&Framing::for_rate(48_000.0).unwrap());
        let sound: Vec<f32> = (0..9_000).map(|n| (n as f32 * 0.21).sin()).collect();
        let mut spectrum = vec![Complex32::default(); grid.bins()];
        let mut back = vec![0.0; sound.len()];
        for frame in 0..grid.whole_frames(sound.len()) + 2 {
            grid.analyse(&sound, frame, &mut spectrum);
            grid.synthesise(&mut spectrum, frame, &mut back);
        }
        for (a, b) in sound.iter().zip(&back) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}
