//! Trains the transcriber and the one-shot bank of the Inverse Drum Machine.

#[macro_use]
pub mod console;

pub mod allocation;
pub mod audio;
pub mod bank;
pub mod commands;
pub mod config;
pub mod dsp;
pub mod evaluation;
pub mod export;
pub mod files;
mod font;
pub mod interrupt;
pub mod kits;
pub mod losses;
pub mod network;
pub mod one_shot;
pub mod performance;
pub mod random;
pub mod recordings;
pub mod render;
pub mod sweep;
pub mod synth;
pub mod synthesiser;
pub mod training;
