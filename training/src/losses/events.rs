//! Onset and velocity losses.

use idm_engine::drum::DRUM_COUNT;

use super::LossConfig;
use crate::network::{sigmoid, softplus};

/// Values per row: onset logits, then velocity logits.
const WIDTH: usize = 2 * DRUM_COUNT;

/// Targets of a batch, time-major `[frames, batch, DRUM_COUNT]`.
#[derive(Debug, Clone, Default)]
pub struct EventTargets {
    /// Onset targets after [`soften_onsets`], or [`UNDECIDED`].
    pub onset: Vec<f32>,
    /// Velocity where `onset` is 1.
    pub velocity: Vec<f32>,
}

/// Onset target that takes no part in the loss: nobody could tell.
pub const UNDECIDED: f32 = -1.0;

/// Value and gradient of the loss of one head.
#[derive(Debug, Clone)]
pub struct EventLoss {
    /// Mean onset cross-entropy per row.
    pub onset: f64,
    /// Mean squared velocity error per hit.
    pub velocity: f64,
    /// Gradient of the weighted sum with respect to the logits.
    pub gradient: Vec<f32>,
}

/// Sets the frames next to each onset to `neighbour`. `onset` is
/// `[frames, DRUM_COUNT]` of one sequence. Allocates.
pub fn soften_onsets(onset: &[f32], neighbour: f32) -> Vec<f32> {
    let mut soft = onset.to_vec();
    for (place, &value) in onset.iter().enumerate() {
        if value >= 1.0 {
            let before = place.checked_sub(DRUM_COUNT);
            for near in before.into_iter().chain([place + DRUM_COUNT]) {
                if let Some(target) = soft.get_mut(near) {
                    *target = target.max(neighbour);
                }
            }
        }
    }
    soft
}

/// Cross-entropy of onsets and squared error of velocities. `logits` may hold
/// fewer rows than the targets: the first ones. Allocates.
pub fn event_loss(config: &LossConfig, logits: &[f32], targets: &EventTargets) -> EventLoss {
    let rows = logits.len() / WIDTH;
    let mut gradient = vec![0.0; logits.len()];
    let hits = targets.onset[..rows * DRUM_COUNT]
        .iter()
        .filter(|&&onset| onset >= 1.0)
        .count();
    let onset_scale = 1.0 / rows.max(1) as f32;
    let velocity_scale = 1.0 / hits.max(1) as f32;
    let (mut onset_sum, mut velocity_sum) = (0.0_f64, 0.0_f64);
    for row in 0..rows {
        let logits = &logits[row * WIDTH..][..WIDTH];
        let gradient = &mut gradient[row * WIDTH..][..WIDTH];
        for class in 0..DRUM_COUNT {
            let target = targets.onset[row * DRUM_COUNT + class];
            if target < 0.0 {
                continue;
            }
            let logit = logits[class];
            let weight = 1.0 + (config.positive_weight[class] - 1.0) * target;
            onset_sum += f64::from(weight * (softplus(logit) - target * logit));
            gradient[class] = config.onset * onset_scale * weight * (sigmoid(logit) - target);
            if target >= 1.0 {
                let wanted = targets.velocity[row * DRUM_COUNT + class];
                let found = sigmoid(logits[DRUM_COUNT + class]);
                velocity_sum += f64::from((found - wanted).powi(2));
                gradient[DRUM_COUNT + class] = config.velocity
                    * velocity_scale
                    * 2.0
                    * (found - wanted)
                    * found
                    * (1.0 - found);
            }
        }
    }
    EventLoss {
        onset: onset_sum * f64::from(onset_scale),
        velocity: velocity_sum * f64::from(velocity_scale),
        gradient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{losses::check_gradient, random::Random};

    #[test]
    fn neighbours_are_softened_and_onsets_kept() {
        let mut onset = vec![0.0; 5 * DRUM_COUNT];
        onset[2 * DRUM_COUNT + 1] = 1.0;
        onset[3 * DRUM_COUNT + 1] = 1.0;
        let soft = soften_onsets(&onset, 0.4);
        let of_snare: Vec<f32> = (0..5).map(|t| soft[t * DRUM_COUNT + 1]).collect();
        assert_eq!(of_snare, [0.0, 0.4, 1.0, 1.0, 0.4]);
        assert_eq!(soft.iter().filter(|&&value| value > 0.0).count(), 4);
    }

    #[test]
    fn gradient_agrees_with_differences() {
        let mut random = Random::new(&[5]);
        let rows = 6;
        let mut logits: Vec<f32> = (0..rows * WIDTH).map(|_| 2.0 * random.bipolar()).collect();
        let mut targets = EventTargets {
            onset: vec![0.0; (rows + 2) * DRUM_COUNT],
            velocity: vec![0.3; (rows + 2) * DRUM_COUNT],
        };
        for place in [0, 11, 30, 53] {
            targets.onset[place] = 1.0;
        }
        targets.onset[20] = 0.4;
        targets.onset[21] = UNDECIDED;
        let config = LossConfig::default();
        let gradient = event_loss(&config, &logits, &targets).gradient;
        let places = 0..logits.len();
        check_gradient(&mut logits, &gradient, places, |logits| {
            let loss = event_loss(&config, logits, &targets);
            f64::from(config.onset) * loss.onset + f64::from(config.velocity) * loss.velocity
        });
        let (row, class) = (21 / DRUM_COUNT, 21 % DRUM_COUNT);
        assert_eq!(gradient[row * WIDTH + class], 0.0);
    }
}
