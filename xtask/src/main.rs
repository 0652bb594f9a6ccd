//! `cargo xtask`: build, bundle, host, demonstrate, test and install the plugin.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::bundle::{self, Selection};
use xtask::{checks, demo, host, install, presets, screenshot, setup};

/// Build, bundle, host, demonstrate, test and install the Inverse Drum Machine.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the system packages; install them as root on Debian, else print
    /// the command that does.
    Setup,
    /// Build the plugin and put it into VST3 and CLAP bundles.
    Bundle {
        /// Cross-compile for this target, for example x86_64-pc-windows-gnu.
        #[arg(long)]
        target: Option<String>,
    },
    /// Load the bundle in a headless host and stream a drum loop through it:
    /// nine drums as WAV, the hits as MIDI, a picture and figures come out.
    Demo {
        /// Recording to use instead of the loop made here (WAV, mono or stereo).
        recording: Option<PathBuf>,
        /// Folder for the results [default: demo in the target folder].
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Run every check: format, bundles, unit and integration tests,
    /// benchmarks once each, presets, lints, documentation.
    Test,
    /// Stream a WAV file through a plugin bundle; write every bus as 32-bit
    /// float WAV and the notes as MIDI, print a JSON summary.
    Host(host::HostArguments),
    /// Build the plugin and copy it to where hosts look for plugins.
    Install,
    /// Check the models and factory presets in presets/.
    Presets,
    /// Open the editor under an X server of its own and take a picture.
    Screenshot {
        /// Picture to write.
        out: PathBuf,
        #[command(flatten)]
        session: screenshot::Session,
    },
    /// The part of `screenshot` that runs on that X server.
    #[command(hide = true)]
    EditorSession {
        out: PathBuf,
        #[command(flatten)]
        session: screenshot::Session,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Setup => setup::setup(),
        Command::Bundle { target } => {
            let bundles = bundle::bundle(Selection::Product, target.as_deref())?;
            for path in bundles.plugins() {
                println!("{}", path.display());
            }
            Ok(())
        }
        Command::Demo { recording, out } => demo::demo(recording.as_deref(), out.as_deref()),
        Command::Test => checks::run(),
        Command::Host(arguments) => host::run(&arguments),
        Command::Install => {
            for path in install::install(&bundle::bundle(Selection::Product, None)?)? {
                println!("installed {}", path.display());
            }
            Ok(())
        }
        Command::Presets => presets::check(&bundle::bundle(Selection::Product, None)?),
        Command::Screenshot { out, session } => {
            let plugin = match &session.plugin {
                Some(plugin) => plugin.clone(),
                None => bundle::bundle(Selection::Product, None)?.clap,
            };
            let program = std::env::current_exe().context("this program has no path")?;
            screenshot::screenshot(&program, &out, &plugin, &session)
        }
        Command::EditorSession { out, session } => screenshot::run_session(&out, &session),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
