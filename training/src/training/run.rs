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
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    BatchSource, Checkpoint, DataFolders, NO_TRAINING_KITS, NO_VALIDATION_KITS, Pieces, Record,
    Scores, Stepper, TrainArgs, Validation, best_validation, budget_share, draw_curves, is_stalled,
    learning_rate, open_recordings, renderer,
    start::{CHECKPOINT, is_finished, start},
    validations_since_best,
};
use crate::{
    console::figure,
    kits::Split,
    network::{Head, Network, parameter_count},
};

/// Number of the first validation piece.
const FIRST_VALIDATION_PIECE: u64 = 1_000_000;
/// The state with the best validation, where the settings ask for it.
const BEST: &str = "best.bin";
/// Steps between lines of the log.
const LOG_STEPS: u64 = 20;

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
        self.state.save(&self.folder.join(CHECKPOINT))
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
        self.record(judged.heads[Head::Standard.index()].pooled_f());
        let history = &self.state.progress.history;
        if self.state.config.schedule.patience > 0 && validations_since_best(history) == 0 {
            self.state.save(&self.folder.join(BEST))?;
        }
        // A picture is no reason to end hours of training.
        if let Err(error) = draw_curves(&self.folder.join("curves.png"), history) {
            bar.suspend(|| complain!("{error:#}"));
        }
        Ok(())
    }

    /// Where the weights are; those to export last.
    fn saved(&self) -> String {
        let last = format!("saved {}", self.folder.join(CHECKPOINT).display());
        if self.state.config.schedule.patience == 0 {
            return last;
        }
        let best = self.folder.join(BEST);
        match best_validation(&self.state.progress.history) {
            Some(record) if best.exists() => format!(
                "{last}; the best validation, at step {}, is {}",
                record.step,
                best.display()
            ),
            _ => last,
        }
    }

    /// Whether validation has not improved for as long as the settings allow.
    fn stalled(&self) -> bool {
        let schedule = &self.state.config.schedule;
        is_stalled(
            &self.state.progress.history,
            schedule.patience,
            schedule.validate_minutes,
        )
    }

    fn print(&self, what: &str, scores: &Scores, bar: &ProgressBar) {
        let standard = &scores.heads[Head::Standard.index()];
        let groups: Vec<String> = standard
            .groups
            .iter()
            .map(|score| figure(score.heard_f(), 2))
            .collect();
        let classes: Vec<String> = standard
            .classes
            .iter()
            .map(|score| figure(score.heard_f(), 2))
            .collect();
        let others: Vec<String> = scores
            .heads
            .iter()
            .map(|head| figure(head.pooled_f(), 3))
            .collect();
        bar.suspend(|| {
            say!(
                "validation at step {}, {what}: F (with thresholds that suit these pieces best) pooled {}, macro {}, groups {}, classes {}, low/standard/high {}, masks {:.2} dB, silent {:.1} dB",
                self.state.progress.step,
                figure(standard.pooled_f(), 3),
                figure(standard.macro_f(), 3),
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

    /// Trains until the budget is used up, step `pause_at` is reached, `stop` is set,
    /// validation no longer improves, or something fails.
    fn go_on(
        &mut self,
        source: &BatchSource,
        held_out: &HeldOut,
        pause_at: u64,
        stop: &AtomicBool,
        bar: &ProgressBar,
    ) -> Result<()> {
        let config = self.state.config.clone();
        // What was done before says nothing of the speed now.
        bar.set_position((1_000.0 * budget_share(&config, &self.state.progress)) as u64);
        bar.tick();
        bar.reset_eta();
        while budget_share(&config, &self.state.progress) < 1.0
            && self.state.progress.step < pause_at
            && !stop.load(Ordering::Relaxed)
        {
            let begin = Instant::now();
            let step = self.state.progress.step;
            let batch = source.next_batch()?;
            let waited = begin.elapsed().as_secs_f64();
            let (losses, gradients) = self.stepper.step(
                &self.state.weights,
                &batch,
                &config.loss,
                config.schedule.other_head_share,
                [config.seed, step, 0x7374_6570],
            )?;
            let share = budget_share(&config, &self.state.progress);
            let rate = learning_rate(&config, step, share);
            let gradients = gradients.context("a training pass has no gradient")?;
            let state = &mut self.state;
            let norm =
                state
                    .optimiser
                    .step(&config.optimiser, rate, &mut state.weights, &gradients);
            state.progress.step += 1;
            let spent = begin.elapsed().as_secs_f64();
            state.progress.elapsed_s += spent;
            let window = &mut self.window;
            if losses.total.is_finite() {
                window.steps += 1;
                window.loss += losses.total;
                window.distortion_db += losses.distortion_db;
            } else {
                bar.suspend(|| say!("step {} has no finite loss and is left out", step + 1));
            }

            let audio_s = config.data.batch as f64 * config.data.piece_s;
            bar.set_position((1_000.0 * budget_share(&config, &state.progress)) as u64);
            bar.set_message(format!("step {} loss {:.3}", step + 1, losses.total));
            if (step + 1).is_multiple_of(LOG_STEPS) {
                bar.suspend(|| {
                    say!(
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
                self.record(None);
            }
            let elapsed_s = self.state.progress.elapsed_s;
            if elapsed_s - self.last_validation_s >= 60.0 * config.schedule.validate_minutes {
                self.validate(held_out, bar)?;
                let elapsed = begin.elapsed().as_secs_f64();
                self.state.progress.elapsed_s += elapsed - spent;
                self.last_validation_s = self.state.progress.elapsed_s;
                if self.stalled() {
                    bar.suspend(|| {
                        say!(
                            "no better validation in {} of them: ending early",
                            config.schedule.patience
                        );
                    });
                    break;
                }
            }
            if elapsed_s - self.last_checkpoint_s >= 60.0 * config.schedule.checkpoint_minutes {
                self.checkpoint()?;
            }
        }
        Ok(())
    }
}

/// Whether both paths lead to one file that exists.
fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// The state to use of the run in `folder` that ended with `last`: the best one where the
/// settings keep it, which is then not the last.
///
/// # Errors
/// A best state that cannot be read.
pub fn state_to_use(folder: &Path, last: Checkpoint) -> Result<Checkpoint> {
    if last.config.schedule.patience == 0 {
        return Ok(last);
    }
    let best = folder.join(BEST);
    // Where the best validation came before the settings asked for it, it was not kept.
    match best.exists() {
        true => Checkpoint::load_transcriber(&best),
        false => Ok(last),
    }
}

/// Trains as `args` say until the budget is used up, the loop is interrupted
/// by `stop`, or something fails. Answers the final state.
///
/// # Errors
/// Unusable settings or material, a folder that holds another run, failing file
/// operations.
pub fn train(args: &TrainArgs, stop: &Arc<AtomicBool>) -> Result<Checkpoint> {
    let state = start(args)?;
    let config = state.config.clone();
    if args.resume && is_finished(&state) {
        let used = if config.schedule.steps > 0 {
            format!("schedule.steps = {}", config.schedule.steps)
        } else {
            format!("schedule.minutes = {}", config.schedule.minutes)
        };
        say!(
            "{}: the budget, {used}, is used up after {} steps; to go on, raise it in {}",
            args.out.join(CHECKPOINT).display(),
            state.progress.step,
            args.config.display()
        );
        return Ok(state);
    }
    say!("{}", config.to_toml());
    let stepper = Stepper::new(args.device, config.schedule.threads)?;
    let folders = match &args.data {
        Some(folder) => DataFolders::inside(folder)?,
        None => DataFolders::default(),
    };
    let training = Pieces::open(&config, &folders, &args.recordings, &args.notes)?;
    let validation_renderer = renderer(&config, &folders, Split::Valid)?;
    let (kits, grooves) = training.renderer().material();
    say!(
        "{} weights, {kits} sampled and {} procedural kits, {grooves} performances",
        parameter_count(&state.weights),
        config.data.procedural_kits,
    );
    if !folders.kits.is_empty() && kits == 0 {
        say!("{NO_TRAINING_KITS}: pieces are rendered with procedural ones");
    }
    if args.data.is_some() && validation_renderer.kits().is_empty() {
        say!("{NO_VALIDATION_KITS}: validation is on procedural ones");
    }
    if let Some(recordings) = training.recordings() {
        let (count, seconds) = recordings.material();
        say!(
            "{count} recordings of {:.1} min, in {:.0} % of the pieces",
            seconds / 60.0,
            100.0 * config.data.recordings_share
        );
    }
    let pieces = config.data.validation_pieces;
    let recorded = open_recordings(
        &config,
        &args.recordings,
        &args.notes,
        training.renderer(),
        Split::Valid,
    )?;
    let held_out = HeldOut {
        rendered: Validation::new(&validation_renderer, FIRST_VALIDATION_PIECE, pieces),
        recorded: recorded
            .map(|recordings| {
                Validation::of_recordings(&recordings, pieces, config.data.validation_piece_s)
            })
            .transpose()?,
    };
    // Last: what cannot start leaves no folder behind.
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    let copy = args.out.join("config.toml");
    // The user's own file keeps its comments.
    if !same_file(&copy, &args.config) {
        fs::write(&copy, config.to_toml())
            .with_context(|| format!("cannot write into {}", args.out.display()))?;
    }
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

/// Goes on with `run` and saves it, however it ends.
fn train_until_done(
    mut run: Run,
    source: &BatchSource,
    held_out: &HeldOut,
    pause_at: u64,
    stop: &Arc<AtomicBool>,
) -> Result<Checkpoint> {
    let bar = ProgressBar::new(1_000).with_style(
        ProgressStyle::with_template(
            "{bar:30} {percent}% {elapsed_precise} ETA {eta_precise} {msg}",
        )
        .context("bad progress template")?,
    );
    let before = run.state.progress.step;
    let ended = run.go_on(source, held_out, pause_at, stop, &bar);
    let step = run.state.progress.step;
    if let Err(error) = ended {
        // What was learnt since the last checkpoint is not lost with what failed.
        if step > before {
            match run.checkpoint() {
                Ok(()) => bar.suspend(|| say!("{}; --resume goes on", run.saved())),
                Err(error) => bar.suspend(|| complain!("idm-train: {error:#}")),
            }
        }
        return Err(error);
    }
    if step == 0 {
        say!("no step was done: nothing is saved");
        return Ok(run.state);
    }
    // First: who asked a program to end may not wait until it has measured.
    run.checkpoint()?;
    let last = run.state.progress.history.last();
    if !last.is_some_and(|last| last.validation_f.is_some() && last.step == step) {
        run.validate(held_out, &bar)?;
        run.checkpoint()?;
    }
    bar.finish();
    say!("{}", run.saved());
    Ok(run.state)
}
