//! Beats on which songs lie of which more or less was heard.

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

#[test]
fn a_bridge_between_tempi_leads_on() {
    // The host keeps its place in seconds: at another tempo that is another beat.
    let stretches = [
        heard(0.0, 10.0, 0.0, 120.0),
        heard(10.01, 20.0, 16.683, 100.0),
    ];
    let beats: Vec<f64> = (0..=40)
        .map(|n| beat_at(&stretches, 0.5 * f64::from(n)))
        .collect();
    assert!(beats.is_sorted(), "{beats:?}");
    for change in grid(&stretches).tempi {
        assert!(change.bpm > 0.0, "{change:?}");
    }
    // From then on it counts as the host does, but for whole beats.
    let off = beat_at(&stretches, 15.0) - 25.0;
    assert!((off - off.round()).abs() < 0.01, "{off}");
}
