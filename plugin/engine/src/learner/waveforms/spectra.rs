//! What the spectra of hits tell: how loud and how pure they begin, where
//! another hit begins, and how far two of them differ.

use super::super::average::{Average, Spectrogram, mean_spectrum};
use crate::front_end::BAND_COUNT;

/// Frames (12 ms each) over which levels and spectra are compared.
pub(super) const EARLY_FRAMES: usize = 5;
/// Rise of a drum's own power within a take that gives a missed hit away, and
/// when it counts.
const MISSED_HIT_RATIO: f32 = 6.0;
const MISSED_HIT_AFTER_FRAMES: usize = 7;
/// Power below the take's loudest frame at which rises do not matter.
const MISSED_HIT_FLOOR: f32 = 1e-4;

/// Power of the first frames, and the part of it that the masks were sure of.
pub(super) fn early_power(spectrogram: &Spectrogram) -> (f32, f32) {
    let frames = spectrogram.power.iter().zip(&spectrogram.masks);
    let (mut power, mut sure) = (0.0, 0.0);
    for (frame, masks) in frames.take(EARLY_FRAMES) {
        for (value, mask) in frame.iter().zip(masks) {
            power += value;
            sure += value * mask;
        }
    }
    (power, sure)
}

/// Keeps the first `frames` frames of `bins` bins.
pub(super) fn truncate(spectrogram: &mut Spectrogram, frames: usize, bins: usize) {
    for spectra in &mut spectrogram.bins {
        spectra.truncate(frames * bins);
    }
    spectrogram.power.truncate(frames);
    spectrogram.masks.truncate(frames);
}

/// Frames up to a hit of the same drum that nobody has noticed: its own power
/// (what the masks were sure of) rises again. Leaking drums do not count.
pub(super) fn before_missed_hit(spectrogram: &Spectrogram) -> usize {
    let own: Vec<f32> = spectrogram
        .power
        .iter()
        .zip(&spectrogram.masks)
        .map(|(power, masks)| power.iter().zip(masks).map(|(p, m)| p * m * m).sum())
        .collect();
    let loudest = own.iter().copied().fold(0.0, f32::max);
    let mut lowest = f32::INFINITY;
    // Cymbals swell before they decay.
    for (frame, &power) in own.iter().enumerate().skip(MISSED_HIT_AFTER_FRAMES - 2) {
        if frame >= MISSED_HIT_AFTER_FRAMES
            && power > MISSED_HIT_RATIO * lowest
            && power > MISSED_HIT_FLOOR * loudest
        {
            // The window reaches half its length ahead.
            return frame.saturating_sub(2);
        }
        // Two frames: a low drum's power swings with its waveform.
        lowest = lowest.min(power.max(own[frame - 1]));
    }
    own.len()
}

/// Mean difference of the early spectra in dB, counting bands by what was
/// heard of them.
pub(super) fn difference_db(known: &[(f32, f32); BAND_COUNT], hit: &Spectrogram) -> f32 {
    let mut mine = [(0.0, 0.0); BAND_COUNT];
    for (power, masks) in hit.power.iter().zip(&hit.masks).take(EARLY_FRAMES) {
        for band in 0..BAND_COUNT {
            let cell = masks[band] * masks[band];
            mine[band].0 += cell * power[band];
            mine[band].1 += cell;
        }
    }
    let mine = mine.map(|(power, weight)| (power / weight.max(1e-12), weight));
    spectral_difference_db(known, &mine)
}

/// The same for the averages of two velocity layers.
pub(super) fn layer_difference_db(soft: &Average, loud: &Average) -> f32 {
    spectral_difference_db(
        &mean_spectrum(&[soft], EARLY_FRAMES),
        &mean_spectrum(&[loud], EARLY_FRAMES),
    )
}

fn spectral_difference_db(a: &[(f32, f32); BAND_COUNT], b: &[(f32, f32); BAND_COUNT]) -> f32 {
    let loudest = a.iter().map(|band| band.0).fold(0.0, f32::max);
    let floor = 1e-4 * loudest + 1e-12;
    let (mut sum, mut weights) = (0.0, 1e-9);
    for (a, b) in a.iter().zip(b) {
        let weight = ((a.0.max(b.0) + floor).powf(0.25)) * a.1.min(1.0) * b.1.min(1.0);
        sum += weight * (10.0 * ((a.0 + floor) / (b.0 + floor)).log10()).abs();
        weights += weight;
    }
    sum / weights
}
