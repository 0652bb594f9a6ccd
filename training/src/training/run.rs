//! `idm-train train`: the loop.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    BatchSource, Checkpoint, DataFolders, Optimiser, Pieces, Progress, Record, Scores, Stepper,
    Validation, draw_curves, open_recordings, renderer, validations_since_best, warm_start,
};
use crate::{
    config::Config,
    kits::Split,
    network::{Compute, Head, Network, initial_weights, parameter_count},
};

/// Number of the first validation piece.
const FIRST_VALIDATION_PIECE: u64 = 1_000_000;
/// Steps between lines of the log.
const LOG_STEPS: u64 = 20;

/// Trains a transcriber.
#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// Settings of the run (training/configs/*.toml).
    #[arg(long)]
    pub config: PathBuf,
    /// Folder with drums/ and grooves/; without it, everything is procedural.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Folders of recordings with their hits (CSV or MIDI); no stems needed.
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub recordings: Vec<PathBuf>,
    /// Folder for the checkpoint, the log and the curves.
    #[arg(long, default_value = "runs/default")]
    pub out: PathBuf,
    /// Continue the run in the folder.
    #[arg(long)]
    pub resume: bool,
    /// Start from the averaged weights of this checkpoint, or from an exported
    /// model (its folder or its transcriber.onnx).
    #[arg(long, conflicts_with = "resume")]
    pub warm_start: Option<PathBuf>,
    /// Where the steps run; rendering and validation stay on the central processor.
    #[arg(long, value_enum, default_value_t)]
    pub device: Compute,
    /// Save and end at this step, to be resumed later; the learning rate still
    /// follows the whole budget.
    #[arg(long)]
    pub pause_at: Option<u64>,
}

/// Share of the budget that is used up, 0..1.
pub(crate) fn budget_share(config: &Config, progress: &Progress) -> f64 {
    let used = if config.schedule.steps > 0 {
        progress.step as f64 / config.schedule.steps as f64
    } else {
        progress.elapsed_s / (60.0 * config.schedule.minutes)
    };
    used.min(1.0)
}

/// Learning rate after `step` steps when `share` of the budget is used up:
/// linear warm-up, then half a cosine.
pub(crate) fn learning_rate(config: &Config, step: u64, share: f64) -> f32 {
    let optimiser = &config.optimiser;
    let warm = (step + 1) as f32 / optimiser.warmup_steps.max(1) as f32;
    let cosine = 0.5 + 0.5 * (std::f64::consts::PI * share).cos() as f32;
    let level = optimiser.final_share + (1.0 - optimiser.final_share) * cosine;
    optimiser.learning_rate * level * warm.min(1.0)
}

/// Sums since the last record.
#[derive(Debug, Default)]
struct Window {
    steps: u64,
    loss: f64,
    distortion_db: f64,
}

/// Pieces that weights never learn from.
#[derive(Debug)]
struct HeldOut {
    rendered: Validation,
    recorded: Option<Validation>,
}

/// A run in progress.
#[derive(Debug)]
struct Run {
    state: Checkpoint,
    stepper: Stepper,
    /// Measures on the central processor, whatever trains.
    network: Network,
    folder: PathBuf,
    window: Window,
    last_checkpoint_s: f64,
    last_validation_s: f64,
}

impl Run {
    fn checkpoint(&mut self) -> Result<()> {
        self.last_checkpoint_s = self.state.progress.elapsed_s;
        self.state.save(&self.folder.join("checkpoint.bin"))
    }

    /// Measures the averaged weights, keeps a record and redraws the curves.
    /// Where recordings are held out, the F-measure on them is recorded.
    fn validate(&mut self, held_out: &HeldOut, bar: &ProgressBar) -> Result<()> {
        self.last_validation_s = self.state.progress.elapsed_s;
        let weights = &self.state.optimiser.average;
        let scores = held_out.rendered.measure(&mut self.network, weights);
        let recorded = held_out
            .recorded
            .as_ref()
            .map(|recorded| recorded.measure(&mut self.network, weights));
        self.print("rendered", &scores, bar);
        if let Some(scores) = &recorded {
            self.print("recorded (masks against estimates)", scores, bar);
        }
        let judged = recorded.as_ref().unwrap_or(&scores);
        self.record(Some(judged.heads[Head::Standard.index()].pooled_f()));
        let history = &self.state.progress.history;
        if self.state.config.schedule.patience > 0 && validations_since_best(history) == 0 {
            self.state.save(&self.folder.join("best.bin"))?;
        }
        draw_curves(&self.folder.join("curves.png"), history)
    }

