//! Peaks of what the network says, and which of them are hits.

/// A hit counts as found within this many frames: 50 ms.
const TOLERANCE_FRAMES: usize = 8;
/// Hits of a class are at least this far apart: 30 ms.
const GAP_FRAMES: usize = 5;
/// A peak is the largest value within this many frames.
const PEAK_FRAMES: usize = 2;
/// Peaks below this are no candidates: the lowest threshold that is tried.
const LEAST_PEAK: f32 = 0.02;

/// Found, missed and false hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassScore {
    /// Hits that were found.
    pub found: usize,
    /// Hits that were not.
    pub missed: usize,
    /// Detections without a hit.
    pub wrong: usize,
}

impl ClassScore {
    /// F-measure in which recall weighs `beta` times as much as precision; 1
    /// if there was nothing to find and nothing was found.
    pub fn f_measure(&self, beta: f64) -> f64 {
        let weight = beta * beta;
        let found = (1.0 + weight) * self.found as f64;
        let all = found + weight * self.missed as f64 + self.wrong as f64;
        if all == 0.0 { 1.0 } else { found / all }
    }

    /// F-measure, if there was anything to find: what is absent from the material says
    /// nothing of the network.
    pub fn heard_f(&self) -> Option<f64> {
        (self.found + self.missed > 0).then(|| self.f_measure(1.0))
    }

    pub(super) fn add(&mut self, other: ClassScore) {
        self.found += other.found;
        self.missed += other.missed;
        self.wrong += other.wrong;
    }
}

/// Frames and probabilities of the peaks in one sequence of probabilities: the
/// largest values within two frames either way, no two within 30 ms. Allocates.
pub fn peaks(probabilities: &[f32]) -> Vec<(usize, f32)> {
    let mut peaks: Vec<(usize, f32)> = Vec::new();
    for (frame, &value) in probabilities.iter().enumerate() {
        let around =
            frame.saturating_sub(PEAK_FRAMES)..(frame + PEAK_FRAMES + 1).min(probabilities.len());
        let first = probabilities[around.start..frame]
            .iter()
            .all(|&before| before < value);
        if value < LEAST_PEAK || !first || probabilities[around].iter().any(|&near| near > value) {
            continue;
        }
        match peaks.last_mut() {
            Some(last) if frame < last.0 + GAP_FRAMES => {
                if value > last.1 {
                    *last = (frame, value);
                }
            }
            _ => peaks.push((frame, value)),
        }
    }
    peaks
}

/// Compares sorted frames; each hit is found at most once.
pub(super) fn compare(detected: &[usize], reference: &[usize]) -> ClassScore {
    let mut score = ClassScore::default();
    let mut next = 0;
    for &frame in detected {
        while next < reference.len() && reference[next] + TOLERANCE_FRAMES < frame {
            next += 1;
        }
        if next < reference.len() && reference[next] <= frame + TOLERANCE_FRAMES {
            score.found += 1;
            next += 1;
        } else {
            score.wrong += 1;
        }
    }
    score.missed = reference.len() - score.found;
    score
}

/// Sorted frames without those that follow another within the gap.
pub(super) fn merge(mut frames: Vec<usize>) -> Vec<usize> {
    frames.sort_unstable();
    let mut merged: Vec<usize> = Vec::new();
    for frame in frames {
        if merged.last().is_none_or(|&last| frame >= last + GAP_FRAMES) {
            merged.push(frame);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_local_maxima_with_a_gap() {
        let mut track = vec![0.0; 40];
        track[5] = 0.9;
        track[6] = 0.4;
        track[9] = 0.5;
        track[20] = 0.3;
        track[21] = 0.3;
        let found = peaks(&track);
        assert_eq!(found, [(5, 0.9), (20, 0.3)]);
    }

    #[test]
    fn comparison_counts_each_hit_once() {
        let score = compare(&[10, 12, 50, 90], &[11, 30, 92]);
        assert_eq!(
            score,
            ClassScore {
                found: 2,
                missed: 1,
                wrong: 2
            }
        );
        assert!((score.f_measure(1.0) - 4.0 / 7.0).abs() < 1e-9);
        assert_eq!(ClassScore::default().f_measure(1.0), 1.0);
        assert_eq!(score.heard_f(), Some(score.f_measure(1.0)));
        let absent = ClassScore {
            wrong: 2,
            ..ClassScore::default()
        };
        assert_eq!(absent.heard_f(), None);
        assert_eq!(merge(vec![30, 10, 12, 14, 16]), [10, 16, 30]);
    }
}
