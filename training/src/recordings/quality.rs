//! How good estimated targets are.

use idm_engine::{
    drum::{RESIDUAL, STEM_COUNT},
    front_end::BAND_COUNT,
};

use crate::render::TrainingExample;

/// Energy relative to the mixture above which a stem counts as sounding:
/// −40 dB, as in the loss.
const SOUNDING: f64 = 1e-4;
/// Below this a stem is silent: −70 dB.
const SILENT: f64 = 1e-7;
const FLOOR: f64 = 1e-5;

/// Targets of one passage, judged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quality {
    /// Share of the mixture's energy that goes to drums.
    pub explained: f64,
    /// Error of each stem relative to its energy in dB, as the validation of
    /// masks measures it; `None` where the true stem is not sounding or not
    /// known.
    pub distortion_db: [Option<f64>; STEM_COUNT],
    /// Mean level in truly silent stems relative to the mixture, in dB.
    pub leakage_db: Option<f64>,
}

impl Quality {
    /// Mean error of the sounding stems in dB.
    pub fn mean_distortion_db(&self) -> Option<f64> {
        let known: Vec<f64> = self.distortion_db.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

/// Judges the targets of `estimate`, against `truth` if there is one.
pub fn quality(estimate: &TrainingExample, truth: Option<&TrainingExample>) -> Quality {
    let frames = truth.map_or(estimate.frames, |truth| truth.frames.min(estimate.frames));
    let (mut error, mut energy) = ([0.0_f64; STEM_COUNT], [0.0_f64; STEM_COUNT]);
    let (mut mixture, mut rest) = (1e-12, 0.0);
    for frame in 0..frames {
        let power = &estimate.mix_power[frame * BAND_COUNT..][..BAND_COUNT];
        mixture += f64::from(power.iter().sum::<f32>());
        for stem in 0..STEM_COUNT {
            let place = (frame * STEM_COUNT + stem) * BAND_COUNT;
            let found = &estimate.ratio[place..][..BAND_COUNT];
            let share = |value: u8| f64::from(value) / 255.0;
            for band in 0..BAND_COUNT {
                let power = f64::from(power[band]);
                if stem == RESIDUAL {
                    rest += share(found[band]) * power;
                }
                if let Some(truth) = truth {
                    let wanted = share(truth.ratio[place + band]);
                    error[stem] += (share(found[band]) - wanted).powi(2) * power;
                    energy[stem] += wanted * wanted * power;
                }
            }
        }
    }
    let mut quality = Quality {
        explained: 1.0 - rest / mixture,
        ..Quality::default()
    };
    if truth.is_some() {
        let decibels = |ratio: f64| 10.0 * (ratio + FLOOR).log10();
        let mut leaks = Vec::new();
        for stem in 0..STEM_COUNT {
            if energy[stem] > SOUNDING * mixture {
                quality.distortion_db[stem] = Some(decibels(error[stem] / energy[stem]));
            } else if energy[stem] < SILENT * mixture {
                leaks.push(decibels(error[stem] / mixture));
            }
        }
        if !leaks.is_empty() {
            quality.leakage_db = Some(leaks.iter().sum::<f64>() / leaks.len() as f64);
        }
    }
    quality
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_targets_have_no_error_and_halved_ones_minus_six_decibels() {
        let mut truth = TrainingExample {
            frames: 2,
            mix_power: vec![1e-3; 2 * BAND_COUNT],
            ratio: vec![0; 2 * STEM_COUNT * BAND_COUNT],
            ..TrainingExample::default()
        };
        for frame in 0..2 {
            truth.ratio[frame * STEM_COUNT * BAND_COUNT..][..BAND_COUNT].fill(254);
        }
        let right = quality(&truth, Some(&truth));
        assert_eq!(right.distortion_db[0], Some(-50.0));
        assert_eq!(right.leakage_db, Some(-50.0));
        let mut half = truth.clone();
        for frame in 0..2 {
            half.ratio[frame * STEM_COUNT * BAND_COUNT..][..BAND_COUNT].fill(127);
        }
        let found = quality(&half, Some(&truth)).mean_distortion_db().unwrap();
        assert!((found + 6.02).abs() < 0.1, "{found}");
        assert_eq!(quality(&half, None).mean_distortion_db(), None);
    }
}
