//! Convolutions, as matrix products of unrolled inputs.

use idm_engine::front_end::BAND_COUNT;
use wgpu::Buffer;

use super::{
    kernels::{ROLL, UNROLL},
    layers::{Finish, Layers, View, view},
};
use crate::network::{
    CONV_FRAMES, CONV1_BANDS, CONV1_CHANNELS, CONV1_WIDTH, CONV2_BANDS, CONV2_CHANNELS,
};

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

impl<'a> Layers<'a> {
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
}
