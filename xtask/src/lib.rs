//! Everything around the plugin: building, bundling, hosting, testing.
//!
//! `cargo xtask --help` lists the commands. The library half exists so that the
//! integration tests can use the same headless hosts as the commands.

pub mod analysis;
pub mod bundle;
pub mod checks;
pub mod demo;
pub mod demo_loop;
pub mod drums;
pub mod host;
pub mod hosts;
pub mod install;
pub mod midi;
pub mod picture;
pub mod png;
pub mod presets;
pub mod render;
pub mod screenshot;
pub mod setup;
pub mod wav;
pub mod workspace;
pub mod xvfb;
