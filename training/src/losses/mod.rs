//! What is minimised, with gradients written out.
//!
//! Every loss takes raw network outputs (logits) and returns its value and the
//! gradient in the same shape, so that each needs one or two passes over
//! memory. Rows are time-major: row `t * batch + b`.

mod events;
mod masks;
mod timbre;

pub use events::{EventLoss, EventTargets, UNDECIDED, event_loss, soften_onsets};
pub use masks::{MaskLoss, MaskTargets, mask_loss};
pub use timbre::timbre_loss;

use serde::{Deserialize, Serialize};

/// Weights of the parts of the loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// Factor of the onset cross-entropy, summed over classes.
    pub onset: f32,
    /// Target value one frame before and after an onset.
    pub neighbour: f32,
    /// How much more an onset weighs than no onset, per class in frozen order.
    pub positive_weight: [f32; idm_engine::drum::DRUM_COUNT],
    /// Factor of the squared velocity error at onsets.
    pub velocity: f32,
    /// Factor of the mask cross-entropy.
    pub mask: f32,
    /// Factor of the logarithm of the masks' squared error, per stem.
    pub distortion: f32,
    /// Factor of the logarithm of what leaks into stems that are silent.
    pub leakage: f32,
    /// Factor of the squared error of the timbre predicted from the embedding.
    pub timbre: f32,
}

impl Default for LossConfig {
    fn default() -> Self {
        LossConfig {
            onset: 1.0,
            neighbour: 0.4,
            positive_weight: [3.0, 3.0, 3.0, 5.0, 5.0, 5.0, 5.0, 6.0, 6.0],
            velocity: 0.3,
            mask: 1.0,
            distortion: 0.1,
            leakage: 0.02,
            timbre: 0.1,
        }
    }
}

#[cfg(test)]
pub(crate) fn check_gradient(
    logits: &mut [f32],
    gradient: &[f32],
    places: impl Iterator<Item = usize>,
    mut loss: impl FnMut(&[f32]) -> f64,
) {
    for place in places {
        let kept = logits[place];
        let step = 1e-2;
        logits[place] = kept + step;
        let above = loss(logits);
        logits[place] = kept - step;
        let below = loss(logits);
        logits[place] = kept;
        let expected = (above - below) / (2.0 * f64::from(step));
        let found = f64::from(gradient[place]);
        let scale = gradient
            .iter()
            .fold(0.0_f32, |peak, value| peak.max(value.abs()));
        assert!(
            (found - expected).abs() < 0.01 * expected.abs() + 0.01 * f64::from(scale),
            "at {place}: {found}, expected {expected}"
        );
    }
}
