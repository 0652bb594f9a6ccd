//! `idm-train`: renders, trains, evaluates and exports.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use idm_training::{
    export::{self, ExportArgs},
    training::{TrainArgs, train},
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
    /// Train a transcriber; Ctrl-C saves and ends.
    Train(TrainArgs),
    /// Write a model that the plugin loads.
    Export(ExportArgs),
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Train(args) => {
            let stop = Arc::new(AtomicBool::new(false));
            let flag = stop.clone();
            ctrlc::set_handler(move || {
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
                println!("finishing this step and saving; press Ctrl-C again to end at once");
            })
            .context("cannot watch for Ctrl-C")?;
            train(&args, &stop).map(drop)
        }
        Command::Export(args) => export::run(&args),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("idm-train: {error:#}");
            ExitCode::FAILURE
        }
    }
}
