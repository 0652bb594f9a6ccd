//! What the engine would do if it knew more: for measurements only.
//!
//! Replacing one part of the chain by the truth shows what that part costs.
//! Hosts have no use for this and find nothing of it in the interface that
//! they drive.

use std::sync::Arc;

use crate::one_shots::Bank;

/// Where the masks come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskSource {
    /// Both kinds, combined: the engine as it is.
    #[default]
    Both,
    /// The network's only.
    Network,
    /// The additive model's only.
    Synthesis,
}

/// Parts of the engine to replace; the default replaces none.
#[derive(Debug, Clone, Default)]
pub struct Experiment {
    /// Which masks are used.
    pub masks: MaskSource,
    /// One mask for both channels, wherever drums stand.
    pub one_mask: bool,
    /// Masks alone, also for sounds that repeat.
    pub masks_only: bool,
    /// One-shots to begin with, at the engine's sample rate, instead of those
    /// that the model gives an unknown kit.
    pub bank: Option<Arc<Bank>>,
}
