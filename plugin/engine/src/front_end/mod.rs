//! From samples to the features that the network reads.
//!
//! The same code runs in training, so that features cannot differ. All
//! frequencies are defined in hertz and all durations in milliseconds: a frame
//! at 48 or 96 kHz lasts as long and has the same bands as one at 44.1 kHz, so
//! one model serves every sample rate.

mod bands;
mod framing;
mod level;
mod spectrum;

pub use bands::{BAND_COUNT, BandMap, LOW_BAND_COUNT, band_centre_hz, low_band_centre_hz};
pub use framing::{
    Framing, HOP_S, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ, STAGES, UnsupportedSampleRate,
};
pub use level::LevelFollower;
pub use spectrum::{FeatureFrame, FrontEnd, LOG_FLOOR_POWER, LOG_OFFSET, LOG_SCALE, log_feature};
