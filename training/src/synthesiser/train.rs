//! Training the network on kits and their one-shots.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use idm_engine::drum::{DRUM_COUNT, Drum};

use super::{
    architecture::Size,
    material::KitExample,
    network::{Synthesiser, condition},
    spectral_loss::SpectralLoss,
};
use crate::{
    config::{Config, OptimiserConfig, ScheduleConfig},
    network::Weights,
    random::Random,
    training::{Checkpoint, Optimiser, Progress, Record, budget_share, learning_rate},
};

/// Name in the checkpoint, which tells it from a transcriber's.
const NAME: &str = "synthesiser";
/// One-shots per step.
const BATCH: usize = 4;
/// Noise on the embeddings, which lie between −1 and 1: no kit is quite alike.
const EMBEDDING_NOISE: f32 = 0.05;
/// Steps per record and line of the log.
const LOG_STEPS: u64 = 50;
/// Seconds between checkpoints.
const CHECKPOINT_S: f64 = 120.0;

/// How long is trained: minutes, or steps (the other is 0).
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Minutes of training.
    pub minutes: f64,
    /// Steps.
    pub steps: u64,
}

/// The settings of a run, as its checkpoint keeps them.
fn settings(budget: Budget, seed: u64) -> Config {
    Config {
        name: NAME.to_owned(),
        seed,
        optimiser: OptimiserConfig {
            learning_rate: 2e-3,
            ..OptimiserConfig::default()
        },
        schedule: ScheduleConfig {
            minutes: budget.minutes,
            steps: budget.steps,
            ..ScheduleConfig::default()
        },
        ..Config::default()
    }
}

/// Steps since the last record whose loss is a number, and the sum of their losses.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    steps: u64,
    loss: f64,
}

/// A drawn batch: conditions, and of each its target.
struct Batch<'a> {
    conditions: Vec<f32>,
    targets: Vec<&'a [f32]>,
}

/// Draws classes evenly, then kits that have the class: rare classes count as
/// much as frequent ones.
fn draw<'a>(
    players: &[Vec<&'a KitExample>; DRUM_COUNT],
    classes: &[Drum],
    random: &mut Random,
) -> Batch<'a> {
    let mut batch = Batch {
        conditions: Vec::new(),
        targets: Vec::new(),
    };
    for _ in 0..BATCH {
        let drum = classes[random.below(classes.len())];
        let players = &players[drum.index()];
        let example = players[random.below(players.len())];
        let embedding: Vec<f32> = example
            .embedding
            .iter()
            .map(|value| value + EMBEDDING_NOISE * random.normal())
            .collect();
        batch.conditions.extend(condition(drum, &embedding));
        batch.targets.push(&example.one_shots[drum.index()]);
    }
    batch
}

/// One step on `batch`: the mean loss and the gradient of every weight.
fn step(
    synthesiser: &Synthesiser,
    weights: &Weights,
    loss: &SpectralLoss,
    batch: &Batch<'_>,
) -> (f64, Option<Weights>) {
    let samples = synthesiser.size().samples();
    let mut mean = 0.0;
    let gradients = synthesiser.pass(weights, &batch.conditions, true, |found| {
        let mut gradient = Vec::with_capacity(found.len());
        for (found, target) in found.chunks_exact(samples).zip(&batch.targets) {
            let (value, slope) = loss.measure(target, found);
            mean += value / BATCH as f64;
            gradient.extend(slope.into_iter().map(|slope| slope / BATCH as f32));
        }
        Some(gradient)
    });
    (mean, gradients)
}

/// Trains a network of `size` on `examples` and saves it to `checkpoint` from
/// time to time; ends early, saved, when `stop` is set. With a budget in steps
/// the result is the same for the same arguments. Allocates.
///
/// # Errors
/// No one-shots, a budget that is none, or a checkpoint that cannot be written.
pub fn train(
    examples: &[KitExample],
    size: Size,
    budget: Budget,
    seed: u64,
    checkpoint: Option<&Path>,
    stop: &AtomicBool,
) -> Result<Checkpoint> {
    ensure!(
        (budget.minutes > 0.0) != (budget.steps > 0),
        "expected minutes or steps to train, found {} and {}",
        budget.minutes,
        budget.steps
    );
    let players: [Vec<&KitExample>; DRUM_COUNT] = std::array::from_fn(|class| {
        let plays = |example: &&KitExample| example.one_shots[class].iter().any(|s| *s != 0.0);
        examples.iter().filter(plays).collect()
    });
    let classes: Vec<Drum> = Drum::ALL
        .into_iter()
        .filter(|drum| !players[drum.index()].is_empty())
        .collect();
    ensure!(
        !classes.is_empty(),
        "expected one-shots to learn, found none"
    );
    let synthesiser = Synthesiser::new(size);
    let loss = SpectralLoss::default();
    let config = settings(budget, seed);
    let weights = size.initial_weights(seed);
    let mut state = Checkpoint {
        optimiser: Optimiser::new(&weights),
        progress: Progress::default(),
        weights,
        config,
        sources: None,
    };
    let save = |state: &Checkpoint| checkpoint.map_or(Ok(()), |path| state.save(path));
    let (begin, mut saved_s, mut window) = (Instant::now(), 0.0, Window::default());
    loop {
        let share = budget_share(&state.config, &state.progress);
        if share >= 1.0 || stop.load(Ordering::Relaxed) {
            break;
        }
        let number = state.progress.step;
        let random = &mut Random::new(&[seed, number, 0x6472_6177]);
        let batch = draw(&players, &classes, random);
        let (mean, gradients) = step(&synthesiser, &state.weights, &loss, &batch);
        let gradients = gradients.context("a step without a gradient")?;
        let rate = learning_rate(&state.config, number, share);
        let optimiser = &state.config.optimiser;
        state
            .optimiser
            .step(optimiser, rate, &mut state.weights, &gradients);
        if mean.is_finite() {
            window.steps += 1;
            window.loss += mean;
        } else {
            say!("step {} has no finite loss and is left out", number + 1);
        }
        let progress = &mut state.progress;
        progress.step += 1;
        progress.elapsed_s = begin.elapsed().as_secs_f64();
        if progress.step.is_multiple_of(LOG_STEPS) {
            ensure!(
                window.steps > 0,
                "none of the last {LOG_STEPS} steps has a finite loss"
            );
            let record = Record {
                step: progress.step,
                minutes: progress.elapsed_s / 60.0,
                loss: window.loss / window.steps as f64,
                ..Record::default()
            };
            progress.history.push(record);
            window = Window::default();
            report(&state, &record);
        }
        if state.progress.elapsed_s - saved_s > CHECKPOINT_S {
            saved_s = state.progress.elapsed_s;
            save(&state)?;
        }
    }
    if state.progress.step > 0 {
        save(&state)?;
    }
    Ok(state)
}

/// Prints where the run is and how long it still takes.
fn report(state: &Checkpoint, record: &Record) {
    let share = budget_share(&state.config, &state.progress);
    say!(
        "step {}: loss {:.3} after {:.1} min, {:.1} min left",
        record.step,
        record.loss,
        record.minutes,
        record.minutes * (1.0 - share) / share.max(1e-6)
    );
}

/// The averaged weights of the network of `size` in the checkpoint at `path`.
/// Allocates.
///
/// # Errors
/// A file that cannot be read, or holds another network.
pub fn load(path: &Path, size: Size) -> Result<Weights> {
    let checkpoint = Checkpoint::load(path)?;
    let weights = checkpoint.optimiser.average;
    size.check(&weights)
        .with_context(|| format!("{} does not fit", path.display()))?;
    Ok(weights)
}
