//! A plain signal-processing transcriber: rises of energy in three bands.
//!
//! What one gets without any learning: low rises are kicks, middle ones snares,
//! high ones hats. Other drums are not told apart.

use idm_engine::{drum::Drum, transcriber::Verdict};

use super::{
    stft::Stft,
    systems::{Detection, Estimate},
};
use crate::{
    kits::SAMPLE_RATE_HZ,
    render::{Hit, Piece},
};

const WINDOW: usize = 1024;
const HOP: usize = 256;
/// Drums and the bands in which they rise, in hertz.
const BANDS: [(Drum, f64, f64); 3] = [
    (Drum::Kick, 30.0, 130.0),
    (Drum::Snare, 250.0, 4_000.0),
    (Drum::ClosedHat, 8_000.0, 16_000.0),
];
/// Frames of the local mean and of the local maximum, either way.
const MEAN_FRAMES: usize = 17;
const PEAK_FRAMES: usize = 5;
/// How far above the local mean a peak rises, in mean rises of the piece.
const ABOVE_MEAN: f32 = 3.0;
/// Factor for peaks that are only candidates.
const CANDIDATE_SHARE: f32 = 0.4;

/// Hits of kick, snare and closed hat in `piece`. Allocates.
pub fn band_flux(piece: &Piece) -> Estimate {
    let mut stft = Stft::new(WINDOW, HOP);
    let bins = stft.bins();
    let [left, right] = piece.mix_channels();
    let middle: Vec<f32> = left.iter().zip(right).map(|(l, r)| 0.5 * (l + r)).collect();
    let power = stft.analyse(&middle).power();
    let mut detections = Vec::new();
    for (drum, low_hz, high_hz) in BANDS {
        let bin_of = |hz: f64| (hz * WINDOW as f64 / SAMPLE_RATE_HZ).round() as usize;
        let band = bin_of(low_hz)..bin_of(high_hz) + 1;
        let flux = flux(&power, bins, band);
        let mean_rise = flux.iter().sum::<f32>() / flux.len().max(1) as f32;
        for (frame, &rise) in flux.iter().enumerate() {
            let around = |reach: usize| {
                &flux[frame.saturating_sub(reach)..(frame + reach + 1).min(flux.len())]
            };
            let local = around(MEAN_FRAMES);
            let mean = local.iter().sum::<f32>() / local.len() as f32;
            let highest = around(PEAK_FRAMES).iter().all(|other| *other <= rise);
            let confidence = (rise - mean) / (ABOVE_MEAN * mean_rise).max(1e-9);
            if !highest || rise <= 0.0 || confidence < CANDIDATE_SHARE {
                continue;
            }
            let verdict = if confidence >= 1.0 {
                Verdict::Accepted
            } else {
                Verdict::BelowThreshold
            };
            detections.push(Detection {
                hit: Hit {
                    sample: frame * HOP,
                    drum,
                    velocity: 1.0,
                },
                confidence: confidence.min(1.0),
                evidence: None,
                verdict,
            });
        }
    }
    Estimate {
        stems: Vec::new(),
        detections: Some(detections),
    }
}

/// Mean over the bins of `band` of the positive change of the logarithm of
/// power, per frame.
fn flux(power: &[f32], bins: usize, band: std::ops::Range<usize>) -> Vec<f32> {
    // Rises far below the band's loudest moment are nobody's hit.
    let in_band = power.chunks_exact(bins).flat_map(|row| &row[band.clone()]);
    let floor = 1e-3 * in_band.fold(1e-12_f32, |loudest, p| loudest.max(*p));
    let log = |row: &[f32]| -> Vec<f32> {
        let band = row[band.clone()].iter();
        band.map(|power| (power + floor).ln()).collect()
    };
    let mut before = vec![floor.ln(); band.len()];
    power
        .chunks_exact(bins)
        .map(|row| {
            let now = log(row);
            let rise: f32 = now.iter().zip(&before).map(|(a, b)| (a - b).max(0.0)).sum();
            before = now;
            rise / band.len() as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{held_out, systems::OperatingPoint};

    #[test]
    fn a_low_thump_is_a_kick() {
        let mut mix = vec![0.0_f32; 44_100];
        for (n, sample) in mix[10_000..20_000].iter_mut().enumerate() {
            let t = n as f32 / 44_100.0;
            *sample = (380.0 * t).sin() * (-20.0 * t).exp();
        }
        let piece = Piece {
            channels: 1,
            mix,
            stems: Default::default(),
            hits: Vec::new(),
            kit: 0,
        };
        let hits = band_flux(&piece).hits(OperatingPoint::Strict).unwrap();
        let kick = hits.iter().find(|hit| hit.drum == Drum::Kick).unwrap();
        assert!(kick.sample.abs_diff(10_000) < 1_000, "{}", kick.sample);
        assert_eq!(hits.iter().filter(|hit| hit.drum == Drum::Kick).count(), 1);
    }

    #[test]
    fn candidates_are_more_than_hits() {
        let piece = &held_out(None, 1, 4.0).unwrap()[0].piece;
        let estimate = band_flux(piece);
        let strict = estimate.hits(OperatingPoint::Strict).unwrap().len();
        let recall = estimate.hits(OperatingPoint::Recall).unwrap().len();
        assert!(recall >= strict && recall > 0);
    }
}
