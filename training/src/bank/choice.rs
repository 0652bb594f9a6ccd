//! Which one-shot suits a kit: a linear classifier on the embedding.

use idm_engine::drum::DRUM_COUNT;

use crate::{
    network::{CHOICE_COUNT, EMBEDDING, Weights},
    random::Random,
};

const OUTPUTS: usize = DRUM_COUNT * CHOICE_COUNT;

/// Difference of template distances (nepers²) that makes a choice clearly
/// better.
const CLEAR: f32 = 1.0;

/// An embedding and how well each one-shot would do.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceExample {
    /// `[EMBEDDING]`.
    pub embedding: Vec<f32>,
    /// Per class that was heard: distance of each one-shot's template from
    /// what was heard, in nepers².
    pub distances: [Option<[f32; CHOICE_COUNT]>; DRUM_COUNT],
}

impl ChoiceExample {
    /// The nearest one-shot of `class`, if the class was heard.
    pub fn best(&self, class: usize) -> Option<usize> {
        let distances = self.distances[class]?;
        (0..CHOICE_COUNT).min_by(|&a, &b| distances[a].total_cmp(&distances[b]))
    }
}

/// Turns `scores` into numbers that sum to 1, largest where the score is.
fn softmax(scores: &mut [f32]) {
    let peak = scores.iter().copied().fold(f32::MIN, f32::max);
    scores
        .iter_mut()
        .for_each(|score| *score = (*score - peak).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
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
/// cross-entropy with soft targets: nearly equal one-shots are nearly equally
/// right. Deterministic. Allocates.
pub fn train_choice(weights: &mut Weights, examples: &[ChoiceExample]) {
    const ROUNDS: usize = 60;
    const DECAY: f32 = 3e-3;
    let mut weight = vec![0.0; EMBEDDING * OUTPUTS];
    let mut bias = vec![0.0; OUTPUTS];
    let mut random = Random::new(&[0x6368_6f69]);
    for round in 0..ROUNDS {
        let rate = 0.05 * (1.0 - round as f32 / ROUNDS as f32);
        for _ in 0..examples.len() {
            let example = &examples[random.below(examples.len())];
            let mut slopes = scores(&weight, &bias, &example.embedding);
            for (slopes, distances) in slopes
                .chunks_exact_mut(CHOICE_COUNT)
                .zip(&example.distances)
            {
                let Some(distances) = distances else {
                    slopes.fill(0.0);
                    continue;
                };
                let mut wanted = distances.map(|distance| -distance / CLEAR);
                softmax(&mut wanted);
                softmax(slopes);
                for (slope, wanted) in slopes.iter_mut().zip(wanted) {
                    *slope -= wanted;
                }
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
                let distances = std::array::from_fn(|class| {
                    let best = usize::from(embedding[class] > 0.0);
                    let distances = std::array::from_fn(|n| if n == best { 1.0 } else { 4.0 });
                    (class != 3).then_some(distances)
                });
                ChoiceExample {
                    embedding,
                    distances,
                }
            })
            .collect();
        let mut weights = initial_weights(1);
        train_choice(&mut weights, &examples[..150]);
        let mut right = 0;
        for example in &examples[150..] {
            let chosen = choose(&weights, &example.embedding);
            right += (0..DRUM_COUNT)
                .filter(|&class| example.best(class) == Some(chosen[class]))
                .count();
        }
        assert!(right > 50 * 8 * 9 / 10, "{right} of 400");
    }
}
