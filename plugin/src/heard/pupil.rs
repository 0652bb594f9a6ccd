//! How hits that were heard are judged by what was taught since.

use idm_engine::engine::Verdict;
use idm_engine::transcriber::{Lesson, TAUGHT_COUNT, lesson_of, logistic, logit, words};

use crate::corrections::{Correction, lessons};
use crate::link::HitMark;

/// Less than this changes no verdict, on the logistic scale.
const LEAST_CHANGE: f32 = 0.02;

/// How a hit is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Accepted, or why not.
    pub verdict: Verdict,
    /// How sure that is, 0..1.
    pub confidence: f32,
    /// By how much, on the logistic scale.
    pub margin: f32,
    /// Whether corrections speak for it or against it, if they do.
    pub taught: Option<bool>,
}

/// Judges hits that were heard before the newest corrections as the engine will when it
/// hears them again.
#[derive(Debug)]
pub struct Pupil {
    lessons: Vec<Lesson>,
    weights: [f32; TAUGHT_COUNT],
}

impl Pupil {
    /// Knows the lessons of `corrections`, which count as `weights` say.
    pub fn new(corrections: &[Correction], weights: [f32; TAUGHT_COUNT]) -> Pupil {
        Pupil {
            lessons: lessons(corrections).collect(),
            weights,
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
        if !is_judged(hit) {
            return judged;
        }
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
            judged.verdict = if judged.margin >= 0.0 {
                Verdict::Accepted
            } else {
                Verdict::BelowThreshold
            };
        }
        judged
    }
}
/// Whether it was accepted or refused for how sure it was, not for anything else.
pub fn is_judged(hit: &HitMark) -> bool {
    hit.confidence < 1.0 && matches!(hit.verdict, Verdict::Accepted | Verdict::BelowThreshold)
}
