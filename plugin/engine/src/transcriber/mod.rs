//! From the network's activations to hits: peak picking, onset times to the
//! sample, velocities; or hits that are given or taken away from
//! outside.

mod given_hits;
mod judge;
mod onset_time;
mod peak_picker;
mod relative_level;
mod removed_hits;
mod renamed;
mod rhythm;
mod taught;
mod velocity;

pub use given_hits::{GivenHit, GivenHits, Search};
pub use judge::{EVIDENCE_COUNT, EvidenceWeights, HitEvidence, Judge, Recognition};
pub use onset_time::{LocatedOnset, OnsetLocator};
pub use peak_picker::{Candidate, Decision, PeakPicker, PickerClass, Verdict, threshold_shift};
pub use relative_level::RelativeLevel;
pub use removed_hits::RemovedHits;
pub use renamed::Renamed;
pub use rhythm::{EXPECTED_COUNT, Rhythm};
pub use taught::{
    Lesson, MOMENT_S, MOST_LESSONS, Odds, TAUGHT_COUNT, Taught, Words, doubt, lesson_of, likeness,
    words,
};
pub use velocity::{VELOCITY_CURVE, VelocityScale};

/// Nearer to 0 or 1 a probability means nothing.
const LEAST_DOUBT: f32 = 1e-4;

/// A probability on the logistic scale, on which evidence adds up. Real-time safe.
pub fn logit(probability: f32) -> f32 {
    let probability = probability.clamp(LEAST_DOUBT, 1.0 - LEAST_DOUBT);
    (probability / (1.0 - probability)).ln()
}

/// The probability that stands at `odds` on the logistic scale. Real-time safe.
pub fn logistic(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}
