//! How near an estimated signal is to the true one.

use crate::{dsp::from_db, kits::SAMPLE_RATE_HZ};

use super::stft::Stft;

/// Scores are limited to ± so many decibels, so that a silent estimate or a
/// perfect one does not swamp a mean.
pub const LIMIT_DB: f64 = 60.0;
/// Lowest level that is told from silence, relative to the mixture.
pub const SILENCE_DB: f64 = -80.0;
/// Score of an estimate that has nothing of the reference.
const WORST_DB: f64 = -30.0;

fn energy(signal: &[f32]) -> f64 {
    signal.iter().map(|s| f64::from(*s).powi(2)).sum()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

fn ratio_db(wanted: f64, unwanted: f64) -> f64 {
    (10.0 * (wanted.max(1e-30) / unwanted.max(1e-30)).log10()).clamp(WORST_DB, LIMIT_DB)
}

/// Scale-invariant signal-to-distortion ratio, −30 to 60 dB. `None` if
/// `reference` is silent.
pub fn si_sdr_db(reference: &[f32], estimate: &[f32]) -> Option<f64> {
    let power = energy(reference);
    if power <= 0.0 {
        return None;
    }
    if energy(estimate) <= 0.0 {
        return Some(WORST_DB);
    }
    let scale = dot(reference, estimate) / power;
    let target = scale * scale * power;
    Some(ratio_db(target, energy(estimate) - target))
}

/// Signal-to-distortion ratio without any change of scale, −30 to 60 dB.
/// `None` if `reference` is silent.
pub fn sdr_db(reference: &[f32], estimate: &[f32]) -> Option<f64> {
    let power = energy(reference);
    let error: f64 = reference
        .iter()
        .zip(estimate)
        .map(|(r, e)| f64::from(r - e).powi(2))
        .sum();
    (power > 0.0).then(|| ratio_db(power, error))
}

/// Level of `estimate` relative to `mixture`, no lower than −80 dB: what a
/// drum's output holds where the drum is not played.
pub fn level_at_silence_db(estimate: &[f32], mixture: &[f32]) -> f64 {
    let ratio = energy(estimate) / energy(mixture).max(1e-30);
    (10.0 * ratio.max(1e-30).log10()).clamp(SILENCE_DB, LIMIT_DB)
}

/// What `estimate` holds in the 10 ms before each of `onsets` (samples; the last
/// millisecond left out, in which attacks begin), relative to the 10 ms of
/// `reference` after it, in decibels, no lower than −80: mean over the onsets before
/// which the reference is silent (below −60 dB) and at which the estimate sounds
/// (above −20 dB). `None` if there are none.
pub fn pre_echo_db(reference: &[f32], estimate: &[f32], onsets: &[usize]) -> Option<f64> {
    let [guard, length] = [0.001, 0.010].map(|s| (s * SAMPLE_RATE_HZ) as usize);
    let (mut sum, mut count) = (0.0, 0_u32);
    for &onset in onsets {
        let Some(end) = onset.checked_sub(guard) else {
            continue;
        };
        let (before, after) = (end.saturating_sub(length)..end, onset..onset + length);
        if after.end > reference.len().min(estimate.len()) {
            continue;
        }
        let hit = energy(&reference[after.clone()]);
        let is_alone = hit > 0.0 && energy(&reference[before.clone()]) < 1e-6 * hit;
        if is_alone && energy(&estimate[after]) > 0.01 * hit {
            let ratio = energy(&estimate[before]) / hit;
            sum += (10.0 * ratio.max(1e-30).log10()).clamp(SILENCE_DB, LIMIT_DB);
            count += 1;
        }
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// Root mean square over bins of the difference of log spectra, averaged over
/// the frames in which the reference sounds. Values further than 60 dB below
/// the reference's loudest bin count as that. Decibels; `None` if `reference`
/// is silent.
pub fn log_spectral_distance_db(
    stft: &mut Stft,
    reference: &[f32],
    estimate: &[f32],
) -> Option<f64> {
    let reference = stft.analyse(reference).power();
    let estimate = stft.analyse(estimate).power();
    let loudest = reference.iter().fold(0.0_f32, |loudest, p| loudest.max(*p));
    if loudest <= 0.0 {
        return None;
    }
    let floor = loudest * from_db(-60.0).powi(2);
    let (mut sum, mut frames) = (0.0_f64, 0_u32);
    for (reference, estimate) in reference
        .chunks(stft.bins())
        .zip(estimate.chunks(stft.bins()))
    {
        if reference.iter().all(|p| *p < floor) {
            continue;
        }
        let square: f64 = reference
            .iter()
            .zip(estimate)
            .map(|(r, e)| f64::from(10.0 * (r.max(floor) / e.max(floor)).log10()).powi(2))
            .sum();
        sum += (square / reference.len() as f64).sqrt();
        frames += 1;
    }
    (frames > 0).then(|| sum / f64::from(frames))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn noise(seed: u64) -> Vec<f32> {
        let mut random = Random::new(&[seed]);
        (0..20_000).map(|_| random.bipolar()).collect()
    }

    #[test]
    fn known_ratios_are_found() {
        let (reference, other) = (noise(1), noise(2));
        let estimate: Vec<f32> = reference
            .iter()
            .zip(&other)
            .map(|(r, o)| r + 0.1 * o)
            .collect();
        assert!((si_sdr_db(&reference, &estimate).unwrap() - 20.0).abs() < 0.2);
        assert!((sdr_db(&reference, &estimate).unwrap() - 20.0).abs() < 0.2);
        let halved: Vec<f32> = estimate.iter().map(|e| 0.5 * e).collect();
        let scale_free = si_sdr_db(&reference, &halved).unwrap();
        assert!((scale_free - si_sdr_db(&reference, &estimate).unwrap()).abs() < 1e-3);
        assert!((sdr_db(&reference, &halved).unwrap() - 6.0).abs() < 0.2);
    }

    #[test]
    fn pre_echo_counts_only_hits_out_of_silence() {
        let mut reference = vec![0.0; 8_000];
        reference[2_000..6_000].fill(0.5);
        let mut estimate = reference.clone();
        estimate[1_500..2_000].fill(0.005);
        let found = pre_echo_db(&reference, &estimate, &[2_000, 4_000]).unwrap();
        assert!((found + 40.0).abs() < 1e-3, "{found}");
        assert_eq!(
            pre_echo_db(&reference, &reference, &[2_000]),
            Some(SILENCE_DB)
        );
        let missed = vec![0.0; 8_000];
        assert_eq!(pre_echo_db(&reference, &missed, &[2_000]), None);
    }

    #[test]
    fn limits_hold() {
        let reference = noise(1);
        let silence = vec![0.0; reference.len()];
        assert_eq!(si_sdr_db(&reference, &silence), Some(WORST_DB));
        assert_eq!(sdr_db(&reference, &silence), Some(0.0));
        assert_eq!(sdr_db(&reference, &reference), Some(LIMIT_DB));
        assert_eq!(si_sdr_db(&silence, &reference), None);
        assert_eq!(level_at_silence_db(&silence, &reference), SILENCE_DB);
        let quiet: Vec<f32> = reference.iter().map(|s| 0.01 * s).collect();
        assert!((level_at_silence_db(&quiet, &reference) + 40.0).abs() < 1e-3);
    }

    #[test]
    fn spectral_distance_is_the_difference_in_level() {
        let mut stft = Stft::new(1024, 256);
        let reference = noise(3);
        let halved: Vec<f32> = reference.iter().map(|s| 0.5 * s).collect();
        let same = log_spectral_distance_db(&mut stft, &reference, &reference).unwrap();
        let half = log_spectral_distance_db(&mut stft, &reference, &halved).unwrap();
        assert!(same < 1e-6, "{same}");
        assert!((half - 6.02).abs() < 0.05, "{half}");
    }
}
