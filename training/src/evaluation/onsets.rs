//! Matching detected hits to played ones.

use idm_engine::drum::{DRUM_COUNT, Drum};
use serde::Serialize;

use crate::{kits::SAMPLE_RATE_HZ, render::Hit};

/// Counts of matched, superfluous and missed hits. Counts of several pieces
/// add up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct OnsetScore {
    /// Detected hits that were played.
    pub found: usize,
    /// Detected hits that were not.
    pub extra: usize,
    /// Played hits that were not detected.
    pub missed: usize,
    /// Sum over the found of the absolute error in time.
    pub error_s: f64,
    /// Sum over the found of how much later they were detected than played.
    pub late_s: f64,
}

impl OnsetScore {
    /// Share of the detected that was played, if anything was detected.
    pub fn precision(&self) -> Option<f64> {
        share(self.found, self.extra)
    }

    /// Share of the played that was detected, if anything was played.
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.missed)
    }

    /// Harmonic mean of precision and recall, if anything was played.
    pub fn f_measure(&self) -> Option<f64> {
        let all = 2 * self.found + self.extra + self.missed;
        (self.found + self.missed > 0).then(|| 2.0 * self.found as f64 / all as f64)
    }

    /// Mean absolute error in time of the found hits.
    pub fn mean_error_ms(&self) -> f64 {
        1e3 * self.error_s / self.found.max(1) as f64
    }

    /// Mean lateness of the found hits, negative if early.
    pub fn mean_lateness_ms(&self) -> f64 {
        1e3 * self.late_s / self.found.max(1) as f64
    }

    /// Adds another piece's counts.
    pub fn add(&mut self, other: &OnsetScore) {
        self.found += other.found;
        self.extra += other.extra;
        self.missed += other.missed;
        self.error_s += other.error_s;
        self.late_s += other.late_s;
    }
}

fn share(found: usize, other: usize) -> Option<f64> {
    let all = found + other;
    (all > 0).then(|| found as f64 / all as f64)
}

/// Pairs of indices of `played` and `detected` times that differ by no more
/// than `tolerance`. Both must be sorted. With one tolerance for all, taking
/// the earliest partner in turn finds the largest possible number of pairs.
pub fn match_times(played: &[f64], detected: &[f64], tolerance: f64) -> Vec<(usize, usize)> {
    let (mut p, mut d) = (0, 0);
    let mut pairs = Vec::new();
    while p < played.len() && d < detected.len() {
        let late = detected[d] - played[p];
        if late.abs() <= tolerance {
            pairs.push((p, d));
            p += 1;
            d += 1;
        } else if late < 0.0 {
            d += 1;
        } else {
            p += 1;
        }
    }
    pairs
}

/// Sorted times in seconds of the hits of the drums that `belongs` accepts,
/// without those less than `merge_s` after the one before. Allocates.
pub fn times(hits: &[Hit], merge_s: f64, belongs: impl Fn(Drum) -> bool) -> Vec<f64> {
    let mut times: Vec<f64> = hits
        .iter()
        .filter(|hit| belongs(hit.drum))
        .map(|hit| hit.sample as f64 / SAMPLE_RATE_HZ)
        .collect();
    times.sort_by(f64::total_cmp);
    if merge_s > 0.0 {
        times.dedup_by(|later, kept| *later - *kept < merge_s);
    }
    times
}

/// Score of sorted `detected` times against sorted `played` ones.
pub fn score(played: &[f64], detected: &[f64], tolerance_s: f64) -> OnsetScore {
    let pairs = match_times(played, detected, tolerance_s);
    OnsetScore {
        found: pairs.len(),
        extra: detected.len() - pairs.len(),
        missed: played.len() - pairs.len(),
        error_s: pairs
            .iter()
            .map(|&(p, d)| (played[p] - detected[d]).abs())
            .sum(),
        late_s: pairs.iter().map(|&(p, d)| detected[d] - played[p]).sum(),
    }
}

/// Column (or row) of [`Confusion`] for "nothing".
pub const NOTHING: usize = DRUM_COUNT;

/// Rows: what was played, then nothing. Columns: what was detected, then
/// nothing.
pub type Confusion = [[usize; DRUM_COUNT + 1]; DRUM_COUNT + 1];

