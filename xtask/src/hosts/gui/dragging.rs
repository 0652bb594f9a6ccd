//! What a hand does between the editor and other programs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{FEW_COLOURS, GuiSession, xdotool};
use crate::hosts::gui_drag::{Source, Target};

/// Longest that the other end of a drag may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest that the editor may take until it shows something.
const DRAWING_SECONDS: f64 = 20.0;

impl GuiSession {
    /// What is not drawn knows no places.
    fn must_be_drawn(&mut self) -> Result<()> {
        let colours = self.wait_until_drawn(DRAWING_SECONDS)?;
        ensure!(colours > FEW_COLOURS, "the editor has drawn nothing");
        Ok(())
    }

    /// Drags something to a place until the editor has answered.
    pub(super) fn carry(&mut self, source: &mut Source, x: u32, y: u32) -> Result<()> {
        self.must_be_drawn()?;
        let (x, y) = (i16::try_from(x)?, i16::try_from(y)?);
        self.until("somebody hears of drags, also at the host's window", |_| {
            source.go_to(x, y)
        })?;
        self.until("the editor answers", |_| source.is_answered())?;
        // By now it knows what it is.
        self.run(0.1)?;
        source.go_to(x, y)?;
        self.until("the editor answers again", |_| source.is_answered())?;
        ensure!(source.is_welcome(), "the editor takes nothing there");
        Ok(())
    }

    /// Drags what is at a place to a window of another program, which copies the file.
    pub(super) fn take(&mut self, x: u32, y: u32, path: &Path) -> Result<()> {
        self.must_be_drawn()?;
        let mut target = Target::new()?;
        let (to_x, to_y) = target.place();
        xdotool(&["mousemove", &x.to_string(), &y.to_string()])?;
        self.run(0.1)?;
        xdotool(&["mousedown", "1"])?;
        self.run(0.1)?;
        // Hands do not jump.
        for share in [0.1, 0.4, 0.7, 1.0] {
            let way = |from: u32, to: u32| from as f64 + share * (to as f64 - from as f64);
            let (x, y) = (way(x, to_x).round(), way(y, to_y).round());
            xdotool(&["mousemove", &x.to_string(), &y.to_string()])?;
            self.run(0.1)?;
        }
        self.until("something is over the target", |_| target.is_visited())?;
        self.run(0.1)?;
        xdotool(&["mouseup", "1"])?;
        let mut file = None;
        self.until("a file has come", |_| {
            file = target.received()?;
            Ok(file.is_some())
        })?;
        let file = file.context("no file")?;
        std::fs::copy(&file, path)
            .with_context(|| format!("{}: cannot be copied", file.display()))?;
        Ok(())
    }

    /// Lets time pass until something has happened.
    pub(super) fn until(
        &mut self,
        what: &str,
        mut has_happened: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !has_happened(self)? {
            ensure!(Instant::now() < end, "waited in vain until {what}");
            self.run(0.01)?;
        }
        Ok(())
    }
}
