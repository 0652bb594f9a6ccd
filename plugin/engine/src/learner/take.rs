//! One hit as the learner gets it: the separated sound and how sure the masks
//! were of it.

use crate::{drum::Drum, front_end::BAND_COUNT};

/// What is known of a hit before its sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TakeStart {
    /// Its class.
    pub drum: Drum,
    /// Samples from the beginning of the take to the onset.
    pub onset_samples: u32,
    /// Samples from the beginning of a hop to the moment its mask describes.
    pub mask_delay_samples: u32,
    /// Above 0, up to 1.
    pub velocity: f32,
    /// How sure it is: the network's probability with the evidence.
    pub confidence: f32,
}

/// A hit of one drum in the separated signal, up to the next hit of that drum.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// What is known of it.
    pub start: TakeStart,
    /// Left and right, equally long.
    pub channels: [Vec<f32>; 2],
    /// The drum's mask per band, one row per hop, beginning with the take.
    pub masks: Vec<[f32; BAND_COUNT]>,
    /// Distance of the rows of `masks`.
    pub hop_samples: usize,
}

impl Take {
    /// An empty take. Allocates.
    pub fn new(start: TakeStart, hop_samples: usize) -> Take {
        Take {
            start,
            channels: [Vec::new(), Vec::new()],
            masks: Vec::new(),
            hop_samples,
        }
    }

    /// The mask at `sample` of the take. Rows beyond the ends are the first
    /// and last.
    pub fn mask_at(&self, sample: f64) -> Option<&[f32; BAND_COUNT]> {
        let row = (sample - f64::from(self.start.mask_delay_samples)) / self.hop_samples as f64;
        let last = self.masks.len().checked_sub(1)?;
        self.masks.get((row.round().max(0.0) as usize).min(last))
    }
}
