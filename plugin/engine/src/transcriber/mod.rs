//! From the network's activations to hits: peak picking, onset times to the
//! sample, velocities; or hits that are given from outside.

mod given_hits;
mod onset_time;
mod peak_picker;
mod velocity;

pub use given_hits::{GivenHit, GivenHits};
pub use onset_time::{LocatedOnset, OnsetLocator};
pub use peak_picker::{Candidate, Decision, PeakPicker, PickerClass, Verdict};
pub use velocity::VelocityScale;
