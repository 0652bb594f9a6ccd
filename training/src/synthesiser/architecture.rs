//! Sizes and untrained weights of the noise-to-waveform network.

use anyhow::Result;
use idm_engine::drum::DRUM_COUNT;

use crate::{
    network::{EMBEDDING, Weights, layer},
    random::Random,
};

/// Samples per frame: the residual blocks run at 44.1 kHz / 32, because at the
/// full rate one processor core cannot train them in half an hour.
pub const STRIDE: usize = 32;
/// Values that condition the network: the class, one-hot, and the embedding.
pub const CONDITION: usize = DRUM_COUNT + EMBEDDING;
/// Inputs per frame: its noise, and two functions of the time since the stroke.
pub const INPUTS: usize = STRIDE + 2;
/// Units of the layer that joins class and embedding.
const HIDDEN: usize = 64;

/// How large the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Channels of the residual blocks.
    pub channels: usize,
    /// Residual blocks; the dilation doubles from each to the next.
    pub blocks: usize,
    /// Width of the convolutions in frames; odd.
    pub taps: usize,
    /// Length of a one-shot in frames of [`STRIDE`] samples.
    pub frames: usize,
}

impl Default for Size {
    fn default() -> Self {
        Size {
            channels: 64,
            blocks: 9,
            taps: 7,
            // 1.02 s.
            frames: 1_408,
        }
    }
}

impl Size {
    /// Length of a one-shot in samples at 44.1 kHz.
    pub const fn samples(&self) -> usize {
        self.frames * STRIDE
    }

    /// Multiply-adds of the matrices for one one-shot; norms and activations
    /// not counted.
    pub const fn multiply_adds(&self) -> u64 {
        let block = self.channels * self.channels * self.taps;
        let per_frame = INPUTS * self.channels + self.blocks * block + self.channels * 2 * STRIDE;
        let once = CONDITION * HIDDEN + HIDDEN * (1 + self.blocks * 2 * self.channels);
        (self.frames * per_frame + once) as u64
    }

    /// Untrained weights: dense ones `[inputs, outputs]`, convolutions
    /// `[outputs, inputs, taps]`. The same for the same `seed`. Allocates.
    pub fn initial_weights(&self, seed: u64) -> Weights {
        let channels = self.channels;
        let mut random = Random::new(&[seed, 0x7379_6e74_6865_7369]);
        let mut tensors = Vec::new();
        let mut add = |name: &str, shape: &[usize], inputs: usize, outputs: usize, gain: f32| {
            layer(
                &mut tensors,
                &mut random,
                name,
                shape,
                inputs,
                outputs,
                gain,
            );
        };
        add("condition", &[CONDITION, HIDDEN], CONDITION, HIDDEN, 2.0);
        add("input", &[channels, INPUTS, 1], INPUTS, channels, 1.0);
        for block in 0..self.blocks {
            let shape = [channels, channels, self.taps];
            let name = format!("block{block}");
            add(&name, &shape, channels * self.taps, channels, 1.0);
            let film = format!("{name}.film");
            add(&film, &[HIDDEN, 2 * channels], HIDDEN, 2 * channels, 0.1);
        }
        add(
            "output",
            &[2 * STRIDE, channels, 1],
            channels,
            2 * STRIDE,
            1.0,
        );
        add("envelope", &[HIDDEN, 1], HIDDEN, 1, 0.1);
        Weights::new(tensors)
    }

    /// Checks that `weights` are those of a network of this size.
    ///
    /// # Errors
    /// The first tensor that differs: expected and found.
    pub fn check(&self, weights: &Weights) -> Result<()> {
        weights.ensure_like(&self.initial_weights(0), "synthesiser")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{initial_weights, parameter_count};

    #[test]
    fn weights_follow_the_seed_and_are_checked() {
        let size = Size::default();
        let weights = size.initial_weights(1);
        assert_eq!(weights, size.initial_weights(1));
        assert_ne!(weights, size.initial_weights(2));
        assert!((300_000..400_000).contains(&parameter_count(&weights)));
        assert!((300_000_000..450_000_000).contains(&size.multiply_adds()));
        size.check(&weights).unwrap();
        let narrower = Size {
            channels: 40,
            ..size
        };
        let error = size.check(&narrower.initial_weights(1)).unwrap_err();
        assert!(
            error.to_string().contains("input.weight [64, 34, 1]"),
            "{error}"
        );
        assert!(size.check(&initial_weights(1)).is_err());
    }
}
