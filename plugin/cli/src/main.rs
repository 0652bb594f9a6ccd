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
mod patterns;
mod picture;
mod progress;
mod render;
mod separate;
mod sound_args;
mod summary;
mod track_writer;
mod tracks;
mod transcribe;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let mut command = Cli::parse().command;
    let inputs = &mut command.common_mut().inputs;
    match patterns::expanded(inputs) {
        Ok(files) => *inputs = files,
        Err(error) => return batch::usage(&format!("{error:#}")),
    }
    match command {
        Command::Separate(args) => separate::run(&args),
        Command::Transcribe(args) => transcribe::run(&args),
        Command::Kit(args) => kit::run(&args),
    }
}
