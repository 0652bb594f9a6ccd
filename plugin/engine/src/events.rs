//! Hits, as they are heard at the output.

use crate::{
    drum::{DRUM_COUNT, Drum},
    transcriber::{HitEvidence, Verdict},
};

/// Most hits that wait for their time.
pub const MAX_QUEUED: usize = 256;
/// A hop at the lowest sample rate: the shortest time in which a drum is decided on.
const SHORTEST_HOP_SAMPLES: usize = 48;

/// One detected hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its class.
    pub drum: Drum,
    /// Sample of this block at which it sounds at the output.
    pub offset: u32,
    /// Sample of the input, counted from the last reset, at which it begins.
    pub onset_sample: u64,
    /// Above 0, up to 1; as far as the drum's dynamics follow how hard it was hit.
    pub velocity: f32,
    /// How hard it was hit, as heard or given: above 0, up to 1.
    pub heard_velocity: f32,
    /// How sure it is: the network's probability with the evidence.
    pub confidence: f32,
    /// The network's probability.
    pub network: f32,
    /// What else speaks for the hit or against it.
    pub evidence: HitEvidence,
    /// Level of its separated sound: root of what it adds to the band power around the onset.
    pub level: f32,
    /// Only accepted hits make notes; the others are for display.
    pub verdict: Verdict,
}

/// The hits of one block, in order of time.
#[derive(Debug)]
pub struct Events {
    hits: Vec<Hit>,
    max_block_samples: usize,
}

impl Events {
    /// Room for all hits of blocks of up to `max_block_samples`, at every sample rate.
    /// Allocates.
    pub fn new(max_block_samples: usize) -> Events {
        let hops = max_block_samples / SHORTEST_HOP_SAMPLES + 2;
        Events {
            hits: Vec::with_capacity(MAX_QUEUED + DRUM_COUNT * hops),
            max_block_samples,
        }
    }

    /// Longest block. Real-time safe.
    pub fn max_block_samples(&self) -> usize {
        self.max_block_samples
    }

    /// The hits of the last block. Real-time safe.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Removes all hits. Real-time safe.
    pub fn clear(&mut self) {
        self.hits.clear();
    }

    /// Adds a hit; there is room for as many as blocks of the announced length can hold.
    /// Real-time safe.
    pub(crate) fn push(&mut self, hit: Hit) {
        debug_assert!(self.hits.len() < self.hits.capacity());
        if self.hits.len() < self.hits.capacity() {
            self.hits.push(hit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_end::{Framing, MIN_SAMPLE_RATE_HZ};

    #[test]
    fn no_hop_is_shorter() {
        let shortest = Framing::for_rate(MIN_SAMPLE_RATE_HZ).unwrap().hop_samples;
        assert_eq!(shortest, SHORTEST_HOP_SAMPLES);
    }
}
