//! The loss of the separation masks.

use multiversion::multiversion;

use idm_engine::{drum::STEM_COUNT, front_end::BAND_COUNT};

use super::LossConfig;
use crate::network::MASK_OUTPUTS;

/// What the masks should be, for the frames that were computed.
#[derive(Debug, Clone, Copy)]
pub struct MaskTargets<'a> {
    /// Number of sequences.
    pub batch: usize,
    /// Share of each stem in a band's power, 255 = all, zeros where nothing
    /// sounds: `[frames, batch, STEM_COUNT, BAND_COUNT]`.
    pub ratio: &'a [u8],
    /// Band power of the mixture: `[frames, batch, BAND_COUNT]`.
    pub mix_power: &'a [f32],
}

/// Value and gradient of the mask loss.
#[derive(Debug, Clone)]
pub struct MaskLoss {
    /// Weighted mean cross-entropy.
    pub cross_entropy: f64,
    /// Mean ratio of error to signal of the sounding stems, in dB.
    pub distortion_db: f64,
    /// Mean level of the silent stems relative to the mixture, in dB.
    pub leakage_db: f64,
    /// The weighted sum.
    pub total: f64,
    /// Gradient of `total` with respect to the logits.
    pub gradient: Vec<f32>,
}

/// −50 dB: no reward for going below.
const FLOOR: f64 = 1e-5;

/// Energy relative to the mixture below which a stem is silent: −70 dB.
const SILENT: f64 = 1e-7;
/// Energy relative to the mixture above which a stem's error counts: −40 dB.
const SOUNDING: f64 = 1e-4;

/// Whether a stem is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Silent,
    Sounding,
    /// Too faint to judge, or there is no sound at all.
    Unknown,
}

/// Error and energy of each stem of each sequence.
#[derive(Debug, Clone, Copy, Default)]
struct Balance {
    error: f64,
    energy: f64,
}

/// Softmax over the stems for one row, into `out`; returns the weighted
/// cross-entropy.
#[inline(always)]
fn soft_masks(logits: &[f32], out: &mut [f32], ratio: &[u8], weight: &[f32; BAND_COUNT]) -> f64 {
    let mut peak = [f32::NEG_INFINITY; BAND_COUNT];
    for stem in logits.chunks_exact(BAND_COUNT) {
        for (peak, &logit) in peak.iter_mut().zip(stem) {
            *peak = peak.max(logit);
        }
    }
    let mut sum = [0.0; BAND_COUNT];
    for (stem, out) in logits
        .chunks_exact(BAND_COUNT)
        .zip(out.chunks_exact_mut(BAND_COUNT))
    {
        for band in 0..BAND_COUNT {
            out[band] = crate::network::exp(stem[band] - peak[band]);
            sum[band] += out[band];
        }
    }
    let mut entropy = [0.0; BAND_COUNT];
    let mut share = [0.0; BAND_COUNT];
    for ((logits, out), ratio) in logits
        .chunks_exact(BAND_COUNT)
        .zip(out.chunks_exact_mut(BAND_COUNT))
        .zip(ratio.chunks_exact(BAND_COUNT))
    {
        for band in 0..BAND_COUNT {
            out[band] /= sum[band];
            let target = f32::from(ratio[band]) * (1.0 / 255.0);
            entropy[band] -= target * (logits[band] - peak[band]);
            share[band] += target;
        }
    }
    (0..BAND_COUNT)
        .map(|band| f64::from(weight[band] * (entropy[band] + share[band] * sum[band].ln())))
        .sum()
}

/// Importance of a band of power `power` in the cross-entropy.
fn importance(power: f32) -> f32 {
    power.max(0.0).sqrt().sqrt()
}

