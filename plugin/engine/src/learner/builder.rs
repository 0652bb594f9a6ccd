//! From an average to a one-shot: what was heard, completed by the model's own
//! sound where nothing was.

use realfft::num_complex::Complex32;

use super::{
    Grid,
    average::{Average, GatheredFrame, Spectrogram},
};
use crate::{front_end::BAND_COUNT, one_shots::fade_if_cut};

/// Weight of what was heard, in hits, at which the model's spectrum still has
/// a quarter of the say.
const PRIOR_WEIGHT: f32 = 0.15;
/// Weight from which a cell is heard, not made up.
const HEARD_WEIGHT: f32 = 0.12;
/// Most that noise lost in averaging is raised: 12 dB whatever the number of hits, and beyond
/// that so much more than such a number costs on average, because single cells lose more; 24 dB
/// at most.
const SURE_RAISE: f32 = 4.0;
const RAISE_MARGIN: f32 = 1.5;
const MOST_RAISE: f32 = 16.0;
/// Frames over which the model's tail is matched to what was heard before it.
const MATCH_FRAMES: f32 = 5.0;
/// Most that the model's tail is raised: 6 dB.
const MOST_TAIL: f32 = 2.0;
/// Ramp at the onset and fade at the end.
const RAMP_S: f64 = 0.0003;
const FADE_S: f64 = 0.02;

/// Makes the one-shot of `averages` at unit level, with the model's sound
/// `prior` (at unit level too). It has up to `longest` samples. Allocates.
pub fn build(
    grid: &mut Grid,
    averages: &[&Average],
    prior: &Spectrogram,
    longest: usize,
    rate_hz: f64,
) -> [Vec<f32>; 2] {
    let bins = grid.bins();
    let heard = averages.iter().map(|a| a.frames()).max().unwrap_or(0);
    let frames = heard.max(prior.frames()).min(longest / grid.step() + 1);
    let mut channels = [(); 2].map(|()| vec![0.0; frames * grid.step()]);
    let mut evidence = GatheredFrame::new(bins);
    let mut mean = [(); 2].map(|()| vec![Complex32::default(); bins]);
    let (mut per_bin, mut gain, mut share, mut tail) = (
        vec![0.0; bins],
        vec![0.0; bins],
        vec![0.0; bins],
        vec![0.0; bins],
    );
    let mut levels = Match::new();
    let quiet = [0.0; BAND_COUNT];
    for frame in 0..frames {
        evidence.gather(averages, frame);
        grid.expand(&evidence.weights, &mut per_bin);
        for (mean, sums) in mean.iter_mut().zip(&evidence.sums) {
            for ((mean, sum), weight) in mean.iter_mut().zip(sums).zip(&per_bin) {
                *mean = sum / weight.max(1e-6);
            }
        }
        let mut coherent = [0.0; BAND_COUNT];
        grid.band_power([&mean[0], &mean[1]], &mut coherent);
        let own = prior.power.get(frame).unwrap_or(&quiet);
        let (mut gains, mut shares, mut tails) = (quiet, quiet, quiet);
        let whole = levels.whole();
        for band in 0..BAND_COUNT {
            let weight = evidence.weights[band];
            let power = evidence.power[band] / weight.max(1e-6);
            // What differs from hit to hit is the drum's own noise as far as
            // the masks were open, and other drums' otherwise.
            let clarity = (weight / evidence.reach.max(1e-6)).clamp(0.0, 1.0);
            let incoherent = (power - coherent[band]).max(0.0);
            let target = coherent[band] + clarity * incoherent;
            let ratio = levels.ratio(band, whole);
            let model_power = own[band] * ratio;
            // Falls fast: spectra differ by tens of decibels.
            let sure = 1.0 - (PRIOR_WEIGHT / (weight + PRIOR_WEIGHT)).powi(2);
            let wanted = if target > 1e-14 && model_power > 1e-14 {
                (target.ln() * sure + model_power.ln() * (1.0 - sure)).exp()
            } else {
                target * sure
            };
            let most = (RAISE_MARGIN * evidence.hits(band).sqrt()).clamp(SURE_RAISE, MOST_RAISE);
            gains[band] = (wanted / coherent[band].max(1e-20)).sqrt().min(most);
            let open = (weight / HEARD_WEIGHT).min(1.0);
            shares[band] = open * open * (3.0 - 2.0 * open);
            tails[band] = ratio.sqrt().min(MOST_TAIL);
            levels.hear(band, shares[band], target, own[band]);
        }
        grid.expand(&gains, &mut gain);
        grid.expand(&shares, &mut share);
        grid.expand(&tails, &mut tail);
        for (channel, samples) in channels.iter_mut().enumerate() {
            let spectrum = &mut mean[channel];
            for bin in 0..bins {
                let mut value = spectrum[bin] * (share[bin] * gain[bin]);
                if frame < prior.frames() {
                    let model = prior.bins[channel][frame * bins + bin];
                    value += model * ((1.0 - share[bin]) * tail[bin]);
                }
                spectrum[bin] = value;
            }
            grid.synthesise(spectrum, frame, samples);
        }
    }
    for samples in &mut channels {
        samples.truncate(longest);
    }
    fade_if_cut(&mut channels, rate_hz);
    for samples in &mut channels {
        shape_ends(samples, rate_hz);
    }
    channels
}

/// Power of what was heard over that of the model's sound, lately: so much
/// softer or louder its tail has to be to go on where the recording ends.
struct Match {
    heard: [f32; BAND_COUNT],
    model: [f32; BAND_COUNT],
    /// Frames that were heard, up to [`MATCH_FRAMES`].
    frames: [f32; BAND_COUNT],
}

impl Match {
    fn new() -> Match {
        Match {
            heard: [0.0; BAND_COUNT],
            model: [0.0; BAND_COUNT],
            frames: [0.0; BAND_COUNT],
        }
    }

    /// Takes a frame that was heard by this share.
    fn hear(&mut self, band: usize, share: f32, heard: f32, model: f32) {
        let keep = 1.0 - share / MATCH_FRAMES;
        self.heard[band] = keep * self.heard[band] + share * heard;
        self.model[band] = keep * self.model[band] + share * model;
        self.frames[band] = (self.frames[band] + share).min(MATCH_FRAMES);
    }

    /// Logarithm of the ratio of all bands together.
    fn whole(&self) -> f32 {
        log_ratio(self.heard.iter().sum(), self.model.iter().sum())
    }

    /// The ratio in `band`; one that was hardly heard goes with the `whole`.
    fn ratio(&self, band: usize, whole: f32) -> f32 {
        let own = log_ratio(self.heard[band], self.model[band]);
        let sure = self.frames[band] / (self.frames[band] + 1.0);
        (sure * own + (1.0 - sure) * whole).exp()
    }
}

fn log_ratio(heard: f32, model: f32) -> f32 {
    ((heard + 1e-14) / (model + 1e-14)).ln()
}

/// A short ramp at the onset, a fade at the end.
fn shape_ends(samples: &mut [f32], rate_hz: f64) {
    let ramp = ((RAMP_S * rate_hz) as usize).max(1);
    for (n, sample) in samples.iter_mut().take(ramp).enumerate() {
        *sample *= n as f32 / ramp as f32;
    }
    let fade = ((FADE_S * rate_hz) as usize).min(samples.len());
    for (n, sample) in samples.iter_mut().rev().take(fade).enumerate() {
        *sample *= n as f32 / fade as f32;
    }
}
