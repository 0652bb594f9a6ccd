//! Masks per band: Wiener masks of the additive model, the network's masks,
//! and their combination.

use super::{Explainer, Prediction};
use crate::{
    drum::{DRUM_COUNT, RESIDUAL, STEM_COUNT},
    front_end::BAND_COUNT,
};

/// One mask per stem and band; over the stems they sum to 1.
pub type BandMasks = [[f32; BAND_COUNT]; STEM_COUNT];

/// Largest weight of the additive model's masks against the network's: where it
/// explains everything with hits that are certain.
///
/// With the true hits the combination is more than 2 dB better than the network's
/// masks on held-out kits; with the engine's own hits, half of whose mistakes are
/// drums that do not sound, it is no worse, because certainty tells when to rely
/// on the model (`idm-train evaluate --systems
/// masks,ours,masks-true-hits,ours-true-hits`).
const SYNTHESIS_WEIGHT: f32 = 0.85;
/// How much unexplained power takes from that weight.
const UNEXPLAINED_PENALTY: f32 = 0.3;
/// How fast that weight falls with the certainty of the hits. False hits are
/// rarely surer than one half, and cost more than true ones bring.
const CERTAINTY_EXPONENT: i32 = 3;
/// Share of the unexplained power that goes to the residual where no network
/// says what it should have.
const RESIDUAL_SHARE: f32 = 0.03;

/// Share of the residual among the open stems at least: the network may be sure that
/// there is none, and only closed drums remain.
const LEAST_RESIDUAL: f32 = 1e-3;

/// Power that a closed drum may have beyond what the model explains: fitted tails are
/// seldom more than 6 dB too low.
const CLOSED_MARGIN: f32 = 4.0;

/// Exponent at which learned masks are used as trained.
const NEUTRAL_EXPONENT: f32 = 1.5;

/// Computes the masks of a frame into `masks`.
///
/// `prediction` is what the additive model says of the frame, `power` the
/// observed power, `learned` the network's masks (10 × [`BAND_COUNT`], class
/// by class) if the model has any, `gates` the presence of each drum (0 for
/// one that is disabled), `mask_exponent` the exponent on magnitudes (2 is the
/// power Wiener filter; Liutkus & Badeau 2015). The network says how much is
/// residual; the additive model says the better how the rest is shared, the more
/// certain its hits are and the more of the band they explain. Drums that are `closed`
/// get little more than the model explains. What that and the gates take from a drum goes
/// to the open stems in proportion. Real-time safe.
pub fn combine_masks(
    prediction: &Prediction,
    power: &[f32; BAND_COUNT],
    learned: Option<&[f32]>,
    gates: &[f32; DRUM_COUNT],
    closed: &[bool; DRUM_COUNT],
    mask_exponent: f32,
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
    let reliance = prediction
        .certainty
        .map(|certainty| SYNTHESIS_WEIGHT * certainty.powi(CERTAINTY_EXPONENT));
    for band in 0..BAND_COUNT {
        let mut weights = [0.0; STEM_COUNT];
        let (mut explained, mut sum, mut relied) = (0.0, 0.0_f32, 0.0);
        for drum in 0..DRUM_COUNT {
            explained += prediction.power[drum][band];
            weights[drum] = raise(prediction.power[drum][band]);
            sum += weights[drum];
            relied += weights[drum] * reliance[drum];
        }
        let unexplained = (power[band] - explained).max(Explainer::FLOOR_POWER);
        let (sharpened, sharpened_sum) = sharpen(learned, band, mask_exponent);
        if sharpened_sum > 0.0 {
            let residual = sharpened[RESIDUAL] / sharpened_sum;
            let coverage = explained / (explained + UNEXPLAINED_PENALTY * unexplained);
            let (trust, scale) = if sum > 0.0 {
                (coverage * relied / sum, (1.0 - residual) / sum)
            } else {
                (0.0, 0.0)
            };
            for (weight, mask) in weights[..DRUM_COUNT].iter_mut().zip(&sharpened) {
                let mask = mask / sharpened_sum;
                *weight = mask + trust * (*weight * scale - mask);
            }
            weights[RESIDUAL] = residual;
        } else {
            weights[RESIDUAL] = raise(RESIDUAL_SHARE * unexplained);
        }
        let mut gates = *gates;
        if closed.contains(&true) {
            let whole = raise(explained.max(power[band]).max(Explainer::FLOOR_POWER));
            let total: f32 = weights.iter().sum();
            for drum in (0..DRUM_COUNT).filter(|&drum| closed[drum]) {
                let explained = CLOSED_MARGIN * prediction.power[drum][band];
                let most = total * raise(explained) / whole;
                if weights[drum] > most {
                    gates[drum] *= most / weights[drum];
                }
            }
        }
        close(&mut weights, &gates);
        for (stem, weight) in weights.iter().enumerate() {
            masks[stem][band] = *weight;
        }
    }
}