/// Cross-entropy between masks and power ratios (weighted by power^¼), plus
/// the logarithm of the squared error per sounding stem, plus the logarithm of
/// what leaks into silent stems. Allocates.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma", "aarch64+neon"))]
pub fn mask_loss(config: &LossConfig, logits: &[f32], targets: MaskTargets<'_>) -> MaskLoss {
    let batch = targets.batch;
    let rows = logits.len() / MASK_OUTPUTS;
    let mut gradient = vec![0.0; logits.len()];
    let mut balances = vec![[Balance::default(); STEM_COUNT]; batch];
    let mut mix_energy = vec![0.0_f64; batch];
    let (mut entropy, mut weights) = (0.0_f64, 0.0_f64);
    // First pass: masks (kept in `gradient`) and sums.
    for row in 0..rows {
        let sequence = row % batch;
        let power = &targets.mix_power[row * BAND_COUNT..][..BAND_COUNT];
        let ratio = &targets.ratio[row * MASK_OUTPUTS..][..MASK_OUTPUTS];
        let logits = &logits[row * MASK_OUTPUTS..][..MASK_OUTPUTS];
        let masks = &mut gradient[row * MASK_OUTPUTS..][..MASK_OUTPUTS];
        let mut weight = [0.0; BAND_COUNT];
        for (weight, &power) in weight.iter_mut().zip(power) {
            *weight = importance(power);
        }
        weights += f64::from(weight.iter().sum::<f32>());
        entropy += soft_masks(logits, masks, ratio, &weight);
        mix_energy[sequence] += f64::from(power.iter().sum::<f32>());
        for (stem, balance) in balances[sequence].iter_mut().enumerate() {
            let masks = &masks[stem * BAND_COUNT..][..BAND_COUNT];
            let ratio = &ratio[stem * BAND_COUNT..][..BAND_COUNT];
            let (mut error, mut energy) = (0.0_f32, 0.0_f32);
            for band in 0..BAND_COUNT {
                let target = f32::from(ratio[band]) * (1.0 / 255.0);
                let difference = masks[band] - target;
                error += difference * difference * power[band];
                energy += target * target * power[band];
            }
            balance.error += f64::from(error);
            balance.energy += f64::from(energy);
        }
    }
    let entropy_scale = 1.0 / weights.max(1e-9);

    // Per stem: the factor of (mask − target) · power in the gradient.
    let mut factors = vec![[0.0_f32; STEM_COUNT]; batch];
    let (mut distortion, mut sounding) = (0.0_f64, 0_usize);
    let (mut leakage, mut silent) = (0.0_f64, 0_usize);
    let presence = |balance: &Balance, mix: f64| {
        if mix <= 0.0 {
            Presence::Unknown
        } else if balance.energy < SILENT * mix {
            Presence::Silent
        } else if balance.energy > SOUNDING * mix {
            Presence::Sounding
        } else {
            Presence::Unknown
        }
    };
    for (balances, &mix) in balances.iter().zip(&mix_energy) {
        for balance in balances {
            match presence(balance, mix) {
                Presence::Silent => silent += 1,
                Presence::Sounding => sounding += 1,
                Presence::Unknown => {}
            }
        }
    }
    for ((balances, factors), &mix) in balances.iter().zip(&mut factors).zip(&mix_energy) {
        for (balance, factor) in balances.iter().zip(factors) {
            let (scale, reference, sum) = match presence(balance, mix) {
                Presence::Silent => (f64::from(config.leakage) / silent as f64, mix, &mut leakage),
                Presence::Sounding => {
                    let scale = f64::from(config.distortion) / sounding as f64;
                    (scale, balance.energy, &mut distortion)
                }
                Presence::Unknown => continue,
            };
            let relative = balance.error / reference + FLOOR;
            *sum += relative.ln();
            *factor = (2.0 * scale / (relative * reference)) as f32;
        }
    }
    let distortion = distortion / sounding.max(1) as f64;
    let leakage = leakage / silent.max(1) as f64;

    // Second pass: masks become gradients.
    for row in 0..rows {
        let factors = &factors[row % batch];
        let power = &targets.mix_power[row * BAND_COUNT..][..BAND_COUNT];
        let ratio = &targets.ratio[row * MASK_OUTPUTS..][..MASK_OUTPUTS];
        let masks = &mut gradient[row * MASK_OUTPUTS..][..MASK_OUTPUTS];
        let mut entropy_weight = [0.0; BAND_COUNT];
        let mut share = [0.0; BAND_COUNT];
        let mut pull = [0.0; BAND_COUNT];
        for (stem, factor) in factors.iter().enumerate() {
            let span = stem * BAND_COUNT..(stem + 1) * BAND_COUNT;
            let (masks, ratio) = (&masks[span.clone()], &ratio[span]);
            for band in 0..BAND_COUNT {
                let target = f32::from(ratio[band]) * (1.0 / 255.0);
                share[band] += target;
                pull[band] += masks[band] * factor * (masks[band] - target) * power[band];
            }
        }
        for (weight, &power) in entropy_weight.iter_mut().zip(power) {
            *weight = config.mask * entropy_scale as f32 * importance(power);
        }
        for (stem, factor) in factors.iter().enumerate() {
            let span = stem * BAND_COUNT..(stem + 1) * BAND_COUNT;
            let ratio = &ratio[span.clone()];
            let masks = &mut masks[span];
            for band in 0..BAND_COUNT {
                let target = f32::from(ratio[band]) * (1.0 / 255.0);
                let mask = masks[band];
                let direct = factor * (mask - target) * power[band];
                masks[band] = entropy_weight[band] * (share[band] * mask - target)
                    + mask * (direct - pull[band]);
            }
        }
    }
    let cross_entropy = entropy * entropy_scale;
    let decibels = 10.0 / std::f64::consts::LN_10;
    MaskLoss {
        cross_entropy,
        distortion_db: distortion * decibels,
        leakage_db: leakage * decibels,
        total: f64::from(config.mask) * cross_entropy
            + f64::from(config.distortion) * distortion
            + f64::from(config.leakage) * leakage,
        gradient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{losses::check_gradient, random::Random};

    /// A target in which stems 2 and 5 sound and the others are silent.
    fn targets(random: &mut Random, rows: usize) -> (Vec<u8>, Vec<f32>) {
        let mut ratio = vec![0_u8; rows * MASK_OUTPUTS];
        let mut power = vec![0.0; rows * BAND_COUNT];
        for row in 0..rows {
            for band in 0..BAND_COUNT {
                let share = random.below(256) as u8;
                ratio[row * MASK_OUTPUTS + 2 * BAND_COUNT + band] = share;
                ratio[row * MASK_OUTPUTS + 5 * BAND_COUNT + band] = 255 - share;
                power[row * BAND_COUNT + band] = random.log_range(1e-6, 1e-2);
            }
        }
        (ratio, power)
    }

    #[test]
    fn gradient_agrees_with_differences() {
        let mut random = Random::new(&[9]);
        let rows = 4;
        let (ratio, power) = targets(&mut random, rows);
        let targets = MaskTargets {
            batch: 2,
            ratio: &ratio,
            mix_power: &power,
        };
        let mut logits: Vec<f32> = (0..rows * MASK_OUTPUTS).map(|_| random.bipolar()).collect();
        let config = LossConfig {
            leakage: 0.1,
            ..LossConfig::default()
        };
        let gradient = mask_loss(&config, &logits, targets).gradient;
        let places: Vec<usize> = (0..60).map(|_| random.below(logits.len())).collect();
        check_gradient(&mut logits, &gradient, places.into_iter(), |logits| {
            mask_loss(&config, logits, targets).total
        });
    }

    #[test]
    fn right_masks_are_better_than_wrong_ones() {
        let mut random = Random::new(&[10]);
        let (ratio, power) = targets(&mut random, 3);
        let targets = MaskTargets {
            batch: 1,
            ratio: &ratio,
            mix_power: &power,
        };
        let right: Vec<f32> = ratio
            .iter()
            .map(|&share| (f32::from(share) / 255.0 + 1e-6).ln())
            .collect();
        let config = LossConfig::default();
        let good = mask_loss(&config, &right, targets);
        let bad = mask_loss(&config, &vec![0.0; right.len()], targets);
        assert!(good.total < bad.total);
        assert!(good.distortion_db < -45.0, "{}", good.distortion_db);
        assert!(good.leakage_db < -45.0, "{}", good.leakage_db);
        assert!(
            (-25.0..-15.0).contains(&bad.leakage_db),
            "{}",
            bad.leakage_db
        );
    }

    #[test]
    fn silence_gives_no_gradient() {
        let logits = vec![0.3; MASK_OUTPUTS];
        let targets = MaskTargets {
            batch: 1,
            ratio: &[0; MASK_OUTPUTS],
            mix_power: &[0.0; BAND_COUNT],
        };
        let loss = mask_loss(&LossConfig::default(), &logits, targets);
        assert!(loss.total.is_finite());
        assert!(loss.gradient.iter().all(|value| *value == 0.0));
    }
}