    /// Whether validation has not improved for as long as the settings allow.
    fn stalled(&self) -> bool {
        let patience = self.state.config.schedule.patience;
        patience > 0 && validations_since_best(&self.state.progress.history) >= patience
    }

    fn print(&self, what: &str, scores: &Scores, bar: &ProgressBar) {
        let standard = &scores.heads[Head::Standard.index()];
        let groups: Vec<String> = standard
            .groups
            .iter()
            .map(|score| format!("{:.2}", score.f_measure(1.0)))
            .collect();
        let classes: Vec<String> = standard
            .classes
            .iter()
            .map(|score| format!("{:.2}", score.f_measure(1.0)))
            .collect();
        let others: Vec<String> = scores
            .heads
            .iter()
            .map(|head| format!("{:.3}", head.pooled_f()))
            .collect();
        bar.suspend(|| {
            println!(
                "validation at step {}, {what}: F pooled {:.3}, macro {:.3}, groups {}, classes {}, low/standard/high {}, masks {:.2} dB, silent {:.1} dB",
                self.state.progress.step,
                standard.pooled_f(),
                standard.macro_f(),
                groups.join(" "),
                classes.join(" "),
                others.join("/"),
                scores.distortion_db,
                scores.leakage_db,
            );
        });
    }

    fn record(&mut self, validation_f: Option<f64>) {
        let progress = &mut self.state.progress;
        let count = self.window.steps as f64;
        let previous = progress.history.last().copied().unwrap_or_default();
        let mean = |sum: f64, before: f64| if count > 0.0 { sum / count } else { before };
        progress.history.push(Record {
            step: progress.step,
            minutes: progress.elapsed_s / 60.0,
            loss: mean(self.window.loss, previous.loss),
            distortion_db: mean(self.window.distortion_db, previous.distortion_db),
            validation_f,
        });
        self.window = Window::default();
    }
}

fn start(args: &TrainArgs) -> Result<Checkpoint> {
    let config = Config::read(&args.config)?;
    if args.resume {
        let mut state = Checkpoint::load(&args.out.join("checkpoint.bin"))?;
        if state.config != config {
            println!("the configuration has changed since the checkpoint; the new one counts");
            state.config = config;
        }
        return Ok(state);
    }
    let mut weights = initial_weights(config.seed);
    if let Some(path) = &args.warm_start {
        weights = warm_start(path, weights)?;
    }
    let optimiser = Optimiser::new(&weights);
    Ok(Checkpoint {
        config,
        progress: Progress::default(),
        weights,
        optimiser,
    })
}

/// Trains as `args` say until the budget is used up, the loop is interrupted
/// by `stop`, or something fails. Answers the final state.
///
/// # Errors
/// Unusable settings or material, failing file operations.
pub fn train(args: &TrainArgs, stop: &Arc<AtomicBool>) -> Result<Checkpoint> {
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    let state = start(args)?;
    let config = state.config.clone();
    fs::write(args.out.join("config.toml"), config.to_toml())
        .with_context(|| format!("cannot write into {}", args.out.display()))?;
    println!("{}", config.to_toml());
    let stepper = Stepper::new(args.device, config.schedule.threads)?;
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let training = Pieces::open(&config, &folders, &args.recordings)?;
    let validation_renderer = renderer(&config, &folders, Split::Valid)?;
    let (kits, grooves) = training.renderer().material();
    println!(
        "{} weights, {kits} sampled and {} procedural kits, {grooves} performances",
        parameter_count(&state.weights),
        config.data.procedural_kits,
    );
    if let Some(recordings) = training.recordings() {
        let (count, seconds) = recordings.material();
        println!(
            "{count} recordings of {:.1} min, in {:.0} % of the pieces",
            seconds / 60.0,
            100.0 * config.data.recordings_share
        );
    }
    let pieces = config.data.validation_pieces;
    let recorded = open_recordings(&config, &args.recordings, training.renderer(), Split::Valid)?;
    let held_out = HeldOut {
        rendered: Validation::new(&validation_renderer, FIRST_VALIDATION_PIECE, pieces),
        recorded: recorded
            .map(|recordings| {
                Validation::of_recordings(&recordings, pieces, config.data.validation_piece_s)
            })
            .transpose()?,
    };
    let source = BatchSource::start(&config, training, state.progress.step, stepper.parts())?;
    let run = Run {
        last_checkpoint_s: state.progress.elapsed_s,
        last_validation_s: state.progress.elapsed_s,
        stepper,
        network: Network::default(),
        folder: args.out.clone(),
        window: Window::default(),
        state,
    };
    let pause_at = args.pause_at.unwrap_or(u64::MAX);
    train_until_done(run, &source, &held_out, pause_at, stop)
}

