//! A gated recurrent layer with its backward pass, on slices.
//!
//! All input projections are one matrix product; only the recurrent part runs
//! step by step. Rows are time-major: row `t * batch + b`.

use multiversion::multiversion;

use super::{
    architecture::UNITS,
    few_rows::Panels,
    matrix::{Matrix, multiply},
    numeric::{sigmoid, tanh},
};

const GATES: usize = 3 * UNITS;

/// Weights of one layer, gates in the order reset, update, new.
#[derive(Debug, Clone, Copy)]
pub struct GruWeights<'a> {
    /// `[UNITS, 3 * UNITS]`.
    pub input: &'a [f32],
    /// `[3 * UNITS]`.
    pub input_bias: &'a [f32],
    /// `[UNITS, 3 * UNITS]`.
    pub recurrent: &'a [f32],
    /// `[3 * UNITS]`.
    pub recurrent_bias: &'a [f32],
}

/// Gradients in the shapes of [`GruWeights`].
#[derive(Debug, Clone)]
pub struct GruGradients {
    pub input: Vec<f32>,
    pub input_bias: Vec<f32>,
    pub recurrent: Vec<f32>,
    pub recurrent_bias: Vec<f32>,
}

/// What the backward pass needs; buffers are kept between passes.
#[derive(Debug, Default)]
pub struct Gru {
    batch: usize,
    /// Activated gates `[rows, 3 * UNITS]`, later their gradients.
    gates: Vec<f32>,
    /// Recurrent part of the new gate `[rows, UNITS]`, before the reset.
    candidate: Vec<f32>,
    /// States, a zero state in front: `[batch + rows, UNITS]`.
    states: Vec<f32>,
    /// The recurrent weights, or their transpose.
    panels: Panels,
}

impl Gru {
    /// Runs the layer over `input` (`[rows, UNITS]`) from a zero state. The
    /// states are in [`Gru::output`].
    pub fn forward(&mut self, weights: GruWeights<'_>, input: &[f32], batch: usize) {
        let rows = input.len() / UNITS;
        self.batch = batch;
        self.gates.resize(rows * GATES, 0.0);
        self.candidate.resize(rows * UNITS, 0.0);
        self.states.resize((rows + batch) * UNITS, 0.0);
        self.states[..batch * UNITS].fill(0.0);
        for row in self.gates.chunks_exact_mut(GATES) {
            row.copy_from_slice(weights.input_bias);
        }
        multiply(
            &mut self.gates,
            Matrix::new(input, rows, UNITS),
            Matrix::new(weights.input, UNITS, GATES),
            true,
        );
        self.panels
            .arrange(UNITS, GATES, |i, o| weights.recurrent[i * GATES + o]);
        let mut recurrent = vec![0.0; batch * GATES];
        for step in 0..rows / batch {
            let (before, after) = self.states.split_at_mut((step + 1) * batch * UNITS);
            let previous = &before[step * batch * UNITS..];
            for row in recurrent.chunks_exact_mut(GATES) {
                row.copy_from_slice(weights.recurrent_bias);
            }
            self.panels
                .add_product(&mut recurrent, &previous[..batch * UNITS]);
            let first = step * batch;
            for b in 0..batch {
                let gates = &mut self.gates[(first + b) * GATES..][..GATES];
                let from_state = &recurrent[b * GATES..][..GATES];
                let candidate = &mut self.candidate[(first + b) * UNITS..][..UNITS];
                let old = &previous[b * UNITS..][..UNITS];
                let state = &mut after[b * UNITS..][..UNITS];
                step_forward(gates, from_state, candidate, old, state);
            }
        }
    }

    /// The states of the last forward pass, `[rows, UNITS]`.
    pub fn output(&self) -> &[f32] {
        &self.states[self.batch * UNITS..]
    }

    /// Gradients of the weights; `output_gradient` (`[rows, UNITS]`) becomes
    /// the gradient of the input. Uses up the last forward pass.
    pub fn backward(
        &mut self,
        weights: GruWeights<'_>,
        input: &[f32],
        output_gradient: &mut [f32],
    ) -> GruGradients {
        let batch = self.batch;
        let rows = input.len() / UNITS;
        self.panels
            .arrange(GATES, UNITS, |i, o| weights.recurrent[o * GATES + i]);
        let mut carry = vec![0.0; batch * UNITS];
        let mut step_gradient = vec![0.0; batch * GATES];
        let mut gradients = GruGradients {
            input: vec![0.0; UNITS * GATES],
            input_bias: vec![0.0; GATES],
            recurrent: vec![0.0; UNITS * GATES],
            recurrent_bias: vec![0.0; GATES],
        };
        for step in (0..rows / batch).rev() {
            for b in 0..batch {
                let row = step * batch + b;
                step_backward(
                    &mut self.gates[row * GATES..][..GATES],
                    &mut self.candidate[row * UNITS..][..UNITS],
                    &self.states[row * UNITS..][..UNITS],
                    &output_gradient[row * UNITS..][..UNITS],
                    &mut carry[b * UNITS..][..UNITS],
                    &mut step_gradient[b * GATES..][..GATES],
                );
            }
            self.panels.add_product(&mut carry, &step_gradient);
        }
        multiply(
            output_gradient,
            Matrix::new(&self.gates, rows, GATES),
            Matrix::new(weights.input, UNITS, GATES).transpose(),
            false,
        );
        multiply(
            &mut gradients.input,
            Matrix::new(input, rows, UNITS).transpose(),
            Matrix::new(&self.gates, rows, GATES),
            false,
        );
        for row in self.gates.chunks_exact(GATES) {
            for (sum, value) in gradients.input_bias.iter_mut().zip(row) {
                *sum += value;
            }
        }
        // The recurrent side differs in the new gate alone.
        for (gates, candidate) in self
            .gates
            .chunks_exact_mut(GATES)
            .zip(self.candidate.chunks_exact(UNITS))
        {
            gates[2 * UNITS..].copy_from_slice(candidate);
        }
        multiply(
            &mut gradients.recurrent,
            Matrix::new(&self.states[..rows * UNITS], rows, UNITS).transpose(),
            Matrix::new(&self.gates, rows, GATES),
            false,
        );
        for row in self.gates.chunks_exact(GATES) {
            for (sum, value) in gradients.recurrent_bias.iter_mut().zip(row) {
                *sum += value;
            }
        }
        gradients
    }
}

