//! Where the beats of a file are.

use super::{DEFAULT_TEMPO_BPM, TICKS_PER_BEAT};

/// Tempi that can be written: a beat has 24 bits of microseconds.
pub(super) const TEMPO_BPM: std::ops::RangeInclusive<f64> = 4.0..=6_000.0;

/// Shortest note that a time signature can count, as a power of a half.
const SHORTEST_UNIT: u32 = 6;

/// From here on the beats come at this tempo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TempoChange {
    /// From the beginning of the file.
    pub time_s: f64,
    /// Quarter notes per minute.
    pub bpm: f64,
}

/// How beats make bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSignature {
    beats: u8,
    /// Power of a half.
    unit: u8,
}

impl TimeSignature {
    /// Four quarters.
    pub const COMMON: TimeSignature = TimeSignature { beats: 4, unit: 2 };

    /// `beats` notes of the length 1/`unit` in a bar; none if that cannot be written.
    /// Real-time safe.
    pub fn new(beats: i32, unit: i32) -> Option<Self> {
        let beats = u8::try_from(beats).ok().filter(|beats| *beats > 0)?;
        let unit = u32::try_from(unit).ok()?;
        let is_known = unit.is_power_of_two() && unit.trailing_zeros() <= SHORTEST_UNIT;
        is_known.then_some(Self {
            beats,
            unit: unit.trailing_zeros() as u8,
        })
    }

    /// Length of a bar in quarter notes. Real-time safe.
    pub fn bar_quarters(self) -> f64 {
        4.0 * f64::from(self.beats) / f64::from(1_u32 << self.unit)
    }

    /// As a file has it: beats in a bar, and their length as a power of a half.
    pub(super) fn numbers(self) -> (u8, u8) {
        (self.beats, self.unit)
    }
}

/// From here on beats make such bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignatureChange {
    /// Quarter notes from the beginning of the file; a bar begins there.
    pub beat: f64,
    /// How many beats it has, and which.
    pub signature: TimeSignature,
}

/// The beats that a file's notes lie on. Without any tempo they come at
/// [`DEFAULT_TEMPO_BPM`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    /// In any order; the first one's tempo goes back to the beginning of the file. Numbers
    /// that are none are passed over, and of several at one time the last counts.
    pub tempi: Vec<TempoChange>,
    /// As far as they are known, in any order; the first one's goes back to the beginning of
    /// the file. Numbers that are none are passed over, and of several at one beat the last
    /// counts.
    pub signatures: Vec<SignatureChange>,
}

impl Grid {
    /// One tempo throughout. Allocates.
    pub fn steady(bpm: f64) -> Self {
        let time_s = 0.0;
        Self {
            tempi: vec![TempoChange { time_s, bpm }],
            signatures: Vec::new(),
        }
    }

    /// Tempi in order, without what makes no sense; none lies before the beginning.
    pub(super) fn sensible_tempi(&self) -> Vec<TempoChange> {
        let is_sensible =
            |change: &&TempoChange| change.time_s.is_finite() && TEMPO_BPM.contains(&change.bpm);
        let mut tempi: Vec<TempoChange> = self.tempi.iter().filter(is_sensible).copied().collect();
        tempi.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
        for change in &mut tempi {
            change.time_s = change.time_s.max(0.0);
        }
        tempi
    }

    /// Time signatures in order, one for each beat; the first is that of the beginning.
    pub(super) fn sensible_signatures(&self) -> Vec<SignatureChange> {
        let is_sensible = |change: &&SignatureChange| change.beat.is_finite();
        let signatures = self.signatures.iter().filter(is_sensible).copied();
        let mut sorted: Vec<SignatureChange> = signatures.collect();
        sorted.sort_by(|a, b| a.beat.total_cmp(&b.beat));
        if let Some(first) = sorted.first_mut() {
            first.beat = 0.0;
        }
        let mut signatures: Vec<SignatureChange> = Vec::with_capacity(sorted.len());
        for mut change in sorted {
            change.beat = change.beat.max(0.0);
            signatures.pop_if(|last| last.beat == change.beat);
            signatures.push(change);
        }
        signatures
    }
}

/// A stretch of ticks of one length.
#[derive(Debug, Clone, Copy)]
struct Piece {
    tick: u64,
    /// When its first tick is, by what the file says.
    time_s: f64,
    beat_us: f64,
}

impl Piece {
    fn tick_at(&self, time_s: f64) -> u64 {
        let ticks_per_s = f64::from(TICKS_PER_BEAT) * 1e6 / self.beat_us;
        let ticks = ((time_s - self.time_s).max(0.0) * ticks_per_s).round() as u64;
        self.tick.saturating_add(ticks)
    }

