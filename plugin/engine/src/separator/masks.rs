//! Masks per band: Wiener masks of the additive model, the network's masks,
//! and their combination.

use super::Explainer;
use crate::{
    drum::{DRUM_COUNT, RESIDUAL, STEM_COUNT},
    front_end::BAND_COUNT,
};

/// One mask per stem and band; over the stems they sum to 1.
pub type BandMasks = [[f32; BAND_COUNT]; STEM_COUNT];

/// Weight of the network's masks against those of the additive model.
///
/// Measured on held-out kits with the shipped model: 1.0 and 0.85 differ by
/// 0.2 dB, 0.5 costs 1.8 dB. With the true hits the additive model alone is
/// 3.7 dB better than the network, so this weight falls as transcription
/// improves.
pub const LEARNED_WEIGHT: f32 = 0.9;

/// Share of the unexplained power that the additive model's residual claims.
const RESIDUAL_SHARE: f32 = 0.3;

/// Exponent at which learned masks are used as trained.
const NEUTRAL_EXPONENT: f32 = 1.5;

/// Computes the masks of a frame into `masks`.
///
/// `predicted` is the additive model's power per class and band, `power` the
/// observed power, `learned` the network's masks (10 × [`BAND_COUNT`], class
/// by class) if the model has any, `gates` the presence of each drum (0 for
/// one that is disabled), `mask_exponent` the exponent on magnitudes (2 is the
/// power Wiener filter; Liutkus & Badeau 2015), `learned_weight` the share of
/// the network's masks ([`LEARNED_WEIGHT`]). What gates take from a drum
/// goes to the other stems in proportion. Real-time safe.
pub fn combine_masks(
    predicted: &[[f32; BAND_COUNT]; DRUM_COUNT],
    power: &[f32; BAND_COUNT],
    learned: Option<&[f32]>,
    gates: &[f32; DRUM_COUNT],
    mask_exponent: f32,
    learned_weight: f32,
    masks: &mut BandMasks,
) {
    let exponent = 0.5 * mask_exponent;
    let raise = |power: f32| {
        if power <= 0.0 {
            0.0
        } else if exponent == 1.0 {
            power
        } else if exponent == 0.75 {
            let root = power.sqrt();
            root * root.sqrt()
        } else {
            power.powf(exponent)
        }
    };
    for band in 0..BAND_COUNT {
        let mut weights = [0.0; STEM_COUNT];
        let mut explained = 0.0;
        for drum in 0..DRUM_COUNT {
            explained += predicted[drum][band];
            weights[drum] = raise(predicted[drum][band]);
        }
        let unexplained = (RESIDUAL_SHARE * (power[band] - explained)).max(Explainer::FLOOR_POWER);
        weights[RESIDUAL] = raise(unexplained);
        let sum: f32 = weights.iter().sum();
        let scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
        if sum <= 0.0 {
            weights[RESIDUAL] = 1.0;
        }
        let (sharpened, sharpened_sum) = sharpen(learned, band, mask_exponent);
        for (stem, weight) in weights.iter_mut().enumerate() {
            *weight *= if sum > 0.0 { scale } else { 1.0 };
            if sharpened_sum > 0.0 {
                let mask = sharpened[stem] / sharpened_sum;
                *weight += learned_weight * (mask - *weight);
            }
            if stem < DRUM_COUNT {
                *weight *= gates[stem];
            }
        }
        let sum: f32 = weights.iter().sum();
        let scale = 1.0 / sum.max(1e-9);
        for (stem, weight) in weights.iter().enumerate() {
            masks[stem][band] = weight * scale;
        }
    }
}

/// The learned masks of `band` as the user wants them (softer or harder than
/// trained), and their sum, which is 0 if there are none.
fn sharpen(learned: Option<&[f32]>, band: usize, mask_exponent: f32) -> ([f32; STEM_COUNT], f32) {
    let mut masks = [0.0; STEM_COUNT];
    let Some(learned) = learned else {
        return (masks, 0.0);
    };
    for (stem, mask) in masks.iter_mut().enumerate() {
        *mask = learned[stem * BAND_COUNT + band];
        if mask_exponent != NEUTRAL_EXPONENT {
            *mask = mask.max(0.0).powf(mask_exponent / NEUTRAL_EXPONENT);
        }
    }
    let sum = masks.iter().sum();
    (masks, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_sum_to_one_and_follow_the_model() {
        let mut predicted = [[0.0; BAND_COUNT]; DRUM_COUNT];
        predicted[0] = [1e-2; BAND_COUNT];
        predicted[1] = [1e-4; BAND_COUNT];
        let power = [1.01e-2; BAND_COUNT];
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        for exponent in [1.0, 1.5, 2.0] {
            combine_masks(
                &predicted,
                &power,
                None,
                &[1.0; DRUM_COUNT],
                exponent,
                LEARNED_WEIGHT,
                &mut masks,
            );
            for band in 0..BAND_COUNT {
                let sum: f32 = masks.iter().map(|mask| mask[band]).sum();
                assert!((sum - 1.0).abs() < 1e-5);
                let ratio = (masks[0][band] / masks[1][band]).log10() / 2.0;
                assert!((ratio - exponent / 2.0).abs() < 1e-3, "{exponent}: {ratio}");
            }
        }
    }

    #[test]
    fn a_gated_drum_gives_its_share_away() {
        let learned = [0.1; STEM_COUNT * BAND_COUNT];
        let mut gates = [1.0; DRUM_COUNT];
        gates[4] = 0.0;
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        combine_masks(
            &[[0.0; BAND_COUNT]; DRUM_COUNT],
            &[0.0; BAND_COUNT],
            Some(&learned),
            &gates,
            1.5,
            LEARNED_WEIGHT,
            &mut masks,
        );
        assert_eq!(masks[4], [0.0; BAND_COUNT]);
        let sum: f32 = masks.iter().map(|mask| mask[7]).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
}
