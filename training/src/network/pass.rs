//! One pass through the whole network, forward and backward.

use burn::tensor::{Device, Tensor, TensorData};
use idm_engine::front_end::{BAND_COUNT, LOW_BAND_COUNT};

use super::{
    architecture::{DETAIL, EMBEDDING, Head, UNITS},
    graph::{Leaves, details, encode, events, masks, to_values},
    recurrent::{Gru, GruGradients, GruWeights},
    weights::Weights,
};

/// A batch of equally long feature sequences.
#[derive(Debug, Clone)]
pub struct Input {
    /// Number of sequences.
    pub batch: usize,
    /// Frames per sequence.
    pub frames: usize,
    /// `[batch, frames, BAND_COUNT]`.
    pub frame: Vec<f32>,
    /// `[frames, batch, LOW_BAND_COUNT]`: time-major.
    pub low: Vec<f32>,
}

/// Which masks to compute: they are the dearest outputs.
#[derive(Debug, Clone, Copy)]
pub struct MaskRequest {
    /// Head whose masks are wanted.
    pub head: Head,
    /// First described frame.
    pub first_frame: usize,
    /// Number of described frames.
    pub frames: usize,
}

/// Values of a head before its activation functions.
#[derive(Debug, Clone, Default)]
pub struct HeadOutputs {
    /// `[described frames, batch, 18]`: nine onset logits, nine velocity
    /// logits. Row `t` describes frame `t` of the input; the last
    /// `look_ahead_frames` frames are never described.
    pub events: Vec<f32>,
}

/// All outputs of a pass.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// By [`Head::index`].
    pub heads: [HeadOutputs; 3],
    /// `[request.frames, batch, 10 * BAND_COUNT]`; empty without a request.
    pub masks: Vec<f32>,
    /// Timbre predictions at the wanted steps, `[steps, batch, TIMBRE_OUTPUTS]`.
    pub timbre: Vec<f32>,
    /// Embeddings at the wanted steps, `[steps, batch, EMBEDDING]`.
    pub embedding: Vec<f32>,
}

/// Gradients with respect to [`Outputs`], in the same shapes.
#[derive(Debug, Clone, Default)]
pub struct LogitGradients {
    /// By [`Head::index`].
    pub events: [Vec<f32>; 3],
    /// Masks.
    pub masks: Vec<f32>,
    /// Timbre.
    pub timbre: Vec<f32>,
}

/// Gradient of every weight, in the order of the weights.
pub type Gradients = Weights;

/// The network on the central processor: buffers for a pass.
pub struct Network {
    device: Device,
    recurrent: [Gru; 2],
    /// State of the second layer plus its input (the residual connection).
    state: Vec<f32>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

fn gru_weights<'a>(weights: &'a Weights, layer: &str) -> GruWeights<'a> {
    let get = |part: &str| weights.get(&format!("{layer}.{part}")).values.as_slice();
    GruWeights {
        input: get("input.weight"),
        input_bias: get("input.bias"),
        recurrent: get("recurrent.weight"),
        recurrent_bias: get("recurrent.bias"),
    }
}

impl Default for Network {
    fn default() -> Self {
        Network {
            device: Device::flex(),
            recurrent: [Gru::default(), Gru::default()],
            state: Vec::new(),
        }
    }
}

