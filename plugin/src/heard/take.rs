//! What was heard of the song so far, by place in the song. Hearing a place again
//! replaces what was known of it.

use std::ops::RangeInclusive;

use idm_engine::controls::DrumControls;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::engine::Verdict;
use idm_engine::midi_file::Grid;
use idm_engine::transcriber::TAUGHT_COUNT;

use tempo::HeardTempo;

use super::set_by_hand::SetByHand;
use crate::corrections::SAME_HIT_S;
use crate::link::{HitMark, WavePoint};
use crate::song::EARLY_S;

mod grid;
mod tempo;

/// Points of the waveform per second of the song.
const POINTS_PER_S: f64 = 200.0;

/// A point of it where nothing was heard, not even silence.
const UNHEARD: f32 = -1.0;

/// Longest song whose waveform is kept, in seconds.
const LONGEST_S: f64 = 2.0 * 3600.0;

/// Most hits that are kept.
const MOST_HITS: usize = 100_000;

/// As many make room at once: to find them takes a look at all.
const DROPPED_AT_ONCE: usize = 1_000;

/// A hit that was heard so long before the waveform at its place belongs to an earlier
/// time round, in seconds.
const EARLIER_S: f64 = 0.4;

/// Longest step between points that is no jump, in seconds.
const STEP_S: f64 = 0.5;

/// Hits, waveform and tempo of the song.
#[derive(Debug, Default)]
pub struct Take {
    /// In order of their places; all have one.
    hits: Vec<HitMark>,
    /// Where hits of corrections were played, or refused: in order of their places.
    given: Vec<HitMark>,
    wave: Vec<f32>,
    tempo: HeardTempo,
    /// Samples after which a place is heard for another time round; 0 before the first point.
    round_samples: u64,
    last_s: Option<f64>,
    /// The last place that was heard, also when the transport stands.
    recent_s: Option<f64>,
    /// Hits that were heard or forgotten.
    changes: u64,
    /// Whether hits were forgotten because there are too many.
    has_dropped: bool,
    /// How much corrections move a hit on the logistic scale: for it, against it.
    pub teaching: [f32; TAUGHT_COUNT],
    /// What is set now, by which what was not heard yet is judged.
    pub drums: [DrumControls; DRUM_COUNT],
    /// What was set by hand, by which what was heard is judged anew.
    pub by_hand: SetByHand,
}

impl Take {
    /// Adds a hit, if it has a place in the song.
    pub fn hit(&mut self, mark: &HitMark) {
        let Some(song_s) = mark.song_s.filter(|song_s| song_s.is_finite()) else {
            return;
        };
        self.changes += 1;
        // What was heard of a hit before it was corrected stays known: the correction may be
        // taken back. Two words come on one that is heard and given.
        let known = mark.is_by_hand.then(|| self.nearest(mark.drum, song_s));
        let is_given = mark.is_by_hand && mark.verdict != Verdict::Removed;
        if is_given {
            forget_rounds(&mut self.given, mark, song_s, self.round_samples);
        } else if !mark.is_by_hand {
            forget_rounds(&mut self.hits, mark, song_s, self.round_samples);
        }
        if is_given {
            self.has_dropped |= make_room(&mut self.given);
            let place = place(&self.given, song_s);
            self.given.insert(place, *mark);
        }
        if let Some(index) = known.flatten() {
            let known = &mut self.hits[index];
            known.position = mark.position;
            if mark.verdict == Verdict::Accepted {
                known.velocity = mark.velocity;
                known.heard_velocity = mark.heard_velocity;
            }
        } else if !is_given {
            self.has_dropped |= make_room(&mut self.hits);
            let place = place(&self.hits, song_s);
            self.hits.insert(place, *mark);
        }
    }

