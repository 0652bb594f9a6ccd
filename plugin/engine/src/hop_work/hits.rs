//! Hits of a hop: found, fitted, decided, measured and passed on.

use super::{HopWork, weighing::Weighed};
use crate::{
    controls::HitSource,
    drum::{DRUM_COUNT, Drum},
    learner::TapeHit,
    playback::{Playback, QueuedHit},
    separator::{FitCandidate, RepeatHit},
    transcriber::{Candidate, Decision, HitEvidence, Verdict},
};

/// Level at which a hit is played again relative to what its shares of the bands say, which
/// hold a little of the others.
const PLAYED_LEVEL: f32 = 0.92;

/// Share of the threshold from which a hit that is refused may have been one all the same.
const MAYBE_SHARE: f32 = 0.5;

/// A candidate that waits for its decision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started {
    pub frame: u64,
    pub onset_sample: u64,
    pub amplitude: f32,
    /// The network's velocity.
    pub velocity: f32,
    /// Velocity that was given from outside.
    given_velocity: Option<f32>,
}

/// A decision whose level is not measured yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    onset_sample: u64,
    confidence: f32,
    /// The network's, and what else speaks for the hit or against it.
    network: f32,
    evidence: HitEvidence,
    /// The network's velocity.
    estimate: f32,
    given_velocity: Option<f32>,
    verdict: Verdict,
    /// Whether it sounds in the additive model.
    is_started: bool,
}

impl HopWork {
    pub(super) fn find_hits(&mut self, frame: u64) {
        let mut candidates = [None::<Candidate>; DRUM_COUNT];
        let mut decisions = [None::<Decision>; DRUM_COUNT];
        let mut on_candidate = |found: Candidate| candidates[found.drum.index()] = Some(found);
        let mut on_decision = |made: Decision| decisions[made.drum.index()] = Some(made);
        let enabled = self.picker_classes.map(|class| class.enabled);
        self.taught.step(frame, self.words.onset());
        self.snap_given(frame);
        if self.hears(frame) {
            let removed = self.removed.step(frame);
            let mut classes = self.picker_classes;
            for (class, removed) in classes.iter_mut().zip(removed) {
                class.enabled &= !removed;
            }
            let heard_from = self.heard_from;
            let is_given = self.controls.hits == HitSource::Given;
            self.picker.step(
                frame,
                self.words.onset(),
                &classes,
                &mut on_candidate,
                |mut made| {
                    let class = made.drum.index();
                    if made.verdict == Verdict::Disabled && enabled[class] {
                        made.verdict = Verdict::Removed;
                    }
                    if !is_given || made.frame >= heard_from {
                        on_decision(made);
                    }
                },
            );
        } else if self.heard_from < u64::MAX {
            // What would have been heard is known to be as it is given.
            self.removed.miss(frame);
            let (picker, taught) = (&mut self.picker, &mut self.taught);
            let learn = |made: Decision| taught.moment(made.frame);
            picker.step(
                frame,
                self.words.onset(),
                &self.picker_classes,
                |_| {},
                learn,
            );
        }
        // After the picker: what is given counts where both speak.
        self.given
            .step(frame, &enabled, &mut on_candidate, &mut on_decision);
        for decision in decisions.iter().flatten() {
            let recognition = self.repeats.recognition(decision.drum);
            let likeness = recognition.map_or(0.0, |recognition| recognition.likeness);
            self.judge
                .hear(decision.drum, decision.frame, decision.confidence, likeness);
        }
        let mut weighed = decisions.map(|decision| decision.map(|made| self.weigh(made)));
        self.refuse_hats(&mut weighed);
        for weighed in weighed.into_iter().flatten() {
            self.decide(weighed);
        }
        if candidates.iter().any(Option::is_some) {
            self.start(frame, &candidates);
        }
        let power = self.explainer.observed(frame);
        self.presence.step(power, &self.masks);
    }

    /// Moves hits that were placed by eye to the onsets near them.
    fn snap_given(&mut self, frame: u64) {
        let heard_samples = self.hops * self.framing.hop_samples as u64;
        let is_heard = self.listens();
        let (locator, removed) = (&mut self.place_locator, &mut self.removed);
        let [left, right] = &self.history;
        let mut listened = None;
        self.given.snap(
            frame,
            heard_samples,
            |search| {
                let placed = search.placed;
                // What is placed at one moment is listened to once.
                if listened.replace(placed) != Some(placed) {
                    let back = (heard_samples - placed) as usize;
                    locator.listen([left, right], left.len().saturating_sub(back));
                }
                let offset = |sample: u64| (sample as i64 - placed as i64) as i32;
                let (from, to) = (*search.range.start(), *search.range.end());
                let found = locator.locate_near(search.drum, offset(from)..=offset(to))?;
                Some(placed.saturating_add_signed(i64::from(found)))
            },
            // The picker is to be silent about it there, too.
            |drum, onset| {
                if is_heard {
                    removed.remove(onset, drum, false);
                }
            },
        );
    }

