//! What the host told of the song's tempo, by place in the song: stretches of one tempo.

use super::STEP_S;
use crate::song::{Tempo, TempoPoint};

/// Half a tick of a MIDI file, in beats: beats that differ by less are the same.
pub(super) const SAME_BEATS: f64 = 0.5 / 960.0;

/// Least distance from what was heard anew to what is still known from earlier, in
/// seconds.
const APART_S: f64 = 1e-3;

/// Places beyond this are none, in seconds.
const FARTHEST_S: f64 = 1e6;

/// Most stretches that are kept: minutes of a tempo that changes all the time.
const MOST_STRETCHES: usize = 20_000;

/// A stretch of the song in which the beats came as its beginning foretold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    pub from_s: f64,
    /// The last place that was heard.
    pub to_s: f64,
    /// At its beginning.
    pub tempo: Tempo,
}

impl Stretch {
    /// The beat at a place, if the host counts them.
    pub fn beat_at(&self, song_s: f64) -> Option<f64> {
        let beat = self.tempo.beat?;
        Some(beat + (song_s - self.from_s) * self.tempo.bpm / 60.0)
    }

    fn holds(&self, song_s: f64) -> bool {
        (self.from_s..=self.to_s).contains(&song_s)
    }

    /// Whether this is what the stretch foretells.
    fn foretells(&self, point: &TempoPoint) -> bool {
        let is_same = match (self.beat_at(point.song_s), point.tempo.beat) {
            // Where the tempo has changed the beats will tell soon, and exactly.
            (Some(expected), Some(beat)) => (expected - beat).abs() <= SAME_BEATS,
            (None, None) => self.tempo.bpm == point.tempo.bpm,
            _ => false,
        };
        is_same && self.tempo.signature == point.tempo.signature
    }
}

/// Stretches in order of their places; none lies on another.
#[derive(Debug, Default)]
pub(super) struct HeardTempo {
    stretches: Vec<Stretch>,
    /// The place that was told last, while the transport runs.
    last_s: Option<f64>,
}

impl HeardTempo {
    /// Takes what the host tells now; it replaces what was known of the places between the
    /// last one and this. Allocates.
    pub fn hear(&mut self, point: Option<&TempoPoint>) {
        let known = point.filter(|point| {
            let tempo = &point.tempo;
            point.song_s.abs() <= FARTHEST_S
                && tempo.bpm.is_finite()
                && tempo.bpm > 0.0
                && tempo.beat.is_none_or(f64::is_finite)
        });
        let now_s = known.map(|point| point.song_s);
        let before_s = std::mem::replace(&mut self.last_s, now_s);
        let Some(point) = known else {
            return;
        };
        let now_s = point.song_s;
        let before_s = before_s.filter(|before_s| now_s > *before_s && now_s - before_s <= STEP_S);
        if let Some(at) = self.place_of(now_s)
            && self.stretches[at].foretells(point)
        {
            if let Some(before_s) = before_s {
                let from_s = self.stretches[at].from_s;
                let is_between = |other: &Stretch| other.from_s > before_s && other.to_s < from_s;
                self.stretches.retain(|other| !is_between(other));
            }
        } else if let Some(before_s) = before_s
            && let Some(at) = self.place_of(before_s)
            && self.stretches[at].foretells(point)
        {
            self.forget(before_s, now_s);
            self.stretches[at].to_s = now_s;
        } else {
            self.forget(before_s.unwrap_or(now_s - APART_S), now_s);
            let next = self.first_from(now_s);
            if self.stretches.len() < MOST_STRETCHES {
                let stretch = Stretch {
                    from_s: now_s,
                    to_s: now_s,
                    tempo: point.tempo,
                };
                self.stretches.insert(next, stretch);
            }
        }
    }

