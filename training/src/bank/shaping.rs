//! A waveform with a given template: an excitation of our own synthesiser
//! whose spectrogram is bent towards the template, again and again.

use std::sync::Arc;

use idm_engine::front_end::{BAND_COUNT, BandMap};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use crate::one_shot::Template;

const WINDOW: usize = 1_024;
const HOP: usize = 256;
/// Rounds of shaping; the error settles after about six.
const ROUNDS: usize = 8;
/// Largest change of a band per round, in power: 30 dB.
const MOST: f32 = 1e3;
/// Fade at the very start that takes away what shaping smears before the
/// stroke.
const ATTACK: usize = 24;

/// Transforms for shaping.
pub struct Shaper {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
    map: BandMap,
}

impl std::fmt::Debug for Shaper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shaper").finish_non_exhaustive()
    }
}

impl Default for Shaper {
    fn default() -> Self {
        Shaper::new()
    }
}

impl Shaper {
    /// Plans the transforms. Allocates.
    pub fn new() -> Shaper {
        let mut planner = RealFftPlanner::new();
        let window = (0..WINDOW)
            .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / WINDOW as f32).cos())
            .collect();
        Shaper {
            forward: planner.plan_fft_forward(WINDOW),
            inverse: planner.plan_fft_inverse(WINDOW),
            window,
            map: BandMap::new(44_100.0, WINDOW),
        }
    }

    /// `excitation` (44.1 kHz, onset at its first sample) with the
    /// spectrogram of `template`; `samples` long, peak below 1. Allocates.
    pub fn shape(&self, excitation: &[f32], template: &Template, samples: usize) -> Vec<f32> {
        // Frames end where the engine's front end ends them.
        let lead = WINDOW - HOP;
        let mut signal = vec![0.0; lead + samples + WINDOW];
        let length = excitation.len().min(samples);
        signal[lead..lead + length].copy_from_slice(&excitation[..length]);
        // Where an excitation has ended a template may go on: a faint noise
        // gives it something to shape.
        let mut random = crate::random::Random::new(&[0x6578_6369]);
        for (n, sample) in signal[lead..lead + samples].iter_mut().enumerate() {
            *sample += 1e-4 * random.bipolar() * (n as f32 / 64.0).min(1.0);
        }
        for _ in 0..ROUNDS {
            signal = self.round(&signal, template);
            signal[..lead].fill(0.0);
            signal[lead + samples..].fill(0.0);
        }
        let mut shaped = signal[lead..lead + samples].to_vec();
        for (n, sample) in shaped.iter_mut().take(ATTACK).enumerate() {
            *sample *= (n + 1) as f32 / ATTACK as f32;
        }
        shaped
    }

    /// One round: analyse, scale every band to the template, resynthesise.
    fn round(&self, signal: &[f32], template: &Template) -> Vec<f32> {
        let mut result = vec![0.0; signal.len()];
        let mut weight = vec![0.0; signal.len()];
        let mut frame = self.forward.make_input_vec();
        let mut spectrum = self.forward.make_output_vec();
        let mut power = vec![0.0; WINDOW / 2 + 1];
        let mut bands = [0.0; BAND_COUNT];
        let mut log_gains = [0.0; BAND_COUNT];
        let mut gains = vec![0.0; WINDOW / 2 + 1];
        // A full-scale sine has power 1 in the engine's front end.
        let scale = (4.0 / WINDOW as f32).powi(2);
        for (index, start) in (0..=signal.len() - WINDOW).step_by(HOP).enumerate() {
            let source = &signal[start..start + WINDOW];
            for ((out, sample), window) in frame.iter_mut().zip(source).zip(&self.window) {
                *out = sample * window;
            }
            if self.forward.process(&mut frame, &mut spectrum).is_err() {
                continue;
            }
            for (power, bin) in power.iter_mut().zip(&spectrum) {
                *power = scale * bin.norm_sqr();
            }
            self.map.reduce(&power, &mut bands);
            let wanted = template.power(index).unwrap_or([0.0; BAND_COUNT]);
            for ((gain, wanted), found) in log_gains.iter_mut().zip(wanted).zip(bands) {
                let ratio = (wanted + 1e-12) / (found + 1e-12);
                *gain = 0.5 * ratio.clamp(1.0 / MOST, MOST).ln();
            }
            self.map.expand(&log_gains, &mut gains);
            for (bin, gain) in spectrum.iter_mut().zip(&gains) {
                *bin *= gain.exp();
            }
            spectrum[0] = Complex32::new(0.0, 0.0);
            spectrum[WINDOW / 2].im = 0.0;
            if self.inverse.process(&mut spectrum, &mut frame).is_err() {
                continue;
            }
            for (n, window) in self.window.iter().enumerate() {
                result[start + n] += frame[n] * window / WINDOW as f32;
                weight[start + n] += window * window;
            }
        }
        for (sample, weight) in result.iter_mut().zip(weight) {
            *sample /= weight.max(0.1);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kits::Sound, one_shot::front_end, synth};

    #[test]
    fn shaping_brings_a_drum_close_to_another_ones_template() {
        let mut front_end = front_end();
        let hit = |seed| {
            synth::samples(seed, Sound::Snare)
                .pop()
                .expect("a hit")
                .audio
        };
        let (source, goal) = (hit(3), hit(4));
        let frames = 60;
        let template = Template::from_audio(&mut front_end, &goal, frames);
        let before = Template::from_audio(&mut front_end, &source, frames);
        let shaped = Shaper::new().shape(&source, &template, 15_360);
        let after = Template::from_audio(&mut front_end, &shaped, frames);
        let (before, after) = (
            before.distance(&template, frames),
            after.distance(&template, frames),
        );
        assert!(
            after < 0.35 * before,
            "distance {before} before, {after} after"
        );
        assert_ne!(shaped[..1_000], goal[..1_000]);
        let energy = |part: &[f32]| part.iter().map(|s| s * s).sum::<f32>();
        assert!(
            energy(&shaped[..441]) > 0.01 * energy(&shaped),
            "the stroke is at the start"
        );
    }
}
