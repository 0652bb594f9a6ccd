//! What the rhythm leads one to expect.
//!
//! Drummers repeat themselves. Wherever in the last seconds the same had been played as
//! just now, one looks at what came next: a drum that followed then is likelier to follow
//! now. No tempo and no bar is needed for that, only hits and the time between them.

use std::collections::VecDeque;

use crate::drum::{DRUM_COUNT, Drum};

/// Number of things that the rhythm says of a hit.
pub const EXPECTED_COUNT: usize = 2;
/// How much of what was just played is compared, in seconds.
const CONTEXT_S: f64 = 2.0;
/// How far back it is looked for, in seconds.
const MEMORY_S: f64 = 8.0;
/// No rhythm repeats sooner, in seconds.
const LEAST_LAG_S: f64 = 0.15;
/// Hits this near to each other in time are at the same place, in seconds: human timing.
const SAME_S: f64 = 0.045;
/// How much more places count before which more of the same was played.
const SHARPNESS: i32 = 4;
/// Doubt, in places before which all was the same.
const DOUBT: f32 = 0.05;
/// Fewer hits are no rhythm.
const LEAST_HITS: usize = 2;
/// Hits of a drum, and places, that are remembered at most.
const MOST_HITS: usize = 128;
const MOST_PLACES: usize = 96;

/// Accepted hits of the last seconds. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct Rhythm {
    context: u64,
    memory: u64,
    least_lag: u64,
    same: u64,
    /// Frames of the hits of each drum, in order.
    hits: [VecDeque<u64>; DRUM_COUNT],
    /// Frames at which anything was played, in order.
    places: VecDeque<u64>,
    /// Frame that was compared last, and how alike what came before each place is.
    compared: Option<u64>,
    weights: Vec<(u64, f32)>,
}

impl Rhythm {
    /// Has heard nothing; frames are `hop_s` apart. Allocates.
    pub fn new(hop_s: f64) -> Rhythm {
        let frames = |seconds: f64| (seconds / hop_s).round() as u64;
        Rhythm {
            context: frames(CONTEXT_S),
            memory: frames(MEMORY_S),
            least_lag: frames(LEAST_LAG_S),
            same: frames(SAME_S),
            hits: std::array::from_fn(|_| VecDeque::with_capacity(MOST_HITS)),
            places: VecDeque::with_capacity(MOST_PLACES),
            compared: None,
            weights: Vec::with_capacity(MOST_PLACES),
        }
    }

    /// Forgets everything. Real-time safe.
    pub fn forget(&mut self) {
        self.hits.iter_mut().for_each(VecDeque::clear);
        self.places.clear();
        self.compared = None;
        self.weights.clear();
    }

    /// `drum` was hit at `frame`; nearly in order of time. The strokes of a roll at one place
    /// are one. Real-time safe.
    pub fn hit(&mut self, drum: Drum, frame: u64) {
        let is_new = |last: Option<&u64>| last.is_none_or(|last| frame > last + self.same);
        if is_new(self.hits[drum.index()].back()) {
            push(&mut self.hits[drum.index()], frame, MOST_HITS);
        }
        if is_new(self.places.back()) {
            push(&mut self.places, frame, MOST_PLACES);
        }
    }

    /// How likely the rhythm makes a hit of `drum` at `frame`, and how likely one is wherever
    /// anything is played, 0 to 1: a drum that is seldom played is not expected to be.
    /// Real-time safe.
    pub fn expected(&mut self, drum: Drum, frame: u64) -> [f32; EXPECTED_COUNT] {
        if self.compared != Some(frame) {
            self.compare(frame);
        }
        let (mut with, mut all) = (0.0, DOUBT);
        let (mut places, mut all_places) = (0.0, DOUBT);
        for &(place, weight) in &self.weights {
            all += weight;
            all_places += 1.0;
            if self.is_hit(drum, place) {
                with += weight;
                places += 1.0;
            }
        }
        [with / all, places / all_places]
    }

    /// Weighs all places by how alike what came before is to what came before `frame`.
    fn compare(&mut self, frame: u64) {
        self.compared = Some(frame);
        self.weights.clear();
        let until = frame.saturating_sub(self.same);
        let recent = self.between(frame.saturating_sub(self.context), until);
        if recent < LEAST_HITS {
            return;
        }
        for &place in &self.places {
            if place + self.memory > frame && place + self.least_lag < frame {
                let likeness = self.likeness(place, frame);
                self.weights.push((place, likeness.powi(SHARPNESS)));
            }
        }
    }

