//! Between a stretch of sound and its spectrum, of which only the bins of a lower rate are
//! kept.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

/// Both ways, with all the room that they need. Real-time safe after construction.
pub struct Transforms {
    forward: Arc<dyn RealToComplex<f32>>,
    /// At the lower rate.
    inverse: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    /// All bins of a transform.
    all: Vec<Complex32>,
    /// A copy of what is turned back, which the transform spoils.
    turned: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Transforms {
    /// For stretches of up to `samples` samples, at a rate that is `stride` times as high as
    /// the one of which bins are kept. Allocates.
    pub fn new(samples: usize, stride: usize) -> Transforms {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(samples);
        let inverse = planner.plan_fft_inverse(samples / stride);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Transforms {
            time: vec![0.0; samples],
            all: forward.make_output_vec(),
            turned: inverse.make_input_vec(),
            scratch: vec![Complex32::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Samples of the longest stretch.
    pub fn samples(&self) -> usize {
        self.time.len()
    }

    /// Writes the first bins of `samples` to `spectrum`; what follows them up to sample `end`
    /// is silence, and the last `fade` samples before it fade out.
    pub fn spectrum(
        &mut self,
        samples: &[f32],
        (end, fade): (usize, usize),
        spectrum: &mut [Complex32],
    ) {
        self.time.fill(0.0);
        self.time[..samples.len()].copy_from_slice(samples);
        for (n, sample) in self.time[..end].iter_mut().rev().take(fade).enumerate() {
            *sample *= n as f32 / fade as f32;
        }
        let (time, all) = (&mut self.time, &mut self.all);
        let done = self
            .forward
            .process_with_scratch(time, all, &mut self.scratch);
        debug_assert!(done.is_ok(), "buffers were made for the plan");
        spectrum.copy_from_slice(&self.all[..spectrum.len()]);
    }

    /// Writes the signal of the lower rate that has this spectrum to `signal`.
    pub fn signal(&mut self, spectrum: &[Complex32], signal: &mut [f32]) {
        self.turned.copy_from_slice(spectrum);
        let (turned, scratch) = (&mut self.turned, &mut self.scratch);
        let done = self.inverse.process_with_scratch(turned, signal, scratch);
        debug_assert!(done.is_ok(), "buffers were made for the plan");
    }
}
