//! The network and the bank of learnt one-shots side by side, on held-out kits.

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result};
use idm_engine::{
    drum::DRUM_COUNT,
    model::{Model, OneShotNetwork},
    one_shots::Bank,
};

use super::{
    material::{KitExample, kit_embedding},
    network::Synthesiser,
    separation::si_sdr_db,
    table::{Comparison, Cost, Row},
};
use crate::{
    evaluation::{Excerpt, Stft, bank_of, distances_db, is_played, mean},
    network::{EMBEDDING, Weights},
};

type Sounds = [Vec<f32>; DRUM_COUNT];

/// The bank's one-shots for `embedding`.
fn chosen(bank: &OneShotNetwork, embedding: &[f32]) -> Result<Sounds> {
    let sounds = bank.run(embedding)?;
    sounds.try_into().ok().context("a class is missing")
}

/// Banks of what `bank` chooses for `examples`: the first has the most frequent
/// one-shot of each class, the next the second most frequent, and so on.
fn choices(bank: &OneShotNetwork, examples: &[KitExample]) -> Result<Vec<Arc<Bank>>> {
    let mut counted: [Vec<(Vec<f32>, usize)>; DRUM_COUNT] = Default::default();
    for example in examples {
        for (sound, counted) in chosen(bank, &example.embedding)?
            .into_iter()
            .zip(&mut counted)
        {
            match counted.iter_mut().find(|(known, _)| *known == sound) {
                Some((_, count)) => *count += 1,
                None => counted.push((sound, 1)),
            }
        }
    }
    for counted in &mut counted {
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    let most = counted.iter().map(Vec::len).max().unwrap_or(0);
    (0..most)
        .map(|rank| {
            let sounds = counted.each_ref().map(|counted| {
                let at_rank = counted.get(rank).or(counted.first());
                at_rank.map_or_else(Vec::new, |(sound, _)| sound.clone())
            });
            bank_of(&sounds).map(Arc::new)
        })
        .collect()
}

/// Mean of the embeddings of `examples`.
fn mean_embedding(examples: &[KitExample]) -> Vec<f32> {
    let mut mean = vec![0.0; EMBEDDING];
    for example in examples {
        for (mean, value) in mean.iter_mut().zip(&example.embedding) {
            *mean += value / examples.len() as f32;
        }
    }
    mean
}

/// A way to choose or make one-shots: its bank for every excerpt, and how far
/// that is from the kit.
#[derive(Debug, Default)]
struct Way {
    banks: Vec<Arc<Bank>>,
    distances: Vec<[Option<f64>; DRUM_COUNT]>,
}

/// What the rows are, in order.
const WAYS: [&str; 6] = [
    "bank, chosen by the embedding (shipped)",
    "network, fed by the embedding",
    "bank, before anything is heard",
    "bank, always the most frequent",
    "network, always the mean embedding",
    "the kit itself",
];

/// The bank of `model` and the network beside it, on `excerpts` (whose kits
/// must be known), fed by the same embeddings; `examples` tell what is usual.
/// Allocates; uses all threads of the pool.
///
/// # Errors
/// A model without a bank, or one that cannot be run.
pub fn compare(
    material: &str,
    excerpts: &[Excerpt],
    examples: &[KitExample],
    model: &Arc<Model>,
    synthesiser: &Synthesiser,
    weights: &Weights,
) -> Result<Comparison> {
    let bank = model.one_shot_network()?;
    let choices = choices(&bank, examples)?;
    let frequent = choices.first().context("no kit to learn what is usual")?;
    let silent = Arc::new(bank_of(&chosen(&bank, &[0.0; EMBEDDING])?)?);
    let mean_kit = synthesiser.one_shots(weights, &mean_embedding(examples));
    let mean_kit = Arc::new(bank_of(&mean_kit)?);
    let mut stft = Stft::new(1024, 256);
    let mut ways: [Way; WAYS.len()] = Default::default();
    let mut best = Vec::new();
    let (mut bank_s, mut network_s) = (0.0, 0.0);
    for excerpt in excerpts {
        let kit = excerpt.true_kit.as_ref().context("an unknown kit")?;
        let truth = Arc::new(bank_of(kit)?);
        let embedding = kit_embedding(model, &excerpt.piece.mix)?;
        let begin = Instant::now();
        let from_bank = chosen(&bank, &embedding)?;
        bank_s += begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let from_network = synthesiser.one_shots(weights, &embedding);
        network_s += begin.elapsed().as_secs_f64();
        let banks = [
            Arc::new(bank_of(&from_bank)?),
            Arc::new(bank_of(&from_network)?),
            Arc::clone(&silent),
            Arc::clone(frequent),
            Arc::clone(&mean_kit),
            Arc::clone(&truth),
        ];
        let mut distances =
            |found: &Bank| distances_db(&mut stft, &truth, found, |drum| is_played(excerpt, drum));
        let of_choices: Vec<_> = choices.iter().map(|bank| distances(bank)).collect();
        best.push(std::array::from_fn(|drum| {
            let all = of_choices.iter().filter_map(|choice| choice[drum]);
            all.min_by(f64::total_cmp)
        }));
        for (way, bank) in ways.iter_mut().zip(banks) {
            way.distances.push(distances(&bank));
            way.banks.push(bank);
        }
    }
    let mut rows = Vec::new();
    for (name, way) in WAYS.into_iter().zip(&ways) {
        rows.push(Row {
            name: name.to_owned(),
            distance_db: means(&way.distances),
            si_sdr_db: si_sdr_db(excerpts, &way.banks, model)?,
        });
    }
    let told = Row {
        name: "bank, told the best one".to_owned(),
        distance_db: means(&best),
        si_sdr_db: None,
    };
    rows.insert(WAYS.len() - 1, told);
    let ms = |total_s: f64| 1e3 * total_s / excerpts.len().max(1) as f64;
    Ok(Comparison {
        material: material.to_owned(),
        rows,
        costs: [
            Cost::of_bank(ms(bank_s)),
            Cost::of_network(synthesiser, weights, ms(network_s)),
        ],
    })
}

/// Mean per drum over the excerpts.
fn means(distances: &[[Option<f64>; DRUM_COUNT]]) -> Vec<Option<f64>> {
    (0..DRUM_COUNT)
        .map(|drum| mean(distances.iter().filter_map(|row| row[drum])))
        .collect()
}
