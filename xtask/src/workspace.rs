//! Where things are, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// Package of the plugin.
pub const PLUGIN_PACKAGE: &str = "inverse-drum-machine";
/// Package of the command line tool.
pub const CLI_PACKAGE: &str = "idm-cli";
/// Display name of the plugin, and stem of its bundles.
pub const PLUGIN_NAME: &str = "Inverse Drum Machine";

/// Root folder of the workspace.
pub fn root() -> &'static Path {
    // The manifest folder of this crate is fixed at build time, one level below.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The cargo that runs this program, or the one on the path.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The target folder that cargo uses for this workspace, whatever sets it.
pub fn target_dir() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let output = cargo()
        .args(["metadata", "--format-version=1", "--no-deps"])
        .output()
        .context("cargo cannot be run")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.target_directory)
}

/// Runs a command to its end; an exit status other than 0 is an error that
/// shows the command.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run: {shown}"))?;
    if !status.success() {
        bail!("failed ({status}): {shown}");
    }
    Ok(())
}

/// A command line for people to read and to copy.
pub fn show(command: &Command) -> String {
    let quote = |text: &std::ffi::OsStr| {
        let text = text.to_string_lossy();
        if text.contains(' ') {
            format!("'{text}'")
        } else {
            text.into_owned()
        }
    };
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy();
    let program = program.trim_end_matches(std::env::consts::EXE_SUFFIX);
    std::iter::once(program.as_ref())
        .chain(command.get_args())
        .map(quote)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "two words"]);
        assert_eq!(show(&command), "cargo test 'two words'");
    }

    #[test]
    fn failures_are_errors() {
        assert!(run(cargo().arg("--version").stdout(std::process::Stdio::null())).is_ok());
        let error = run(cargo()
            .args(["no-such-command"])
            .stderr(std::process::Stdio::null()))
        .expect_err("must fail");
        assert!(
            error.to_string().contains("cargo no-such-command"),
            "{error}"
        );
    }
}
