//! Which processor a training step runs on.

use clap::ValueEnum;

/// A kind of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Compute {
    /// The central processor.
    #[default]
    Cpu,
    /// The graphics processor that the system prefers (Vulkan, Metal or Direct3D 12).
    Gpu,
}
