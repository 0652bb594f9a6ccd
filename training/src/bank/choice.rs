//! Which one-shot suits a kit: a linear classifier on the embedding.

use idm_engine::drum::DRUM_COUNT;

use crate::{
    network::{CHOICE_COUNT, EMBEDDING, Weights},
    random::Random,
};

const OUTPUTS: usize = DRUM_COUNT * CHOICE_COUNT;

/// An embedding and, per class, the best one-shot if the class was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceExample {
    /// `[EMBEDDING]`.
    pub embedding: Vec<f32>,
    /// Index of the best one-shot per class.
    pub best: [Option<usize>; DRUM_COUNT],
}

fn scores(weight: &[f32], bias: &[f32], embedding: &[f32]) -> Vec<f32> {
    let mut scores = bias.to_vec();
    for (row, value) in weight.chunks_exact(OUTPUTS).zip(embedding) {
        for (score, weight) in scores.iter_mut().zip(row) {
            *score += value * weight;
        }
    }
    scores
}

/// Trains the classifier in `weights` by stochastic gradient descent on the
/// cross-entropy. Deterministic. Allocates.
pub fn train_choice(weights: &mut Weights, examples: &[ChoiceExample]) {
    const ROUNDS: usize = 60;
    const DECAY: f32 = 1e-4;
    let mut weight = vec![0.0; EMBEDDING * OUTPUTS];
    let mut bias = vec![0.0; OUTPUTS];
    let mut random = Random::new(&[0x6368_6f69]);
    for round in 0..ROUNDS {
        let rate = 0.05 * (1.0 - round as f32 / ROUNDS as f32);
        for _ in 0..examples.len() {
            let example = &examples[random.below(examples.len())];
            let mut slopes = scores(&weight, &bias, &example.embedding);
            for (slopes, best) in slopes.chunks_exact_mut(CHOICE_COUNT).zip(example.best) {
                let Some(best) = best else {
                    slopes.fill(0.0);
                    continue;
                };
                let peak = slopes.iter().copied().fold(f32::MIN, f32::max);
                slopes.iter_mut().for_each(|score| *score = (*score - peak).exp());
                let sum: f32 = slopes.iter().sum();
                slopes.iter_mut().for_each(|score| *score /= sum);
                slopes[best] -= 1.0;
            }
            for (bias, slope) in bias.iter_mut().zip(&slopes) {
                *bias -= rate * slope;
            }
            for (row, value) in weight.chunks_exact_mut(OUTPUTS).zip(&example.embedding) {
                for (weight, slope) in row.iter_mut().zip(&slopes) {
                    *weight -= rate * (slope * value + DECAY * *weight);
                }
            }
        }
    }
    for (name, values) in [("choice.weight", weight), ("choice.bias", bias)] {
        let index = weights.index_of(name);
        weights.tensors_mut()[index].values = values;
    }
}

/// The choice for `embedding` per class. Allocates.
pub fn choose(weights: &Weights, embedding: &[f32]) -> [usize; DRUM_COUNT] {
    let weight = &weights.get("choice.weight").values;
    let scores = scores(weight, &weights.get("choice.bias").values, embedding);
    std::array::from_fn(|class| {
        let scores = &scores[class * CHOICE_COUNT..][..CHOICE_COUNT];
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(index, _)| index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::initial_weights;

    #[test]
    fn learns_to_choose() {
        let mut random = Random::new(&[4]);
        let examples: Vec<ChoiceExample> = (0..200)
            .map(|_| {
                let embedding: Vec<f32> = (0..EMBEDDING).map(|_| random.bipolar()).collect();
                let best = std::array::from_fn(|class| {
                    (class != 3).then_some(usize::from(embedding[class] > 0.0))
                });
                ChoiceExample { embedding, best }
            })
            .collect();
        let mut weights = initial_weights(1);
        train_choice(&mut weights, &examples[..150]);
        let mut right = 0;
        for example in &examples[150..] {
            let chosen = choose(&weights, &example.embedding);
            right += (0..DRUM_COUNT)
                .filter(|&class| example.best[class] == Some(chosen[class]))
                .count();
        }
        assert!(right > 50 * 8 * 9 / 10, "{right} of 400");
    }
}
