//! The beats of a grid, one by one.

use super::grid::{Grid, TEMPO_BPM, TempoChange, TimeSignature};

/// A beat as the time signature counts it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    /// From the beginning.
    pub time_s: f64,
    /// Number of its bar, from 1.
    pub bar: u64,
    /// Whether the bar begins with it.
    pub is_first: bool,
}

impl Grid {
    /// The beats from `from_s` to before `to_s`, in order; bars have four quarters where the
    /// signature is not known. None before the beginning, nor without any tempo. Allocates.
    pub fn beats(&self, from_s: f64, to_s: f64) -> Vec<Beat> {
        let (count, unit) = self.signature.map_or((4, 2), TimeSignature::numbers);
        let quarters = 4.0 / f64::from(1_u32 << unit);
        let mut tempi: Vec<TempoChange> = self
            .tempi
            .iter()
            .copied()
            .filter(|change| change.time_s.is_finite() && TEMPO_BPM.contains(&change.bpm))
            .collect();
        tempi.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
        let mut beats = Vec::new();
        // How many beats there are before the stretch.
        let (mut start_s, mut before) = (0.0, 0.0);
        for (place, change) in tempi.iter().enumerate() {
            let next_s = tempi
                .get(place + 1)
                .map_or(f64::INFINITY, |next| next.time_s.max(0.0));
            let beat_s = 60.0 / change.bpm * quarters;
            let first_s = from_s.max(start_s);
            // A beat on the border belongs to the later stretch, whatever the rounding.
            let first = (before + (first_s - start_s) / beat_s - 1e-6).ceil();
            let mut number = first.max(0.0);
            loop {
                let time_s = start_s + (number - before) * beat_s;
                if time_s >= to_s || time_s >= next_s - 1e-6 * beat_s {
                    break;
                }
                let index = number as u64;
                beats.push(Beat {
                    time_s,
                    bar: index / u64::from(count) + 1,
                    is_first: index.is_multiple_of(u64::from(count)),
                });
                number += 1.0;
            }
            if next_s >= to_s {
                break;
            }
            before += (next_s - start_s) / beat_s;
            start_s = next_s;
        }
        beats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(time_s: f64, bpm: f64) -> TempoChange {
        TempoChange { time_s, bpm }
    }

    fn places(beats: &[Beat]) -> Vec<(f64, u64, bool)> {
        let rounded = |time_s: f64| (time_s * 1e6).round() / 1e6;
        beats
            .iter()
            .map(|beat| (rounded(beat.time_s), beat.bar, beat.is_first))
            .collect()
    }

    #[test]
    fn bars_are_counted_through_changes_of_tempo() {
        let grid = Grid {
            tempi: vec![change(0.0, 120.0), change(3.0, 60.0), change(f64::NAN, 9.0)],
            signature: TimeSignature::new(3, 4),
        };
        let beats = grid.beats(1.0, 6.0);
        let expected = [
            (1.0, 1, false),
            (1.5, 2, true),
            (2.0, 2, false),
            (2.5, 2, false),
            (3.0, 3, true),
            (4.0, 3, false),
            (5.0, 3, false),
        ];
        assert_eq!(places(&beats), expected);
        assert!(Grid::default().beats(0.0, 9.0).is_empty());
        assert!(grid.beats(-5.0, 0.0).is_empty());
    }

    #[test]
    fn a_signature_says_what_is_counted() {
        let grid = Grid {
            tempi: vec![change(2.0, 60.0)],
            signature: TimeSignature::new(7, 8),
        };
        let beats = grid.beats(-1.0, 4.0);
        let times_s: Vec<f64> = beats.iter().map(|beat| beat.time_s).collect();
        assert_eq!(times_s, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]);
        let firsts: Vec<u64> = beats.iter().filter(|b| b.is_first).map(|b| b.bar).collect();
        assert_eq!(firsts, [1, 2]);
        assert_eq!(beats[7].time_s, 3.5);
    }

    #[test]
    fn the_same_beats_are_found_whatever_the_part() {
        let grid = Grid {
            tempi: vec![change(0.0, 133.7), change(11.3, 97.1), change(40.2, 181.9)],
            signature: None,
        };
        let all = grid.beats(0.0, 60.0);
        for parts in [7.0, 0.31] {
            let mut joined = Vec::new();
            let mut from_s = 0.0;
            while from_s < 60.0 {
                joined.extend(grid.beats(from_s, (from_s + parts).min(60.0)));
                from_s += parts;
            }
            assert_eq!(joined.len(), all.len());
            let is_same = |(a, b): (&Beat, &Beat)| (a.time_s - b.time_s).abs() < 1e-9;
            assert!(joined.iter().zip(&all).all(is_same));
        }
    }
}