    /// Share of the hits before frame `now` and before frame `then` that both have, 0 to 1.
    fn likeness(&self, then: u64, now: u64) -> f32 {
        let lag = now - then;
        let (mut shared, mut all) = (0, 0);
        for hits in &self.hits {
            let range = |frame: u64| {
                let from = frame.saturating_sub(self.context);
                let until = frame.saturating_sub(self.same);
                hits.partition_point(|&hit| hit < from)..hits.partition_point(|&hit| hit < until)
            };
            let (before, recent) = (range(then), range(now));
            all += before.len() + recent.len();
            let again = || hits.range(before.clone()).map(|hit| hit + lag);
            let now = || hits.range(recent.clone()).copied();
            shared += matched_within(self.same, now(), again());
            shared += matched_within(self.same, again(), now());
        }
        if all == 0 {
            return 0.0;
        }
        shared as f32 / all as f32
    }

    fn between(&self, from: u64, until: u64) -> usize {
        let count = |hits: &VecDeque<u64>| {
            hits.partition_point(|&hit| hit < until) - hits.partition_point(|&hit| hit < from)
        };
        self.hits.iter().map(count).sum()
    }

    fn is_hit(&self, drum: Drum, place: u64) -> bool {
        let hits = &self.hits[drum.index()];
        let first = hits.partition_point(|hit| hit + self.same < place);
        hits.get(first).is_some_and(|&hit| hit <= place + self.same)
    }
}

/// How many of `these` have one of `those` within `reach`; both in order.
fn matched_within(
    reach: u64,
    these: impl Iterator<Item = u64>,
    those: impl Iterator<Item = u64>,
) -> usize {
    let mut those = those.peekable();
    let has_partner = |this: &u64| {
        while those.next_if(|that| that + reach < *this).is_some() {}
        those.peek().is_some_and(|that| *that <= *this + reach)
    };
    these.filter(has_partner).count()
}

/// Adds the newest; the oldest makes room.
fn push(frames: &mut VecDeque<u64>, frame: u64, most: usize) {
    if frames.len() == most {
        frames.pop_front();
    }
    frames.push_back(frame);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_end::HOP_S;

    /// Kick and snare in turn, hats between, half a second a step; with human timing.
    fn play(rhythm: &mut Rhythm, steps: std::ops::Range<u64>) {
        for step in steps {
            let at = 100 + step * 86 + step % 3;
            let drum = [Drum::Kick, Drum::ClosedHat, Drum::Snare, Drum::ClosedHat];
            rhythm.hit(drum[step as usize % 4], at);
        }
    }

    #[test]
    fn what_came_next_before_is_expected_now() {
        let mut rhythm = Rhythm::new(HOP_S);
        play(&mut rhythm, 0..16);
        let at = 100 + 16 * 86;
        assert!(rhythm.expected(Drum::Kick, at)[0] > 0.7);
        assert!(rhythm.expected(Drum::Snare, at)[0] < 0.2);
        assert_eq!(rhythm.expected(Drum::Ride, at), [0.0, 0.0]);
        let usual = rhythm.expected(Drum::ClosedHat, at)[1];
        assert!((0.4..0.6).contains(&usual), "{usual}");
        play(&mut rhythm, 16..18);
        let at = 100 + 18 * 86;
        assert!(rhythm.expected(Drum::Snare, at)[0] > 0.7);
        assert!(rhythm.expected(Drum::Kick, at)[0] < 0.2);
        // Off the beat nothing was ever played.
        assert!(rhythm.expected(Drum::Snare, at + 43)[0] < 0.3);
    }

    #[test]
    fn one_hit_is_no_rhythm() {
        let mut rhythm = Rhythm::new(HOP_S);
        assert_eq!(rhythm.expected(Drum::Kick, 500), [0.0, 0.0]);
        rhythm.hit(Drum::Kick, 500);
        assert_eq!(rhythm.expected(Drum::Kick, 600), [0.0, 0.0]);
        rhythm.forget();
        play(&mut rhythm, 0..16);
        rhythm.forget();
        assert_eq!(rhythm.expected(Drum::Kick, 100 + 16 * 86), [0.0, 0.0]);
    }

    #[test]
    fn a_long_roll_is_bounded() {
        let mut rhythm = Rhythm::new(HOP_S);
        let capacities = |rhythm: &Rhythm| {
            let hits = rhythm.hits.iter().map(VecDeque::capacity);
            let rest = [rhythm.places.capacity(), rhythm.weights.capacity()];
            hits.chain(rest).collect::<Vec<_>>()
        };
        let before = capacities(&rhythm);
        for n in 0..2_000 {
            for drum in Drum::ALL {
                rhythm.hit(drum, 5 * n + drum.index() as u64 % 3);
                let expected = rhythm.expected(drum, 5 * n + 4);
                assert!(expected.iter().all(|share| (0.0..=1.0).contains(share)));
            }
        }
        assert_eq!(capacities(&rhythm), before);
    }

    #[test]
    fn partners_are_found_within_reach() {
        let count = |these: &[u64], those: &[u64]| {
            matched_within(3, these.iter().copied(), those.iter().copied())
        };
        assert_eq!(count(&[10, 20, 30], &[8, 24, 31]), 2);
        assert_eq!(count(&[10, 11, 12], &[11]), 3);
        assert_eq!(count(&[10], &[]), 0);
    }
}
