//! The beats of a grid, one by one, and its parts.

use super::grid::{Grid, SignatureChange, TempoChange, TimeSignature};

/// A part of a beat within which places are the same, whatever the rounding.
const ROUNDING: f64 = 1e-6;

/// A beat as the time signature counts it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    /// From the beginning.
    pub time_s: f64,
    /// Number of its bar, from 1.
    pub bar: u64,
    /// Its number in the bar, from 1.
    pub beat: u64,
}

impl Beat {
    /// Whether the bar begins with it.
    pub fn is_first(&self) -> bool {
        self.beat == 1
    }
}

/// Quarter notes and seconds.
struct Clock {
    /// From a place on there are so many quarters before, and they come so fast; in order.
    stretches: Vec<(f64, f64, f64)>,
}

impl Clock {
    fn new(tempi: &[TempoChange]) -> Clock {
        let mut stretches: Vec<(f64, f64, f64)> = Vec::with_capacity(tempi.len());
        for change in tempi {
            let per_s = change.bpm / 60.0;
            let (from_s, quarters) = match stretches.last() {
                Some((from_s, quarters, per_s)) => {
                    (change.time_s, quarters + (change.time_s - from_s) * per_s)
                }
                // The first one's tempo goes back to the beginning.
                None => (0.0, 0.0),
            };
            stretches.push((from_s, quarters, per_s));
        }
        Clock { stretches }
    }

    fn quarters_at(&self, time_s: f64) -> f64 {
        let next = self
            .stretches
            .partition_point(|(from_s, ..)| *from_s <= time_s);
        let stretch = self.stretches.get(next.saturating_sub(1));
        stretch.map_or(0.0, |(from_s, quarters, per_s)| {
            quarters + (time_s - from_s) * per_s
        })
    }

    fn time_of(&self, quarters: f64) -> f64 {
        let next = self
            .stretches
            .partition_point(|(_, first, _)| *first <= quarters);
        let stretch = self.stretches.get(next.saturating_sub(1));
        stretch.map_or(0.0, |(from_s, first, per_s)| {
            from_s + (quarters - first) / per_s
        })
    }
}

impl Grid {
    /// The beats from `from_s` to before `to_s`, in order; bars have four quarters where the
    /// signature is not known. None before the beginning, nor without any tempo. Allocates.
    pub fn beats(&self, from_s: f64, to_s: f64) -> Vec<Beat> {
        let tempi = self.sensible_tempi();
        let mut beats = Vec::new();
        if tempi.is_empty() {
            return beats;
        }
        let clock = Clock::new(&tempi);
        let mut signatures = self.sensible_signatures();
        if signatures.is_empty() {
            signatures.push(SignatureChange {
                beat: 0.0,
                signature: TimeSignature::COMMON,
            });
        }
        let from_quarter = clock.quarters_at(from_s.max(0.0));
        let mut bars = 0;
        for (place, change) in signatures.iter().enumerate() {
            let (count, unit) = change.signature.numbers();
            let (count, quarters) = (u64::from(count), 4.0 / f64::from(1_u32 << unit));
            let end = signatures
                .get(place + 1)
                .map_or(f64::INFINITY, |next| next.beat);
            let first = ((from_quarter - change.beat) / quarters - ROUNDING).ceil();
            let mut index = first.max(0.0) as u64;
            loop {
                let quarter = change.beat + index as f64 * quarters;
                let time_s = clock.time_of(quarter);
                if quarter >= end - ROUNDING * quarters || time_s >= to_s {
                    break;
                }
                beats.push(Beat {
                    time_s,
                    bar: bars + index / count + 1,
                    beat: index % count + 1,
                });
                index += 1;
            }
            if clock.time_of(end) >= to_s {
                break;
            }
            // A bar that another signature cuts short is one, too.
            let whole = (end - change.beat) / (quarters * count as f64);
            bars += (whole - ROUNDING).ceil() as u64;
        }
        beats
    }

