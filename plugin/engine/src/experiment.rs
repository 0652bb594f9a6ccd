//! What the engine would do if it knew more: for measurements only.
//!
//! Replacing one part of the chain by the truth shows what that part costs.
//! Hosts have no use for this and find nothing of it in the interface that
//! they drive.

use std::sync::Arc;

use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::Framing,
    one_shots::Bank,
    transcriber::{Candidate, Decision, Verdict},
};

/// A hit that is known without listening.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownHit {
    /// Sample of the input at which it begins.
    pub onset_sample: u64,
    /// Its class.
    pub drum: Drum,
}

/// Where the masks come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskSource {
    /// Both kinds, combined: the engine as it is.
    #[default]
    Both,
    /// The network's only.
    Network,
    /// The additive model's only.
    Synthesis,
}

/// Known hits begin this much before the frame nearest to them, as found ones do:
/// activations rise a frame early.
const LEAD_FRAMES: u64 = 1;

/// Parts of the engine to replace; the default replaces none.
#[derive(Debug, Clone, Default)]
pub struct Experiment {
    /// Hits in place of those that the transcriber finds.
    pub hits: Option<Vec<KnownHit>>,
    /// Which masks are used.
    pub masks: MaskSource,
    /// One-shots to begin with, at the engine's sample rate, instead of those
    /// that the model gives an unknown kit.
    pub bank: Option<Arc<Bank>>,
}

/// Known hits in the order of their frames, played to the engine like a peak
/// picker's. Real-time safe after construction.
#[derive(Debug)]
pub(crate) struct Script {
    /// Frame and hit, sorted.
    hits: Vec<(u64, KnownHit)>,
    next: usize,
    /// Onsets of the frame that was played last.
    onsets: [Option<u64>; DRUM_COUNT],
    pending: [Option<u64>; DRUM_COUNT],
}

impl Script {
    pub(crate) fn new(hits: &[KnownHit], framing: &Framing) -> Script {
        let mut hits: Vec<_> = hits
            .iter()
            .map(|hit| {
                (
                    framing
                        .frame_at(hit.onset_sample)
                        .saturating_sub(LEAD_FRAMES),
                    *hit,
                )
            })
            .collect();
        hits.sort_by_key(|(frame, hit)| (*frame, hit.onset_sample));
        Script {
            hits,
            next: 0,
            onsets: [None; DRUM_COUNT],
            pending: [None; DRUM_COUNT],
        }
    }

    pub(crate) fn rewind(&mut self) {
        self.next = 0;
        self.onsets = [None; DRUM_COUNT];
        self.pending = [None; DRUM_COUNT];
    }

    /// Where the candidate of `drum` in the last frame begins.
    pub(crate) fn onset_of(&self, drum: Drum) -> Option<u64> {
        self.onsets[drum.index()]
    }

    /// The same calls as [`PeakPicker::step`](crate::transcriber::PeakPicker::step):
    /// candidates in their frame, decisions in the next. Frames come in order.
    pub(crate) fn step(
        &mut self,
        frame: u64,
        mut on_candidate: impl FnMut(Candidate),
        mut on_decision: impl FnMut(Decision),
    ) {
        self.onsets = [None; DRUM_COUNT];
        for drum in Drum::ALL {
            if let Some(frame) = self.pending[drum.index()].take() {
                on_decision(Decision {
                    drum,
                    frame,
                    confidence: 1.0,
                    verdict: Verdict::Accepted,
                    was_candidate: true,
                });
            }
        }
        while let Some((_, hit)) = self.hits.get(self.next).filter(|(due, _)| *due <= frame) {
            self.next += 1;
            let class = hit.drum.index();
            if self.onsets[class].is_none() {
                self.onsets[class] = Some(hit.onset_sample);
                self.pending[class] = Some(frame);
                on_candidate(Candidate {
                    drum: hit.drum,
                    frame,
                    activation: 1.0,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hits_come_in_their_frames() {
        let framing = Framing::for_rate(44_100.0).unwrap();
        let hits = [
            (30_000, Drum::Snare),
            (1_000, Drum::Kick),
            (30_020, Drum::Ride),
        ];
        let hits = hits.map(|(onset_sample, drum)| KnownHit { onset_sample, drum });
        let mut script = Script::new(&hits, &framing);
        for _ in 0..2 {
            let (mut started, mut decided) = (Vec::new(), Vec::new());
            for frame in 0..200 {
                script.step(
                    frame,
                    |candidate| started.push((candidate.drum, frame)),
                    |decision| decided.push((decision.drum, decision.frame, frame)),
                );
                if let Some(onset) = script.onset_of(Drum::Snare) {
                    assert_eq!(
                        (onset, frame),
                        (30_000, framing.frame_at(30_000) - LEAD_FRAMES)
                    );
                }
            }
            let expected = [
                (Drum::Kick, 1_000),
                (Drum::Snare, 30_000),
                (Drum::Ride, 30_020),
            ]
            .map(|(drum, onset)| (drum, framing.frame_at(onset) - LEAD_FRAMES));
            assert_eq!(started, expected);
            let expected = expected.map(|(drum, frame)| (drum, frame, frame + 1));
            assert_eq!(decided, expected);
            script.rewind();
        }
    }
}
