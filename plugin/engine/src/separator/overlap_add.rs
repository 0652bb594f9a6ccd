//! Masked short-time spectra back to one signal per drum.

use std::{f64::consts::PI, fmt, ops::Range, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use super::steering::Steering;
use crate::{
    drum::DRUM_COUNT,
    front_end::{BAND_COUNT, BandMap},
    spread::Spread,
};

/// Below this mask value in all bands a drum's inverse transform is skipped
/// (−80 dB).
const NEGLIGIBLE_MASK: f32 = 1e-4;

/// Analysis, masking and synthesis with square-root Hann windows; without
/// masks the overlapping frames add up to the input.
pub struct OverlapAdd {
    hop: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    analysis: Vec<f32>,
    /// Includes the inverse transform's and the overlap's scaling.
    synthesis: Vec<f32>,
    time: Vec<f32>,
    spectra: [Vec<Complex32>; 2],
    /// Per channel.
    masked: [Vec<Complex32>; 2],
    steering: Steering,
    scratch: Vec<Complex32>,
    map: BandMap,
    mask: Vec<f32>,
    mono: bool,
    /// Per drum and channel: the window's worth of unfinished output, hop by hop.
    tails: Vec<[Vec<Vec<f32>>; 2]>,
}

impl fmt::Debug for OverlapAdd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlapAdd")
            .field("hop", &self.hop)
            .field("window", &self.analysis.len())
            .finish_non_exhaustive()
    }
}

impl OverlapAdd {
    /// A window of `window_hops` (2 or more) hops. Allocates.
    pub fn new(sample_rate_hz: f64, hop_samples: usize, window_hops: usize) -> OverlapAdd {
        let window = hop_samples * window_hops;
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(window);
        let inverse = planner.plan_fft_inverse(window);
        let root_hann = |n: usize| (PI * n as f64 / window as f64).sin();
        let overlap = window_hops as f64 / 2.0;
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        OverlapAdd {
            hop: hop_samples,
            analysis: (0..window).map(|n| root_hann(n) as f32).collect(),
            synthesis: (0..window)
                .map(|n| (root_hann(n) / (overlap * window as f64)) as f32)
                .collect(),
            time: vec![0.0; window],
            spectra: [forward.make_output_vec(), forward.make_output_vec()],
            masked: [forward.make_output_vec(), forward.make_output_vec()],
            steering: Steering::new(window / 2 + 1),
            scratch: vec![Complex32::default(); scratch],
            map: BandMap::new(sample_rate_hz, window),
            mask: vec![0.0; window / 2 + 1],
            mono: false,
            tails: (0..DRUM_COUNT)
                .map(|_| [(); 2].map(|()| vec![vec![0.0; hop_samples]; window_hops]))
                .collect(),
            forward,
            inverse,
        }
    }

    /// Window length in samples. Real-time safe.
    pub fn window_samples(&self) -> usize {
        self.analysis.len()
    }

    /// Forgets all unfinished output. Real-time safe.
    pub fn reset(&mut self) {
        for tail in self.tails.iter_mut().flatten().flatten() {
            tail.fill(0.0);
        }
    }

    /// Takes the next frame of both channels (each one window long).
    /// Real-time safe.
    pub fn analyse(&mut self, frame: [&[f32]; 2]) {
        self.mono = frame[0] == frame[1];
        let mut spectra = std::mem::take(&mut self.spectra);
        self.transform(frame, &mut spectra);
        self.spectra = spectra;
    }

    /// The spectra of the same stretch of another signal; of the first channel alone if
    /// the channels of the analysed frame agree. Real-time safe.
    pub fn transform(&mut self, frame: [&[f32]; 2], spectra: &mut [Vec<Complex32>; 2]) {
        let channels = if self.mono { 1 } else { 2 };
        for (samples, spectrum) in frame.iter().zip(spectra).take(channels) {
            for ((out, sample), weight) in self.time.iter_mut().zip(*samples).zip(&self.analysis) {
                *out = sample * weight;
            }
            let done =
                self.forward
                    .process_with_scratch(&mut self.time, spectrum, &mut self.scratch);
            debug_assert!(done.is_ok(), "buffers were made for the plan");
        }
    }

    /// The spectra of the analysed frame, one if the channels agree, and the bands of
    /// their bins. Real-time safe.
    pub fn frame(&self) -> (&[Vec<Complex32>], &BandMap) {
        let channels = if self.mono { 1 } else { 2 };
        (&self.spectra[..channels], &self.map)
    }

    /// Takes a part of the analysed frame off it: masks divide the rest. Real-time safe.
    pub fn subtract(&mut self, part: &[Vec<Complex32>; 2]) {
        let channels = if self.mono { 1 } else { 2 };
        for (spectrum, part) in self.spectra.iter_mut().zip(part).take(channels) {
            for (bin, part) in spectrum.iter_mut().zip(part) {
                *bin -= part;
            }
        }
    }

