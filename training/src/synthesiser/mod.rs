//! The paper's way to one-shots, to compare the bank with: a deep network that
//! turns white noise into a waveform, conditioned by the class and the kit.
//!
//! It follows *The Inverse Drum Machine* (dilated convolutions, instance norm,
//! FiLM, GELU, an exponential envelope, a loss on spectrograms), smaller, so
//! that one processor core trains it in half an hour: residual blocks at a
//! 32nd of the sample rate, and one-shots as targets instead of mixtures, which
//! is an easier task than the paper's. The plugin does not use it.

mod architecture;
mod command;
mod compare;
mod material;
mod network;
mod separation;
mod spectral_loss;
mod table;
mod train;

pub use architecture::{CONDITION, STRIDE, Size};
pub use command::{SynthesiserArgs, run};
pub use compare::compare;
pub use material::{HEARD_S, KitExample, MaterialConfig, kit_embedding, kit_examples};
pub use network::{Synthesiser, condition};
pub use spectral_loss::SpectralLoss;
pub use table::{Comparison, Cost, Row};
pub use train::{Budget, load, train};
