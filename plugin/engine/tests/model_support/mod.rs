//! Random networks of the model contract, and tract as an oracle for them.
//!
//! Shared by the model's tests and benches; each uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod attributes;
mod graph;
mod network;
mod oracle;

pub use graph::{GraphBuilder, value_info};
pub use network::{EMBEDDING, SAMPLES, meta_text, one_shots, transcriber, transcriber_with};
pub use oracle::Oracle;

use idm_engine::{
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
    model::Model,
};

/// Small, fast and repeatable pseudo-random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// Uniform over 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in −1..1.
    pub fn signed(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// `len` values uniform in ±`scale`.
    pub fn signed_vec(&mut self, len: usize, scale: f32) -> Vec<f32> {
        (0..len).map(|_| scale * self.signed()).collect()
    }
}

/// A model with random weights, as large as a real one.
pub fn random_model() -> Model {
    Model::from_parts(&meta_text(), &transcriber().encode(), one_shots().encode())
        .expect("the random model follows the contract")
}

/// Features that rise and decay like those of drums, from `seed`.
pub struct Features {
    random: Random,
    level: f32,
}

impl Features {
    /// A repeatable stream.
    pub fn new(seed: u64) -> Features {
        Features {
            random: Random(seed),
            level: 0.0,
        }
    }

    /// The next frame and its low bands.
    pub fn next(&mut self) -> ([f32; BAND_COUNT], [f32; LOW_BAND_COUNT]) {
        self.level *= 0.93;
        if self.random.bits().is_multiple_of(20) {
            self.level = 2.5;
        }
        let level = self.level;
        let mut feature = |_| level + 0.5 * self.random.signed() - 0.5;
        (
            std::array::from_fn(&mut feature),
            std::array::from_fn(&mut feature),
        )
    }
}