    /// Both spectra of the analysed frame and the bands of their bins; none if the
    /// channels agree. Real-time safe.
    pub fn stereo_spectra(&self) -> Option<([&[Complex32]; 2], &BandMap)> {
        let [left, right] = &self.spectra;
        (!self.mono).then_some(([left, right], &self.map))
    }

    /// Gets ready to take drums out of the analysed frame by their covariances, which
    /// are `whole` together with the residual's. Real-time safe.
    pub fn begin_stereo(&mut self, whole: &Spread) {
        let [left, right] = &self.spectra;
        self.steering.begin([left, right], whole, &self.map);
    }

    /// Masks the analysed frame for class `drum` and writes the hop that is
    /// now complete to both channels of `output`; in stereo the covariance `part` takes
    /// the place of the mask `bands`, if there is one (after
    /// [`OverlapAdd::begin_stereo`]). The spectra `known` are added, if there are any.
    /// Call once per class and frame. Real-time safe.
    pub fn synthesise(
        &mut self,
        drum: usize,
        bands: &[f32; BAND_COUNT],
        part: Option<&Spread>,
        known: Option<&[Vec<Complex32>; 2]>,
        output: &mut [Vec<f32>; 2],
    ) {
        let hop = self.hop;
        if known.is_some() || bands.iter().any(|&band| band > NEGLIGIBLE_MASK) {
            match part {
                Some(part) if !self.mono => {
                    self.steering.take(part, &self.map, &mut self.masked);
                }
                _ => {
                    self.map.expand(bands, &mut self.mask);
                    let channels = self.masked.iter_mut().zip(&self.spectra);
                    for (masked, spectrum) in channels.take(if self.mono { 1 } else { 2 }) {
                        for ((out, bin), gain) in masked.iter_mut().zip(spectrum).zip(&self.mask) {
                            *out = bin * gain;
                        }
                    }
                }
            }
            if let Some(known) = known {
                let channels = self.masked.iter_mut().zip(known);
                for (masked, known) in channels.take(if self.mono { 1 } else { 2 }) {
                    for (out, bin) in masked.iter_mut().zip(known) {
                        *out += bin;
                    }
                }
            }
            if self.mono {
                self.add_masked(0, drum, 0..2);
            } else {
                self.add_masked(0, drum, 0..1);
                self.add_masked(1, drum, 1..2);
            }
        }
        for (tail, out) in self.tails[drum].iter_mut().zip(output) {
            out[..hop].copy_from_slice(&tail[0]);
            tail[0].fill(0.0);
            tail.rotate_left(1);
        }
    }

    /// Adds what became of channel `channel` to the unfinished output of `drum`.
    fn add_masked(&mut self, channel: usize, drum: usize, outputs: Range<usize>) {
        let masked = &mut self.masked[channel];
        // Exactly real at both ends, as the inverse transform asks.
        for end in [0, masked.len() - 1] {
            masked[end].im = 0.0;
        }
        let done = self
            .inverse
            .process_with_scratch(masked, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "buffers were made for the plan");
        for tail in &mut self.tails[drum][outputs] {
            let (time, weights) = (self.time.chunks(self.hop), self.synthesis.chunks(self.hop));
            for (sums, (samples, weights)) in tail.iter_mut().zip(time.zip(weights)) {
                for ((sum, sample), weight) in sums.iter_mut().zip(samples).zip(weights) {
                    *sum += sample * weight;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_mask_reproduces_the_input() {
        for (rate, hop, hops) in [(44_100.0, 256, 4), (48_000.0, 280, 2), (8_000.0, 48, 4)] {
            let mut overlap_add = OverlapAdd::new(rate, hop, hops);
            let window = hop * hops;
            let channel = |phase: f32| -> Vec<f32> {
                (0..hop * 40)
                    .map(|n| (n as f32 * 0.37 + phase).sin())
                    .collect()
            };
            let input = [channel(0.0), channel(1.0)];
            let mut output = [vec![0.0; hop], vec![0.0; hop]];
            for frame in 0..36 {
                let span = frame * hop..frame * hop + window;
                overlap_add.analyse([&input[0][span.clone()], &input[1][span]]);
                overlap_add.synthesise(3, &[1.0; BAND_COUNT], None, None, &mut output);
                if frame >= hops {
                    for channel in 0..2 {
                        for n in 0..hop {
                            let error = output[channel][n] - input[channel][frame * hop + n];
                            assert!(error.abs() < 1e-5, "{error}");
                        }
                    }
                }
            }
        }
    }
}