/// Adds a piece to `confusion`: right classes are paired first, then what is
/// left of different classes, then misses and extras.
pub fn confuse(confusion: &mut Confusion, played: &[Hit], detected: &[Hit], tolerance_s: f64) {
    let mut left_played = Vec::new();
    let mut left_detected = Vec::new();
    for drum in Drum::ALL {
        let of_drum = |hits: &[Hit]| times(hits, 0.0, |other| other == drum);
        let (played, detected) = (of_drum(played), of_drum(detected));
        let pairs = match_times(&played, &detected, tolerance_s);
        confusion[drum.index()][drum.index()] += pairs.len();
        let unpaired = |times: &[f64], taken: Vec<usize>| {
            let free = (0..times.len()).filter(|n| !taken.contains(n));
            free.map(|n| (times[n], drum)).collect::<Vec<_>>()
        };
        left_played.extend(unpaired(&played, pairs.iter().map(|pair| pair.0).collect()));
        left_detected.extend(unpaired(
            &detected,
            pairs.iter().map(|pair| pair.1).collect(),
        ));
    }
    left_played.sort_by(|a, b| a.0.total_cmp(&b.0));
    left_detected.sort_by(|a, b| a.0.total_cmp(&b.0));
    let only_times = |hits: &[(f64, Drum)]| hits.iter().map(|hit| hit.0).collect::<Vec<_>>();
    let pairs = match_times(
        &only_times(&left_played),
        &only_times(&left_detected),
        tolerance_s,
    );
    let mut free = (
        vec![true; left_played.len()],
        vec![true; left_detected.len()],
    );
    for (p, d) in pairs {
        confusion[left_played[p].1.index()][left_detected[d].1.index()] += 1;
        free.0[p] = false;
        free.1[d] = false;
    }
    for ((_, drum), free) in left_played.iter().zip(free.0) {
        confusion[drum.index()][NOTHING] += usize::from(free);
    }
    for ((_, drum), free) in left_detected.iter().zip(free.1) {
        confusion[NOTHING][drum.index()] += usize::from(free);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(time_ms: usize, drum: Drum) -> Hit {
        Hit {
            sample: time_ms * 44_100 / 1_000,
            drum,
            velocity: 1.0,
        }
    }

    #[test]
    fn pairs_are_as_many_as_possible() {
        // The nearest partner of 1.00 is 1.02, which 1.05 needs.
        let pairs = match_times(&[1.00, 1.05], &[0.96, 1.02], 0.05);
        assert_eq!(pairs, [(0, 0), (1, 1)]);
        assert_eq!(match_times(&[1.0], &[1.06], 0.05), []);
    }

    #[test]
    fn precision_recall_and_error_are_right() {
        let played = [
            hit(100, Drum::Kick),
            hit(300, Drum::Kick),
            hit(300, Drum::Snare),
        ];
        let detected = [
            hit(110, Drum::Kick),
            hit(500, Drum::Kick),
            hit(300, Drum::Ride),
        ];
        let of = |drum: Drum| {
            let belongs = |other| other == drum;
            let (played, detected) = (times(&played, 0.0, belongs), times(&detected, 0.0, belongs));
            score(&played, &detected, 0.05)
        };
        let kick = of(Drum::Kick);
        assert_eq!((kick.found, kick.extra, kick.missed), (1, 1, 1));
        assert!((kick.f_measure().unwrap() - 0.5).abs() < 1e-9);
        assert!((kick.mean_error_ms() - 10.0).abs() < 0.05);
        assert!((kick.mean_lateness_ms() - 10.0).abs() < 0.05);
        let toms = of(Drum::HighTom);
        assert_eq!(
            (toms.precision(), toms.recall(), toms.f_measure()),
            (None, None, None)
        );
    }

    #[test]
    fn hits_of_a_group_at_once_are_one() {
        let hits = [
            hit(100, Drum::Crash),
            hit(110, Drum::Ride),
            hit(125, Drum::Crash),
            hit(140, Drum::Ride),
        ];
        let merged = times(&hits, 0.03, |_| true);
        assert_eq!(merged.len(), 2, "{merged:?}");
        assert_eq!(times(&hits, 0.0, |drum| drum == Drum::Ride).len(), 2);
    }

    #[test]
    fn confusion_tells_swaps_from_misses() {
        let mut confusion = Confusion::default();
        let played = [
            hit(100, Drum::Kick),
            hit(300, Drum::Crash),
            hit(900, Drum::Snare),
        ];
        let detected = [
            hit(100, Drum::Kick),
            hit(310, Drum::Ride),
            hit(600, Drum::HighTom),
        ];
        confuse(&mut confusion, &played, &detected, 0.05);
        let at = |row: Drum, column: usize| confusion[row.index()][column];
        assert_eq!(at(Drum::Kick, 0), 1);
        assert_eq!(at(Drum::Crash, Drum::Ride.index()), 1);
        assert_eq!(at(Drum::Snare, NOTHING), 1);
        assert_eq!(confusion[NOTHING][Drum::HighTom.index()], 1);
        assert_eq!(confusion.iter().flatten().sum::<usize>(), 4);
    }
}
