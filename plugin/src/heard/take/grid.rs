//! The song's beats from what was heard of them. Where nothing was heard they are such
//! that those that were heard lie where the host counts them.

use idm_engine::midi_file::{Grid, SignatureChange, TempoChange, TimeSignature};

use super::tempo::{SAME_BEATS, Stretch};
use crate::song::Tempo;

/// By how much the tempo between two stretches may differ from theirs before the host's
/// count is not believed: then only the places of the beats are kept, not their numbers.
const PLAUSIBLE: f64 = 4.0;

/// So far before a bar line, in quarter notes, a block may begin that tells of it.
const EARLY_QUARTERS: f64 = 0.02;

/// Beats of the file: from a place on they come at one tempo.
#[derive(Debug, Clone, Copy)]
struct Line {
    from_s: f64,
    beat: f64,
    bpm: f64,
}

impl Line {
    fn beat_at(&self, song_s: f64) -> f64 {
        self.beat + (song_s - self.from_s) * self.bpm / 60.0
    }
}

/// The beats of a song of which these stretches were heard, in order of their places.
/// Allocates.
pub(super) fn grid(stretches: &[Stretch]) -> Grid {
    let begun = stretches.partition_point(|stretch| stretch.to_s < 0.0);
    // What was heard before the beginning is a count-in, if anything.
    let heard = &stretches[begun.min(stretches.len().saturating_sub(1))..];
    let Some(first) = heard.first() else {
        return Grid::default();
    };
    let mut track = BeatTrack::begin(first.tempo.bpm);
    let mut signatures = Vec::new();
    note_signature(&mut signatures, 0.0, first.tempo.signature);
    for stretch in heard.iter().filter(|stretch| stretch.to_s >= 0.0) {
        let stretch = from_beginning(stretch);
        track.add(&stretch);
        let beat = track.line.beat_at(stretch.from_s);
        note_signature(&mut signatures, beat, stretch.tempo.signature);
    }
    Grid {
        tempi: track.tempi,
        signatures,
    }
}

/// Notes the signature that was heard at `beat`. Hosts tell it once a block, and what was
/// heard may begin anywhere: a new one begins with the bar that was on then.
fn note_signature(
    signatures: &mut Vec<SignatureChange>,
    beat: f64,
    signature: Option<TimeSignature>,
) {
    let Some(signature) = signature else {
        return;
    };
    let change = match signatures.last() {
        Some(last) if last.signature == signature => return,
        Some(last) => {
            let bar = last.signature.bar_quarters();
            let bars = ((beat - last.beat + EARLY_QUARTERS) / bar).floor();
            SignatureChange {
                beat: last.beat + bars.max(0.0) * bar,
                signature,
            }
        }
        None => SignatureChange {
            beat: 0.0,
            signature,
        },
    };
    signatures.pop_if(|last| last.beat == change.beat);
    signatures.push(change);
}

/// A stretch without what lies before the song.
fn from_beginning(stretch: &Stretch) -> Stretch {
    let from_s = stretch.from_s.max(0.0);
    Stretch {
        from_s,
        tempo: Tempo {
            beat: stretch.beat_at(from_s),
            ..stretch.tempo
        },
        ..*stretch
    }
}

/// Tempi that lead from stretch to stretch.
#[derive(Debug)]
struct BeatTrack {
    tempi: Vec<TempoChange>,
    /// As the file counts now.
    line: Line,
    /// Up to here that was heard.
    heard_s: f64,
    /// Beats that the file counts more than the host.
    more: f64,
}

impl BeatTrack {
    /// The song begins with beat 0.
    fn begin(bpm: f64) -> Self {
        let (from_s, beat) = (0.0, 0.0);
        Self {
            tempi: vec![TempoChange { time_s: 0.0, bpm }],
            line: Line { from_s, beat, bpm },
            heard_s: 0.0,
            more: 0.0,
        }
    }

