//! What speaks for a hit and against it, weighed; and what a pair of hats cannot do.

use super::{HopWork, hits::Started};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
    transcriber::{Decision, HitEvidence, Verdict, logit},
};

/// A pair of hats is struck once in so many frames: open or closed, not both.
const ONE_HAT_FRAMES: u64 = 2;

/// Frames, 180 ms, in which an open hat that rings on may look like another stroke.
const RINGING_FRAMES: u64 = 31;

/// What is made of a decision of the picker when everything is considered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub decision: Decision,
    /// The candidate that it is about.
    pub started: Option<Started>,
    pub onset_sample: u64,
    /// Whether somebody says so.
    pub is_certain: bool,
    pub verdict: Verdict,
    pub confidence: f32,
    pub evidence: HitEvidence,
}

/// When a hat was accepted last, and by what margin.
#[derive(Debug, Clone, Copy)]
pub(super) struct AcceptedHat {
    frame: u64,
    margin: f32,
}

impl AcceptedHat {
    /// Whether it takes the place of a stroke of the other hat in `frame`.
    fn is_surer(&self, frame: u64, margin: f32) -> bool {
        self.frame.abs_diff(frame) <= ONE_HAT_FRAMES && self.margin > margin
    }
}

/// The last strokes of the closed and of the open hat.
pub(super) type AcceptedHats = [Option<AcceptedHat>; 2];

/// Both hats, in the order of [`AcceptedHats`].
const HATS: [Drum; 2] = [Drum::ClosedHat, Drum::OpenHat];

impl HopWork {
    /// Largest share of a band that the network's masks give the drum.
    fn most_of_a_band(&self, class: usize) -> f32 {
        let masks = self.words.mask().unwrap_or_default();
        let mask = masks.chunks_exact(BAND_COUNT).nth(class);
        // Bands above half the sample rate are empty: what is said of them means nothing.
        let shares = mask.unwrap_or_default().iter().take(self.heard_bands);
        shares.fold(0.0, |most, share| share.max(most))
    }

    /// Weighs what speaks for a hit and against it.
    pub(super) fn weigh(&mut self, decision: Decision) -> Weighed {
        let class = decision.drum.index();
        let started = self.started[class].filter(|started| started.frame == decision.frame);
        let centre = self.framing.centre_of(decision.frame).max(0) as u64;
        let onset_sample = started.map_or(centre, |started| started.onset_sample);
        let at = (decision.frame, onset_sample);
        let network = decision.confidence;
        let recognition = self.repeats.recognition(decision.drum);
        let heard = (network, self.most_of_a_band(class));
        let is_certain = network >= 1.0;
        let taught = self.taught.word_on(decision.drum);
        let mut evidence = HitEvidence {
            heard: self.judge.evidence(decision.drum, at, heard, recognition),
            expected: match started {
                Some(_) => self.rhythm.expected(decision.drum, decision.frame),
                None => Default::default(),
            },
            taught: if is_certain {
                Default::default()
            } else {
                taught
            },
            odds: self.taught.odds(),
            margin: 0.0,
            sensitivity: self.controls.drums[class].sensitivity,
        };
        let (mut verdict, mut confidence) = (decision.verdict, network);
        let is_open = matches!(verdict, Verdict::Accepted | Verdict::BelowThreshold);
        if let Some(started) = started.filter(|_| is_open) {
            confidence = self.judge.weigh(network, &evidence);
            // A drum whose fitted gain is next to nothing beside its own louder
            // hits was hardly played, unless it is sure.
            let (amplitude, estimate) = (started.amplitude, started.velocity);
            let fitted = self.fitted.velocity(decision.drum, amplitude, estimate);
            let threshold = self.picker_classes[class].threshold_of(fitted);
            evidence.margin = logit(confidence) - logit(threshold);
            verdict = if confidence >= threshold {
                Verdict::Accepted
            } else {
                Verdict::BelowThreshold
            };
        }
        Weighed {
            decision,
            started,
            onset_sample,
            is_certain,
            verdict,
            confidence,
            evidence,
        }
    }

