//! Hits that come from outside, in place of the peak picker's: a performance
//! that was corrected by hand.

use std::collections::VecDeque;

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

/// A hit that is known without listening.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenHit {
    /// Sample of the input at which it begins.
    pub onset_sample: u64,
    /// Its class.
    pub drum: Drum,
    /// How hard, 0 to 1; none: as hard as it sounds.
    pub velocity: Option<f32>,
}

/// Given hits in order of time, played to the engine like a peak picker's.
/// Real-time safe after construction.
#[derive(Debug)]
pub struct GivenHits {
    framing: Framing,
    waiting: VecDeque<GivenHit>,
    /// Hits of the frame that was played last.
    started: [Option<GivenHit>; DRUM_COUNT],
    pending: [Option<u64>; DRUM_COUNT],
}

impl GivenHits {
    /// None yet. Allocates.
    pub fn new(framing: Framing) -> GivenHits {
        GivenHits {
            framing,
            waiting: VecDeque::with_capacity(CAPACITY),
            started: [None; DRUM_COUNT],
            pending: [None; DRUM_COUNT],
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
    }

    /// The hit of `drum` that began in the last frame. Real-time safe.
    pub fn started(&self, drum: Drum) -> Option<&GivenHit> {
        self.started[drum.index()].as_ref()
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
        while let Some(hit) = self.waiting.front().copied() {
            let due = self.due(&hit);
            if due > frame {
                break;
            }
            self.waiting.pop_front();
            let class = hit.drum.index();
            if due + LATE_FRAMES < frame || self.started[class].is_some() {
                continue;
            }
            if !enabled[class] {
                on_decision(decision(hit.drum, frame, Verdict::Disabled));
                continue;
            }
            self.started[class] = Some(hit);
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
            && self.due(hit) + LATE_FRAMES < frame
        {
            self.waiting.pop_front();
        }
    }

    /// Frame in which `hit` begins.
    fn due(&self, hit: &GivenHit) -> u64 {
        let nearest = self.framing.frame_at(hit.onset_sample);
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