    /// Goes on to a later stretch.
    fn add(&mut self, stretch: &Stretch) {
        let (line, next_s, bpm) = (self.line, stretch.from_s, stretch.tempo.bpm);
        let expected = line.beat_at(next_s);
        let beat = stretch.tempo.beat.map_or(expected, |beat| beat + self.more);
        let off = beat - expected;
        if off.abs() > SAME_BEATS
            && let Some(meeting_s) = self.meeting_s(next_s, bpm, off)
        {
            // One change of tempo explains both sides.
            self.turn(meeting_s, bpm);
        } else if off.abs() > SAME_BEATS {
            self.bridge(next_s, beat);
            self.turn(next_s, bpm);
        } else if bpm != line.bpm {
            self.turn(next_s, bpm);
        }
        self.heard_s = stretch.to_s;
    }

    /// Where the line of now meets the next one, which at `next_s` is `off` beats ahead; it
    /// may do so where the first was heard if they cannot be told apart there.
    fn meeting_s(&self, next_s: f64, bpm: f64, off: f64) -> Option<f64> {
        let faster = (bpm - self.line.bpm) / 60.0;
        let meeting_s = next_s - off / faster;
        let is_between = (self.line.from_s..=next_s).contains(&meeting_s);
        let misheard = (self.heard_s - meeting_s).max(0.0) * faster.abs();
        (is_between && misheard <= 2.0 * SAME_BEATS).then_some(meeting_s)
    }

    /// Reaches `beat` at `next_s` by another tempo, where nothing was heard if that matters.
    fn bridge(&mut self, next_s: f64, beat: f64) {
        let is_slight = (beat - self.line.beat_at(next_s)).abs() <= 4.0 * SAME_BEATS;
        let from_s = if is_slight {
            self.line.from_s
        } else {
            self.heard_s.max(self.line.from_s)
        };
        let duration_s = next_s - from_s;
        if duration_s <= 0.0 {
            self.more -= beat - self.line.beat_at(next_s);
            return;
        }
        let usual = self.line.bpm / 60.0 * duration_s;
        let mut beats = beat - self.line.beat_at(from_s);
        if !(usual / PLAUSIBLE..=usual * PLAUSIBLE).contains(&beats) {
            let more = (usual - beats).round();
            self.more += more;
            beats += more;
        }
        self.turn(from_s, beats / duration_s * 60.0);
    }