fn train_until_done(
    mut run: Run,
    source: &BatchSource,
    held_out: &HeldOut,
    pause_at: u64,
    stop: &Arc<AtomicBool>,
) -> Result<Checkpoint> {
    let config = run.state.config.clone();
    let bar = ProgressBar::new(1_000).with_style(
        ProgressStyle::with_template(
            "{bar:30} {percent}% {elapsed_precise} ETA {eta_precise} {msg}",
        )
        .context("bad progress template")?,
    );
    while budget_share(&config, &run.state.progress) < 1.0
        && run.state.progress.step < pause_at
        && !stop.load(Ordering::Relaxed)
    {
        let begin = Instant::now();
        let step = run.state.progress.step;
        let batch = source.next_batch()?;
        let waited = begin.elapsed().as_secs_f64();
        let (losses, gradients) = run.stepper.step(
            &run.state.weights,
            &batch,
            &config.loss,
            config.schedule.other_head_share,
            [config.seed, step, 0x7374_6570],
        )?;
        let share = budget_share(&config, &run.state.progress);
        let rate = learning_rate(&config, step, share);
        let gradients = gradients.context("a training pass has no gradient")?;
        let state = &mut run.state;
        let norm = state
            .optimiser
            .step(&config.optimiser, rate, &mut state.weights, &gradients);
        state.progress.step += 1;
        let spent = begin.elapsed().as_secs_f64();
        state.progress.elapsed_s += spent;
        let window = &mut run.window;
        if losses.total.is_finite() {
            window.steps += 1;
            window.loss += losses.total;
            window.distortion_db += losses.distortion_db;
        } else {
            bar.suspend(|| println!("step {} has no finite loss and is left out", step + 1));
        }

        let audio_s = config.data.batch as f64 * config.data.piece_s;
        bar.set_position((1_000.0 * budget_share(&config, &state.progress)) as u64);
        bar.set_message(format!("step {} loss {:.3}", step + 1, losses.total));
        if (step + 1).is_multiple_of(LOG_STEPS) {
            bar.suspend(|| {
                println!(
                    "step {} at {:.1} min: loss {:.3} onset {:.4} velocity {:.4} mask {:.3} ({:.2} dB, silent {:.1} dB) timbre {:.3} norm {norm:.2} rate {rate:.1e}, {:.1} audio-s/s, waited {:.0} %",
                    step + 1,
                    state.progress.elapsed_s / 60.0,
                    window.loss / window.steps.max(1) as f64,
                    losses.onset,
                    losses.velocity,
                    losses.mask,
                    losses.distortion_db,
                    losses.leakage_db,
                    losses.timbre,
                    audio_s / spent,
                    100.0 * waited / spent,
                );
            });
            run.record(None);
        }
        let elapsed_s = run.state.progress.elapsed_s;
        if elapsed_s - run.last_validation_s >= 60.0 * config.schedule.validate_minutes {
            run.validate(held_out, &bar)?;
            let elapsed = begin.elapsed().as_secs_f64();
            run.state.progress.elapsed_s += elapsed - spent;
            run.last_validation_s = run.state.progress.elapsed_s;
            if run.stalled() {
                bar.suspend(|| {
                    println!(
                        "no better validation in {} of them: ending early",
                        config.schedule.patience
                    );
                });
                break;
            }
        }
        if elapsed_s - run.last_checkpoint_s >= 60.0 * config.schedule.checkpoint_minutes {
            run.checkpoint()?;
        }
    }
    let last = run.state.progress.history.last();
    let step = run.state.progress.step;
    if !last.is_some_and(|last| last.validation_f.is_some() && last.step == step) {
        run.validate(held_out, &bar)?;
    }
    run.checkpoint()?;
    bar.finish();
    let folder: &Path = &run.folder;
    println!("saved {}", folder.join("checkpoint.bin").display());
    Ok(run.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_warms_up_and_falls_with_the_budget() {
        let mut config = Config {
            name: "x".into(),
            ..Config::default()
        };
        config.schedule.minutes = 0.0;
        config.schedule.steps = 1_000;
        let rate_at = |step: u64| {
            let progress = Progress {
                step,
                ..Progress::default()
            };
            learning_rate(&config, step, budget_share(&config, &progress))
        };
        assert!(rate_at(0) < 0.05 * config.optimiser.learning_rate);
        assert!(rate_at(60) > 0.95 * config.optimiser.learning_rate);
        assert!(rate_at(500) < 0.6 * config.optimiser.learning_rate);
        let last = rate_at(1_000);
        assert!(
            (last / config.optimiser.learning_rate - config.optimiser.final_share).abs() < 1e-3
        );
    }
}