    /// Whether the engine says itself what is hit in `frame`.
    fn hears(&self, frame: u64) -> bool {
        self.controls.hits == HitSource::Heard || frame >= self.heard_from
    }

    /// Adds the candidates of one frame to the additive model.
    fn start(&mut self, frame: u64, candidates: &[Option<Candidate>; DRUM_COUNT]) {
        let hop = self.framing.hop_samples;
        let back = self.quality.decision_hops() * hop;
        let [left, right] = &self.history;
        self.locator.listen([left, right], left.len() - back);
        let centre = self.framing.centre_of(frame);
        let sample = |offset: i32| (centre + i64::from(offset)).max(0) as u64;
        let (mut onsets, mut opens) = ([0; DRUM_COUNT], [0; DRUM_COUNT]);
        let mut hits = [FitCandidate {
            drum: Drum::Kick,
            onset_frame: 0.0,
            posterior: 0.0,
            trusted: false,
        }; DRUM_COUNT];
        let mut count = 0;
        for candidate in candidates.iter().flatten() {
            let class = &self.picker_classes[candidate.drum.index()];
            let given = self.given.started(candidate.drum);
            let located = self.locator.locate(candidate.drum, candidate.activation);
            onsets[count] = given.map_or(sample(located.offset), |hit| hit.onset_sample);
            // Who gives a hit late does not want its attack cut.
            let earliest = sample(located.earliest);
            opens[count] = given.map_or(earliest, |hit| hit.onset_sample.min(earliest));
            hits[count].drum = candidate.drum;
            hits[count].onset_frame = onsets[count] as f64 / hop as f64 + 1.0;
            hits[count].posterior = candidate.activation;
            hits[count].trusted = candidate.activation >= class.strict_threshold;
            count += 1;
        }
        let mut amplitudes = [0.0; DRUM_COUNT];
        self.explainer.begin(frame, &hits[..count], &mut amplitudes);
        self.look_for_repeats(&hits[..count], &onsets);
        let made_until = self.made_until().unwrap_or(0);
        let fitted = hits[..count]
            .iter()
            .zip(&amplitudes)
            .zip(onsets.iter().zip(&opens));
        for ((hit, &amplitude), (&onset_sample, &opens)) in fitted {
            self.presence.hit(hit.drum);
            self.tails.disturb(hit.drum);
            let recognition = self.repeats.recognition(hit.drum);
            let likeness = recognition.map_or(0.0, |recognition| recognition.likeness);
            self.judge.hear(hit.drum, frame, hit.posterior, likeness);
            // One-shots know less of how long a boom rings than the tail that is followed.
            let drum = hit.drum.index();
            let predicted: f32 = self.prediction.power[drum].iter().sum();
            self.attack_gate.hit(
                hit.drum,
                opens,
                made_until,
                predicted.max(self.tails.before_onset(drum)),
                amplitude * amplitude * self.explainer.peak_power(hit.drum),
            );
            self.started[hit.drum.index()] = Some(Started {
                frame,
                onset_sample,
                amplitude,
                velocity: self.words.velocity()[hit.drum.index()],
                given_velocity: self.given.started(hit.drum).and_then(|hit| hit.velocity),
            });
        }
    }

    /// Looks for sounds that are known in the hits of a frame.
    fn look_for_repeats(&mut self, hits: &[FitCandidate], onsets: &[u64; DRUM_COUNT]) {
        if !self.hears_repeats {
            return;
        }
        let mut repeats = [RepeatHit {
            drum: Drum::Kick,
            onset_sample: 0,
            activation: 0.0,
            is_sure: false,
        }; DRUM_COUNT];
        for ((repeat, hit), onset) in repeats.iter_mut().zip(hits).zip(onsets) {
            repeat.drum = hit.drum;
            repeat.onset_sample = *onset as i64;
            repeat.activation = hit.posterior;
            repeat.is_sure = hit.trusted;
        }
        let [left, right] = &self.history;
        let end = (self.hops * self.framing.hop_samples as u64) as i64;
        let repeats = &repeats[..hits.len()];
        self.repeats.begin(repeats, [left, right], end);
    }

