//! Real-time drum transcription, resynthesis and separation.
//!
//! The engine implements *The Inverse Drum Machine* (Torres, Peeters, Richard
//! 2025) as a stream: it transcribes nine drum classes, runs a drum machine
//! backwards to explain what it hears, and splits the input into one signal
//! per class plus a residual. It knows no host and no GUI: slices in, slices
//! out.
//!
//! [`Engine::new`](engine::Engine::new) allocates everything;
//! [`Engine::process`](engine::Engine::process) is real-time safe and gives the
//! same samples for every partition of the input into blocks.

pub mod audio_file;
pub mod controls;
pub mod drum;
pub mod dynamics;
pub mod engine;
mod error;
mod events;
pub mod experiment;
pub mod from_file;
pub mod front_end;
pub mod hit_file;
mod hop_work;
pub mod kit_files;
pub mod learner;
pub mod midi_file;
pub mod model;
pub mod note_map;
pub mod one_shots;
mod playback;
pub mod separator;
mod sliding;
pub mod sound;
pub mod spread;
mod stems;
pub mod transcriber;
