//! Peak picking with one frame of look-ahead, for two masters.
//!
//! Separation wants every hit as early as possible (a missed hit costs far
//! more than a false one, whose fitted gain stays small): a *candidate* starts
//! when an activation rises through the recall threshold. MIDI, flags and
//! one-shot capture want certainty: one frame later the candidate's largest
//! activation is compared with the strict threshold.

use super::logistic;
use crate::drum::{DRUM_COUNT, Drum};

/// Frames after the candidate that may still raise its confidence.
const CONFIRM_FRAMES: u32 = 1;
/// A new hit needs an activation this much above the valley since the last.
const REARM_RATIO: f32 = 0.7;

/// Velocity below which a hit has to be surer than the strict threshold.
const FAINT_VELOCITY: f32 = 0.12;
/// How much surer: odds go with velocity to this power. Refusing all faint hits
/// instead loses as many true ones (ghost notes, hats under a crash) as false.
const FAINT_EXPONENT: f32 = 0.5;

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A hit.
    Accepted,
    /// Seen, but less sure than the drum's sensitivity asks for.
    BelowThreshold,
    /// Sooner after the last hit than the drum's minimum gap.
    TooSoon,
    /// The drum is not in this piece.
    Disabled,
    /// Taken away by hand.
    Removed,
}

/// Thresholds and gap of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PickerClass {
    /// Activation from which separation reckons with a hit.
    pub recall_threshold: f32,
    /// Activation from which a hit is reported.
    pub strict_threshold: f32,
    /// Shortest distance between hits.
    pub min_gap_frames: f32,
    /// False: every hit is refused.
    pub enabled: bool,
}

impl PickerClass {
    /// Thresholds moved by `sensitivity` (0 to 1; 0.5 leaves them) on the
    /// logistic scale. Real-time safe.
    pub fn with_sensitivity(mut self, sensitivity: f32) -> PickerClass {
        let shift = threshold_shift(sensitivity);
        self.strict_threshold = shifted(self.strict_threshold, shift);
        self.recall_threshold =
            shifted(self.recall_threshold, 0.5 * shift).min(self.strict_threshold);
        self
    }

    /// Confidence that an accepted hit of `velocity` (above 0) needs: the strict
    /// threshold, more for faint ones. Real-time safe.
    pub fn threshold_of(&self, velocity: f32) -> f32 {
        if velocity >= FAINT_VELOCITY {
            return self.strict_threshold;
        }
        let fainter = FAINT_VELOCITY / velocity.max(1e-3);
        shifted(self.strict_threshold, FAINT_EXPONENT * fainter.ln())
    }
}

/// By how much a sensitivity (0 to 1) moves the strict threshold on the logistic scale.
/// Real-time safe.
pub const fn threshold_shift(sensitivity: f32) -> f32 {
    (0.5 - sensitivity) * 8.0
}

fn shifted(probability: f32, shift: f32) -> f32 {
    // Not `logit`: what is next to certain stays so.
    logistic((probability / (1.0 - probability)).ln() + shift)
}

/// A hit that has just begun.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its class.
    pub drum: Drum,
    /// Frame of the activation.
    pub frame: u64,
    /// Activation at that frame.
    pub activation: f32,
}

/// The final word on a candidate, or a refusal of what never became one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// Its class.
    pub drum: Drum,
    /// Frame of the candidate.
    pub frame: u64,
    /// Largest activation.
    pub confidence: f32,
    /// The word.
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy)]
struct ClassState {
    previous: f32,
    /// Smallest activation since the last hit.
    valley: f32,
    last_frame: Option<u64>,
    last_accepted: Option<u64>,
    /// The one before it.
    accepted_before: Option<u64>,
    pending: Option<(u64, f32)>,
    refused_frame: Option<u64>,
}

/// Peak picker of all classes. Real-time safe throughout.
#[derive(Debug, Clone)]
pub struct PeakPicker {
    classes: [ClassState; DRUM_COUNT],
}

impl Default for PeakPicker {
    fn default() -> Self {
        PeakPicker {
            classes: [ClassState {
                previous: 0.0,
                valley: 0.0,
                last_frame: None,
                last_accepted: None,
                accepted_before: None,
                pending: None,
                refused_frame: None,
            }; DRUM_COUNT],
        }
    }
}

impl PeakPicker {
    /// Says that a candidate was accepted although its activation was not enough.
    /// Real-time safe.
    pub fn accept(&mut self, drum: Drum, frame: u64) {
        self.classes[drum.index()].last_accepted = Some(frame);
    }

    /// Says that the candidate of `frame` was refused although its activation was enough: it
    /// keeps no other away. Real-time safe.
    pub fn refuse(&mut self, drum: Drum, frame: u64) {
        let state = &mut self.classes[drum.index()];
        if state.last_accepted == Some(frame) {
            state.last_accepted = state.accepted_before;
        }
    }