impl Network {
    /// Runs the network and, if `train` is set and `loss` answers gradients of
    /// the outputs it gets, the backward pass. Masks and embeddings are
    /// computed for the frames asked for alone. Allocates.
    pub fn pass(
        &mut self,
        weights: &Weights,
        input: &Input,
        masks_wanted: Option<MaskRequest>,
        embedding_steps: &[usize],
        train: bool,
        loss: impl FnOnce(&Outputs) -> Option<LogitGradients>,
    ) -> Option<Gradients> {
        let rows = input.batch * input.frames;
        let batch = input.batch;
        let device = if train {
            self.device.clone().autodiff()
        } else {
            self.device.clone()
        };
        let leaves = Leaves::new(weights, &device, train);

        let frame = TensorData::new(input.frame.clone(), [batch, 1, input.frames, BAND_COUNT]);
        let low = TensorData::new(input.low.clone(), [rows, LOW_BAND_COUNT]);
        let code = encode(
            &leaves,
            Tensor::from_data(frame, &device),
            Tensor::from_data(low, &device),
        );
        let codes = to_values(if train {
            code.clone().inner()
        } else {
            code.clone()
        });

        let (first, second) = (gru_weights(weights, "gru1"), gru_weights(weights, "gru2"));
        let [layer1, layer2] = &mut self.recurrent;
        layer1.forward(first, &codes, batch);
        layer2.forward(second, layer1.output(), batch);
        self.state.clear();
        let sums = layer1
            .output()
            .iter()
            .zip(layer2.output())
            .map(|(a, b)| a + b);
        self.state.extend(sums);

        let leaf = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [rows, UNITS]);
            let tensor = Tensor::<2>::from_data(data, &device);
            if train { tensor.require_grad() } else { tensor }
        };
        let (state, coded) = (leaf(&self.state), leaf(&codes));
        let detail = details(&leaves, coded.clone(), batch);
        // What `head` knows of the frames `first..first + count`.
        let known = |head: Head, first: usize, count: usize| {
            let rows = |first: usize| first * batch..(first + count) * batch;
            let later = rows(first + head.look_ahead_frames());
            let around = head.detail_frames().iter().map(|offset| {
                // The details begin one frame early.
                let rows = rows(first + (offset + 1).unsigned_abs());
                detail.clone().slice([rows, 0..DETAIL])
            });
            let state = state.clone().slice([later, 0..UNITS]);
            let code = coded.clone().slice([rows(first), 0..UNITS]);
            Tensor::cat([state, code].into_iter().chain(around).collect(), 1)
        };
        let mut event_tensors = Vec::new();
        for head in Head::ALL {
            let count = input.frames.saturating_sub(head.look_ahead_frames());
            event_tensors.push(events(&leaves, head, known(head, 0, count)));
        }
        let mask_tensor = masks_wanted.map(|request| {
            let known = known(request.head, request.first_frame, request.frames);
            masks(&leaves, request.head, known)
        });
        let embedding = (!embedding_steps.is_empty()).then(|| {
            let parts = embedding_steps
                .iter()
                .map(|&step| {
                    state
                        .clone()
                        .slice([step * batch..(step + 1) * batch, 0..UNITS])
                })
                .collect();
            leaves.dense("embedding", Tensor::cat(parts, 0)).tanh()
        });
        let timbre = embedding
            .clone()
            .map(|embedding| leaves.dense("timbre", embedding));

        let host = |tensor: &Tensor<2>| {
            let tensor = tensor.clone();
            to_values(if train { tensor.inner() } else { tensor })
        };
        let mut outputs = Outputs {
            masks: mask_tensor.as_ref().map(host).unwrap_or_default(),
            timbre: timbre.as_ref().map(host).unwrap_or_default(),
            embedding: embedding.as_ref().map(host).unwrap_or_default(),
            ..Outputs::default()
        };
        debug_assert_eq!(
            outputs.embedding.len(),
            embedding_steps.len() * batch * EMBEDDING
        );
        for (head, tensor) in outputs.heads.iter_mut().zip(&event_tensors) {
            head.events = host(tensor);
        }
        let logit_gradients = loss(&outputs)?;
        if !train {
            return None;
        }

        // A sum weighted by the gradients of the logits has, by the chain
        // rule, the gradients that the loss has.
        let mut surrogate = Tensor::<1>::zeros([1], &device);
        let [low_events, standard_events, high_events] = logit_gradients.events;
        let mut weigh = |tensor: Option<Tensor<2>>, gradient: Vec<f32>| {
            if let Some(tensor) = tensor {
                let shape = tensor.dims();
                let gradient = Tensor::from_data(TensorData::new(gradient, shape), &device);
                surrogate = surrogate.clone() + (tensor * gradient).sum();
            }
        };
        for (tensor, gradient) in
            event_tensors
                .into_iter()
                .zip([low_events, standard_events, high_events])
        {
            weigh(Some(tensor), gradient);
        }
        weigh(mask_tensor, logit_gradients.masks);
        weigh(timbre, logit_gradients.timbre);
        let from_heads = surrogate.backward();

        let mut gradients = weights.zeros_like();
        let mut collect = |found: Vec<(usize, Vec<f32>)>| {
            for (index, values) in found {
                let target = &mut gradients.tensors_mut()[index].values;
                for (sum, value) in target.iter_mut().zip(values) {
                    *sum += value;
                }
            }
        };
        collect(leaves.gradients(&from_heads));
        let of_leaf = |leaf: &Tensor<2>| {
            leaf.grad(&from_heads)
                .map_or_else(|| vec![0.0; rows * UNITS], to_values)
        };
        let state_gradient = of_leaf(&state);
        let code_gradient = of_leaf(&coded);
        drop(from_heads);

        let mut through = state_gradient.clone();
        let second_gradients = layer2.backward(second, layer1.output(), &mut through);
        for (sum, direct) in through.iter_mut().zip(&state_gradient) {
            *sum += direct;
        }
        let first_gradients = layer1.backward(first, &codes, &mut through);
        for (sum, direct) in through.iter_mut().zip(&code_gradient) {
            *sum += direct;
        }

        let weight = Tensor::from_data(TensorData::new(through, [rows, UNITS]), &device);
        let from_code = (code * weight).sum().backward();
        collect(leaves.gradients(&from_code));
        for (layer, found) in [("gru1", first_gradients), ("gru2", second_gradients)] {
            store(&mut gradients, layer, found);
        }
        Some(gradients)
    }
}

fn store(gradients: &mut Gradients, layer: &str, found: GruGradients) {
    let parts = [
        ("input.weight", found.input),
        ("input.bias", found.input_bias),
        ("recurrent.weight", found.recurrent),
        ("recurrent.bias", found.recurrent_bias),
    ];
    for (part, values) in parts {
        let index = gradients.index_of(&format!("{layer}.{part}"));
        gradients.tensors_mut()[index].values = values;
    }
}
