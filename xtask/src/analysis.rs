//! Measures on renders: levels, null tests, latency, hits found.

use crate::hosts::Note;
use crate::render::Rendering;

/// Level below which differences count as none, in dBFS.
pub const SILENCE_DBFS: f64 = -300.0;

/// Highest absolute sample in dB relative to full scale.
pub fn peak_dbfs(channels: &[Vec<f32>]) -> f64 {
    let peak = channels
        .iter()
        .flatten()
        .fold(0.0_f64, |peak, &sample| peak.max(f64::from(sample.abs())));
    to_db(peak)
}

/// Root mean square in dB relative to full scale.
pub fn rms_dbfs(channels: &[Vec<f32>]) -> f64 {
    let count: usize = channels.iter().map(Vec::len).sum();
    let energy: f64 = channels
        .iter()
        .flatten()
        .map(|&sample| f64::from(sample) * f64::from(sample))
        .sum();
    to_db((energy / count.max(1) as f64).sqrt())
}

fn to_db(amplitude: f64) -> f64 {
    if amplitude > 0.0 {
        (20.0 * amplitude.log10()).max(SILENCE_DBFS)
    } else {
        SILENCE_DBFS
    }
}

/// `channels` late by `samples`, and as long as before plus `samples`.
pub fn delayed(channels: &[Vec<f32>], samples: usize) -> Vec<Vec<f32>> {
    channels
        .iter()
        .map(|channel| {
            let mut late = vec![0.0; samples];
            late.extend_from_slice(channel);
            late
        })
        .collect()
}

/// Sum of the buses from `first` on, added up in double precision.
pub fn sum_of_buses(rendering: &Rendering, first: usize) -> Vec<Vec<f32>> {
    let channels = rendering.audio.first().map_or(0, Vec::len);
    let samples = rendering
        .audio
        .first()
        .and_then(|bus| bus.first())
        .map_or(0, Vec::len);
    (0..channels)
        .map(|channel| {
            (0..samples)
                .map(|sample| {
                    let sum: f64 = rendering.audio[first..]
                        .iter()
                        .map(|bus| f64::from(bus[channel][sample]))
                        .sum();
                    sum as f32
                })
                .collect()
        })
        .collect()
}

/// `a` minus `b`, over the length of the shorter.
pub fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> Vec<Vec<f32>> {
    a.iter()
        .zip(b)
        .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect())
        .collect()
}

/// Peak of what remains when the input, delayed by the reported latency, is
/// taken from the sum of the class buses and the residual, in dBFS.
pub fn null_test_dbfs(rendering: &Rendering, input: &[Vec<f32>]) -> f64 {
    let sum = sum_of_buses(rendering, 1);
    let dry = delayed(input, rendering.latency_samples);
    peak_dbfs(&difference(&sum, &dry))
}

/// The lag, 0..=`max_lag`, at which `output` correlates best with `input`.
pub fn measured_latency(input: &[f32], output: &[f32], max_lag: usize) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for lag in 0..=max_lag.min(output.len().saturating_sub(1)) {
        let correlation: f64 = input
            .iter()
            .zip(&output[lag..])
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum();
        if correlation > best.1 {
            best = (lag, correlation);
        }
    }
    best.0
}

/// How well found hits match true ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Matches {
    /// True hits.
    pub truth: usize,
    /// Found hits.
    pub found: usize,
    /// Found hits that match a true one.
    pub matched: usize,
}

impl Matches {
    /// Harmonic mean of precision and recall; 1 when there is nothing to find
    /// and nothing was found.
    pub fn f_measure(self) -> f64 {
        if self.truth + self.found == 0 {
            return 1.0;
        }
        2.0 * self.matched as f64 / (self.truth + self.found) as f64
    }
}

/// Pairs found with true samples, each at most once and in order, within
/// `tolerance` samples. Both must be sorted.
pub fn match_hits(truth: &[usize], found: &[usize], tolerance: usize) -> Matches {
    let (mut at_truth, mut at_found, mut matched) = (0, 0, 0);
    while let (Some(&wanted), Some(&got)) = (truth.get(at_truth), found.get(at_found)) {
        if wanted.abs_diff(got) <= tolerance {
            matched += 1;
            at_truth += 1;
            at_found += 1;
        } else if wanted < got {
            at_truth += 1;
        } else {
            at_found += 1;
        }
    }
    Matches {
        truth: truth.len(),
        found: found.len(),
        matched,
    }
}

/// Samples of the note-ons of `key`, sorted.
pub fn onsets(notes: &[Note], key: u8) -> Vec<usize> {
    let mut samples: Vec<usize> = notes
        .iter()
        .filter(|note| note.on && note.key == key)
        .map(|note| note.sample)
        .collect();
    samples.sort_unstable();
    samples
}

/// The value below which `share` of `values` lie.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        assert!((peak_dbfs(&[vec![0.1, -0.5]]) + 6.0206).abs() < 1e-3);
        assert!((rms_dbfs(&[vec![0.1, -0.1]]) + 20.0).abs() < 1e-3);
        assert_eq!(peak_dbfs(&[vec![0.0; 4]]), SILENCE_DBFS);
    }

    #[test]
    fn the_latency_of_a_delay_is_measured() {
        let input: Vec<f32> = (0..500).map(|at| ((at * at) as f32 * 0.37).sin()).collect();
        let output = delayed(std::slice::from_ref(&input), 77).remove(0);
        assert_eq!(measured_latency(&input, &output, 200), 77);
    }

    #[test]
    fn a_perfect_split_nulls_and_a_late_one_does_not() {
        let input = vec![vec![0.5, -0.25, 0.125, 1.0]; 2];
        let half = |gain: f32, late: usize| -> Vec<Vec<f32>> {
            delayed(&input, late)
                .into_iter()
                .map(|channel| channel.into_iter().map(|sample| sample * gain).collect())
                .collect()
        };
        let rendering = |late| Rendering {
            sample_rate_hz: 1.0,
            latency_samples: 3,
            bus_names: Vec::new(),
            audio: vec![half(9.0, late), half(0.25, late), half(0.75, late)],
            notes: Vec::new(),
            block_times: Vec::new(),
        };
        assert_eq!(null_test_dbfs(&rendering(3), &input), SILENCE_DBFS);
        assert!(null_test_dbfs(&rendering(2), &input) > -12.0);
    }

    #[test]
    fn hits_match_once() {
        let matches = match_hits(&[100, 200, 300], &[98, 103, 290, 500], 10);
        assert_eq!((matches.truth, matches.found, matches.matched), (3, 4, 2));
        assert!((matches.f_measure() - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(match_hits(&[], &[], 5).f_measure(), 1.0);
    }

    #[test]
    fn percentiles() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.99), 99.0);
        assert_eq!(percentile(&values, 1.0), 100.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
