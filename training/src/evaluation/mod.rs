//! Measures separation and transcription on held-out material, beside
//! baselines and ceilings, in one table.

mod breakdown;
mod command;
mod conditions;
mod corrections;
mod diagnosis;
mod flux;
mod golden;
mod intervals;
mod material;
mod metrics;
mod network;
mod nmfd;
mod one_shots;
mod onsets;
mod picture;
mod plain;
mod recorded;
mod report;
mod robustness;
mod rows;
mod score;
mod stft;
mod streaming;
mod systems;
mod velocities;
mod vocabulary;
mod weigh;

pub use breakdown::{Breakdown, Part};
pub use command::{EvaluateArgs, evaluate, run};
pub(crate) use command::{describe, load_model};
pub use conditions::Condition;
pub use corrections::{Care, Correction, corrected, corrections};
pub use diagnosis::Diagnosis;
pub use flux::band_flux;
pub use golden::{Figure, Golden};
pub use intervals::{Interval, Intervals};
pub use material::{Excerpt, Labels, Material, generic_templates, held_out, held_out_plain};
pub use metrics::{level_at_silence_db, log_spectral_distance_db, sdr_db, si_sdr_db};
pub use network::{Activation, activations, network_alone};
pub(crate) use one_shots::{EXCERPT_S, distances_db, is_played};
pub use one_shots::{OneShotQuality, one_shot_distance_db};
pub use onsets::{Confusion, NOTHING, OnsetScore, confuse, match_times};
pub(crate) use plain::{excerpt as plain_excerpt, kit_of as plain_kit};
pub use recorded::evaluate as evaluate_recordings;
pub use report::Report;
pub(crate) use report::{header, row};
pub use robustness::Robustness;
pub use rows::System;
pub(crate) use score::mean;
pub use score::{PointScore, Separation, SystemScore, Transcription, score};
pub use stft::Stft;
pub use streaming::{EngineRun, bank_of, new_engine, pass, pass_corrected, stream};
pub use systems::{Detection, Estimate, OperatingPoint};
pub use velocities::VelocityScore;
pub use weigh::{WeighArgs, run as weigh};

#[cfg(test)]
mod tests;