    /// The grid of what begins at `from_s`, counted from there. Allocates.
    pub fn part(&self, from_s: f64) -> Grid {
        let mut tempi = self.sensible_tempi();
        let from_quarter = Clock::new(&tempi).quarters_at(from_s);
        for change in &mut tempi {
            change.time_s -= from_s;
        }
        let mut signatures = self.sensible_signatures();
        for change in &mut signatures {
            change.beat -= from_quarter;
        }
        // Of those before the part the last counts.
        let begun = tempi.partition_point(|change| change.time_s <= 0.0);
        tempi.drain(..begun.saturating_sub(1));
        let begun = signatures.partition_point(|change| change.beat <= ROUNDING);
        signatures.drain(..begun.saturating_sub(1));
        Grid { tempi, signatures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(time_s: f64, bpm: f64) -> TempoChange {
        TempoChange { time_s, bpm }
    }

    fn signatures(changes: &[(f64, i32, i32)]) -> Vec<SignatureChange> {
        let changes = changes.iter().map(|(beat, beats, unit)| SignatureChange {
            beat: *beat,
            signature: TimeSignature::new(*beats, *unit).expect("a signature"),
        });
        changes.collect()
    }

    fn places(beats: &[Beat]) -> Vec<(f64, u64, bool)> {
        let rounded = |time_s: f64| (time_s * 1e6).round() / 1e6;
        beats
            .iter()
            .map(|beat| (rounded(beat.time_s), beat.bar, beat.is_first()))
            .collect()
    }

    #[test]
    fn bars_are_counted_through_changes_of_tempo() {
        let grid = Grid {
            tempi: vec![change(0.0, 120.0), change(3.0, 60.0), change(f64::NAN, 9.0)],
            signatures: signatures(&[(0.0, 3, 4)]),
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
            signatures: signatures(&[(0.0, 7, 8)]),
        };
        let beats = grid.beats(-1.0, 4.0);
        let times_s: Vec<f64> = beats.iter().map(|beat| beat.time_s).collect();
        assert_eq!(times_s, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]);
        let firsts: Vec<u64> = beats
            .iter()
            .filter(|b| b.is_first())
            .map(|b| b.bar)
            .collect();
        assert_eq!(firsts, [1, 2]);
        assert_eq!(beats[7].time_s, 3.5);
    }

    #[test]
    fn the_same_beats_are_found_whatever_the_part() {
        let grid = Grid {
            tempi: vec![change(0.0, 133.7), change(11.3, 97.1), change(40.2, 181.9)],
            signatures: Vec::new(),
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

    #[test]
    fn every_signature_makes_its_own_bars() {
        // Two bars of 4/4, one of 7/8, then 3/4; one that comes within a bar cuts it short.
        let grid = Grid {
            tempi: vec![change(0.0, 60.0), change(8.0, 120.0)],
            signatures: signatures(&[(8.0, 7, 8), (0.0, 4, 4), (11.5, 3, 4), (16.5, 4, 4)]),
        };
        let beats = grid.beats(0.0, 15.0);
        let firsts = beats.iter().filter(|beat| beat.is_first());
        let firsts: Vec<(f64, u64)> = firsts.map(|beat| (beat.time_s, beat.bar)).collect();
        let expected = [
            (0.0, 1),
            (4.0, 2),
            (8.0, 3),
            (9.75, 4),
            (11.25, 5),
            (12.25, 6),
            (14.25, 7),
        ];
        assert_eq!(firsts, expected);
        let numbers: Vec<u64> = beats.iter().map(|beat| beat.beat).collect();
        assert_eq!(numbers[4..15], [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7]);
        // From the middle on it is the same.
        let later = grid.beats(9.0, 15.0);
        assert_eq!(later, beats[beats.len() - later.len()..]);
    }

    #[test]
    fn a_part_is_counted_from_its_beginning() {
        let grid = Grid {
            tempi: vec![change(0.0, 60.0), change(8.0, 120.0)],
            signatures: signatures(&[(0.0, 4, 4), (8.0, 7, 8), (11.5, 3, 4)]),
        };
        for from_s in [4.0, 8.0, 9.75] {
            let whole = grid.beats(from_s, 20.0);
            let part = grid.part(from_s).beats(0.0, 20.0 - from_s);
            assert_eq!(part.len(), whole.len());
            assert_eq!((part[0].time_s, part[0].bar, part[0].beat), (0.0, 1, 1));
            for (one, other) in part.iter().zip(&whole) {
                assert!((one.time_s + from_s - other.time_s).abs() < 1e-9);
                assert_eq!(one.beat, other.beat);
            }
        }
    }
}