/// The three gates of one row.
#[inline(always)]
fn gates_of(row: &mut [f32]) -> [&mut [f32]; 3] {
    let (reset, rest) = row.split_at_mut(UNITS);
    let (update, new) = rest.split_at_mut(UNITS);
    [reset, update, &mut new[..UNITS]]
}

/// The element-wise part of one step of one sequence: `gates` come in as input
/// projections and go out activated; `from_state` is the projection of the `old`
/// state.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma", "aarch64+neon"))]
fn step_forward(
    gates: &mut [f32],
    from_state: &[f32],
    candidate: &mut [f32],
    old: &[f32],
    state: &mut [f32],
) {
    let [reset, update, new] = gates_of(gates);
    let (to_reset, rest) = from_state.split_at(UNITS);
    let (to_update, to_new) = rest.split_at(UNITS);
    let (to_new, candidate) = (&to_new[..UNITS], &mut candidate[..UNITS]);
    let (old, state) = (&old[..UNITS], &mut state[..UNITS]);
    for u in 0..UNITS {
        let r = sigmoid(reset[u] + to_reset[u]);
        let z = sigmoid(update[u] + to_update[u]);
        let n = tanh(new[u] + r * to_new[u]);
        candidate[u] = to_new[u];
        (reset[u], update[u], new[u]) = (r, z, n);
        state[u] = n + z * (old[u] - n);
    }
}

/// The element-wise part of one step backwards: `gates` become gradients of the
/// input projections, `candidate` of the new gate's recurrent part, `to_state` of
/// the recurrent projections; `carry` goes on to the state before.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma", "aarch64+neon"))]
fn step_backward(
    gates: &mut [f32],
    candidate: &mut [f32],
    old: &[f32],
    given: &[f32],
    carry: &mut [f32],
    to_state: &mut [f32],
) {
    let [reset, update, new] = gates_of(gates);
    let [to_reset, to_update, to_new] = gates_of(to_state);
    let (candidate, carry) = (&mut candidate[..UNITS], &mut carry[..UNITS]);
    let (old, given) = (&old[..UNITS], &given[..UNITS]);
    for u in 0..UNITS {
        let (r, z, n) = (reset[u], update[u], new[u]);
        let state = given[u] + carry[u];
        let before_tanh = state * (1.0 - z) * (1.0 - n * n);
        let reset_gradient = before_tanh * candidate[u] * r * (1.0 - r);
        let update_gradient = state * (old[u] - n) * z * (1.0 - z);
        carry[u] = state * z;
        candidate[u] = before_tanh * r;
        (to_reset[u], to_update[u], to_new[u]) = (reset_gradient, update_gradient, candidate[u]);
        (reset[u], update[u], new[u]) = (reset_gradient, update_gradient, before_tanh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn values(random: &mut Random, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| scale * random.bipolar()).collect()
    }

    #[test]
    fn gradients_agree_with_differences() {
        let mut random = Random::new(&[3]);
        let (batch, steps) = (2, 5);
        let rows = batch * steps;
        let mut weights = [
            values(&mut random, UNITS * GATES, 0.1),
            values(&mut random, GATES, 0.3),
            values(&mut random, UNITS * GATES, 0.1),
            values(&mut random, GATES, 0.3),
            values(&mut random, rows * UNITS, 1.0),
        ];
        let direction = values(&mut random, rows * UNITS, 1.0);
        let mut gru = Gru::default();
        let run = |gru: &mut Gru, weights: &[Vec<f32>; 5]| {
            let view = GruWeights {
                input: &weights[0],
                input_bias: &weights[1],
                recurrent: &weights[2],
                recurrent_bias: &weights[3],
            };
            gru.forward(view, &weights[4], batch);
            let terms = gru.output().iter().zip(&direction);
            terms
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum::<f64>()
        };
        run(&mut gru, &weights);
        let mut input_gradient = direction.clone();
        let view = GruWeights {
            input: &weights[0],
            input_bias: &weights[1],
            recurrent: &weights[2],
            recurrent_bias: &weights[3],
        };
        let gradients = gru.backward(view, &weights[4], &mut input_gradient);
        let gradients = [
            gradients.input,
            gradients.input_bias,
            gradients.recurrent,
            gradients.recurrent_bias,
            input_gradient,
        ];
        for tensor in 0..5 {
            for _ in 0..12 {
                let place = random.below(weights[tensor].len());
                let kept = weights[tensor][place];
                let step = 4e-3;
                weights[tensor][place] = kept + step;
                let above = run(&mut gru, &weights);
                weights[tensor][place] = kept - step;
                let below = run(&mut gru, &weights);
                weights[tensor][place] = kept;
                let expected = (above - below) / (2.0 * f64::from(step));
                let found = f64::from(gradients[tensor][place]);
                assert!(
                    (found - expected).abs() < 2e-3 + 0.01 * expected.abs(),
                    "tensor {tensor} at {place}: {found}, expected {expected}"
                );
            }
        }
    }
}