    fn decide(&mut self, weighed: Weighed) {
        let Weighed {
            decision,
            started,
            mut onset_sample,
            is_certain,
            mut verdict,
            confidence,
            mut evidence,
        } = weighed;
        let class = decision.drum.index();
        let at = (decision.frame, onset_sample);
        let network = decision.confidence;
        let estimate = started.map_or(0.0, |started| started.velocity);
        let recognition = self.repeats.recognition(decision.drum);
        let is_kick = decision.drum == Drum::Kick && verdict == Verdict::Accepted;
        if is_kick && !is_certain && self.explainer.has_ended(decision.frame) {
            verdict = Verdict::BelowThreshold;
            evidence.rule_out();
        }
        let is_heard = self.controls.hits == HitSource::Heard;
        if !is_heard && !is_certain && onset_sample < self.heard_from_sample {
            verdict = Verdict::Removed;
        }
        if started.is_some() {
            let is_accepted = verdict == Verdict::Accepted;
            if is_accepted {
                if !is_certain {
                    self.remember_hat(decision.drum, decision.frame, evidence.margin);
                }
                self.removed.hit(decision.drum, decision.frame);
                self.picker.accept(decision.drum, decision.frame);
                self.judge.accept(decision.drum, at, network, recognition);
                self.rhythm.hit(decision.drum, decision.frame);
                self.tails.hit(decision.drum, confidence);
                self.taught.hit(decision.drum, decision.frame);
            } else {
                self.picker.refuse(decision.drum, decision.frame);
            }
            self.explainer.judge(decision.drum, confidence, is_accepted);
            let accepted = is_accepted.then_some(confidence);
            let known = self.repeats.decide(decision.drum, accepted);
            // What is given by hand stands where it was given.
            if let Some(known) = known.filter(|_| !is_certain) {
                onset_sample = known.max(0) as u64;
                let next = self.made_until().unwrap_or(0);
                self.attack_gate.open_at(decision.drum, onset_sample, next);
            }
        }
        self.decided[class] = Some(Decided {
            onset_sample,
            confidence,
            network,
            evidence,
            estimate,
            given_velocity: started.and_then(|started| started.given_velocity),
            verdict,
            is_started: started.is_some(),
        });
    }

    /// Measures the level of the hits that were decided, now that there are
    /// masks for them, and passes them on.
    pub(super) fn announce(&mut self, now: u64, playback: &mut Playback) {
        for drum in Drum::ALL {
            let Some(decided) = self.decided[drum.index()].take() else {
                continue;
            };
            let is_accepted = decided.verdict == Verdict::Accepted;
            let mask = &self.masks[drum.index()];
            let usual = self.guard.usual(drum, decided.estimate);
            let mut rise = self.rise_around(drum, decided.onset_sample, mask, usual);
            let mut heard_velocity = decided.estimate.clamp(0.0, 1.0);
            let mut level_velocity = heard_velocity;
            let mut level = rise.own(mask).sqrt();
            if is_accepted {
                let whole = (rise.own(mask) * rise.rest).sqrt();
                let is_certain = decided.network >= 1.0;
                let mut limit = 1.0;
                // Of what is given by hand the network need not know how hard it is.
                if !is_certain || decided.given_velocity.is_some() || usual.is_none() {
                    let estimate = decided.given_velocity.unwrap_or(decided.estimate);
                    limit = self.guard.factor(drum, whole, estimate);
                }
                if is_certain {
                    limit = 1.0;
                }
                level_velocity = self.guard.velocity(drum, limit * whole);
                rise.power = rise.power.map(|power| power * limit * limit);
                let power = rise.power.map(|power| power * rise.rest);
                let measured = self.meter.level(drum, &power, mask);
                let (loudness, likeness) = self.repeats.settle_level(drum, measured);
                // Bands that other drums cover have too little by the masks: what is played
                // again is as loud as all bands of the drum say together.
                level = PLAYED_LEVEL * loudness / rise.rest.sqrt().max(1e-6);
                let scale = &mut self.velocities;
                heard_velocity = scale.velocity(drum, loudness, decided.estimate, likeness);
                self.follower.hit();
            }
            let given = decided.given_velocity.filter(|_| is_accepted);
            let velocity = given.unwrap_or(heard_velocity);
            let strict = self.picker_classes[drum.index()].strict_threshold;
            if decided.is_started && may_be_hit(decided.verdict, decided.confidence, strict) {
                let hit = TapeHit {
                    drum,
                    onset_sample: decided.onset_sample,
                    velocity,
                    confidence: decided.confidence,
                    is_taken: is_accepted && self.controls.learning,
                };
                self.tape.hit(&hit, &mut self.worker);
            }
            let hit = QueuedHit {
                drum,
                onset_sample: decided.onset_sample,
                velocity,
                is_velocity_given: given.is_some(),
                level_velocity,
                confidence: decided.confidence,
                network: decided.network,
                evidence: decided.evidence,
                level,
                level_frames: rise.frames,
                verdict: decided.verdict,
            };
            playback.queue(hit, now);
        }
    }
}

/// Whether another sound of the drum may begin here: what is learnt of the one before ends.
/// Most candidates are none, and would take a cymbal's tail away.
pub(super) fn may_be_hit(verdict: Verdict, confidence: f32, strict_threshold: f32) -> bool {
    match verdict {
        Verdict::Accepted => true,
        Verdict::BelowThreshold => confidence >= MAYBE_SHARE * strict_threshold,
        Verdict::TooSoon | Verdict::Disabled | Verdict::Removed => false,
    }
}
