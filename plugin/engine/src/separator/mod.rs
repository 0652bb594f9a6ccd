//! From hits to signals: an additive model of the spectrogram, masks, and
//! overlap-add.

mod attack_gate;
mod earlier_shares;
mod explainer;
mod gain_fit;
mod isolation;
mod level_guard;
mod level_meter;
mod masks;
mod overlap_add;
mod panorama;
mod presence;
mod repeats;
mod steering;
mod tails;

pub use attack_gate::AttackGate;
pub use earlier_shares::EarlierShares;
pub use explainer::{Explainer, FitCandidate, Prediction};
pub use isolation::Isolation;
pub use level_guard::LevelGuard;
pub use level_meter::LevelMeter;
pub use masks::{BandMasks, combine_masks};
pub use overlap_add::OverlapAdd;
pub use panorama::Panorama;
pub use presence::Presence;
pub use repeats::{RepeatHit, Repeats, SOUNDS as SOUNDS_PER_DRUM};
pub use tails::Tails;
