//! The operators that the engine implements.

/// Index of a value (input, constant or result) in its graph.
pub(super) type ValueId = usize;

/// Element-wise functions of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Relu,
    Sigmoid,
    Tanh,
}

/// Element-wise functions of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
}

/// A two-dimensional convolution; sizes along time are called frames, along
/// frequency bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConvShape {
    pub(super) channels: usize,
    pub(super) frames: usize,
    pub(super) bands: usize,
    pub(super) kernel_frames: usize,
    pub(super) kernel_bands: usize,
    pub(super) stride: usize,
    pub(super) pad_before: usize,
    pub(super) pad_after: usize,
    pub(super) out_channels: usize,
}

impl ConvShape {
    /// Bands after padding.
    pub(super) fn padded_bands(&self) -> usize {
        self.bands + self.pad_before + self.pad_after
    }

    /// Frames of the result.
    pub(super) fn out_frames(&self) -> usize {
        self.frames - self.kernel_frames + 1
    }

    /// Bands of the result.
    pub(super) fn out_bands(&self) -> usize {
        (self.padded_bands() - self.kernel_bands) / self.stride + 1
    }

    /// Weights per output channel.
    pub(super) fn kernel_len(&self) -> usize {
        self.channels * self.kernel_frames * self.kernel_bands
    }
}

/// What a node does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    /// `[rows, inputs] × [inputs, outputs] + bias`.
    Dense {
        input: ValueId,
        weights: ValueId,
        bias: Option<ValueId>,
        /// Weights are stored as `[outputs, inputs]`.
        transposed: bool,
        rows: usize,
        inputs: usize,
        outputs: usize,
    },
    /// `[1, channels, frames, bands]` with `[out, channels, frames, bands]`.
    Conv {
        input: ValueId,
        weights: ValueId,
        bias: Option<ValueId>,
        shape: ConvShape,
    },
    /// The same elements under another shape.
    View { input: ValueId },
    /// The box that starts at `starts` and has the output's shape.
    Slice { input: ValueId, starts: Vec<usize> },
    /// The inputs one after another along `axis`.
    Concat { inputs: Vec<ValueId>, axis: usize },
    /// Element-wise function of one value.
    Unary { function: Unary, input: ValueId },
    /// Element-wise function of two values; the shorter one repeats.
    Binary {
        function: Binary,
        left: ValueId,
        right: ValueId,
    },
    /// Exponentials that sum to 1 along `axis`.
    Softmax { input: ValueId, axis: usize },
}

impl Op {
    /// Multiplications of the layer's definition, per frame.
    pub(super) fn multiplications(&self) -> u64 {
        match self {
            Op::Dense {
                rows,
                inputs,
                outputs,
                ..
            } => (rows * inputs) as u64 * *outputs as u64,
            Op::Conv { shape, .. } => {
                let positions = shape.out_frames() * shape.out_bands();
                (positions * shape.out_channels) as u64 * shape.kernel_len() as u64
            }
            _ => 0,
        }
    }

    /// Floats beside the result that the node's work needs: the input of a convolution
    /// with room around it.
    pub(super) fn scratch_floats(&self) -> usize {
        match self {
            Op::Conv { shape, .. } if shape.padded_bands() != shape.bands => {
                let rows = shape.channels.saturating_mul(shape.frames);
                rows.saturating_mul(shape.padded_bands())
            }
            _ => 0,
        }
    }

    /// The values that the node reads.
    pub(super) fn reads(&self) -> Vec<ValueId> {
        match self {
            Op::Dense {
                input,
                weights,
                bias,
                ..
            }
            | Op::Conv {
                input,
                weights,
                bias,
                ..
            } => [Some(*input), Some(*weights), *bias]
                .into_iter()
                .flatten()
                .collect(),
            Op::View { input }
            | Op::Slice { input, .. }
            | Op::Unary { input, .. }
            | Op::Softmax { input, .. } => vec![*input],
            Op::Concat { inputs, .. } => inputs.clone(),
            Op::Binary { left, right, .. } => vec![*left, *right],
        }
    }
}
