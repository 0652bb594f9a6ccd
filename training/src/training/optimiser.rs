//! AdamW with a global norm limit and averaged weights.

use rayon::prelude::*;

use crate::{config::OptimiserConfig, network::Weights};

/// Moments and averages of all weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimiser {
    /// Steps taken.
    pub steps: u64,
    /// First moments.
    pub first: Weights,
    /// Second moments.
    pub second: Weights,
    /// Exponential average of the weights.
    pub average: Weights,
}

impl Optimiser {
    /// Zero moments; the average starts at `weights`.
    pub fn new(weights: &Weights) -> Optimiser {
        Optimiser {
            steps: 0,
            first: weights.zeros_like(),
            second: weights.zeros_like(),
            average: weights.clone(),
        }
    }

    /// Moves `weights` against `gradients`; answers the gradient's norm before
    /// the limit. A gradient that is not finite moves nothing.
    pub fn step(
        &mut self,
        config: &OptimiserConfig,
        learning_rate: f32,
        weights: &mut Weights,
        gradients: &Weights,
    ) -> f64 {
        let squares = gradients.tensors().iter().flat_map(|tensor| &tensor.values);
        let norm = squares
            .map(|&value| f64::from(value).powi(2))
            .sum::<f64>()
            .sqrt();
        if !norm.is_finite() {
            return norm;
        }
        let scale = (f64::from(config.clip_norm) / norm.max(1e-12)).min(1.0) as f32;
        self.steps += 1;
        let bias1 = 1.0 - config.beta1.powi(self.steps.min(100_000) as i32);
        let bias2 = 1.0 - config.beta2.powi(self.steps.min(100_000) as i32);
        // Early averages follow quickly.
        let early = (1.0 + self.steps as f32) / (10.0 + self.steps as f32);
        let keep = config.average_decay.min(early);
        weights
            .tensors_mut()
            .par_iter_mut()
            .zip(gradients.tensors())
            .zip(self.first.tensors_mut())
            .zip(self.second.tensors_mut())
            .zip(self.average.tensors_mut())
            .for_each(|((((tensor, gradient), first), second), average)| {
                let decay = if tensor.shape.len() > 1 {
                    learning_rate * config.weight_decay
                } else {
                    0.0
                };
                for (place, value) in tensor.values.iter_mut().enumerate() {
                    let slope = gradient.values[place] * scale;
                    let (first, second) = (&mut first.values[place], &mut second.values[place]);
                    *first += (1.0 - config.beta1) * (slope - *first);
                    *second += (1.0 - config.beta2) * (slope * slope - *second);
                    let step = (*first / bias1) / ((*second / bias2).sqrt() + 1e-8);
                    *value -= learning_rate * step + decay * *value;
                    let average = &mut average.values[place];
                    *average = keep * *average + (1.0 - keep) * *value;
                }
            });
        norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NamedTensor;

    fn weights(values: Vec<f32>) -> Weights {
        Weights::new(vec![NamedTensor {
            name: "w".into(),
            shape: vec![values.len()],
            values,
        }])
    }

    #[test]
    fn finds_the_bottom_of_a_bowl() {
        let config = OptimiserConfig::default();
        let mut weights = weights(vec![3.0, -2.0]);
        let mut optimiser = Optimiser::new(&weights);
        for _ in 0..2_000 {
            let mut gradients = weights.clone();
            let values = &mut gradients.tensors_mut()[0].values;
            values[0] -= 1.0;
            values[1] *= 10.0;
            optimiser.step(&config, 1e-2, &mut weights, &gradients);
        }
        let found = &optimiser.average.tensors()[0].values;
        assert!(
            (found[0] - 1.0).abs() < 1e-2 && found[1].abs() < 1e-2,
            "{found:?}"
        );
    }

    #[test]
    fn limits_the_norm_of_all_weights_together_and_refuses_nan() {
        let config = OptimiserConfig {
            beta1: 0.0,
            ..OptimiserConfig::default()
        };
        let mut moved = weights(vec![0.0, 0.0]);
        let mut optimiser = Optimiser::new(&moved);
        let norm = optimiser.step(&config, 1e-3, &mut moved, &weights(vec![30.0, 40.0]));
        assert!((norm - 50.0).abs() < 1e-3);
        let first = &optimiser.first.tensors()[0].values;
        assert!((first[0] - 0.6).abs() < 1e-5 && (first[1] - 0.8).abs() < 1e-5);
        let before = moved.clone();
        optimiser.step(&config, 1e-3, &mut moved, &weights(vec![f32::NAN, 1.0]));
        assert_eq!(moved, before);
    }
}
