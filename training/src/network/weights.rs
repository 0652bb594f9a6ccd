//! Named weights as plain numbers: what is trained, saved and exported.

use anyhow::{Result, ensure};

/// One weight tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Unique name.
    pub name: String,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

/// All weights of a network in a fixed order.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    tensors: Vec<NamedTensor>,
}

impl Weights {
    /// Wraps `tensors`.
    pub fn new(tensors: Vec<NamedTensor>) -> Weights {
        Weights { tensors }
    }

    /// The tensors in order.
    pub fn tensors(&self) -> &[NamedTensor] {
        &self.tensors
    }

    /// The tensors in order, to be updated.
    pub fn tensors_mut(&mut self) -> &mut [NamedTensor] {
        &mut self.tensors
    }

    /// Position of the tensor called `name`.
    ///
    /// # Panics
    /// If there is none: names are spelled in this crate alone, and files are
    /// compared with the architecture when they are read.
    pub fn index_of(&self, name: &str) -> usize {
        self.tensors
            .iter()
            .position(|tensor| tensor.name == name)
            .unwrap_or_else(|| panic!("the network has no weight called {name}"))
    }

    /// The tensor called `name`; see [`Weights::index_of`].
    pub fn get(&self, name: &str) -> &NamedTensor {
        &self.tensors[self.index_of(name)]
    }

    /// Refuses weights that do not have the names and shapes of `expected`, those of a
    /// `network`.
    ///
    /// # Errors
    /// The first difference.
    pub fn ensure_like(&self, expected: &Weights, network: &str) -> Result<()> {
        ensure!(
            expected.tensors.len() == self.tensors.len(),
            "expected {} tensors of a {network}, found {}",
            expected.tensors.len(),
            self.tensors.len()
        );
        for (expected, found) in expected.tensors.iter().zip(&self.tensors) {
            ensure!(
                expected.name == found.name && expected.shape == found.shape,
                "expected {} {:?} of a {network}, found {} {:?}",
                expected.name,
                expected.shape,
                found.name,
                found.shape
            );
        }
        Ok(())
    }

    /// Zeros in the same shapes. Allocates.
    pub fn zeros_like(&self) -> Weights {
        let mut zeros = self.clone();
        for tensor in &mut zeros.tensors {
            tensor.values.fill(0.0);
        }
        zeros
    }

    /// These weights with a share of `other`, which has the same shapes. Allocates.
    pub fn blended(&self, other: &Weights, share: f32) -> Weights {
        let mut blend = self.clone();
        for (tensor, other) in blend.tensors.iter_mut().zip(&other.tensors) {
            for (value, other) in tensor.values.iter_mut().zip(&other.values) {
                *value += share * (other - *value);
            }
        }
        blend
    }

    /// Adds `share` times `other`, which has the same shapes.
    pub fn add_scaled(&mut self, other: &Weights, share: f32) {
        for (sum, other) in self.tensors.iter_mut().zip(&other.tensors) {
            for (sum, value) in sum.values.iter_mut().zip(&other.values) {
                *sum += share * value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_lies_between_its_weights() {
        let weights = |values: &[f32]| {
            Weights::new(vec![NamedTensor {
                name: "w".into(),
                shape: vec![values.len()],
                values: values.to_vec(),
            }])
        };
        let (first, second) = (weights(&[1.0, -2.0]), weights(&[3.0, 2.0]));
        assert_eq!(first.blended(&second, 0.25), weights(&[1.5, -1.0]));
        assert_eq!(first.blended(&second, 0.0), first);
        let mut sum = first.clone();
        sum.add_scaled(&second, 2.0);
        assert_eq!(sum, weights(&[7.0, 2.0]));
    }
}
