//! Hits that come from outside, in place of the peak picker's: a performance
//! that was corrected by hand.

use std::{collections::VecDeque, ops::RangeInclusive};

use super::{Candidate, Decision, Verdict};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::Framing,
};

/// Hits that can wait for their frame: more than nine drums can play within the
/// longest latency.
const CAPACITY: usize = 1024;
/// A hit begins this much before the frame nearest to it, as found ones do:
/// activations rise a frame early.
const LEAD_FRAMES: u64 = 1;
/// Later than this, a hit has missed its frame.
const LATE_FRAMES: u64 = 4;
/// How far from its place a hit that snaps may begin.
const REACH_S: f64 = 0.02;
/// The same in frames, and one for rounding.
const REACH_FRAMES: u64 = 5;

/// A hit that is known without listening.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenHit {
    /// Sample of the input at which it begins.
    pub onset_sample: u64,
    /// Its class.
    pub drum: Drum,
    /// How hard, 0 to 1; none: as hard as it sounds.
    pub velocity: Option<f32>,
    /// Whether it was placed by eye or on a grid: then it begins where the drum does, if it does so nearby.
    pub snaps: bool,
}

/// Where the onset of a hit is looked for that was placed by eye, in samples of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Its class.
    pub drum: Drum,
    /// Where it was placed.
    pub placed: u64,
    /// Where it may be.
    pub range: RangeInclusive<u64>,
}

/// Given hits in order of time, played to the engine like a peak picker's.
/// Real-time safe after construction.
#[derive(Debug)]
pub struct GivenHits {
    framing: Framing,
    reach_samples: u64,
    /// In order of their places, from which those that have snapped are up to
    /// [`REACH_FRAMES`] away.
    waiting: VecDeque<GivenHit>,
    /// Hits of the frame that was played last.
    started: [Option<GivenHit>; DRUM_COUNT],
    pending: [Option<u64>; DRUM_COUNT],
    /// Where each drum began last.
    last: [Option<u64>; DRUM_COUNT],
}

impl GivenHits {
    /// None yet. Allocates.
    pub fn new(framing: Framing) -> GivenHits {
        GivenHits {
            framing,
            reach_samples: (REACH_S * framing.sample_rate_hz) as u64,
            waiting: VecDeque::with_capacity(CAPACITY),
            started: [None; DRUM_COUNT],
            pending: [None; DRUM_COUNT],
            last: [None; DRUM_COUNT],
        }
    }

    /// Takes a hit that begins no earlier than those before it; false if too many
    /// wait already. Real-time safe.
    pub fn give(&mut self, hit: GivenHit) -> bool {
        let has_room = self.waiting.len() < CAPACITY;
        if has_room {
            self.waiting.push_back(hit);
        }
        has_room
    }