    /// In order of their places.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    fn first_from(&self, song_s: f64) -> usize {
        self.stretches
            .partition_point(|stretch| stretch.from_s < song_s)
    }

    /// The stretch in which a place is.
    fn place_of(&self, song_s: f64) -> Option<usize> {
        let next = self
            .stretches
            .partition_point(|stretch| stretch.from_s <= song_s);
        let at = next.checked_sub(1)?;
        self.stretches[at].holds(song_s).then_some(at)
    }

    /// Forgets what lies after `from_s` and up to `to_s`.
    fn forget(&mut self, from_s: f64, to_s: f64) {
        let first = self
            .stretches
            .partition_point(|stretch| stretch.to_s <= from_s);
        let last = self
            .stretches
            .partition_point(|stretch| stretch.from_s <= to_s);
        if first >= last {
            return;
        }
        let (head, tail) = (self.stretches[first], self.stretches[last - 1]);
        let head = (head.from_s <= from_s).then_some(Stretch {
            to_s: from_s,
            ..head
        });
        let rest_s = to_s + APART_S;
        let is_kept = tail.to_s >= rest_s && self.stretches.len() < MOST_STRETCHES;
        let tail = is_kept.then_some(Stretch {
            from_s: rest_s,
            tempo: Tempo {
                beat: tail.beat_at(rest_s),
                ..tail.tempo
            },
            ..tail
        });
        self.stretches
            .splice(first..last, head.into_iter().chain(tail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears the song of which `tempo` tells beat and tempo, in steps of 5 ms.
    fn play(heard: &mut HeardTempo, from_s: f64, to_s: f64, tempo: impl Fn(f64) -> (f64, f64)) {
        let steps = ((to_s - from_s) * 200.0).round() as usize;
        for n in 0..=steps {
            let song_s = from_s + n as f64 / 200.0;
            let (beat, bpm) = tempo(song_s);
            heard.hear(Some(&TempoPoint {
                song_s,
                tempo: Tempo {
                    beat: Some(beat),
                    bpm,
                    signature: None,
                },
            }));
        }
        heard.hear(None);
    }

    fn steady(bpm: f64) -> impl Fn(f64) -> (f64, f64) {
        move |song_s| (song_s * bpm / 60.0, bpm)
    }

    /// Stretches as (from, to, tempo), in order and apart.
    fn known(heard: &HeardTempo) -> Vec<(f64, f64, f64)> {
        let stretches = heard.stretches();
        assert!(stretches.iter().all(|one| one.from_s <= one.to_s));
        let mut pairs = stretches.windows(2);
        assert!(pairs.all(|pair| pair[0].to_s < pair[1].from_s));
        let rounded = |song_s: f64| (song_s * 10.0).round() / 10.0;
        stretches
            .iter()
            .map(|one| (rounded(one.from_s), rounded(one.to_s), one.tempo.bpm))
            .collect()
    }

    #[test]
    fn one_tempo_is_one_stretch_however_often_it_is_heard() {
        let mut heard = HeardTempo::default();
        play(&mut heard, 0.0, 8.0, steady(97.3));
        for _ in 0..3 {
            play(&mut heard, 2.0, 6.0, steady(97.3));
        }
        assert_eq!(known(&heard), [(0.0, 8.0, 97.3)]);
        // Elsewhere, and then up to there.
        play(&mut heard, 12.0, 14.0, steady(97.3));
        assert_eq!(known(&heard).len(), 2);
        play(&mut heard, 7.0, 13.0, steady(97.3));
        assert_eq!(known(&heard), [(0.0, 12.0, 97.3), (12.0, 14.0, 97.3)]);
    }

    #[test]
    fn hearing_a_place_again_replaces_what_was_known_there_and_only_there() {
        let mut heard = HeardTempo::default();
        play(&mut heard, 0.0, 8.0, steady(120.0));
        play(&mut heard, 2.0, 4.0, steady(90.0));
        let expected = [(0.0, 2.0, 120.0), (2.0, 4.0, 90.0), (4.0, 8.0, 120.0)];
        assert_eq!(known(&heard), expected);
        let last = heard.stretches()[2];
        assert!((last.beat_at(6.0).expect("counted") - 12.0).abs() < 1e-9);
        // Across both borders.
        play(&mut heard, 1.0, 5.0, steady(60.0));
        let expected = [(0.0, 1.0, 120.0), (1.0, 5.0, 60.0), (5.0, 8.0, 120.0)];
        assert_eq!(known(&heard), expected);
        play(&mut heard, 0.0, 8.0, steady(120.0));
        let total: f64 = known(&heard).iter().map(|(from, to, _)| to - from).sum();
        assert!(known(&heard).iter().all(|one| one.2 == 120.0) && total > 7.9);
    }

    #[test]
    fn a_change_is_a_stretch_and_a_ramp_is_few() {
        let mut heard = HeardTempo::default();
        let change = |song_s: f64| match song_s {
            ..2.0 => (song_s * 2.0, 120.0),
            _ => (4.0 + (song_s - 2.0), 60.0),
        };
        play(&mut heard, 0.0, 4.0, change);
        assert_eq!(known(&heard), [(0.0, 2.0, 120.0), (2.0, 4.0, 60.0)]);
        // From 60 to 120 in ten seconds.
        let ramp = |song_s: f64| (song_s + 0.05 * song_s * song_s, 60.0 + 6.0 * song_s);
        let mut heard = HeardTempo::default();
        play(&mut heard, 0.0, 10.0, ramp);
        let count = heard.stretches().len();
        assert!((50..150).contains(&count), "{count}");
        for pair in heard.stretches().windows(2) {
            let (expected, _) = ramp(pair[0].to_s);
            let beat = pair[0].beat_at(pair[0].to_s).expect("counted");
            assert!((beat - expected).abs() <= SAME_BEATS);
        }
    }

    #[test]
    fn whatever_a_host_tells_is_bounded() {
        let mut heard = HeardTempo::default();
        let absurd = [f64::NAN, f64::INFINITY, -1e300, 0.0, -120.0, 120.0, 1e300];
        for song_s in absurd {
            for bpm in absurd {
                for beat in absurd.map(Some).into_iter().chain([None]) {
                    let signature = None;
                    let tempo = Tempo {
                        beat,
                        bpm,
                        signature,
                    };
                    heard.hear(Some(&TempoPoint { song_s, tempo }));
                }
            }
        }
        assert!(heard.stretches().len() < 20);
        assert!(heard.stretches().iter().all(|one| one.tempo.bpm > 0.0));
        let mut heard = HeardTempo::default();
        // Beats all over the place.
        play(&mut heard, 0.0, 150.0, |song_s| {
            ((song_s * 1e4).sin(), 120.0)
        });
        assert_eq!(heard.stretches().len(), MOST_STRETCHES);
        known(&heard);
        // Hosts that do not count: another stretch where the tempo is another.
        let mut heard = HeardTempo::default();
        for n in 0..400 {
            let (beat, signature) = (None, None);
            let bpm = if n < 200 { 120.0 } else { 90.0 };
            let song_s = f64::from(n) / 200.0;
            let tempo = Tempo {
                beat,
                bpm,
                signature,
            };
            heard.hear(Some(&TempoPoint { song_s, tempo }));
        }
        assert_eq!(known(&heard), [(0.0, 1.0, 120.0), (1.0, 2.0, 90.0)]);
    }
}