/// Applies `gates` to the shares of a band and makes them sum to 1. A closed drum
/// keeps what its gate leaves it, even if all are closed: what it loses goes to the
/// stems that are open.
fn close(weights: &mut [f32; STEM_COUNT], gates: &[f32; DRUM_COUNT]) {
    let total: f32 = weights.iter().sum();
    let mut shares = *weights;
    for ((weight, share), gate) in weights.iter_mut().zip(&mut shares).zip(gates) {
        *weight *= gate;
        *share = *weight * gate;
    }
    if total < 1e-20 {
        weights.fill(0.0);
        weights[RESIDUAL] = 1.0;
        return;
    }
    shares[RESIDUAL] += LEAST_RESIDUAL * total;
    let (kept, open) = (weights.iter().sum::<f32>(), shares.iter().sum::<f32>());
    let freed = (total - kept).max(0.0) / open;
    let mut sum = 0.0;
    for (weight, share) in weights.iter_mut().zip(&shares) {
        *weight += freed * share;
        sum += *weight;
    }
    for weight in weights {
        *weight /= sum;
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

    /// Two drums, the louder one by 20 dB, that explain the whole of `power`.
    fn two_drums(certainty: f32) -> (Prediction, [f32; BAND_COUNT]) {
        let mut prediction = Prediction::default();
        prediction.power[0] = [1e-2; BAND_COUNT];
        prediction.power[1] = [1e-4; BAND_COUNT];
        prediction.certainty = [certainty; DRUM_COUNT];
        (prediction, [1.01e-2; BAND_COUNT])
    }

    fn masks_of(
        (prediction, power): &(Prediction, [f32; BAND_COUNT]),
        learned: Option<&[f32]>,
        gates: &[f32; DRUM_COUNT],
        mask_exponent: f32,
    ) -> BandMasks {
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        let open = [false; DRUM_COUNT];
        combine_masks(
            prediction,
            power,
            learned,
            gates,
            &open,
            mask_exponent,
            &mut masks,
        );
        for band in 0..BAND_COUNT {
            let sum: f32 = masks.iter().map(|mask| mask[band]).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }
        masks
    }

    #[test]
    fn masks_follow_the_model_where_no_network_knows_better() {
        for exponent in [1.0, 1.5, 2.0] {
            let masks = masks_of(&two_drums(0.9), None, &[1.0; DRUM_COUNT], exponent);
            for (loud, soft) in masks[0].iter().zip(&masks[1]) {
                let ratio = (loud / soft).log10() / 2.0;
                assert!((ratio - exponent / 2.0).abs() < 1e-3, "{exponent}: {ratio}");
            }
        }
    }

    #[test]
    fn the_surer_the_hits_the_more_the_model_counts() {
        let mut learned = [0.1; STEM_COUNT * BAND_COUNT];
        learned[RESIDUAL * BAND_COUNT..].fill(0.2);
        let kick_at = |certainty| {
            let drums = two_drums(certainty);
            let masks = masks_of(&drums, Some(&learned), &[1.0; DRUM_COUNT], 1.5);
            assert!((masks[RESIDUAL][7] - 0.2 / 1.1).abs() < 1e-5);
            masks[0][7]
        };
        assert!((kick_at(0.0) - 0.1 / 1.1).abs() < 1e-5);
        assert!(kick_at(0.4) < 0.2);
        assert!(kick_at(1.0) > 0.5);
    }

    #[test]
    fn a_gated_drum_gives_its_share_away() {
        let learned = [0.1; STEM_COUNT * BAND_COUNT];
        let mut gates = [1.0; DRUM_COUNT];
        gates[4] = 0.0;
        let silence = (Prediction::default(), [0.0; BAND_COUNT]);
        let masks = masks_of(&silence, Some(&learned), &gates, 1.5);
        assert_eq!(masks[4], [0.0; BAND_COUNT]);
    }

    #[test]
    fn closed_drums_stay_closed_when_nothing_else_is_open() {
        let mut learned = [0.0; STEM_COUNT * BAND_COUNT];
        learned[..BAND_COUNT].fill(1.0);
        let (gates, silence) = (
            [1e-3; DRUM_COUNT],
            (Prediction::default(), [0.0; BAND_COUNT]),
        );
        let masks = masks_of(&silence, Some(&learned), &gates, 1.5);
        assert!(masks[0][5] < 3e-3, "{}", masks[0][5]);
    }

    #[test]
    fn a_closed_drum_gets_what_its_earlier_hits_explain() {
        let mut learned = [0.01; STEM_COUNT * BAND_COUNT];
        learned[..2 * BAND_COUNT].fill(0.45);
        let (prediction, power) = two_drums(0.9);
        let mut closed = [false; DRUM_COUNT];
        closed[1] = true;
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        let gates = [1.0; DRUM_COUNT];
        combine_masks(
            &prediction,
            &power,
            Some(&learned),
            &gates,
            &closed,
            2.0,
            &mut masks,
        );
        assert!(masks[1][9] < 0.06, "{}", masks[1][9]);
        assert!(masks[0][9] > 0.8, "{}", masks[0][9]);
    }

    #[test]
    fn silence_is_residual() {
        let silence = (Prediction::default(), [0.0; BAND_COUNT]);
        let masks = masks_of(&silence, None, &[1.0; DRUM_COUNT], 1.5);
        assert_eq!(masks[RESIDUAL], [1.0; BAND_COUNT]);
    }
}
