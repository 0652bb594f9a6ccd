//! Gains of new hits, fitted to the mixture.
//!
//! Non-negative least divergence: the observed band power of a few frames
//! around the onset is explained by what already sounds plus the templates of
//! the candidates, with multiplicative updates for the β-divergence at
//! β = 0.5 (Févotte & Idier 2011), which hears quiet high bands beside loud
//! low ones. The network's posterior is a prior: an unlikely class pays for
//! every bit of gain, because spectra alone cannot tell nine drums apart.

use multiversion::multiversion;

use crate::front_end::BAND_COUNT;

/// Most frames that are fitted: from one before the oldest hit's onset to six
/// after the newest's.
pub const MAX_FIT_FRAMES: usize = 14;
/// Most hits that are fitted together.
pub const MAX_FITTED: usize = 16;
const ITERATIONS: usize = 12;
/// Partial sums over bands.
const LANES: usize = 16;
/// Price of gain for an unlikely class.
const PRIOR_WEIGHT: f32 = 0.1;

type Frames = [[f32; BAND_COUNT]; MAX_FIT_FRAMES];

/// Buffers of a fit; fill them, then [`GainFit::solve`].
#[derive(Debug)]
pub struct GainFit {
    /// Frames in use, up to [`MAX_FIT_FRAMES`].
    pub frames: usize,
    /// Observed power.
    pub observed: Box<Frames>,
    /// Power of what already sounds, and a floor above zero.
    pub explained: Box<Frames>,
    /// Power of each candidate at gain 1.
    pub templates: Box<[Frames; MAX_FITTED]>,
}

impl Default for GainFit {
    fn default() -> Self {
        let empty = [[0.0; BAND_COUNT]; MAX_FIT_FRAMES];
        GainFit {
            frames: 0,
            observed: Box::new(empty),
            explained: Box::new(empty),
            templates: Box::new([empty; MAX_FITTED]),
        }
    }
}

impl GainFit {
    /// Fits the gains of the first `gains.len()` templates, given the
    /// posterior probability of each. Gains above zero are where the fit
    /// begins. Real-time safe.
    pub fn solve(&self, posteriors: &[f32], gains: &mut [f32]) {
        let count = gains.len().min(MAX_FITTED);
        let frames = self.frames.min(MAX_FIT_FRAMES);
        let total = |frames: &[[f32; BAND_COUNT]]| frames.iter().flatten().sum::<f32>();
        let observed = total(&self.observed[..frames]);
        for (candidate, gain) in gains.iter_mut().enumerate().take(count) {
            let template = total(&self.templates[candidate][..frames]);
            if *gain <= 0.0 {
                *gain = observed / (template.max(1e-12) * count as f32);
            }
        }
        for _ in 0..ITERATIONS {
            let mut numerators = [0.0_f32; MAX_FITTED];
            let mut denominators = [1e-20_f32; MAX_FITTED];
            for frame in 0..frames {
                add_frame(
                    (&self.observed[frame], &self.explained[frame]),
                    (&self.templates, frame),
                    &gains[..count],
                    &mut numerators,
                    &mut denominators,
                );
            }
            for candidate in 0..count {
                let posterior = posteriors[candidate].clamp(0.02, 0.98);
                let price = 1.0 + PRIOR_WEIGHT * (1.0 - posterior) / posterior;
                gains[candidate] *= numerators[candidate] / (denominators[candidate] * price);
            }
        }
        for gain in gains {
            if !gain.is_finite() {
                *gain = 0.0;
            }
        }
    }
}

/// Sums of a frame for the update of each gain: of what pulls it up and of what
/// holds it down. Sums run in lanes, so that they are fast and the same everywhere.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn add_frame(
    (observed, explained): (&[f32; BAND_COUNT], &[f32; BAND_COUNT]),
    (templates, frame): (&[Frames; MAX_FITTED], usize),
    gains: &[f32],
    numerators: &mut [f32; MAX_FITTED],
    denominators: &mut [f32; MAX_FITTED],
) {
    let mut model = *explained;
    for (gain, template) in gains.iter().zip(templates) {
        for (sum, power) in model.iter_mut().zip(&template[frame]) {
            *sum += gain * power;
        }
    }
    let mut pull = [0.0; BAND_COUNT];
    let mut push = [0.0; BAND_COUNT];
    for band in 0..BAND_COUNT {
        let inverse = 1.0 / model[band].sqrt();
        push[band] = inverse;
        pull[band] = observed[band] * inverse * inverse * inverse;
    }
    for candidate in 0..gains.len().min(MAX_FITTED) {
        let template = &templates[candidate][frame];
        let (mut up, mut down) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        for first in (0..BAND_COUNT).step_by(LANES) {
            for lane in 0..LANES {
                up[lane] += template[first + lane] * pull[first + lane];
                down[lane] += template[first + lane] * push[first + lane];
            }
        }
        numerators[candidate] += up.iter().sum::<f32>();
        denominators[candidate] += down.iter().sum::<f32>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit_of(gains: [f32; 2]) -> GainFit {
        let mut fit = GainFit {
            frames: 6,
            ..GainFit::default()
        };
        for frame in 0..6 {
            let decay = 0.7_f32.powi(frame as i32);
            for band in 0..BAND_COUNT {
                let low = (-(band as f32) / 10.0).exp();
                fit.templates[0][frame][band] = low * decay;
                fit.templates[1][frame][band] = (1.0 - low) * decay * 1e-3;
                fit.explained[frame][band] = 1e-9;
                fit.observed[frame][band] = 1e-9
                    + gains[0] * fit.templates[0][frame][band]
                    + gains[1] * fit.templates[1][frame][band];
            }
        }
        fit
    }

    #[test]
    fn recovers_the_gains_of_simultaneous_hits() {
        for truth in [[1.0, 1.0], [0.01, 1.0], [1.0, 0.03]] {
            let mut gains = [0.0; 2];
            fit_of(truth).solve(&[0.98, 0.98], &mut gains);
            for (gain, truth) in gains.iter().zip(&truth) {
                let error_db = 10.0 * (gain / truth).log10();
                assert!(error_db.abs() < 1.0, "{gains:?} for {truth:?}");
            }
        }
    }

    #[test]
    fn an_absent_unlikely_class_gets_nothing() {
        let mut gains = [0.0; 2];
        fit_of([1.0, 0.0]).solve(&[0.9, 0.1], &mut gains);
        assert!(gains[1] < 1e-3, "{gains:?}");
    }

    #[test]
    fn silence_gives_silence() {
        let mut fit = fit_of([0.0, 0.0]);
        for frame in fit.observed.iter_mut() {
            frame.fill(0.0);
        }
        let mut gains = [0.0; 2];
        fit.solve(&[0.5, 0.5], &mut gains);
        assert!(gains.iter().all(|&gain| gain < 1e-6));
    }
}
