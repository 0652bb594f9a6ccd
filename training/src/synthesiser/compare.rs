//! The network and the bank of learnt one-shots side by side, on held-out kits.

use std::time::Instant;

use anyhow::{Context, Result};
use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    model::{Model, OneShotNetwork},
    one_shots::Bank,
};

use super::{
    material::{KitExample, kit_embedding},
    network::Synthesiser,
};
use crate::{
    bank::one_shot_samples,
    evaluation::{Excerpt, Stft, bank_of, distances_db, header, is_played, mean, row},
    kits::SAMPLE_RATE_HZ,
    network::{CHOICE_COUNT, EMBEDDING, Weights, parameter_count},
};

type Sounds = [Vec<f32>; DRUM_COUNT];

/// Distances of one way to choose or make one-shots.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Log-spectral distance in decibels per drum, over the excerpts that play
    /// it; none if there are none.
    pub distance_db: Vec<Option<f64>>,
}

impl Row {
    /// Mean over the drums.
    pub fn mean_db(&self) -> Option<f64> {
        mean(self.distance_db.iter().flatten().copied())
    }
}

/// What one way costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// What it is.
    pub name: String,
    /// Numbers that are stored.
    pub weights: usize,
    /// Multiply-adds for the nine one-shots of a kit.
    pub multiply_adds: u64,
    /// Time for them on this machine, in milliseconds.
    pub time_ms: f64,
    /// Shortest and longest one-shot in seconds.
    pub length_s: [f64; 2],
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What was evaluated on.
    pub material: String,
    /// One row per way.
    pub rows: Vec<Row>,
    /// What the bank and the network cost.
    pub costs: [Cost; 2],
}

/// The bank's one-shots for `embedding`.
fn chosen(bank: &OneShotNetwork, embedding: &[f32]) -> Result<Sounds> {
    let sounds = bank.run(embedding)?;
    sounds.try_into().ok().context("a class is missing")
}

/// Banks of what `bank` chooses for `examples`: the first has the most frequent
/// one-shot of each class, the next the second most frequent, and so on.
fn choices(bank: &OneShotNetwork, examples: &[KitExample]) -> Result<Vec<Bank>> {
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
            bank_of(&sounds)
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

/// The bank of `model` and the network beside it, on `excerpts` (whose kits
/// must be known), fed by the same embeddings; `examples` tell what is usual.
/// Allocates; one thread.
///
/// # Errors
/// A model without a bank, or one that cannot be run.
pub fn compare(
    material: &str,
    excerpts: &[Excerpt],
    examples: &[KitExample],
    model: &Model,
    synthesiser: &Synthesiser,
    weights: &Weights,
) -> Result<Comparison> {
    let bank = model.one_shot_network()?;
    let usual = choices(&bank, examples)?;
    let silent = bank_of(&chosen(&bank, &[0.0; EMBEDDING])?)?;
    let average = bank_of(&synthesiser.one_shots(weights, &mean_embedding(examples)))?;
    let mut stft = Stft::new(1024, 256);
    let names = [
        "bank, chosen by the embedding (shipped)",
        "network, fed by the embedding",
        "bank, before anything is heard",
        "bank, always the most frequent",
        "network, always the mean embedding",
        "bank, told the best one",
    ];
    let mut tables: Vec<Vec<[Option<f64>; DRUM_COUNT]>> = vec![Vec::new(); names.len()];
    let (mut bank_s, mut network_s) = (0.0, 0.0);
    for excerpt in excerpts {
        let kit = excerpt.true_kit.as_ref().context("an unknown kit")?;
        let truth = bank_of(kit)?;
        let embedding = kit_embedding(model, &excerpt.piece.mix)?;
        let begin = Instant::now();
        let sounds = chosen(&bank, &embedding)?;
        bank_s += begin.elapsed().as_secs_f64();
        let from_bank = bank_of(&sounds)?;
        let begin = Instant::now();
        let sounds = synthesiser.one_shots(weights, &embedding);
        network_s += begin.elapsed().as_secs_f64();
        let from_network = bank_of(&sounds)?;
        let mut distances =
            |found: &Bank| distances_db(&mut stft, &truth, found, |drum| is_played(excerpt, drum));
        let of_choices: Vec<_> = usual.iter().map(&mut distances).collect();
        let best = std::array::from_fn(|drum| {
            let all = of_choices.iter().filter_map(|choice| choice[drum]);
            all.min_by(f64::total_cmp)
        });
        let rows = [
            distances(&from_bank),
            distances(&from_network),
            distances(&silent),
            of_choices.first().copied().unwrap_or_default(),
            distances(&average),
            best,
        ];
        for (table, row) in tables.iter_mut().zip(rows) {
            table.push(row);
        }
    }
    let rows = names.iter().zip(&tables).map(|(name, table)| Row {
        name: (*name).to_owned(),
        distance_db: (0..DRUM_COUNT)
            .map(|drum| mean(table.iter().filter_map(|row| row[drum])))
            .collect(),
    });
    let ms = |total_s: f64| 1e3 * total_s / excerpts.len().max(1) as f64;
    Ok(Comparison {
        material: material.to_owned(),
        rows: rows.collect(),
        costs: [
            bank_cost(ms(bank_s)),
            network_cost(synthesiser, weights, ms(network_s)),
        ],
    })
}

fn bank_cost(time_ms: f64) -> Cost {
    let lengths = Drum::ALL.map(one_shot_samples);
    let classifier = DRUM_COUNT * CHOICE_COUNT * (EMBEDDING + 1);
    let seconds = |samples: usize| samples as f64 / SAMPLE_RATE_HZ;
    Cost {
        name: "bank".to_owned(),
        weights: CHOICE_COUNT * lengths.iter().sum::<usize>() + classifier,
        multiply_adds: (DRUM_COUNT * CHOICE_COUNT * EMBEDDING) as u64,
        time_ms,
        length_s: [
            seconds(lengths.iter().copied().min().unwrap_or(0)),
            seconds(lengths.iter().copied().max().unwrap_or(0)),
        ],
    }
}

fn network_cost(synthesiser: &Synthesiser, weights: &Weights, time_ms: f64) -> Cost {
    let size = synthesiser.size();
    Cost {
        name: "network".to_owned(),
        weights: parameter_count(weights),
        multiply_adds: DRUM_COUNT as u64 * size.multiply_adds(),
        time_ms,
        length_s: [size.samples() as f64 / SAMPLE_RATE_HZ; 2],
    }
}

impl Comparison {
    /// Both tables in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("One-shots on {}.\n\n", self.material);
        let drums = Drum::ALL.map(Drum::name);
        let title = "Log-spectral distance to the kit, dB";
        header(&mut text, title, &drums, &["mean"]);
        let cell = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
        };
        for line in &self.rows {
            let cells = line.distance_db.iter().copied().chain([line.mean_db()]);
            row(&mut text, &line.name, cells.map(cell));
        }
        text.push('\n');
        let columns = [
            "weights",
            "multiply-adds per kit",
            "ms per kit",
            "length, s",
        ];
        header(&mut text, "Cost", &columns, &[]);
        for cost in &self.costs {
            let [shortest, longest] = cost.length_s;
            let cells = [
                cost.weights.to_string(),
                cost.multiply_adds.to_string(),
                format!("{:.1}", cost.time_ms),
                format!("{shortest:.2} to {longest:.2}"),
            ];
            row(&mut text, &cost.name, cells.into_iter());
        }
        text
    }
}
