//! `idm-train`: renders, trains, evaluates and exports.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use idm_training::{
    allocation::restart_with_fast_allocation,
    commands::{
        bank::{self, BankArgs},
        explain::{self, ExplainArgs},
        export::{self, ExportArgs},
        render::{self, RenderArgs},
    },
    console,
    evaluation::{self, EvaluateArgs, WeighArgs},
    interrupt::stop_flag,
    sweep::{self, SweepArgs},
    synthesiser::{self, SynthesiserArgs},
    training::{SpeedArgs, TrainArgs, speed, train},
};

/// Trains the transcriber and the one-shot bank of the Inverse Drum Machine.
#[derive(Debug, Parser)]
#[command(name = "idm-train", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Render pieces with their stems and hits, to listen to.
    Render(RenderArgs),
    /// Train a transcriber; Ctrl-C saves and ends.
    Train(TrainArgs),
    /// Measure how fast training steps are.
    Speed(SpeedArgs),
    /// Train many small runs and compare them; finished ones are kept.
    Sweep(SweepArgs),
    /// Measure a model on held-out kits and grooves.
    Evaluate(EvaluateArgs),
    /// Find how much the evidence beside the network counts, on training kits.
    Weigh(WeighArgs),
    /// Explain annotated recordings by their hits, as training without stems does.
    Explain(ExplainArgs),
    /// Learn the one-shots for a trained transcriber.
    Bank(BankArgs),
    /// Train a network that makes one-shots from noise, and compare it with the bank.
    Synthesiser(SynthesiserArgs),
    /// Write a model that the plugin loads.
    Export(ExportArgs),
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Train(args) => train(&args, &stop_flag()?).map(drop),
        Command::Speed(args) => speed(&args),
        Command::Sweep(args) => sweep::run(&args, &stop_flag()?).map(drop),
        Command::Render(args) => render::run(&args),
        Command::Evaluate(args) => evaluation::run(args),
        Command::Weigh(args) => evaluation::weigh(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Bank(args) => bank::run(&args),
        Command::Synthesiser(args) => synthesiser::run(&args, &stop_flag()?),
        Command::Export(args) => export::run(&args),
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if matches!(
        command,
        Command::Train(_) | Command::Speed(_) | Command::Sweep(_) | Command::Synthesiser(_)
    ) {
        restart_with_fast_allocation();
    }
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(format_args!("idm-train: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
