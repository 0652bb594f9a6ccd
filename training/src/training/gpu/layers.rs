//! Layers forward and backward, as lists of kernels.

use wgpu::Buffer;

use super::{
    buffers::{Buffers, PARTS},
    device::Gpu,
    kernels::{ADD_TO, COLUMN_SUMS, RELU_BACKWARD, SUM_PARTS},
    matmul::{Form, TILE_ROWS},
};
use crate::network::Weights;

/// Workgroups that keep a large device busy.
const BUSY_GROUPS: usize = 1_024;

/// A matrix in a buffer: its first value, and the distance of its rows.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub buffer: &'a Buffer,
    pub first: usize,
    pub stride: usize,
}

/// A matrix whose rows follow each other from the start of `buffer`.
pub fn view(buffer: &Buffer, stride: usize) -> View<'_> {
    View {
        buffer,
        first: 0,
        stride,
    }
}

impl View<'_> {
    /// The same from row `row` on.
    pub fn at_row(self, row: usize) -> Self {
        Self {
            first: self.first + row * self.stride,
            ..self
        }
    }
}

/// What is done to a product before it is stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct Finish {
    /// Place of a bias among the weights.
    pub bias: Option<usize>,
    pub rectify: bool,
    pub add: bool,
}

/// Adds layers to a list of work.
pub struct Layers<'a> {
    pub gpu: &'a mut Gpu,
    pub buffers: &'a Buffers,
    pub weights: &'a Weights,
    pub batch: usize,
    pub frames: usize,
}

impl<'a> Layers<'a> {
    /// Rows of a whole pass.
    pub fn rows(&self) -> usize {
        self.batch * self.frames
    }

    /// Place of the weight called `name` among all weights.
    pub fn place(&self, name: &str) -> usize {
        let index = self.weights.index_of(name);
        let before = &self.weights.tensors()[..index];
        before.iter().map(|tensor| tensor.values.len()).sum()
    }