    /// Another tempo from here on.
    fn turn(&mut self, from_s: f64, bpm: f64) {
        let beat = self.line.beat_at(from_s);
        self.line = Line { from_s, beat, bpm };
        self.tempi.pop_if(|last| last.time_s == from_s);
        self.tempi.push(TempoChange {
            time_s: from_s,
            bpm,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tempo::HeardTempo;
    use super::*;
    use crate::song::TempoPoint;

    /// A stretch with the beat at its beginning.
    fn heard(from_s: f64, to_s: f64, beat: f64, bpm: f64) -> Stretch {
        let (beat, signature) = (Some(beat), None);
        let tempo = Tempo {
            beat,
            bpm,
            signature,
        };
        Stretch {
            from_s,
            to_s,
            tempo,
        }
    }

    /// The tempi as (from, tempo).
    fn tempi(stretches: &[Stretch]) -> Vec<(f64, f64)> {
        let rounded = |number: f64| (number * 1e6).round() / 1e6;
        let tempi = grid(stretches).tempi.into_iter();
        tempi
            .map(|change| (rounded(change.time_s), rounded(change.bpm)))
            .collect()
    }

    /// What the file counts at a place.
    fn beat_at(stretches: &[Stretch], song_s: f64) -> f64 {
        let mut line = Line {
            from_s: 0.0,
            beat: 0.0,
            bpm: 0.0,
        };
        for change in grid(stretches).tempi {
            assert!(change.time_s >= line.from_s, "in order");
            if change.time_s > song_s {
                break;
            }
            line = Line {
                from_s: change.time_s,
                beat: line.beat_at(change.time_s),
                bpm: change.bpm,
            };
        }
        line.beat_at(song_s)
    }

    #[test]
    fn one_tempo_goes_back_to_the_beginning() {
        assert_eq!(grid(&[]), Grid::default());
        assert_eq!(tempi(&[heard(10.0, 20.0, 15.0, 90.0)]), [(0.0, 90.0)]);
        let stretches = [
            heard(10.0, 20.0, 15.0, 90.0),
            heard(20.01, 20.01, 30.015, 90.0),
            heard(40.0, 50.0, 60.0, 90.0),
        ];
        assert_eq!(tempi(&stretches), [(0.0, 90.0)]);
        // A count-in.
        assert_eq!(tempi(&[heard(-2.0, 6.0, -3.0, 90.0)]), [(0.0, 90.0)]);
        assert_eq!(tempi(&[heard(-2.0, -1.0, -3.0, 90.0)]), [(0.0, 90.0)]);
    }

    #[test]
    fn a_change_is_found_between_the_blocks_that_tell_of_it() {
        // At beat 4 from 120 to 60; blocks of 40 ms.
        let stretches = [heard(0.0, 1.98, 0.0, 120.0), heard(2.02, 9.0, 4.02, 60.0)];
        assert_eq!(tempi(&stretches), [(0.0, 120.0), (2.0, 60.0)]);
        // Hardly a change: it is noticed late.
        let late = 2.0 + 0.3;
        let beat = 4.0 + 0.3 * 120.2 / 60.0;
        let stretches = [heard(0.0, 2.29, 0.0, 120.0), heard(late, 9.0, beat, 120.2)];
        assert_eq!(tempi(&stretches), [(0.0, 120.0), (2.0, 120.2)]);
        // Where it was not heard, too.
        let stretches = [heard(0.0, 1.0, 0.0, 120.0), heard(5.0, 9.0, 7.0, 60.0)];
        assert_eq!(tempi(&stretches), [(0.0, 120.0), (2.0, 60.0)]);
    }

    #[test]
    fn what_was_not_heard_is_bridged() {
        // Faster and slower again, from 10 to 20 s: 35 beats in between.
        let stretches = [heard(0.0, 10.0, 0.0, 120.0), heard(20.0, 30.0, 55.0, 120.0)];
        assert_eq!(
            tempi(&stretches),
            [(0.0, 120.0), (10.0, 210.0), (20.0, 120.0)]
        );
        // Before all that was heard, too.
        assert_eq!(
            tempi(&[heard(10.0, 20.0, 25.0, 120.0)]),
            [(0.0, 150.0), (10.0, 120.0)]
        );
        // A host that tells a slightly wrong tempo.
        let stretches = [
            heard(0.0, 9.9, 0.0, 120.0),
            heard(10.0, 19.9, 20.001, 120.0),
            heard(20.0, 29.9, 40.002, 120.0),
        ];
        assert_eq!(tempi(&stretches)[..2], [(0.0, 120.006), (10.0, 120.006)]);
        assert!((beat_at(&stretches, 20.0) - 40.002).abs() < 1e-6);
    }

    #[test]
    fn a_ramp_keeps_its_beats() {
        // As it is heard: a stretch wherever the last one is half a tick off.
        let beat = |song_s: f64| song_s + 0.05 * song_s * song_s;
        let stretches: Vec<Stretch> = (0..100)
            .map(|n| {
                let from_s = f64::from(n) * 0.105;
                heard(from_s, from_s + 0.1, beat(from_s), 60.0 + 6.0 * from_s)
            })
            .collect();
        for n in 0..1_000 {
            let song_s = f64::from(n) * 0.01;
            let off = (beat_at(&stretches, song_s) - beat(song_s)).abs();
            assert!(off < 2.0 * SAME_BEATS, "{off} beats at {song_s} s");
        }
        let tempi = tempi(&stretches);
        let rises = tempi.windows(2).all(|pair| pair[0].1 <= pair[1].1);
        assert!(rises, "{tempi:?}");
    }

    #[test]
    fn where_the_count_cannot_be_the_beats_keep_their_places() {
        // The song counts from another beat, or was counted differently when it was heard
        // last.
        for beat in [1.25, 3_000.25, -99.75] {
            let stretches = [heard(0.0, 10.0, 0.0, 120.0), heard(20.0, 30.0, beat, 60.0)];
            let counted = beat_at(&stretches, 25.0);
            let off = counted - beat - 5.0;
            assert!((off - off.round()).abs() < 1e-6, "{counted}");
            assert!((beat_at(&stretches, 10.0) - 20.0).abs() < 1e-6);
            let bpm = tempi(&stretches).into_iter().map(|(_, bpm)| bpm);
            assert!(bpm.fold(0.0, f64::max) < 200.0);
        }
        let stretches = [heard(0.0, 5.0, 16.0, 120.0), heard(5.005, 9.0, 26.01, 60.0)];
        assert!((beat_at(&stretches, 1.0) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn every_signature_begins_with_a_bar() {
        let heard_in = |from_s, to_s, beat, (beats, unit)| {
            let stretch = heard(from_s, to_s, beat, 60.0);
            Stretch {
                tempo: Tempo {
                    signature: TimeSignature::new(beats, unit),
                    ..stretch.tempo
                },
                ..stretch
            }
        };
        let signatures = |stretches: &[Stretch]| -> Vec<(f64, f64)> {
            let changes = grid(stretches).signatures.into_iter();
            changes
                .map(|c| (c.beat, c.signature.bar_quarters()))
                .collect()
        };
        // Told a little late; then not heard where it changes; then twice the same.
        let stretches = [
            heard_in(3.0, 8.0, 3.0, (4, 4)),
            heard_in(8.04, 11.48, 8.04, (7, 8)),
            heard_in(11.49, 13.0, 11.49, (3, 4)),
            heard_in(20.0, 25.0, 20.0, (4, 4)),
            heard_in(30.0, 35.0, 30.0, (4, 4)),
        ];
        let expected = [(0.0, 4.0), (8.0, 3.5), (11.5, 3.0), (17.5, 4.0)];
        let found = signatures(&stretches);
        assert_eq!(found, expected);
        assert_eq!(signatures(&[heard(0.0, 9.0, 0.0, 60.0)]), []);
    }

    #[test]
    fn hosts_that_do_not_count_tell_the_tempo() {
        let uncounted = |from_s, to_s, bpm| {
            let stretch = heard(from_s, to_s, 0.0, bpm);
            Stretch {
                tempo: Tempo {
                    beat: None,
                    ..stretch.tempo
                },
                ..stretch
            }
        };
        let stretches = [uncounted(1.0, 2.0, 120.0), uncounted(2.005, 3.0, 60.0)];
        assert_eq!(tempi(&stretches), [(0.0, 120.0), (2.005, 60.0)]);
    }

    /// Numbers below `most` that look like chance.
    struct Random(u64);

    impl Random {
        fn below(&mut self, most: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
            self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % most
        }
    }

    #[test]
    fn however_a_song_is_played_what_was_heard_lies_on_the_grid() {
        let mut random = Random(5);
        for song in 0..100 {
            // Another tempo after half a second or more, often at a beat.
            let mut line = Line {
                from_s: 0.0,
                beat: 0.0,
                bpm: 120.0,
            };
            let mut lines = vec![line];
            while line.from_s < 60.0 {
                let beats = 2.0 + random.below(40) as f64 / 4.0;
                line.from_s += beats * 60.0 / line.bpm;
                line.beat += beats;
                line.bpm = 50.0 + random.below(150) as f64;
                lines.push(line);
            }
            let line_at = |song_s: f64| {
                let next = lines.partition_point(|line| line.from_s <= song_s);
                lines[next.saturating_sub(1)]
            };
            let mut tempo = HeardTempo::default();
            let mut places = Vec::new();
            for _ in 0..1 + random.below(8) {
                let block_s = [0.001, 0.005, 0.02, 0.1][random.below(4) as usize];
                let from_s = random.below(50_000) as f64 / 1_000.0;
                for number in 0..1 + random.below(800) {
                    let song_s = from_s + number as f64 * block_s;
                    let line = line_at(song_s);
                    tempo.hear(Some(&TempoPoint {
                        song_s,
                        tempo: Tempo {
                            beat: Some(line.beat_at(song_s)),
                            bpm: line.bpm,
                            signature: None,
                        },
                    }));
                    places.push(song_s);
                }
            }
            for song_s in places.iter().step_by(7) {
                let off = beat_at(tempo.stretches(), *song_s) - line_at(*song_s).beat_at(*song_s);
                let is_near = off.abs() < 4.0 * SAME_BEATS;
                assert!(is_near, "song {song}: {off} beats at {song_s} s");
            }
        }
    }
}
