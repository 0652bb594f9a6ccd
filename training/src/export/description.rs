//! `model.toml`: what a model says about itself.

use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    model::{FrontEndMeta, LookAheadFrames, MODEL_FORMAT, ModelMeta, OneShotMeta, Thresholds},
};

use crate::{
    network::{EMBEDDING, Head},
    one_shot::BANK_SAMPLES,
};

/// Thresholds of a model that has not been calibrated.
pub const DEFAULT_THRESHOLDS: Thresholds = Thresholds {
    strict: [0.5; DRUM_COUNT],
    recall: [0.3; DRUM_COUNT],
};

/// The description of a model of this crate; `thresholds` by [`Head::index`].
/// Allocates.
pub fn describe(
    name: &str,
    config_hash: &str,
    data_licences: Vec<String>,
    thresholds: [Thresholds; 3],
) -> ModelMeta {
    let [low, standard, high] = thresholds;
    ModelMeta {
        format: MODEL_FORMAT,
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        licence: "MIT OR Apache-2.0".to_owned(),
        training_config_hash: config_hash.to_owned(),
        data_licences,
        classes: Drum::ALL.map(|drum| drum.file_stem().to_owned()).to_vec(),
        front_end: FrontEndMeta::of_engine(),
        look_ahead_frames: LookAheadFrames {
            low: Head::Low.look_ahead_frames(),
            standard: Head::Standard.look_ahead_frames(),
            high: Head::High.look_ahead_frames(),
        },
        thresholds: standard,
        thresholds_low: (low != standard).then_some(low),
        thresholds_high: (high != standard).then_some(high),
        evidence: None,
        evidence_low: None,
        evidence_high: None,
        one_shots: OneShotMeta {
            sample_rate_hz: 44_100,
            samples: BANK_SAMPLES,
            embedding: EMBEDDING,
        },
    }
}
