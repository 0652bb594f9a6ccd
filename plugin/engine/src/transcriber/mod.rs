//! From the network's activations to hits: peak picking, onset times to the
//! sample, velocities; or hits that are given or taken away from
//! outside.

mod given_hits;
mod judge;
mod onset_time;
mod peak_picker;
mod relative_level;
mod removed_hits;
mod rhythm;
mod taught;
mod velocity;

pub use given_hits::{GivenHit, GivenHits};
pub use judge::{EVIDENCE_COUNT, Evidence, EvidenceWeights, Judge, Recognition};
pub use onset_time::{LocatedOnset, OnsetLocator};
pub use peak_picker::{Candidate, Decision, PeakPicker, PickerClass, Verdict};
pub use relative_level::RelativeLevel;
pub use removed_hits::RemovedHits;
pub use rhythm::Rhythm;
pub use taught::{TAUGHT_COUNT, Taught};
pub use velocity::{VELOCITY_CURVE, VelocityScale};