    /// Refuses hats that a pair cannot have played: one where the other was struck more
    /// surely at the same time, and an open one that only rings on.
    pub(super) fn refuse_hats(&self, weighed: &mut [Option<Weighed>; DRUM_COUNT]) {
        let now = HATS.map(|hat| {
            let weighed = weighed[hat.index()].as_ref();
            // Who says that one was struck does not say that the other was not.
            let accepted = weighed
                .filter(|weighed| weighed.verdict == Verdict::Accepted && !weighed.is_certain);
            accepted.map(|weighed| AcceptedHat {
                frame: weighed.decision.frame,
                margin: weighed.evidence.margin,
            })
        });
        for (place, hat) in HATS.into_iter().enumerate() {
            let Some(own) = &mut weighed[hat.index()] else {
                continue;
            };
            if own.is_certain || own.verdict != Verdict::Accepted {
                continue;
            }
            let (frame, margin) = (own.decision.frame, own.evidence.margin);
            let others = [now[1 - place], self.hats[1 - place]];
            let is_other = others
                .iter()
                .flatten()
                .any(|other| other.is_surer(frame, margin));
            if is_other || (hat == Drum::OpenHat && self.rings_on(frame)) {
                own.verdict = Verdict::BelowThreshold;
                own.evidence.rule_out();
            }
        }
    }

    /// Whether the open hat was struck just before `frame`, and nothing bright begins there.
    fn rings_on(&self, frame: u64) -> bool {
        let is_recent =
            self.hats[1].is_some_and(|open| frame.saturating_sub(open.frame) <= RINGING_FRAMES);
        is_recent && !self.explainer.brightens(frame)
    }

    /// Remembers a hat that was heard and accepted.
    pub(super) fn remember_hat(&mut self, drum: Drum, frame: u64, margin: f32) {
        if let Some(place) = HATS.iter().position(|&hat| hat == drum) {
            self.hats[place] = Some(AcceptedHat { frame, margin });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        controls::Quality, experiment::Experiment, front_end::Framing, model::Model,
        transcriber::HitEvidence,
    };

    #[test]
    fn a_hat_that_cannot_be_is_ruled_out_whatever_the_sensitivity() {
        let framing = Framing::for_rate(8_000.0).unwrap();
        let model = Model::embedded().unwrap();
        let work = HopWork::new(framing, Quality::Low, &model, Experiment::default()).unwrap();
        let accepted = |drum, margin| Weighed {
            decision: Decision {
                drum,
                frame: 100,
                confidence: 0.9,
                verdict: Verdict::Accepted,
            },
            started: None,
            onset_sample: 0,
            is_certain: false,
            verdict: Verdict::Accepted,
            confidence: 0.9,
            evidence: HitEvidence {
                margin,
                ..HitEvidence::default()
            },
        };
        let mut weighed = [None; DRUM_COUNT];
        for (drum, margin) in [(Drum::ClosedHat, 1.0), (Drum::OpenHat, 0.4)] {
            weighed[drum.index()] = Some(accepted(drum, margin));
        }
        work.refuse_hats(&mut weighed);
        let found = HATS.map(|hat| {
            let weighed = weighed[hat.index()].unwrap();
            let margin = weighed.evidence.margin;
            (weighed.verdict, HitEvidence::is_ruled_out(margin))
        });
        let expected = [(Verdict::Accepted, false), (Verdict::BelowThreshold, true)];
        assert_eq!(found, expected);
    }

    #[test]
    fn of_two_hats_at_once_the_surer_one_is_played() {
        let closed = AcceptedHat {
            frame: 100,
            margin: 1.0,
        };
        assert!(closed.is_surer(100, 0.4) && closed.is_surer(102, 0.4));
        assert!(!closed.is_surer(100, 1.2), "the other one is surer");
        assert!(!closed.is_surer(103, 0.4), "another stroke");
        assert!(
            !closed.is_surer(100, 1.0),
            "never both refused, nor one by itself"
        );
    }
}
