//! How hits that were heard are judged by what was taught and set since.

use idm_engine::dynamics::played_velocity;
use idm_engine::engine::Verdict;
use idm_engine::transcriber::{
    Lesson, TAUGHT_COUNT, lesson_of, logistic, logit, threshold_shift, words,
};

use super::set_by_hand::SetByHand;
use super::take::Take;
use crate::corrections::{Correction, lessons};
use crate::link::HitMark;

/// Less than this changes no verdict, on the logistic scale.
const LEAST_CHANGE: f32 = 0.02;

/// The same of a sensitivity, which hosts keep in a form of their own; its steps are longer.
const LEAST_STEP: f32 = 1e-3;

/// How a hit is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Accepted, or why not.
    pub verdict: Verdict,
    /// How sure that is, 0..1.
    pub confidence: f32,
    /// By how much more than is asked for, on the logistic scale.
    pub margin: f32,
    /// Whether corrections speak for it or against it, if they do.
    pub taught: Option<bool>,
}

/// Judges hits that were heard before the newest corrections and settings as the engine will
/// when it hears them again.
#[derive(Debug)]
pub struct Pupil {
    lessons: Vec<Lesson>,
    weights: [f32; TAUGHT_COUNT],
    by_hand: SetByHand,
}

impl Pupil {
    /// Knows the lessons of `corrections`, which count as the take says, and what was set by hand.
    pub fn new(corrections: &[Correction], take: &Take) -> Pupil {
        Pupil {
            lessons: lessons(corrections).collect(),
            weights: take.teaching,
            by_hand: take.by_hand,
        }
    }

    /// What it has learnt.
    pub fn lessons(&self) -> &[Lesson] {
        &self.lessons
    }

    /// How `hit` is judged now.
    pub fn judge(&self, hit: &HitMark) -> Judged {
        let mut judged = Judged {
            verdict: hit.verdict,
            confidence: hit.confidence,
            margin: hit.margin,
            taught: lesson_of(hit.taught),
        };
        if is_judged(hit) {
            let now = words(&hit.odds, self.lessons.iter())[hit.drum.index()];
            let changes = now.iter().zip(hit.taught).zip(self.weights);
            let change: f32 = changes
                .map(|((now, then), weight)| weight * (now - then))
                .sum();
            judged.taught = lesson_of(now);
            // Saved lessons are rounded.
            if change.abs() > LEAST_CHANGE {
                judged.margin += change;
                judged.confidence = logistic(logit(judged.confidence) + change);
                judged.verdict = by_margin(judged.margin);
            }
        }
        (judged.verdict, judged.margin) = as_set(hit, judged.verdict, judged.margin, &self.by_hand);
        judged
    }
}

/// The verdict on `hit` by what was set by hand, without what was taught since.
pub fn verdict_as_set(hit: &HitMark, by_hand: &SetByHand) -> Verdict {
    as_set(hit, hit.verdict, hit.margin, by_hand).0
}

/// The velocity of `hit` by the dynamics that were set by hand since.
pub fn velocity_as_set(hit: &HitMark, by_hand: &SetByHand) -> f32 {
    by_hand.dynamics(hit.drum).map_or(hit.velocity, |dynamics| {
        played_velocity(hit.heard_velocity, dynamics)
    })
}

/// Verdict and margin by what was set by hand in place of what was set when `hit` was heard.
fn as_set(
    hit: &HitMark,
    mut verdict: Verdict,
    mut margin: f32,
    by_hand: &SetByHand,
) -> (Verdict, f32) {
    let sensitivity = by_hand.sensitivity(hit.drum).unwrap_or(hit.sensitivity);
    let change = threshold_shift(hit.sensitivity) - threshold_shift(sensitivity);
    if is_judged(hit) && change.abs() > LEAST_STEP {
        margin += change;
        verdict = by_margin(margin);
    }
    if verdict == Verdict::Accepted && by_hand.is_enabled(hit.drum) == Some(false) {
        verdict = Verdict::Disabled;
    }
    (verdict, margin)
}

fn by_margin(margin: f32) -> Verdict {
    if margin >= 0.0 {
        Verdict::Accepted
    } else {
        Verdict::BelowThreshold
    }
}

/// Whether it was accepted or refused for how sure it was, not for anything else.
pub fn is_judged(hit: &HitMark) -> bool {
    hit.confidence < 1.0 && matches!(hit.verdict, Verdict::Accepted | Verdict::BelowThreshold)
}
