//! Masks per band: Wiener masks of the additive model, the network's masks,
//! and their combination.

use multiversion::multiversion;

use super::{Explainer, Prediction, Tails};
use crate::{
    drum::{DRUM_COUNT, RESIDUAL, STEM_COUNT},
    front_end::BAND_COUNT,
};

/// One mask per stem and band; over the stems they sum to 1.
pub type BandMasks = [[f32; BAND_COUNT]; STEM_COUNT];

type Bands = [f32; BAND_COUNT];
const NONE: Bands = [0.0; BAND_COUNT];

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
/// How fast what rings on counts for less with the certainty of its hit.
const TAIL_EXPONENT: i32 = 4;
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
/// `prediction` is what the additive model says of the frame, `tails` what rings on
/// whatever it says, `power` the observed power, `learned` the network's masks (10 ×
/// [`BAND_COUNT`], class by class) if the model has any, `gates` the presence of each drum by band (0
/// for one that is disabled), `mask_exponent` the exponent on magnitudes (2 is the
/// power Wiener filter; Liutkus & Badeau 2015). The network says how much is
/// residual; the additive model says the better how the rest is shared, the more
/// certain its hits are and the more of the band they explain. Drums that are `closed`
/// get little more than model and tails explain. What that and the gates take from a drum goes
/// to the open stems in proportion. Real-time safe.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn combine_masks(
    (prediction, tails): (&Prediction, Option<&Tails>),
    power: &[f32; BAND_COUNT],
    learned: Option<&[f32]>,
    gates: &[Bands; DRUM_COUNT],
    closed: &[bool; DRUM_COUNT],
    mask_exponent: f32,
    masks: &mut BandMasks,
) {
    let exponent = 0.5 * mask_exponent;
    let reliance = |certainty: f32| SYNTHESIS_WEIGHT * certainty.powi(CERTAINTY_EXPONENT);
    // Stem by stem over all bands, which become vector instructions; what holds for some bands
    // is computed for all and then chosen, as not every processor can leave lanes alone.
    let (mut explained, mut sum, mut relied) = (NONE, NONE, NONE);
    let mut powers = *prediction.power;
    for (drum, power) in powers.iter_mut().enumerate() {
        let mut reliances = NONE;
        reliances.fill(reliance(prediction.certainty[drum]));
        if let Some((tail, certainty)) = tails.and_then(|tails| tails.power(drum)) {
            let (factor, own) = (certainty.powi(TAIL_EXPONENT), reliance(certainty));
            for band in 0..BAND_COUNT {
                let rings = factor * tail[band];
                let louder = rings > power[band];
                let surer = reliances[band].max(own);
                reliances[band] = if louder { surer } else { reliances[band] };
                power[band] = power[band].max(rings);
            }
        }
        masks[drum] = raise(power, exponent);
        for band in 0..BAND_COUNT {
            explained[band] += power[band];
            sum[band] += masks[drum][band];
            relied[band] += masks[drum][band] * reliances[band];
        }
    }
    let (mut unexplained, mut rest) = (NONE, NONE);
    for band in 0..BAND_COUNT {
        unexplained[band] = (power[band] - explained[band]).max(Explainer::FLOOR_POWER);
        rest[band] = RESIDUAL_SHARE * unexplained[band];
    }
    masks[RESIDUAL] = raise(&rest, exponent);
    if let Some(learned) = learned {
        let (mut trust, mut scale) = (NONE, NONE);
        let (learned, learned_sum) = sharpen(learned, mask_exponent);
        for band in 0..BAND_COUNT {
            let residual = learned[RESIDUAL][band] / learned_sum[band];
            let doubt = UNEXPLAINED_PENALTY * unexplained[band];
            let coverage = explained[band] / (explained[band] + doubt);
            // The inverse of what is smaller would be infinite.
            let is_explained = sum[band] >= f32::MIN_POSITIVE;
            let (own_trust, own_scale) = (
                coverage * relied[band] / sum[band],
                (1.0 - residual) / sum[band],
            );
            trust[band] = if is_explained { own_trust } else { 0.0 };
            scale[band] = if is_explained { own_scale } else { 0.0 };
            let own = masks[RESIDUAL][band];
            masks[RESIDUAL][band] = if learned_sum[band] > 0.0 {
                residual
            } else {
                own
            };
        }
        for (weights, learned) in masks[..DRUM_COUNT].iter_mut().zip(&learned) {
            for band in 0..BAND_COUNT {
                let mask = learned[band] / learned_sum[band];
                let weight = mask + trust[band] * (weights[band] * scale[band] - mask);
                weights[band] = if learned_sum[band] > 0.0 {
                    weight
                } else {
                    weights[band]
                };
            }
        }
    }
    let mut gates = *gates;
    if closed.contains(&true) {
        let mut whole = NONE;
        for band in 0..BAND_COUNT {
            whole[band] = explained[band].max(power[band]).max(Explainer::FLOOR_POWER);
        }
        let (whole, total) = (raise(&whole, exponent), total(masks));
        for drum in (0..DRUM_COUNT).filter(|&drum| closed[drum]) {
            let explained = powers[drum].map(|power| CLOSED_MARGIN * power);
            let explained = raise(&explained, exponent);
            for band in 0..BAND_COUNT {
                let most = total[band] * explained[band] / whole[band];
                let gate = gates[drum][band];
                let closing = gate * (most / masks[drum][band]);
                gates[drum][band] = if masks[drum][band] > most {
                    closing
                } else {
                    gate
                };
            }
        }
    }
    close(masks, &gates);
}

