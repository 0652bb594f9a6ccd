//! The drum machine: one-shots, their templates, and the voices that play them.

mod bank;
mod one_shot;
mod own_sounds;
mod template;
mod voices;

pub use bank::{Bank, BankError, DrumSound, Evidence, Layer};
pub use one_shot::{OneShot, OneShotError};
pub use own_sounds::{LONGEST_OWN_S, OwnSoundError, OwnSounds, read_one_shot};
pub use template::{LEVEL_FRAMES, MAX_TEMPLATE_FRAMES, PRE_FRAMES, Template};
pub use voices::{MAX_VOICES, StartVoice, Voices};