    /// The hit of `drum` at a place of the song.
    fn nearest(&self, drum: Drum, song_s: f64) -> Option<usize> {
        let place = |song_s| place(&self.hits, song_s);
        let span = place(song_s - SAME_HIT_S)..place(song_s + SAME_HIT_S);
        let distance = |index: &usize| {
            let place_s = self.hits[*index].song_s.unwrap_or(f64::INFINITY);
            (place_s - song_s).abs()
        };
        span.filter(|index| self.hits[*index].drum == drum)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// Adds a point of the waveform and forgets the hits that were heard there earlier.
    pub fn wave(&mut self, point: &WavePoint, sample_rate_hz: f64) {
        self.tempo.hear(point.tempo.as_ref());
        let now_s = point.song_s.filter(|song_s| song_s.is_finite());
        let before_s = std::mem::replace(&mut self.last_s, now_s);
        let Some(to_s) = now_s else {
            return;
        };
        self.recent_s = now_s;
        // After a jump the point tells of the song that came in since then, and of what was
        // before it.
        let new_s = f64::from(point.samples) / sample_rate_hz;
        let begin_s = point.begin_s.filter(|begin_s| *begin_s <= to_s);
        let from_s = before_s
            .filter(|before_s| to_s > *before_s && to_s - before_s <= STEP_S)
            .unwrap_or_else(|| {
                let earliest_s = to_s - new_s.clamp(0.0, STEP_S);
                begin_s.map_or(earliest_s, |begin_s| begin_s.max(earliest_s))
            });
        let too_old = (EARLIER_S * sample_rate_hz) as u64;
        self.round_samples = too_old;
        // The hits of a long block are all newer than its only point.
        let too_old = too_old + u64::from(point.samples);
        for hits in [&mut self.hits, &mut self.given] {
            let (first, last) = (place(hits, from_s), place(hits, to_s));
            for index in (first..last).rev() {
                if hits[index].position + too_old < point.position {
                    hits.remove(index);
                    self.changes += 1;
                }
            }
        }
        if !(0.0..=LONGEST_S).contains(&to_s) {
            return;
        }
        let (from, to) = (
            (from_s.max(0.0) * POINTS_PER_S) as usize,
            (to_s * POINTS_PER_S) as usize,
        );
        if self.wave.len() <= to {
            self.wave.resize(to + 1, UNHEARD);
        }
        self.wave[from..=to].fill(point.peak);
    }

    /// Forgets all that was heard.
    pub fn forget(&mut self) {
        *self = Take {
            changes: self.changes + 1,
            teaching: self.teaching,
            drums: self.drums,
            by_hand: self.by_hand,
            ..Take::default()
        };
    }

    /// How often what was heard has become another.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether there were more hits than are kept, refused ones aside.
    pub fn has_dropped(&self) -> bool {
        self.has_dropped
    }

    /// Whether nothing was heard.
    pub fn is_empty(&self) -> bool {
        self.wave.is_empty() && self.hits.is_empty()
    }

    /// Place in the song that is heard now, in seconds; none while the transport stands.
    pub fn playhead_s(&self) -> Option<f64> {
        self.last_s
    }

    /// Place in the song that was heard last, in seconds.
    pub fn recent_s(&self) -> Option<f64> {
        self.recent_s
    }

    /// The part of the song in which something was heard, its beginning included, in seconds.
    pub fn span_s(&self) -> RangeInclusive<f64> {
        let hits = [self.hits.first(), self.hits.last()].map(|hit| hit.and_then(|hit| hit.song_s));
        let recent = self.recent_s;
        let [first, last] = hits;
        let from_s = [first, recent].into_iter().flatten().fold(0.0, f64::min);
        let end_s = self.wave.len() as f64 / POINTS_PER_S;
        let to_s = [last, recent].into_iter().flatten().fold(end_s, f64::max);
        from_s..=to_s
    }

    /// Whether something was heard around a place of the song.
    pub fn knows(&self, song_s: f64) -> bool {
        let (from_s, to_s) = (song_s - SAME_HIT_S, song_s + SAME_HIT_S);
        let is_heard = |point: &f32| *point != UNHEARD;
        self.points(from_s, to_s).iter().any(is_heard) || self.hits(from_s, to_s).next().is_some()
    }

    /// For how long nothing was heard between two places of the song.
    pub fn unheard_s(&self, from_s: f64, to_s: f64) -> f64 {
        let is_heard = |point: &&f32| **point != UNHEARD;
        let heard = self.points(from_s, to_s).iter().filter(is_heard).count();
        (to_s - from_s.max(0.0) - heard as f64 / POINTS_PER_S).max(0.0)
    }

    /// Hits between two places of the song, with their places.
    pub fn hits(&self, from_s: f64, to_s: f64) -> impl Iterator<Item = (f64, &HitMark)> {
        between(&self.hits, from_s, to_s)
    }

    /// The hits between two places of the song that corrections gave, with the places at which
    /// they were played; those of drums that were off are refused.
    pub fn given(&self, from_s: f64, to_s: f64) -> impl Iterator<Item = (f64, &HitMark)> {
        between(&self.given, from_s, to_s)
    }

    /// The song's beats, as far as the host told them. Allocates.
    pub fn grid(&self) -> Grid {
        grid::grid(self.tempo.stretches())
    }

    /// Highest absolute sample between two places of the song.
    pub fn peak(&self, from_s: f64, to_s: f64) -> f32 {
        let points = self.points(from_s, to_s).iter();
        points.fold(0.0, |peak, point| peak.max(*point))
    }

    /// The waveform between two places of the song.
    fn points(&self, from_s: f64, to_s: f64) -> &[f32] {
        if to_s <= 0.0 {
            return &[];
        }
        let index = |song_s: f64| ((song_s.max(0.0) * POINTS_PER_S) as usize).min(self.wave.len());
        let (from, to) = (index(from_s), index(to_s).max(index(from_s) + 1));
        &self.wave[from.min(self.wave.len())..to.min(self.wave.len())]
    }
}

/// The first of `hits` that is not before a place of the song.
fn place(hits: &[HitMark], song_s: f64) -> usize {
    hits.partition_point(|hit| hit.song_s.is_some_and(|place| place < song_s))
}

/// Forgets what was heard of a hit in earlier rounds. The first of a loop may lie just before
/// it, where no waveform comes that would clear its place.
fn forget_rounds(hits: &mut Vec<HitMark>, mark: &HitMark, song_s: f64, round_samples: u64) {
    if round_samples == 0 {
        return;
    }
    let (first, last) = (place(hits, song_s - EARLY_S), place(hits, song_s + EARLY_S));
    for index in (first..last).rev() {
        let hit = &hits[index];
        if hit.drum == mark.drum && hit.position + round_samples < mark.position {
            hits.remove(index);
        }
    }
}

/// Makes room for another hit if there are too many: refused ones go first, then those that
/// were heard the longest ago. Answers whether any of the latter did.
fn make_room(hits: &mut Vec<HitMark>) -> bool {
    if hits.len() < MOST_HITS {
        return false;
    }
    let order = |hit: &HitMark| (hit.verdict != Verdict::BelowThreshold, hit.position);
    let mut all: Vec<_> = hits.iter().map(order).collect();
    let (_, &mut last, _) = all.select_nth_unstable(DROPPED_AT_ONCE - 1);
    let mut left = DROPPED_AT_ONCE;
    hits.retain(|hit| {
        let goes = left > 0 && order(hit) <= last;
        left -= usize::from(goes);
        !goes
    });
    last.0
}

fn between(hits: &[HitMark], from_s: f64, to_s: f64) -> impl Iterator<Item = (f64, &HitMark)> {
    let hits = &hits[place(hits, from_s)..place(hits, to_s.max(from_s))];
    hits.iter().filter_map(|hit| Some((hit.song_s?, hit)))
}

#[cfg(test)]
mod tests;
