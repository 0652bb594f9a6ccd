//! Trains the transcriber and the one-shot bank of the Inverse Drum Machine.

pub mod dsp;
pub mod kits;
pub mod performance;
pub mod random;
pub mod render;
pub mod synth;
