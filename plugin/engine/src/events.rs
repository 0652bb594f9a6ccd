//! Hits, as they are heard at the output.

use crate::{
    drum::Drum,
    transcriber::{Evidence, Verdict},
};

/// Most hits in one block; more than a thousand per second cannot occur.
const MAX_HITS: usize = 512;

/// One detected hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its class.
    pub drum: Drum,
    /// Sample of this block at which it sounds at the output.
    pub offset: u32,
    /// Sample of the input, counted from the last reset, at which it begins.
    pub onset_sample: u64,
    /// Above 0, up to 1.
    pub velocity: f32,
    /// How sure it is: the network's probability with the evidence.
    pub confidence: f32,
    /// The network's probability.
    pub network: f32,
    /// What else speaks for the hit or against it.
    pub evidence: Evidence,
    /// Level of its separated sound: root of the band power around the onset.
    pub level: f32,
    /// Only accepted hits make notes; the others are for display.
    pub verdict: Verdict,
}

/// The hits of one block, in order of time.
#[derive(Debug, Clone)]
pub struct Events {
    hits: Vec<Hit>,
}

impl Default for Events {
    fn default() -> Self {
        Events::new()
    }
}

impl Events {
    /// Allocates room for all that a block can hold.
    pub fn new() -> Events {
        Events {
            hits: Vec::with_capacity(MAX_HITS),
        }
    }

    /// The hits of the last block. Real-time safe.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Removes all hits. Real-time safe.
    pub fn clear(&mut self) {
        self.hits.clear();
    }

    /// Adds a hit if there is room. Real-time safe.
    pub(crate) fn push(&mut self, hit: Hit) {
        if self.hits.len() < self.hits.capacity() {
            self.hits.push(hit);
        }
    }
}
