//! `cargo xtask screenshot`: the editor under an X server of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::hosts::gui::{FEW_COLOURS, GuiSession, Step};
use crate::xvfb::Xvfb;
use crate::{demo_loop, wav, workspace};

/// Stands for the loop made here instead of a file name.
const DEMO_LOOP: &str = "demo-loop";

/// Longest time that an editor may take until it shows something.
const DRAWING_SECONDS: f64 = 20.0;

/// What to do in an editor session.
#[derive(Debug, Clone, clap::Args)]
pub struct Session {
    /// Bundle (.clap or .vst3) to load instead of the CLAP one built here.
    #[arg(long)]
    pub plugin: Option<PathBuf>,
    /// Play the demonstration loop meanwhile, or this WAV file.
    #[arg(long, value_name = "LOOP.wav", num_args = 0..=1, default_missing_value = DEMO_LOOP)]
    pub play: Option<PathBuf>,
    /// Dots per inch that the system tells windows; 96 is unscaled.
    #[arg(long, value_name = "DPI", value_parser = clap::value_parser!(u32).range(48..=480))]
    pub dpi: Option<u32>,
    /// Things to do before the picture is taken, in order: wait:SECONDS,
    /// click:X,Y, menu:X,Y (the right button), drag:X1,Y1,X2,Y2,
    /// carry:X,Y,FILE, drop:X,Y,FILE (onto the window), take:X,Y,FILE (out of it), key:COMBINATION
    /// (or the number of a key), layout:NAME (the keyboard's), value:PARAMETER (prints it),
    /// host-keys (prints those that the host has got), automate:PARAMETER (reopens meanwhile),
    /// resources (prints what is held), resize:WIDTHxHEIGHT, reopen, picture:FILE.
    #[arg(long = "do", value_name = "STEP", default_value = "wait:2")]
    pub steps: Vec<Step>,
}

/// Starts an X server, runs `session` in a process of its own that draws on it,
/// and leaves the last picture in `out`.
///
/// The process is this program's: the display is chosen by an environment
/// variable, which a running program should not change.
pub fn screenshot(program: &Path, out: &Path, plugin: &Path, session: &Session) -> Result<()> {
    ensure!(
        cfg!(target_os = "linux"),
        "pictures of the editor are taken on Linux only: they need an X server"
    );
    let server = Xvfb::start(2_000, 1_400)?;
    if let Some(dpi) = session.dpi {
        server.set_dpi(dpi)?;
    }
    let mut command = Command::new(program);
    command
        .arg("editor-session")
        .arg(out)
        .arg("--plugin")
        .arg(plugin)
        .env("DISPLAY", server.display())
        // No graphics card is needed, and none gives other pixels.
        .env("LIBGL_ALWAYS_SOFTWARE", "1");
    if let Some(play) = &session.play {
        command.arg(format!("--play={}", play.display()));
    }
    for step in &session.steps {
        command.arg(format!("--do={}", step.text()));
    }
    workspace::run(&mut command)
}

/// Runs `session` on the X server of the environment, takes a picture at the
/// end, and prints its size and number of colours.
pub fn run_session(out: &Path, session: &Session) -> Result<()> {
    let plugin = session.plugin.as_deref().context("expected --plugin")?;
    let audio = match &session.play {
        None => None,
        Some(path) if path.as_os_str() == DEMO_LOOP => {
            Some((demo_loop::render(44_100.0).channels, 44_100.0))
        }
        Some(path) => {
            let file = wav::read(path)?;
            let rate = file.sample_rate_hz;
            Some((file.stereo()?, rate))
        }
    };
    let mut editor = GuiSession::open(plugin, audio)?;
    for step in &session.steps {
        editor
            .step(step)
            .with_context(|| format!("step {}", step.text()))?;
    }
    let colours = editor.wait_until_drawn(DRAWING_SECONDS)?;
    editor.picture(out)?;
    let (width, height) = editor.size();
    editor.close()?;
    println!(
        "{}: {width} x {height} pixels, {colours} colours",
        out.display()
    );
    ensure!(
        colours > FEW_COLOURS,
        "the editor shows only {colours} colours: it has drawn nothing"
    );
    Ok(())
}