    /// Takes the activations of frame `frame` (frames come in order) and calls
    /// `on_candidate` and `on_decision`. Real-time safe.
    pub fn step(
        &mut self,
        frame: u64,
        activations: &[f32],
        classes: &[PickerClass; DRUM_COUNT],
        mut on_candidate: impl FnMut(Candidate),
        mut on_decision: impl FnMut(Decision),
    ) {
        for (drum, &activation) in Drum::ALL.into_iter().zip(activations) {
            let class = &classes[drum.index()];
            let state = &mut self.classes[drum.index()];
            let mut decide = |frame, confidence, verdict| {
                on_decision(Decision {
                    drum,
                    frame,
                    confidence,
                    verdict,
                });
            };
            state.valley = state.valley.min(activation);
            if let Some((start, peak)) = state.pending {
                let peak = peak.max(activation);
                if frame >= start + u64::from(CONFIRM_FRAMES) {
                    let verdict = if peak >= class.strict_threshold {
                        state.accepted_before = state.last_accepted;
                        state.last_accepted = Some(start);
                        Verdict::Accepted
                    } else {
                        Verdict::BelowThreshold
                    };
                    decide(start, peak, verdict);
                    state.pending = None;
                    state.last_frame = Some(start);
                    state.valley = activation;
                } else {
                    state.pending = Some((start, peak));
                }
            } else if activation >= class.recall_threshold
                && activation > state.previous
                && (state.last_frame.is_none() || state.valley < REARM_RATIO * activation)
            {
                let sure = activation >= class.strict_threshold;
                // A weak candidate does not shut out the hit that it announces.
                let last = if sure {
                    state.last_accepted
                } else {
                    state.last_frame
                };
                let gap = last.map(|last| (frame - last) as f32);
                // One refusal per rise, not one per frame of it.
                let fresh = state
                    .refused_frame
                    .is_none_or(|refused| frame > refused + 4);
                if !class.enabled {
                    if sure && fresh {
                        decide(frame, activation, Verdict::Disabled);
                        state.refused_frame = Some(frame);
                    }
                } else if gap.is_some_and(|gap| gap + 0.5 < class.min_gap_frames) {
                    if sure && fresh {
                        decide(frame, activation, Verdict::TooSoon);
                        state.refused_frame = Some(frame);
                    }
                } else {
                    state.pending = Some((frame, activation));
                    on_candidate(Candidate {
                        drum,
                        frame,
                        activation,
                    });
                }
            }
            state.previous = activation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: PickerClass = PickerClass {
        recall_threshold: 0.2,
        strict_threshold: 0.5,
        min_gap_frames: 5.0,
        enabled: true,
    };

    /// Decisions for the kick's activations.
    fn run(activations: &[f32], class: PickerClass) -> Vec<(u64, Verdict)> {
        let mut picker = PeakPicker::default();
        let mut decisions = Vec::new();
        for (frame, &activation) in activations.iter().enumerate() {
            let mut all = [0.0; DRUM_COUNT];
            all[0] = activation;
            picker.step(
                frame as u64,
                &all,
                &[class; DRUM_COUNT],
                |_| {},
                |decision| {
                    decisions.push((decision.frame, decision.verdict));
                },
            );
        }
        decisions
    }

    #[test]
    fn one_peak_is_one_hit() {
        assert_eq!(
            run(&[0.0, 0.1, 0.4, 0.9, 0.5, 0.1, 0.0], CLASS),
            [(2, Verdict::Accepted)]
        );
    }

    #[test]
    fn a_weak_peak_is_refused_and_says_so() {
        assert_eq!(
            run(&[0.0, 0.3, 0.4, 0.1], CLASS),
            [(1, Verdict::BelowThreshold)]
        );
    }

    #[test]
    fn a_roll_at_six_frames_survives() {
        let roll: Vec<f32> = (0..36)
            .map(|n| if n % 6 == 1 { 0.9 } else { 0.1 })
            .collect();
        assert_eq!(run(&roll, CLASS).len(), 6);
    }

    #[test]
    fn too_soon_is_refused_once() {
        assert_eq!(
            run(&[0.0, 0.9, 0.2, 0.1, 0.8, 0.9, 0.2, 0.0], CLASS),
            [(1, Verdict::Accepted), (4, Verdict::TooSoon)]
        );
    }

    #[test]
    fn a_weak_bump_does_not_shut_out_the_hit_after_it() {
        assert_eq!(
            run(&[0.0, 0.3, 0.35, 0.9, 0.4, 0.1], CLASS),
            [(1, Verdict::BelowThreshold), (3, Verdict::Accepted)]
        );
    }

    #[test]
    fn faint_hits_must_be_surer() {
        assert_eq!(CLASS.threshold_of(0.5), CLASS.strict_threshold);
        let (faint, fainter) = (CLASS.threshold_of(0.05), CLASS.threshold_of(0.01));
        assert!(faint > 0.55 && fainter > faint && fainter < 0.9);
    }

    #[test]
    fn disabled_drums_report_what_they_refuse() {
        let class = PickerClass {
            enabled: false,
            ..CLASS
        };
        assert_eq!(run(&[0.0, 0.9, 0.1], class), [(1, Verdict::Disabled)]);
    }

    #[test]
    fn sensitivity_moves_thresholds_monotonically() {
        let at = |sensitivity| CLASS.with_sensitivity(sensitivity).strict_threshold;
        assert!((at(0.5) - 0.5).abs() < 1e-6);
        assert!(at(1.0) < 0.05 && at(0.0) > 0.95);
    }
}
