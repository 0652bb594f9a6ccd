//! The parts of the network that run through burn.

use std::cell::RefCell;

use burn::tensor::{
    Device, Tensor, TensorData, activation::relu, module::conv2d, ops::ConvOptions,
};

use super::{
    architecture::{DETAIL, FEATURES, FLAT, Head, UNITS},
    weights::Weights,
};

/// Weights as leaves of an automatic differentiation graph, made on first use.
pub struct Leaves<'a> {
    weights: &'a Weights,
    device: &'a Device,
    track: bool,
    leaves: RefCell<Vec<Option<Tensor<1>>>>,
}

impl<'a> Leaves<'a> {
    /// No leaf yet. With `track`, gradients can be asked for.
    pub fn new(weights: &'a Weights, device: &'a Device, track: bool) -> Leaves<'a> {
        Leaves {
            weights,
            device,
            track,
            leaves: RefCell::new(vec![None; weights.tensors().len()]),
        }
    }

    /// The weight called `name` in its own shape.
    pub fn get<const D: usize>(&self, name: &str) -> Tensor<D> {
        let index = self.weights.index_of(name);
        let source = &self.weights.tensors()[index];
        let mut leaves = self.leaves.borrow_mut();
        let leaf = leaves[index].get_or_insert_with(|| {
            let count = source.values.len();
            let data = TensorData::new(source.values.clone(), [count]);
            let leaf = Tensor::<1>::from_data(data, self.device);
            if self.track {
                leaf.require_grad()
            } else {
                leaf
            }
        });
        let mut shape = [1; D];
        shape.copy_from_slice(&source.shape);
        leaf.clone().reshape(shape)
    }

    /// `input · name.weight + name.bias`.
    pub fn dense(&self, name: &str, input: Tensor<2>) -> Tensor<2> {
        let product = input.matmul(self.get(&format!("{name}.weight")));
        product + self.get::<1>(&format!("{name}.bias")).unsqueeze::<2>()
    }

    /// The gradients found in `gradients`, by position of the weight.
    pub fn gradients(&self, gradients: &burn::tensor::Gradients) -> Vec<(usize, Vec<f32>)> {
        let leaves = self.leaves.borrow();
        let found = leaves.iter().enumerate().filter_map(|(index, leaf)| {
            let gradient = leaf.as_ref()?.grad(gradients)?;
            Some((index, to_values(gradient)))
        });
        found.collect()
    }
}

/// Copies a tensor's values to the host, row-major.
pub fn to_values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .try_into_vec()
        .expect("all tensors of the network are 32-bit floats")
}

/// Frame codes `z` (`[frames * batch, UNITS]`, time-major) of `frame`
/// (`[batch, 1, frames, bands]`) and `low` (`[frames * batch, low bands]`).
pub fn encode(leaves: &Leaves<'_>, frame: Tensor<4>, low: Tensor<2>) -> Tensor<2> {
    let [batch, _, frames, _] = frame.dims();
    let convolve = |name: &str, input: Tensor<4>, band_padding: usize| {
        let options = ConvOptions::new_with_padding(
            [1, 2],
            [(2, 0), (band_padding, band_padding)],
            [1, 1],
            1,
        );
        let weight = leaves.get(&format!("{name}.weight"));
        let bias = leaves.get(&format!("{name}.bias"));
        relu(conv2d(input, weight, Some(bias), options))
    };
    let hidden = convolve("conv1", frame, 2);
    let hidden = convolve("conv2", hidden, 1);
    let flat = hidden.permute([2, 0, 1, 3]).reshape([frames * batch, FLAT]);
    // Two products instead of one on joined inputs: no copy.
    let weight = leaves.get::<2>("dense.weight");
    let from_flat = flat.matmul(weight.clone().slice([0..FLAT, 0..UNITS]));
    let from_low = low.matmul(weight.slice([FLAT..FEATURES, 0..UNITS]));
    let bias = leaves.get::<1>("dense.bias").unsqueeze::<2>();
    relu(from_flat + from_low + bias)
}

/// Detail codes `[frames * batch, DETAIL]` of frame codes, after one frame of
/// zeros (for the frame before the first).
pub fn details(leaves: &Leaves<'_>, code: Tensor<2>, batch: usize) -> Tensor<2> {
    let before = Tensor::zeros([batch, DETAIL], &code.device());
    Tensor::cat(vec![before, relu(leaves.dense("detail", code))], 0)
}

/// Nine onset and nine velocity logits per row, from the inputs of the head:
/// state, frame code, detail codes in the order of [`Head::detail_frames`].
pub fn events(leaves: &Leaves<'_>, head: Head, inputs: Tensor<2>) -> Tensor<2> {
    let hidden = format!("{}.events_hidden", head.name());
    let hidden = relu(leaves.dense(&hidden, inputs));
    leaves.dense(&format!("{}.events", head.name()), hidden)
}

/// Mask logits per row, stem by stem, from the inputs of the head.
pub fn masks(leaves: &Leaves<'_>, head: Head, inputs: Tensor<2>) -> Tensor<2> {
    let hidden = format!("{}.mask_hidden", head.name());
    leaves.dense("decoder", relu(leaves.dense(&hidden, inputs)))
}