    fn time_at(&self, tick: u64) -> f64 {
        let s_per_tick = self.beat_us * 1e-6 / f64::from(TICKS_PER_BEAT);
        self.time_s + (tick - self.tick) as f64 * s_per_tick
    }
}

/// Times to ticks by what the file says of the tempo: it is rounded, and changes only at
/// ticks, but what is lost there is made up for in the next stretch.
#[derive(Debug)]
pub(super) struct TickMap {
    /// In order; never empty.
    pieces: Vec<Piece>,
}

impl TickMap {
    pub(super) fn new(tempi: &[TempoChange]) -> Self {
        let mut tempi: Vec<(f64, f64)> = tempi
            .iter()
            .filter(|change| change.time_s.is_finite() && change.bpm.is_finite())
            .map(|change| (change.time_s.max(0.0), beat_us(change.bpm)))
            .collect();
        tempi.sort_by(|a, b| a.0.total_cmp(&b.0));
        let first = tempi.first().copied();
        let mut last = Piece {
            tick: 0,
            time_s: 0.0,
            beat_us: first.map_or(beat_us(DEFAULT_TEMPO_BPM), |(_, beat_us)| beat_us),
        };
        let mut pieces = Vec::with_capacity(tempi.len().max(1));
        for (time_s, beat_us) in tempi {
            let tick = last.tick_at(time_s);
            if tick > last.tick && beat_us != last.beat_us {
                pieces.push(last);
                let time_s = last.time_at(tick);
                last = Piece {
                    tick,
                    time_s,
                    ..last
                };
            }
            if tick == last.tick {
                last.beat_us = beat_us;
            }
        }
        pieces.push(last);
        Self { pieces }
    }

    pub(super) fn ticks(&self, time_s: f64) -> u64 {
        let next = self.pieces.partition_point(|piece| piece.time_s <= time_s);
        self.pieces[next.saturating_sub(1)].tick_at(time_s)
    }

    /// The file's words: from a tick on a beat takes so many microseconds.
    pub(super) fn tempi(&self) -> impl Iterator<Item = (u64, u32)> {
        self.pieces
            .iter()
            .map(|piece| (piece.tick, piece.beat_us as u32))
    }
}

fn beat_us(bpm: f64) -> f64 {
    (60e6 / bpm.clamp(*TEMPO_BPM.start(), *TEMPO_BPM.end())).round()
}

#[cfg(test)]
mod tests {
    use super::super::{MidiNote, read_midi, write_midi};
    use super::*;

    fn change(time_s: f64, bpm: f64) -> TempoChange {
        TempoChange { time_s, bpm }
    }

    fn grid(tempi: &[TempoChange]) -> Grid {
        Grid {
            tempi: tempi.to_vec(),
            signatures: Vec::new(),
        }
    }

    /// Times of notes on snares after a way through a file.
    fn through_a_file(times_s: &[f64], grid: &Grid) -> Vec<f64> {
        let notes: Vec<MidiNote> = times_s
            .iter()
            .map(|time_s| MidiNote {
                time_s: *time_s,
                key: 38,
                velocity: 90,
            })
            .collect();
        let bytes = write_midi(&notes, 0.0, grid, "song").expect("written");
        let read = read_midi(&bytes).expect("a MIDI file");
        read.iter().map(|note| note.time_s).collect()
    }

    #[test]
    fn notes_stay_where_they_are_through_many_changes() {
        // An irregular walk through all tempi, the extreme ones included.
        let mut tempi = Vec::new();
        for n in 0..200_u32 {
            let time_s = f64::from(n) * 0.731 + f64::from(n * 37 % 11) * 0.01;
            let bpm = match n % 10 {
                3 => 4.0,
                6 => 6_000.0,
                8 => 1e9,
                _ => 40.0 + f64::from(n * 7_919 % 20_000) / 70.0,
            };
            tempi.push(change(time_s, bpm));
        }
        let times_s: Vec<f64> = (0..1_500).map(|n| f64::from(n) * 0.1003).collect();
        let read = through_a_file(&times_s, &grid(&tempi));
        assert_eq!(read.len(), times_s.len());
        for (read_s, time_s) in read.iter().zip(&times_s) {
            let next = tempi.partition_point(|change| change.time_s <= *time_s);
            // The change itself lies on a tick of the tempo before it.
            let tick_s = [1, 2].map(|back| {
                let bpm = tempi[next.saturating_sub(back)].bpm;
                beat_us(bpm) * 1e-6 / f64::from(TICKS_PER_BEAT)
            });
            assert!((read_s - time_s).abs() < 0.501 * tick_s[0].max(tick_s[1]));
        }
        // In any order it is the same song.
        tempi.reverse();
        assert_eq!(read, through_a_file(&times_s, &grid(&tempi)));
    }