/// Powers as weights.
#[inline(always)]
fn raise(power: &Bands, exponent: f32) -> Bands {
    let mut raised = *power;
    for raised in &mut raised {
        *raised = raised.max(0.0);
    }
    if exponent == 0.75 {
        for raised in &mut raised {
            let root = raised.sqrt();
            *raised = root * root.sqrt();
        }
    } else if exponent != 1.0 {
        for raised in raised.iter_mut().filter(|raised| **raised > 0.0) {
            *raised = raised.powf(exponent);
        }
    }
    raised
}

/// Sum of all stems.
#[inline(always)]
fn total(masks: &BandMasks) -> Bands {
    let mut total = NONE;
    for mask in masks {
        for (total, share) in total.iter_mut().zip(mask) {
            *total += share;
        }
    }
    total
}

/// Applies `gates` to the shares of all bands and makes them sum to 1. A closed drum
/// keeps what its gate leaves it, even if all are closed: what it loses goes to the
/// stems that are open.
#[inline(always)]
fn close(masks: &mut BandMasks, gates: &[Bands; DRUM_COUNT]) {
    let before = total(masks);
    let mut shares = *masks;
    for (drum, gates) in gates.iter().enumerate() {
        for band in 0..BAND_COUNT {
            masks[drum][band] *= gates[band];
            shares[drum][band] = masks[drum][band] * gates[band];
        }
    }
    for (share, before) in shares[RESIDUAL].iter_mut().zip(&before) {
        *share += LEAST_RESIDUAL * before;
    }
    let (kept, open) = (total(masks), total(&shares));
    for (mask, share) in masks.iter_mut().zip(&shares) {
        for band in 0..BAND_COUNT {
            let freed = (before[band] - kept[band]).max(0.0) / open[band];
            mask[band] += freed * share[band];
        }
    }
    let after = total(masks);
    for (stem, mask) in masks.iter_mut().enumerate() {
        let silent = f32::from(u8::from(stem == RESIDUAL));
        for band in 0..BAND_COUNT {
            let share = mask[band] / after[band];
            mask[band] = if before[band] < 1e-20 { silent } else { share };
        }
    }
}

/// The learned masks as the user wants them (softer or harder than trained), and their
/// sum.
#[inline(always)]
fn sharpen(learned: &[f32], mask_exponent: f32) -> (BandMasks, Bands) {
    let mut masks = [NONE; STEM_COUNT];
    masks.as_flattened_mut().copy_from_slice(learned);
    if mask_exponent != NEUTRAL_EXPONENT {
        for mask in masks.as_flattened_mut() {
            *mask = mask.max(0.0).powf(mask_exponent / NEUTRAL_EXPONENT);
        }
    }
    let sum = total(&masks);
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
            (prediction, None),
            power,
            learned,
            &gates.map(|gate| [gate; BAND_COUNT]),
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
    fn what_has_nearly_died_away_leaves_the_masks_finite() {
        let learned = [0.1; STEM_COUNT * BAND_COUNT];
        let (mut prediction, power) = two_drums(0.9);
        *prediction.power = [[0.0; BAND_COUNT]; DRUM_COUNT];
        for least in [1e-45, 1e-42, f32::MIN_POSITIVE] {
            prediction.power[3] = [least; BAND_COUNT];
            let faint = (prediction.clone(), power);
            for exponent in [1.0, 1.5, 2.0] {
                // Its sum is looked at there.
                masks_of(&faint, Some(&learned), &[1.0; DRUM_COUNT], exponent);
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
        let gates = [[1.0; BAND_COUNT]; DRUM_COUNT];
        combine_masks(
            (&prediction, None),
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
