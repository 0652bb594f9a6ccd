//! The drum machine: one-shots, their templates, and the voices that play them.

mod bank;
mod one_shot;
mod template;
mod voices;

pub use bank::{Bank, BankError, DrumSound, Evidence, Layer};
pub use one_shot::{OneShot, OneShotError};
pub use template::{LEVEL_FRAMES, MAX_TEMPLATE_FRAMES, PRE_FRAMES, Template};
pub use voices::{MAX_VOICES, StartVoice, Voices};
