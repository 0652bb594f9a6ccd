//! Inverse Drum Machine: every drum of a drum bus on its own output.
//!
//! This crate is the plugin: it turns host calls into slices for
//! [`idm_engine`] and back. What needs no host lives in modules of its own and
//! is tested without one: [`buses`], [`core`], [`corrections`], [`heard`],
//! [`notes`], [`params`], [`song`], [`state`], [`presets`].

pub mod buses;
pub mod core;
pub mod corrections;
pub mod editor;
pub mod file_work;
mod folders;
pub mod handover;
pub mod heard;
pub mod kit_state;
pub mod link;
mod lock;
pub mod midi_export;
pub mod model_choice;
pub mod notes;
pub mod own_samples;
pub mod params;
mod plugin;
mod ports;
pub mod presets;
pub mod ramp;
pub mod shim;
pub mod song;
mod sound_export;
pub mod state;

pub use plugin::{
    DrumMachine, Effect, Instrument, InverseDrumInstrument, InverseDrumMachine, Kind,
};
