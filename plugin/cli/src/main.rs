//! `idm`: the Inverse Drum Machine on files.

mod args;
mod batch;
mod beside;
mod console;
mod drums;
mod hits;
mod input_check;
mod interrupt;
mod kit;
mod learn_from;
mod manifest;
mod onset;
mod outputs;
mod own_samples;
mod picture;
mod progress;
mod render;
mod separate;
mod summary;
mod transcribe;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Separate(args) => separate::run(&args),
        Command::Transcribe(args) => transcribe::run(&args),
        Command::Kit(args) => kit::run(&args),
    }
}
