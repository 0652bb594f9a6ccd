//! Layers forward and backward, as lists of kernels.

use wgpu::Buffer;

use super::{
    buffers::{Buffers, PARTS},
    device::Gpu,
    kernels::{
        ADD_TO, COLUMN_SUMS, PACK, PACK_TRANSPOSED, RECURRENT_SIDE, RELU_BACKWARD, ROLL, SUM_PARTS,
        UNROLL, WALK, WALK_BACK,
    },
    matmul::{Form, TILE_ROWS},
};
use crate::network::{
    CONV_FRAMES, CONV1_BANDS, CONV1_CHANNELS, CONV1_WIDTH, CONV2_BANDS, CONV2_CHANNELS, UNITS,
    Weights,
};
use idm_engine::front_end::BAND_COUNT;

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
struct Finish {
    /// Place of a bias among the weights.
    bias: Option<usize>,
    rectify: bool,
    add: bool,
}

/// A convolution layer.
#[derive(Debug, Clone, Copy)]
pub struct Convolution<'a> {
    pub name: &'a str,
    pub input: &'a Buffer,
    /// Distance of frames and of sequences in the input.
    pub distances: (usize, usize),
    pub bands: (usize, usize),
    pub channels: (usize, usize),
    pub width: usize,
}

impl Convolution<'_> {
    fn kernel(&self) -> usize {
        self.channels.0 * CONV_FRAMES * self.width
    }
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
    fn place(&self, name: &str) -> usize {
        let index = self.weights.index_of(name);
        let before = &self.weights.tensors()[..index];
        before.iter().map(|tensor| tensor.values.len()).sum()
    }

    /// `out (+)= left · right`, `[rows, inner] · [inner, columns]`.
    fn multiply(
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
    fn multiply_into_gradient(
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
        let share = inner.div_ceil(splits).next_multiple_of(16);
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
    fn bias_gradient(&mut self, gradient: View<'_>, rows: usize, columns: usize, place: usize) {
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

    fn weight_gradient(
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

    fn input_gradient(
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

    /// First and last frames of the parts in which convolutions are unrolled.
    fn frame_parts(&self) -> Vec<(usize, usize)> {
        let most = self.buffers.unrolled_frames;
        (0..self.frames)
            .step_by(most)
            .map(|first| (first, (first + most).min(self.frames)))
            .collect()
    }

    fn unroll(&mut self, layer: Convolution<'_>, (first, last): (usize, usize)) -> usize {
        let cells = (last - first) * self.batch * layer.bands.1;
        let parameters = [
            cells * layer.kernel(),
            first,
            self.batch,
            layer.bands.0,
            layer.bands.1,
            layer.channels.0,
            layer.width,
            layer.width / 2,
            layer.distances.0,
            layer.distances.1,
        ]
        .map(|value| value as u32);
        let buffers = [layer.input, &self.buffers.unrolled];
        self.gpu.each(UNROLL, &parameters, &buffers);
        cells
    }

    /// `out = rectified convolution`, `[rows, bands, channels]`.
    pub fn convolution(&mut self, layer: Convolution<'_>, out: &Buffer) {
        let kernel = layer.kernel();
        let weight = View {
            buffer: &self.buffers.weights,
            first: self.place(&format!("{}.weight", layer.name)),
            stride: kernel,
        };
        let finish = Finish {
            bias: Some(self.place(&format!("{}.bias", layer.name))),
            rectify: true,
            add: false,
        };
        let channels = layer.channels.1;
        for part in self.frame_parts() {
            let cells = self.unroll(layer, part);
            let out = view(out, channels).at_row(part.0 * self.batch * layer.bands.1);
            let unrolled = view(&self.buffers.unrolled, kernel);
            let sizes = [cells, channels, kernel];
            self.multiply((unrolled, false), (weight, true), out, sizes, finish);
        }
    }

    /// Gradients of a convolution's weights from that of its output before the
    /// rectifier, and, into `input_gradient`, of its input before its rectifier.
    pub fn convolution_backward(
        &mut self,
        layer: Convolution<'_>,
        gradient: &Buffer,
        input_gradient: Option<&Buffer>,
    ) {
        let kernel = layer.kernel();
        let place = self.place(&format!("{}.weight", layer.name));
        let bias = self.place(&format!("{}.bias", layer.name));
        let channels = layer.channels.1;
        let gradient = view(gradient, channels);
        self.bias_gradient(gradient, self.rows() * layer.bands.1, channels, bias);
        for part in self.frame_parts() {
            let cells = self.unroll(layer, part);
            let gradient = gradient.at_row(part.0 * self.batch * layer.bands.1);
            let unrolled = view(&self.buffers.unrolled, kernel);
            let sizes = [channels, kernel, cells];
            self.multiply_into_gradient(gradient, unrolled, place, sizes);
            let Some(into) = input_gradient else {
                continue;
            };
            let weight = View {
                buffer: &self.buffers.weights,
                first: place,
                stride: kernel,
            };
            let sizes = [cells, kernel, channels];
            let plain = Finish::default();
            self.multiply((gradient, false), (weight, false), unrolled, sizes, plain);
            let first = part.0.saturating_sub(CONV_FRAMES - 1);
            let values = (part.1 - first) * self.batch * layer.bands.0 * layer.channels.0;
            let parameters = [
                values,
                first,
                part.0,
                part.1,
                self.batch,
                layer.bands.0,
                layer.bands.1,
                layer.channels.0,
            ]
            .map(|value| value as u32);
            let buffers = [&self.buffers.unrolled, layer.input, into];
            self.gpu.each(ROLL, &parameters, &buffers);
        }
    }

    /// The first convolution, on the input.
    pub fn first_convolution(&self) -> Convolution<'a> {
        Convolution {
            name: "conv1",
            input: &self.buffers.frame,
            distances: (BAND_COUNT, self.frames * BAND_COUNT),
            bands: (BAND_COUNT, CONV1_BANDS),
            channels: (1, CONV1_CHANNELS),
            width: CONV1_WIDTH,
        }
    }

    /// The second convolution, on the output of the first.
    pub fn second_convolution(&self) -> Convolution<'a> {
        let frame = CONV1_BANDS * CONV1_CHANNELS;
        Convolution {
            name: "conv2",
            input: &self.buffers.conv1[0],
            distances: (self.batch * frame, frame),
            bands: (CONV1_BANDS, CONV2_BANDS),
            channels: (CONV1_CHANNELS, CONV2_CHANNELS),
            width: 3,
        }
    }

    /// Place of the recurrent part of the new gate in a layer's states.
    fn candidate_place(&self) -> usize {
        (self.rows() + self.batch) * UNITS
    }

    /// States of recurrent layer `layer` over `input`.
    pub fn recurrent(&mut self, layer: usize, input: View<'_>) {
        let name = ["gru1", "gru2"][layer];
        let buffers = self.buffers;
        let memory = &buffers.layers[layer];
        let rows = self.rows();
        let gates = view(&memory.gates, 3 * UNITS);
        let sizes = [rows, UNITS, 3 * UNITS];
        self.dense(&format!("{name}.input"), input, gates, sizes, false);
        let weight = self.place(&format!("{name}.recurrent.weight"));
        let bias = self.place(&format!("{name}.recurrent.bias"));
        let pairs = 3 * UNITS * UNITS / 2;
        let parameters = [pairs as u32, weight as u32];
        self.gpu
            .each(PACK, &parameters, &[&buffers.weights, &buffers.packed]);
        let parameters = [self.batch, self.frames, bias, self.candidate_place()];
        self.gpu.run(
            WALK,
            &parameters.map(|value| value as u32),
            &[
                &buffers.weights,
                &buffers.packed,
                &memory.gates,
                &memory.states,
            ],
            [self.batch, 1, 1],
        );
    }

    /// Gradients of recurrent layer `layer` from that of its states; its input's is
    /// set, or added if `add`.
    pub fn recurrent_backward(
        &mut self,
        layer: usize,
        input: View<'_>,
        states_gradient: &Buffer,
        (into, add): (View<'_>, bool),
    ) {
        let name = ["gru1", "gru2"][layer];
        let buffers = self.buffers;
        let memory = &buffers.layers[layer];
        let rows = self.rows();
        let [input_weight, input_bias, weight, bias] = [
            "input.weight",
            "input.bias",
            "recurrent.weight",
            "recurrent.bias",
        ]
        .map(|part| self.place(&format!("{name}.{part}")));
        let pairs = 3 * UNITS * UNITS / 2;
        let parameters = [pairs as u32, weight as u32];
        self.gpu.each(
            PACK_TRANSPOSED,
            &parameters,
            &[&buffers.weights, &buffers.packed],
        );
        let candidates = self.candidate_place();
        let parameters = [self.batch, self.frames, 0, candidates];
        self.gpu.run(
            WALK_BACK,
            &parameters.map(|value| value as u32),
            &[
                states_gradient,
                &buffers.packed,
                &memory.gates,
                &memory.states,
            ],
            [self.batch, 1, 1],
        );
        let gates = view(&memory.gates, 3 * UNITS);
        let sizes = [rows, UNITS, 3 * UNITS];
        self.input_gradient(gates, input_weight, sizes, into, add);
        self.weight_gradient(input, gates, sizes, input_weight, input_bias);
        let parameters = [(rows * UNITS) as u32, candidates as u32];
        self.gpu.each(
            RECURRENT_SIDE,
            &parameters,
            &[&memory.states, &memory.gates],
        );
        // One frame early: the states before each frame.
        let before = view(&memory.states, UNITS);
        self.weight_gradient(before, gates, sizes, weight, bias);
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