    #[test]
    fn beats_are_on_the_grid_after_changes_of_tempo() {
        // Two bars each, then slower; beats at the changes too.
        let tempi = [
            change(0.0, 120.0),
            change(4.0, 97.3),
            change(4.0 + 8.0 * 60.0 / 97.3, 60.0),
        ];
        let map = TickMap::new(&tempi);
        for beat in 0..8_u64 {
            let share = beat as f64;
            assert_eq!(map.ticks(share * 0.5), beat * 960);
            assert_eq!(map.ticks(4.0 + share * 60.0 / 97.3), (8 + beat) * 960);
            assert_eq!(map.ticks(tempi[2].time_s + share), (16 + beat) * 960);
        }
        let said: Vec<_> = map.tempi().collect();
        assert_eq!(
            said,
            [(0, 500_000), (8 * 960, 616_650), (16 * 960, 1_000_000)]
        );
    }

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        let said = |tempi: &[TempoChange]| TickMap::new(tempi).tempi().collect::<Vec<_>>();
        assert_eq!(said(&[]), [(0, 500_000)]);
        assert_eq!(
            said(&[change(f64::NAN, 90.0), change(3.0, f64::INFINITY)]),
            [(0, 500_000)]
        );
        assert_eq!(
            said(&[change(7.0, 60.0)]),
            [(0, 1_000_000)],
            "from the beginning"
        );
        assert_eq!(
            said(&[change(0.0, 0.0), change(1.0, -5.0)]),
            [(0, 15_000_000)]
        );
        // The last word at a time counts, and repeating the tempo changes nothing.
        let words = [
            change(1.0, 60.0),
            change(-1.0, 90.0),
            change(1.0, 240.0),
            change(-0.5, 120.0),
            change(0.4, 120.0),
            change(1.00001, 60.0),
        ];
        assert_eq!(said(&words), [(0, 500_000), (1_920, 1_000_000)]);
        // A change long after the last note is none of the file's.
        let late = grid(&[change(0.0, 120.0), change(1e300, 90.0)]);
        assert_eq!(through_a_file(&[0.5], &late), [0.5]);
    }

    #[test]
    fn time_signatures_are_written_where_a_file_has_words_for_them() {
        let numbers = |beats, unit| TimeSignature::new(beats, unit).map(TimeSignature::numbers);
        assert_eq!(numbers(4, 4), Some((4, 2)));
        assert_eq!(numbers(7, 8), Some((7, 3)));
        let seven_eight = TimeSignature::new(7, 8).expect("a signature");
        assert_eq!(seven_eight.bar_quarters(), 3.5);
        for (beats, unit) in [(0, 4), (-3, 4), (256, 4), (4, 0), (4, 3), (4, 128), (4, -4)] {
            assert_eq!(numbers(beats, unit), None, "{beats}/{unit}");
        }
    }

    #[test]
    fn every_signature_stands_in_the_file_at_its_bar() {
        let signature = |beat, beats, unit| SignatureChange {
            beat,
            signature: TimeSignature::new(beats, unit).expect("a signature"),
        };
        let grid = Grid {
            tempi: vec![change(0.0, 97.3), change(3.1, 120.0)],
            signatures: vec![
                signature(8.0, 7, 8),
                signature(-2.0, 4, 4),
                signature(11.5, 3, 4),
                signature(11.5, 6, 8),
                signature(f64::NAN, 5, 4),
                signature(1e9, 5, 4),
            ],
        };
        let note = MidiNote {
            time_s: 9.0,
            key: 38,
            velocity: 90,
        };
        let bytes = write_midi(&[note], 10.0, &grid, "song").expect("written");
        let file = midly::Smf::parse(&bytes).expect("a MIDI file");
        let (mut tick, mut found) = (0, Vec::new());
        for event in &file.tracks[0] {
            tick += event.delta.as_int();
            if let midly::TrackEventKind::Meta(midly::MetaMessage::TimeSignature(n, unit, ..)) =
                event.kind
            {
                found.push((f64::from(tick) / 960.0, n, unit));
            }
        }
        assert_eq!(found, [(0.0, 4, 2), (8.0, 7, 3), (11.5, 6, 3)]);
    }
}
