//! The transcriber: architecture, weights, forward and backward pass.
//!
//! Convolutions and dense layers run through burn (any of its devices); the
//! recurrent layers are written out on slices, because a framework's overhead
//! per time step costs more than the step itself. [`Network`] joins both and
//! returns the gradient of every weight.

mod architecture;
mod compute;
mod few_rows;
mod graph;
mod matrix;
mod numeric;
mod pass;
mod recurrent;
mod weights;

pub(crate) use architecture::layer;
pub use architecture::{
    CHOICE_COUNT, CONV_FRAMES, CONV1_BANDS, CONV1_CHANNELS, CONV1_WIDTH, CONV2_BANDS,
    CONV2_CHANNELS, CONV2_WIDTH, DETAIL, EMBEDDING, EVENT_HIDDEN, FEATURES, FLAT, Head,
    MASK_HIDDEN, MASK_OUTPUTS, TIMBRE_BANDS, TIMBRE_OUTPUTS, UNITS, initial_weights,
    parameter_count,
};
pub use compute::Compute;
pub(crate) use graph::{Leaves, to_values};
pub(crate) use numeric::exp;
pub use numeric::{sigmoid, softplus};
pub use pass::{Gradients, HeadOutputs, Input, LogitGradients, MaskRequest, Network, Outputs};
pub use weights::{NamedTensor, Weights};
