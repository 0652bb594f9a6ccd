//! Recurrent layers: projections as matrix products, then a walk through the frames.

use wgpu::Buffer;

use super::{
    kernels::{PACK, PACK_TRANSPOSED, RECURRENT_SIDE, WALK, WALK_BACK},
    layers::{Layers, View, view},
};
use crate::network::UNITS;

impl Layers<'_> {
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
