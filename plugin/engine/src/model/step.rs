//! One step of a compiled network, on the session's memory.

use std::ops::Range;

use super::{
    convolution::{self, BAND_BLOCK},
    dense::{self, Matrix, PANEL},
    elements,
    operators::{Binary, ConvShape, Unary},
    weights::{MatrixPlace, Weights},
};

/// The memory that holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// The session's own.
    Arena,
    /// The weights that all sessions share.
    Weights,
}

/// Where a value is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) memory: Memory,
    pub(super) start: usize,
    pub(super) len: usize,
}

impl Source {
    /// `len` elements from `offset` on.
    pub(super) fn part(self, offset: usize, len: usize) -> Source {
        Source {
            start: self.start + offset,
            len,
            ..self
        }
    }
}

/// A piece of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) from: Source,
    /// Position in the step's output.
    pub(super) to: usize,
}

/// What a step computes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// A dense layer on each of `rows` rows; `biases` and `matrix` are packed.
    Dense {
        input: Source,
        biases: Source,
        matrix: MatrixPlace,
        rows: usize,
    },
    /// A convolution; `input` is padded, `blocks` are packed weights.
    Conv {
        input: Source,
        blocks: Source,
        shape: ConvShape,
    },
    /// Copies pieces of values.
    Copy(Vec<Run>),
    /// An element-wise function of one value.
    Unary { function: Unary, input: Source },
    /// An element-wise function of two values.
    Binary {
        function: Binary,
        left: Source,
        right: Source,
    },
    /// Softmax over `rows` of each group of `rows` × `inner`.
    Softmax {
        input: Source,
        rows: usize,
        inner: usize,
    },
    /// Copies a value that outlives the frame, made finite.
    Publish { input: Source },
}

/// A step: some work and the part of the arena that takes the result, which
/// nothing that the step reads overlaps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) output: Range<usize>,
}

/// The memory that a step may read: everything but its output.
struct Readable<'a> {
    before: &'a [f32],
    after: &'a [f32],
    output_end: usize,
    weights: &'a [f32],
}

impl<'a> Readable<'a> {
    #[inline]
    fn get(&self, source: Source) -> &'a [f32] {
        let Source { memory, start, len } = source;
        match memory {
            Memory::Weights => &self.weights[start..start + len],
            Memory::Arena if start < self.output_end => &self.before[start..start + len],
            Memory::Arena => &self.after[start - self.output_end..][..len],
        }
    }
}

impl Step {
    /// Number of parts that can run at different times.
    pub(super) fn tiles(&self) -> usize {
        match &self.work {
            Work::Dense { rows, .. } => rows * self.panels(*rows),
            Work::Conv { shape, .. } => shape.out_frames() * shape.out_bands().div_ceil(BAND_BLOCK),
            _ => 1,
        }
    }

    /// Estimate of the time that the step takes, in units of about a
    /// sixteenth of a nanosecond; only the proportions matter.
    pub(super) fn cost(&self) -> u64 {
        let output = self.output.len() as u64;
        let overhead = 256;
        overhead
            + match &self.work {
                // Every weight comes from a far cache once per row. Inputs that
                // are zero are not counted on: stages shall be equal when they
                // are longest.
                Work::Dense { matrix, rows, .. } => match matrix {
                    MatrixPlace::Full(_) => (matrix.len() * rows) as u64,
                    MatrixPlace::Half(_) => (matrix.len() * rows * 3 / 8) as u64,
                },
                Work::Conv { blocks, shape, .. } => {
                    let positions = shape.out_frames() * shape.out_bands();
                    (blocks.len * positions) as u64 / 2
                }
                Work::Copy(runs) => 2 * output + 64 * runs.len() as u64,
                Work::Unary {
                    function: Unary::Relu,
                    ..
                } => 2 * output,
                Work::Unary { .. } => 16 * output,
                Work::Binary { .. } | Work::Publish { .. } => 2 * output,
                Work::Softmax { inner: 1, .. } => 160 * output,
                Work::Softmax { .. } => 20 * output,
            }
    }

    /// Panels of one row of a dense layer.
    fn panels(&self, rows: usize) -> usize {
        (self.output.len() / rows).div_ceil(PANEL)
    }

    /// Runs the parts `tiles` of the step. Real-time safe.
    pub(super) fn run(&self, arena: &mut [f32], weights: &Weights, tiles: Range<usize>) {
        let (before, rest) = arena.split_at_mut(self.output.start);
        let (output, after) = rest.split_at_mut(self.output.len());
        let readable = Readable {
            before,
            after,
            output_end: self.output.end,
            weights: weights.full(),
        };
        match &self.work {
            Work::Dense {
                input,
                biases,
                matrix,
                rows,
            } => {
                let (input, biases) = (readable.get(*input), readable.get(*biases));
                let matrix = |from, count| matrix.get(weights, from, count);
                self.run_dense((input, *rows), (biases, matrix), tiles, output);
            }
            Work::Conv {
                input,
                blocks,
                shape,
            } => {
                let (input, blocks) = (readable.get(*input), readable.get(*blocks));
                convolution::conv(shape, input, blocks, tiles, output);
            }
            Work::Copy(runs) => {
                for run in runs {
                    output[run.to..run.to + run.from.len].copy_from_slice(readable.get(run.from));
                }
            }
            &Work::Unary { function, input } => {
                elements::unary(function, readable.get(input), output);
            }
            &Work::Binary {
                function,
                left,
                right,
            } => elements::binary(function, readable.get(left), readable.get(right), output),
            &Work::Softmax { input, rows, inner } => {
                elements::softmax(rows, inner, readable.get(input), output);
            }
            &Work::Publish { input } => elements::publish(readable.get(input), output),
        }
    }

    fn run_dense<'a>(
        &self,
        (input, rows): (&[f32], usize),
        (biases, matrix): (&[f32], impl Fn(usize, usize) -> Matrix<'a>),
        tiles: Range<usize>,
        output: &mut [f32],
    ) {
        let (inputs, outputs) = (input.len() / rows, output.len() / rows);
        let panels = self.panels(rows);
        let mut tile = tiles.start;
        while tile < tiles.end {
            let (row, panel) = (tile / panels, tile % panels);
            let count = (panels - panel).min(tiles.end - tile);
            let (first, end) = (panel * PANEL, (panel + count) * PANEL);
            dense::dense(
                &input[row * inputs..(row + 1) * inputs],
                &biases[first..biases.len().min(end)],
                matrix(first * inputs, (end - first) * inputs),
                &mut output[row * outputs + first..row * outputs + outputs.min(end)],
            );
            tile += count;
        }
    }
}