    /// Forgets all hits. Real-time safe.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.started = [None; DRUM_COUNT];
        self.pending = [None; DRUM_COUNT];
        self.last = [None; DRUM_COUNT];
    }

    /// The hit of `drum` that began in the last frame. Real-time safe.
    pub fn started(&self, drum: Drum) -> Option<&GivenHit> {
        self.started[drum.index()].as_ref()
    }

    /// Moves hits that were placed by eye to the onsets that `locate` finds, once enough of
    /// the `heard_samples` of input is around them to tell, and before their frame; calls
    /// `on_settled` with where they begin. Real-time safe.
    pub fn snap(
        &mut self,
        frame: u64,
        heard_samples: u64,
        mut locate: impl FnMut(&Search) -> Option<u64>,
        mut on_settled: impl FnMut(Drum, u64),
    ) {
        // After an onset a little is listened to.
        let known = heard_samples.saturating_sub(self.framing.hop_samples as u64 / 2);
        for index in 0..self.waiting.len() {
            let hit = self.waiting[index];
            let placed = hit.onset_sample;
            if self.due(placed) > frame + REACH_FRAMES {
                break;
            }
            // Whether a hit is given before that depends on the host's blocks.
            if !hit.snaps || placed >= heard_samples {
                continue;
            }
            let (from, to) = self.free_around(index, heard_samples);
            let search = Search {
                drum: hit.drum,
                placed,
                range: from..=to.min(known),
            };
            let found = locate(&search);
            let onset = found.unwrap_or(placed);
            if to <= known || self.due(onset) <= frame {
                let hit = &mut self.waiting[index];
                hit.onset_sample = onset;
                hit.snaps = false;
                on_settled(hit.drum, onset);
            }
        }
    }

    /// Where a waiting hit may begin: within reach, and nearer than its neighbours of the
    /// same drum. Whether one after the `heard_samples` waits yet depends on the host's blocks.
    fn free_around(&self, index: usize, heard_samples: u64) -> (u64, u64) {
        let hit = &self.waiting[index];
        let placed = hit.onset_sample;
        let is_same = |other: &&GivenHit| other.drum == hit.drum;
        let earlier = self.waiting.range(..index).rev().find(is_same);
        let earlier = earlier.map(|other| other.onset_sample);
        let later = self.waiting.range(index + 1..).find(is_same);
        let later = later.filter(|other| other.onset_sample < heard_samples);
        let mut from = placed.saturating_sub(self.reach_samples);
        let mut to = placed + self.reach_samples;
        if let Some(before) = earlier.or(self.last[hit.drum.index()]) {
            from = from.max(before.midpoint(placed)).min(placed);
        }
        if let Some(after) = later {
            to = to.min(placed.midpoint(after.onset_sample)).max(placed);
        }
        (from, to)
    }

    /// The same calls as [`PeakPicker::step`](super::PeakPicker::step): candidates
    /// in their frame, decisions in the next. Frames come in order; drums that are
    /// not `enabled` are refused. Real-time safe.
    pub fn step(
        &mut self,
        frame: u64,
        enabled: &[bool; DRUM_COUNT],
        mut on_candidate: impl FnMut(Candidate),
        mut on_decision: impl FnMut(Decision),
    ) {
        self.started = [None; DRUM_COUNT];
        let decision = |drum, frame, verdict| Decision {
            drum,
            frame,
            confidence: 1.0,
            verdict,
        };
        for drum in Drum::ALL {
            if let Some(frame) = self.pending[drum.index()].take() {
                on_decision(decision(drum, frame, Verdict::Accepted));
            }
        }
        let mut index = 0;
        while let Some(hit) = self.waiting.get(index).copied() {
            let due = self.due(hit.onset_sample);
            if due > frame + REACH_FRAMES {
                break;
            }
            // Those that snap are moved first, or have no audio to be found in yet.
            if due > frame || (hit.snaps && due + LATE_FRAMES >= frame) {
                index += 1;
                continue;
            }
            self.waiting.remove(index);
            let class = hit.drum.index();
            if due + LATE_FRAMES < frame || self.started[class].is_some() {
                continue;
            }
            if !enabled[class] {
                on_decision(decision(hit.drum, frame, Verdict::Disabled));
                continue;
            }
            self.started[class] = Some(hit);
            self.last[class] = Some(hit.onset_sample);
            self.pending[class] = Some(frame);
            on_candidate(Candidate {
                drum: hit.drum,
                frame,
                activation: 1.0,
            });
        }
    }

    /// Drops what is too late for `frame`, in which nothing is heard. Real-time safe.
    pub fn miss(&mut self, frame: u64) {
        self.started = [None; DRUM_COUNT];
        self.pending = [None; DRUM_COUNT];
        while let Some(hit) = self.waiting.front()
            && self.due(hit.onset_sample) + LATE_FRAMES < frame
        {
            self.waiting.pop_front();
        }
    }

    /// Frame in which a hit begins.
    fn due(&self, onset_sample: u64) -> u64 {
        let nearest = self.framing.frame_at(onset_sample);
        nearest.saturating_sub(LEAD_FRAMES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(onset_sample: u64, drum: Drum) -> GivenHit {
        GivenHit {
            onset_sample,
            drum,
            velocity: None,
            snaps: false,
        }
    }

    /// Drum and frame in which it starts.
    type Starts = Vec<(Drum, u64)>;
    /// Drum, frame and verdict of decisions.
    type Verdicts = Vec<(Drum, u64, Verdict)>;

    fn play(
        given: &mut GivenHits,
        frames: std::ops::Range<u64>,
        enabled: &[bool; DRUM_COUNT],
    ) -> (Starts, Verdicts) {
        let (mut started, mut decided) = (Vec::new(), Vec::new());
        for frame in frames {
            given.step(
                frame,
                enabled,
                |candidate| started.push((candidate.drum, frame)),
                |decision| decided.push((decision.drum, frame, decision.verdict)),
            );
        }
        (started, decided)
    }

    #[test]
    fn hits_come_in_their_frames() {
        let framing = Framing::for_rate(44_100.0).unwrap();
        let mut given = GivenHits::new(framing);
        let hits = [
            (1_000, Drum::Kick),
            (30_000, Drum::Snare),
            (30_020, Drum::Ride),
        ];
        for (sample, drum) in hits {
            assert!(given.give(hit(sample, drum)));
        }
        let due = |sample| framing.frame_at(sample) - LEAD_FRAMES;
        let (started, decided) = play(&mut given, 0..due(30_000), &[true; DRUM_COUNT]);
        assert_eq!(started, [(Drum::Kick, due(1_000))]);
        assert_eq!(
            decided,
            [(Drum::Kick, due(1_000) + 1, Verdict::Accepted)],
            "one frame later"
        );
        let (started, _) = play(
            &mut given,
            due(30_000)..due(30_000) + 1,
            &[true; DRUM_COUNT],
        );
        assert_eq!(
            started,
            [(Drum::Snare, due(30_000)), (Drum::Ride, due(30_020))]
        );
        assert_eq!(given.started(Drum::Snare).unwrap().onset_sample, 30_000);
        assert_eq!(given.started(Drum::Kick), None);
    }

    #[test]
    fn hits_that_missed_their_frame_are_dropped() {
        let mut given = GivenHits::new(Framing::for_rate(44_100.0).unwrap());
        given.give(hit(1_000, Drum::Kick));
        given.give(hit(100_000, Drum::Snare));
        let (started, _) = play(&mut given, 300..500, &[true; DRUM_COUNT]);
        assert_eq!(started.len(), 1);
        assert_eq!(started[0].0, Drum::Snare);
    }

    #[test]
    fn drums_that_are_switched_off_refuse() {
        let mut given = GivenHits::new(Framing::for_rate(44_100.0).unwrap());
        given.give(hit(1_000, Drum::Kick));
        let mut enabled = [true; DRUM_COUNT];
        enabled[0] = false;
        let (started, decided) = play(&mut given, 0..100, &enabled);
        assert!(started.is_empty());
        assert_eq!(decided.len(), 1);
        assert_eq!(decided[0].2, Verdict::Disabled);
    }

    #[test]
    fn hits_that_snap_begin_where_their_drum_does() {
        let framing = Framing::for_rate(44_100.0).unwrap();
        let mut given = GivenHits::new(framing);
        let placed = |onset_sample, drum| GivenHit {
            snaps: true,
            ..hit(onset_sample, drum)
        };
        // Found early, found late, not found; two of one drum, and one that is exact.
        given.give(placed(30_000, Drum::Kick));
        given.give(placed(30_000, Drum::Snare));
        given.give(hit(30_100, Drum::Crash));
        given.give(placed(30_200, Drum::Ride));
        given.give(placed(30_600, Drum::Kick));
        let locate = |search: &Search| {
            let onset = match (search.drum, search.placed) {
                (Drum::Kick, 30_000) => 29_200,
                (Drum::Kick, _) => 30_620,
                (Drum::Snare, _) => 30_500,
                _ => return None,
            };
            search.range.contains(&onset).then_some(onset)
        };
        let mut begun = Vec::new();
        for frame in 0..200 {
            let heard = (frame + 3) * framing.hop_samples as u64;
            given.snap(frame, heard, locate, |_, _| {});
            given.step(frame, &[true; DRUM_COUNT], |_| {}, |_| {});
            for drum in Drum::ALL {
                begun.extend(given.started(drum).map(|hit| {
                    let late = frame as i64 - given.due(hit.onset_sample) as i64;
                    assert!((0..=1).contains(&late), "{drum:?}: {late}");
                    (drum, hit.onset_sample)
                }));
            }
        }
        let expected = [
            (Drum::Kick, 29_200),
            (Drum::Crash, 30_100),
            (Drum::Ride, 30_200),
            (Drum::Snare, 30_500),
            (Drum::Kick, 30_620),
        ];
        begun.sort_by_key(|begun| begun.1);
        assert_eq!(begun, expected);
        assert!(given.waiting.is_empty());
    }

    #[test]
    fn a_flood_is_refused_not_grown() {
        let mut given = GivenHits::new(Framing::for_rate(44_100.0).unwrap());
        let capacity = given.waiting.capacity();
        let taken = (0..3 * CAPACITY as u64).filter(|&n| given.give(hit(n, Drum::Kick)));
        assert_eq!(taken.count(), CAPACITY);
        assert_eq!(given.waiting.capacity(), capacity);
        given.clear();
        assert!(given.give(hit(0, Drum::Kick)));
    }
}
