//! Following the kit that is heard: one-shot banks made off the audio thread,
//! and kits taken from finished separations.

mod bank_follower;
mod bank_worker;
mod extract;

pub use bank_follower::BankFollower;
pub use bank_worker::{BankWorker, MAX_EMBEDDING, bank_for};
pub use extract::{CapturedHit, LearntDrum, LearntKit, extract_kit};
