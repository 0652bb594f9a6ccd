//! Following the kit that is heard: the model's one-shot banks chosen by the
//! embedding, and one-shots learnt from the separated hits, both made off the
//! audio thread.

mod alignment;
mod average;
mod bank_follower;
mod bank_worker;
mod builder;
mod grid;
mod kit;
mod kit_code;
mod kit_shelf;
mod pace;
mod take;
mod tape;
mod waveforms;
mod worker_loop;

pub use bank_follower::{BankFollower, NewBank};
pub use bank_worker::BankWorker;
use grid::Grid;
use kit::step_for;
pub use kit::{LearntDrum, LearntKit, LearntLayer, as_kept};
pub use kit_code::{KitError, decode_kit, encode_kit};
pub use kit_shelf::KitShelf;
use pace::Pace;
pub use take::{Take, TakeStart};
pub use tape::{Tape, TapeHit};
pub use waveforms::{Outcome, WaveformLearner};
pub use worker_loop::bank_for;
