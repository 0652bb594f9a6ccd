//! Output of the engine: one stereo signal per stem.

use crate::drum::STEM_COUNT;

/// Separated stereo signals of one block, and the delayed input.
#[derive(Debug, Clone)]
pub struct Stems {
    stems: Vec<[Vec<f32>; 2]>,
    dry: [Vec<f32>; 2],
    len: usize,
}

impl Stems {
    /// Room for blocks of up to `max_block_samples`. Allocates.
    pub fn new(max_block_samples: usize) -> Stems {
        let channel = || vec![0.0; max_block_samples];
        Stems {
            stems: (0..STEM_COUNT).map(|_| [channel(), channel()]).collect(),
            dry: [channel(), channel()],
            len: 0,
        }
    }

    /// Longest block. Real-time safe.
    pub fn capacity(&self) -> usize {
        self.dry[0].len()
    }

    /// Samples of the last block. Real-time safe.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the last block was empty. Real-time safe.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets the length of the block, at most the capacity. Real-time safe.
    pub fn set_len(&mut self, samples: usize) {
        self.len = samples.min(self.capacity());
    }

    /// Channel `channel` (0 left, 1 right) of stem `stem`: 0 to 8 the classes
    /// after blending, 9 the residual. Real-time safe.
    pub fn channel(&self, stem: usize, channel: usize) -> &[f32] {
        &self.stems[stem][channel][..self.len]
    }

    /// As [`Stems::channel`], to be changed in place. Real-time safe.
    pub fn channel_mut(&mut self, stem: usize, channel: usize) -> &mut [f32] {
        &mut self.stems[stem][channel][..self.len]
    }

    /// Channel `channel` of the input, delayed by the latency. Real-time safe.
    pub fn dry(&self, channel: usize) -> &[f32] {
        &self.dry[channel][..self.len]
    }

    /// As [`Stems::dry`], to be changed in place. Real-time safe.
    pub fn dry_mut(&mut self, channel: usize) -> &mut [f32] {
        &mut self.dry[channel][..self.len]
    }
}
