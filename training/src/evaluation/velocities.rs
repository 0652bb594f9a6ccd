//! How well the velocities of found hits follow how hard they were played.

use idm_engine::drum::{DRUM_COUNT, Drum};
use serde::Serialize;

use super::onsets::match_times;
use crate::{kits::SAMPLE_RATE_HZ, render::Hit};

/// Found hits of a drum in an excerpt from which they can be compared with each other.
const LEAST_HITS: usize = 6;
/// Standard deviation of played velocities from which they differ at all.
const LEAST_DEVIATION: f64 = 0.05;

/// Sums over found hits; those of several excerpts add up. Velocities are 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct VelocityScore {
    /// Found hits.
    found: usize,
    /// Sum of squared errors.
    squared: f64,
    /// Hits that were compared with others of their drum and excerpt.
    compared: usize,
    /// Sum of squared deviations of their errors from the mean of drum and excerpt.
    squared_apart: f64,
    /// Sum of the correlation of drum and excerpt, one summand per hit; and of how many.
    correlation: f64,
    correlated: usize,
    /// Sum of how much the mean error rises from the first third of the hits of a drum and
    /// excerpt to the last, one summand per hit.
    rise: f64,
}

impl VelocityScore {
    /// Adds another's sums.
    pub fn add(&mut self, other: &VelocityScore) {
        self.found += other.found;
        self.squared += other.squared;
        self.compared += other.compared;
        self.squared_apart += other.squared_apart;
        self.correlation += other.correlation;
        self.correlated += other.correlated;
        self.rise += other.rise;
    }

    /// Root of the mean squared error, of 127.
    pub fn error(&self) -> Option<f64> {
        (self.found > 0).then(|| 127.0 * (self.squared / self.found as f64).sqrt())
    }

    /// The same without each drum's mean error in each excerpt, of 127: what is left when a
    /// drum's scale is set right.
    pub fn error_apart(&self) -> Option<f64> {
        let mean = self.squared_apart / self.compared.max(1) as f64;
        (self.compared > 0).then(|| 127.0 * mean.sqrt())
    }

    /// Mean correlation of played and found velocities within drum and excerpt.
    pub fn correlation(&self) -> Option<f64> {
        (self.correlated > 0).then(|| self.correlation / self.correlated as f64)
    }

    /// How much velocities rise within an excerpt that were not played so, of 127.
    pub fn rise(&self) -> Option<f64> {
        (self.compared > 0).then(|| 127.0 * self.rise / self.compared as f64)
    }
}

/// Scores per class of the hits that were found within `tolerance_s`. Allocates.
pub fn score(played: &[Hit], detected: &[Hit], tolerance_s: f64) -> [VelocityScore; DRUM_COUNT] {
    Drum::ALL.map(|drum| {
        let of_drum = |hits: &[Hit]| -> Vec<Hit> {
            let mut hits: Vec<Hit> = hits
                .iter()
                .filter(|hit| hit.drum == drum)
                .copied()
                .collect();
            hits.sort_by_key(|hit| hit.sample);
            hits
        };
        let (played, detected) = (of_drum(played), of_drum(detected));
        let times = |hits: &[Hit]| -> Vec<f64> {
            let seconds = |hit: &Hit| hit.sample as f64 / SAMPLE_RATE_HZ;
            hits.iter().map(seconds).collect()
        };
        let pairs = match_times(&times(&played), &times(&detected), tolerance_s);
        let velocities = |(p, d): &(usize, usize)| {
            let (played, found) = (played[*p].velocity, detected[*d].velocity);
            (f64::from(played), f64::from(found))
        };
        compare(&pairs.iter().map(velocities).collect::<Vec<_>>())
    })
}

/// Compares pairs of played and found velocities of one drum, in order of time.
fn compare(pairs: &[(f64, f64)]) -> VelocityScore {
    let errors: Vec<f64> = pairs.iter().map(|(played, found)| found - played).collect();
    let mut score = VelocityScore {
        found: pairs.len(),
        squared: errors.iter().map(|error| error * error).sum(),
        ..VelocityScore::default()
    };
    if pairs.len() < LEAST_HITS {
        return score;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let count = pairs.len() as f64;
    let third = pairs.len() / 3;
    score.compared = pairs.len();
    score.squared_apart = deviations(&errors, &errors);
    score.rise = count * (mean(&errors[pairs.len() - third..]) - mean(&errors[..third]));
    let (played, found): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (of_played, of_found) = (deviations(&played, &played), deviations(&found, &found));
    if of_played >= count * LEAST_DEVIATION * LEAST_DEVIATION {
        score.correlated = pairs.len();
        if of_found > 0.0 {
            let together = deviations(&played, &found);
            score.correlation = count * together / (of_played * of_found).sqrt();
        }
    }
    score
}

/// Sum of the products of deviations from the means.
fn deviations(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let products = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b));
    products.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(velocities: &[f32], late_samples: usize) -> Vec<Hit> {
        let hit = |(index, &velocity): (usize, &f32)| Hit {
            sample: 20_000 * index + late_samples,
            drum: Drum::Snare,
            velocity,
        };
        velocities.iter().enumerate().map(hit).collect()
    }

    #[test]
    fn a_constant_error_is_a_matter_of_scale() {
        let played = [0.2, 0.9, 0.4, 0.6, 0.3, 0.8];
        let found = played.map(|velocity| velocity + 0.1);
        let scores = score(&hits(&played, 0), &hits(&found, 300), 0.05);
        let snare = scores[Drum::Snare.index()];
        assert!((snare.error().unwrap() - 12.7).abs() < 0.01);
        assert!(snare.error_apart().unwrap() < 0.01);
        assert!((snare.correlation().unwrap() - 1.0).abs() < 1e-6);
        assert!(snare.rise().unwrap().abs() < 0.01);
        assert_eq!(scores[Drum::Kick.index()], VelocityScore::default());
        assert_eq!(scores[Drum::Kick.index()].error(), None);
    }

    #[test]
    fn velocities_that_rise_though_all_hits_are_alike_are_seen() {
        let played = [0.6; 9];
        let found: [f32; 9] = std::array::from_fn(|index| 0.6 + 0.04 * index as f32);
        let scores = score(&hits(&played, 0), &hits(&found, 0), 0.05);
        let snare = scores[Drum::Snare.index()];
        assert!((snare.rise().unwrap() - 127.0 * 0.24).abs() < 0.01);
        assert_eq!(snare.correlation(), None, "nothing to correlate with");
        // Hits that were not found don't count.
        let none = score(&hits(&played, 0), &hits(&found, 5_000), 0.05);
        assert_eq!(none[Drum::Snare.index()], VelocityScore::default());
    }

    #[test]
    fn one_velocity_for_all_follows_nothing() {
        let played = [0.2, 0.9, 0.4, 0.6, 0.3, 0.8];
        let scores = score(&hits(&played, 0), &hits(&[0.5; 6], 0), 0.05);
        assert_eq!(scores[Drum::Snare.index()].correlation(), Some(0.0));
    }
}
