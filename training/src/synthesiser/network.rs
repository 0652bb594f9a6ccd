//! White noise to one-shots: dilated convolutions, conditioned by FiLM.

use burn::tensor::{
    Device, Tensor, TensorData,
    activation::{gelu, softplus},
    module::conv1d,
    ops::ConvOptions,
};
use idm_engine::drum::{DRUM_COUNT, Drum};

use super::architecture::{CONDITION, INPUTS, STRIDE, Size};
use crate::{
    network::{Leaves, Weights, to_values},
    random::Random,
};

/// Added to variances before their root is taken.
const LEAST_VARIANCE: f32 = 1e-5;
/// Decay of the envelope, per second, for a condition that says nothing of it.
const USUAL_DECAY: f32 = 12.0;
/// Time constant of the second function of time that the network sees.
const ATTACK_S: f32 = 0.02;
/// Fade at the end of a one-shot, in samples.
const FADE: usize = 441;

/// The network: its noise, and where it runs.
#[derive(Debug)]
pub struct Synthesiser {
    size: Size,
    device: Device,
    /// `[INPUTS, frames]`.
    inputs: Vec<f32>,
    /// Seconds since the stroke, `[samples]`.
    time_s: Vec<f32>,
}

/// What conditions the one-shot of `drum` in the kit that `embedding`
/// describes: `[CONDITION]`. Allocates.
pub fn condition(drum: Drum, embedding: &[f32]) -> Vec<f32> {
    let mut condition = vec![0.0; DRUM_COUNT];
    condition[drum.index()] = 1.0;
    condition.extend_from_slice(embedding);
    condition
}

impl Synthesiser {
    /// On the central processor. The noise is always the same. Allocates.
    pub fn new(size: Size) -> Synthesiser {
        let mut random = Random::new(&[0x006e_6f69_7365]);
        let time_s: Vec<f32> = (0..size.samples())
            .map(|sample| sample as f32 / 44_100.0)
            .collect();
        let mut inputs: Vec<f32> = (0..size.samples()).map(|_| random.normal()).collect();
        let frames = || time_s.iter().step_by(STRIDE);
        inputs.extend(frames().map(|time_s| 2.0 * time_s - 1.0));
        inputs.extend(frames().map(|time_s| 2.0 * (-time_s / ATTACK_S).exp()));
        Synthesiser {
            size,
            device: Device::flex(),
            inputs,
            time_s,
        }
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Makes one waveform per condition (`[batch, CONDITION]`) and hands them,
    /// `[batch, samples]`, to `loss`. If that answers their gradient, returns
    /// the gradient of every weight. Allocates.
    pub fn pass(
        &self,
        weights: &Weights,
        conditions: &[f32],
        train: bool,
        loss: impl FnOnce(&[f32]) -> Option<Vec<f32>>,
    ) -> Option<Weights> {
        let device = if train {
            self.device.clone().autodiff()
        } else {
            self.device.clone()
        };
        let leaves = Leaves::new(weights, &device, train);
        let waveforms = self.forward(&leaves, conditions, &device);
        let gradient = loss(&to_values(if train {
            waveforms.clone().inner()
        } else {
            waveforms.clone()
        }))?;
        if !train {
            return None;
        }
        // A sum weighted by the gradient has, by the chain rule, the gradients
        // that the loss has.
        let gradient = TensorData::new(gradient, waveforms.dims());
        let surrogate = (waveforms * Tensor::from_data(gradient, &device)).sum();
        let found = surrogate.backward();
        let mut gradients = weights.zeros_like();
        for (index, values) in leaves.gradients(&found) {
            gradients.tensors_mut()[index].values = values;
        }
        Some(gradients)
    }

    /// Waveforms `[batch, samples]` of `conditions`, before their peaks are
    /// brought to 1.
    fn forward(&self, leaves: &Leaves<'_>, conditions: &[f32], device: &Device) -> Tensor<2> {
        let Size {
            channels,
            blocks,
            taps,
            frames,
        } = self.size;
        let batch = conditions.len() / CONDITION;
        let data = TensorData::new(conditions.to_vec(), [batch, CONDITION]);
        let condition = gelu(leaves.dense("condition", Tensor::from_data(data, device)));
        let convolve = |name: &str, input: Tensor<3>, taps: usize, dilation: usize| {
            let padding = dilation * (taps / 2);
            let options = ConvOptions::new([1], [padding], [dilation], 1);
            let weight = leaves.get(&format!("{name}.weight"));
            let bias = leaves.get(&format!("{name}.bias"));
            conv1d(input, weight, Some(bias), options)
        };
        let inputs = TensorData::new(self.inputs.clone(), [1, INPUTS, frames]);
        let mut hidden = convolve("input", Tensor::from_data(inputs, device), 1, 1)
            .expand([batch, channels, frames]);
        for block in 0..blocks {
            let name = format!("block{block}");
            let convolved = convolve(&name, hidden.clone(), taps, 1 << block);
            let film = leaves.dense(&format!("{name}.film"), condition.clone());
            let film = film.reshape([batch, 2 * channels, 1]);
            let scale = film.clone().narrow(1, 0, channels) + 1.0;
            let shift = film.narrow(1, channels, channels);
            // Instance norm and FiLM together: one product and one sum.
            let mean = convolved.clone().mean_dim(2);
            let square = convolved.clone().square().mean_dim(2);
            let deviation = (square - mean.clone().square() + LEAST_VARIANCE).sqrt();
            let scale = scale / deviation;
            let shift = shift - mean * scale.clone();
            hidden = hidden + gelu(convolved * scale + shift);
        }
        // Frames of twice the stride that overlap by half.
        let pieces = convolve("output", hidden, 1, 1);
        let early = pieces.clone().narrow(1, 0, STRIDE);
        let late = pieces.narrow(1, STRIDE, STRIDE).narrow(2, 0, frames - 1);
        let none = Tensor::zeros([batch, STRIDE, 1], device);
        let frames_of_samples = early + Tensor::cat(vec![none, late], 2);
        let waveforms = frames_of_samples
            .swap_dims(1, 2)
            .reshape([batch, frames * STRIDE]);
        let time = TensorData::new(self.time_s.clone(), [1, frames * STRIDE]);
        let decay = softplus(leaves.dense("envelope", condition), 1.0) * USUAL_DECAY;
        waveforms * (decay.neg() * Tensor::from_data(time, device)).exp()
    }

    /// The one-shots of the kit that `embedding` describes, one per class, peak
    /// 0.98, ending in silence. Deterministic. Allocates; takes as long as
    /// [`Size::multiply_adds`] says.
    pub fn one_shots(&self, weights: &Weights, embedding: &[f32]) -> [Vec<f32>; DRUM_COUNT] {
        Drum::ALL.map(|drum| {
            let mut waveform = Vec::new();
            self.pass(weights, &condition(drum, embedding), false, |found| {
                waveform = found.to_vec();
                None
            });
            let peak = waveform.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
            let last = waveform.len();
            for (index, sample) in waveform.iter_mut().enumerate() {
                let fade = (last - index) as f32 / FADE as f32;
                *sample *= 0.98 / peak * fade.min(1.0);
            }
            waveform
        })
    }
}
