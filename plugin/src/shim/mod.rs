//! Entry points of the plugin, with the host's buffers made complete.
//!
//! The framework calls the plugin only when the host hands over every channel
//! of every declared bus. Hosts that switch buses off do not: they pass fewer
//! buses, buses without buffers, or null channels, and then nothing is
//! processed (and, with fewer buses, the framework reads one entry too far).
//! The modules here stand between host and framework, put scratch memory in
//! place of whatever is missing, and hand on everything else untouched.
//!
//! All unsafe code of the plugin is here, but for what `editor/by_hand.rs` passes on (of
//! parameters the framework hands out pointers only), and for drag and drop on Windows and
//! macOS (`editor/drag_drop/ole`, `editor/drag_drop/appkit.rs`).
#![allow(unsafe_code)]

pub mod clap;
pub mod scratch;
pub mod vst3;
#[cfg(windows)]
pub mod windows;

/// What both formats do when a host has loaded the library.
fn entered() {
    #[cfg(windows)]
    windows::stay_loaded();
    nice_plug::wrapper::setup_logger::<crate::InverseDrumMachine>();
}
