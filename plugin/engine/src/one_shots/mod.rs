//! The drum machine: one-shots, their templates, and the voices that play them.

mod attack;
mod bank;
mod ending;
mod interpolation;
mod one_shot;
mod own_files;
mod own_kit;
mod own_sounds;
mod spread_of_sound;
mod template;
mod voices;

pub use attack::{attack, attack_s, usual_lead_s};
pub use bank::{Bank, BankError, DrumSound, Evidence, Layer};
pub use ending::fade_if_cut;
pub use one_shot::{OneShot, OneShotError};
pub use own_files::{
    LONGEST_OWN_S, LONGEST_OWN_SET_S, MOST_OWN_SAMPLES, OwnSet, OwnSoundError, read_one_shot,
    read_own_set,
};
pub use own_kit::{OwnKit, OwnKitPlan, own_drum};
pub use own_sounds::{OwnSounds, hardest};
pub use template::{LEVEL_FRAMES, MAX_TEMPLATE_FRAMES, PRE_FRAMES, Template};
pub use voices::{MAX_VOICES, StartVoice, Voices, struck};