    /// `out (+)= left · right`, `[rows, inner] · [inner, columns]`.
    pub fn multiply(
        &mut self,
        (left, left_transposed): (View<'_>, bool),
        (right, right_transposed): (View<'_>, bool),
        out: View<'_>,
        [rows, columns, inner]: [usize; 3],
        finish: Finish,
    ) {
        let form = form(left_transposed, right_transposed, columns);
        let flags = u32::from(finish.bias.is_some())
            | u32::from(finish.rectify) << 1
            | u32::from(finish.add) << 2;
        let sizes = [rows, columns, inner, left.stride, right.stride, out.stride];
        let firsts = [left.first, right.first, out.first, finish.bias.unwrap_or(0)];
        let mut parameters = [0; 13];
        for (parameter, value) in parameters.iter_mut().zip(sizes.into_iter().chain(firsts)) {
            *parameter = value as u32;
        }
        (parameters[10], parameters[11]) = (flags, inner as u32);
        let buffers = [left.buffer, right.buffer, &self.buffers.weights, out.buffer];
        self.gpu.product(form, &parameters, buffers, 1);
    }

    /// Adds `leftᵀ · right`, a sum over `inner` rows, to the gradient at `place`.
    pub fn multiply_into_gradient(
        &mut self,
        left: View<'_>,
        right: View<'_>,
        place: usize,
        [rows, columns, inner]: [usize; 3],
    ) {
        let form = form(true, false, columns);
        let tiles = rows.div_ceil(TILE_ROWS) * columns.div_ceil(form.tile_columns());
        let most = (PARTS / (rows * columns)).max(1);
        let splits = BUSY_GROUPS.div_ceil(tiles).clamp(1, most);
        let share = inner.div_ceil(splits).next_multiple_of(16).max(16);
        let splits = inner.div_ceil(share);
        let size = rows * columns;
        let parameters = [
            rows,
            columns,
            inner,
            left.stride,
            right.stride,
            columns,
            left.first,
            right.first,
            0,
            0,
            0,
            share,
            size,
        ]
        .map(|value| value as u32);
        let buffers = self.buffers;
        let operands = [left.buffer, right.buffer, &buffers.weights, &buffers.parts];
        self.gpu.product(form, &parameters, operands, splits);
        self.sum_parts(size, splits, place);
    }

    fn sum_parts(&mut self, size: usize, parts: usize, place: usize) {
        let parameters = [size as u32, parts as u32, place as u32, 1];
        let buffers = [&self.buffers.parts, &self.buffers.gradients];
        self.gpu.each(SUM_PARTS, &parameters, &buffers);
    }

    /// Adds the sums of the columns of a dense matrix to the gradient at `place`.
    pub fn bias_gradient(&mut self, gradient: View<'_>, rows: usize, columns: usize, place: usize) {
        let share = rows.div_ceil(BUSY_GROUPS).max(64);
        let splits = rows.div_ceil(share);
        let parameters = [columns, rows, gradient.first, share].map(|value| value as u32);
        let buffers = [gradient.buffer, &self.buffers.parts];
        let groups = [columns.div_ceil(64), splits, 1];
        self.gpu.run(COLUMN_SUMS, &parameters, &buffers, groups);
        self.sum_parts(columns, splits, place);
    }

    /// `out = input · weight + bias`.
    pub fn dense(
        &mut self,
        name: &str,
        input: View<'_>,
        out: View<'_>,
        [rows, inputs, outputs]: [usize; 3],
        rectify: bool,
    ) {
        let weight = View {
            buffer: &self.buffers.weights,
            first: self.place(&format!("{name}.weight")),
            stride: outputs,
        };
        let finish = Finish {
            bias: Some(self.place(&format!("{name}.bias"))),
            rectify,
            add: false,
        };
        let sizes = [rows, outputs, inputs];
        self.multiply((input, false), (weight, false), out, sizes, finish);
    }

    /// Gradients of a dense layer's weights, and of its input: set, or added if `add`.
    pub fn dense_backward(
        &mut self,
        name: &str,
        input: View<'_>,
        gradient: View<'_>,
        [rows, inputs, outputs]: [usize; 3],
        (into, add): (View<'_>, bool),
    ) {
        let place = self.place(&format!("{name}.weight"));
        let bias = self.place(&format!("{name}.bias"));
        self.weight_gradient(input, gradient, [rows, inputs, outputs], place, bias);
        self.input_gradient(gradient, place, [rows, inputs, outputs], into, add);
    }

    /// Gradients of a dense layer's weights alone.
    pub fn weight_gradient(
        &mut self,
        input: View<'_>,
        gradient: View<'_>,
        [rows, inputs, outputs]: [usize; 3],
        place: usize,
        bias: usize,
    ) {
        self.multiply_into_gradient(input, gradient, place, [inputs, outputs, rows]);
        self.bias_gradient(gradient, rows, outputs, bias);
    }

    /// The gradient of a dense layer's input alone.
    pub fn input_gradient(
        &mut self,
        gradient: View<'_>,
        place: usize,
        [rows, inputs, outputs]: [usize; 3],
        into: View<'_>,
        add: bool,
    ) {
        let weight = View {
            buffer: &self.buffers.weights,
            first: place,
            stride: outputs,
        };
        let finish = Finish {
            add,
            ..Finish::default()
        };
        let sizes = [rows, inputs, outputs];
        self.multiply((gradient, false), (weight, true), into, sizes, finish);
    }

    /// Adds `count` values of `from` to `to`, from the given places on.
    pub fn add(&mut self, to: (&Buffer, usize), from: (&Buffer, usize), count: usize) {
        let parameters = [count, to.1, from.1].map(|value| value as u32);
        self.gpu.each(ADD_TO, &parameters, &[from.0, to.0]);
    }

    /// Lets `gradient` pass where `output` is positive, from place `first` on.
    pub fn rectifier_backward(
        &mut self,
        gradient: &Buffer,
        output: &Buffer,
        first: usize,
        count: usize,
    ) {
        let parameters = [count, first, first].map(|value| value as u32);
        self.gpu
            .each(RELU_BACKWARD, &parameters, &[output, gradient]);
    }
}

fn form(left_transposed: bool, right_transposed: bool, columns: usize) -> Form {
    Form {
        left_transposed,
        right_transposed,
        // Wide tiles are better unless too much of them stays empty.
        wide: 5 * columns.next_multiple_of(128) <= 6 * columns,
    }
}
