//! An X server without a screen, for looking at the editor where there is none.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, PropMode};
use x11rb::wrapper::ConnectionExt;

/// A running X server of our own; it ends when this is dropped.
#[derive(Debug)]
pub struct Xvfb {
    child: Child,
    display: String,
}

impl Xvfb {
    /// Starts a server with a screen of `width` x `height` pixels on the first
    /// free display.
    pub fn start(width: u32, height: u32) -> Result<Self> {
        let mut child = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-nolisten",
                "tcp",
                "-noreset",
                "-screen",
                "0",
            ])
            .arg(format!("{width}x{height}x24"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb cannot be started; run: cargo xtask setup")?;
        let output = child.stdout.take().context("Xvfb has no output")?;
        // The server writes its display number when it is ready.
        let mut number = String::new();
        BufReader::new(output).read_line(&mut number)?;
        let number = number.trim();
        let mut server = Self {
            child,
            display: format!(":{number}"),
        };
        if number.is_empty() {
            let status = server.child.wait()?;
            ensure!(false, "Xvfb ended at once ({status})");
        }
        Ok(server)
    }

    /// Tells windows how dense the screen is, as desktops do.
    pub fn set_dpi(&self, dpi: u32) -> Result<()> {
        let (connection, screen) = x11rb::connect(Some(&self.display))?;
        let root = connection.setup().roots[screen].root;
        let resources = format!("Xft.dpi:\t{dpi}\n");
        connection
            .change_property8(
                PropMode::REPLACE,
                root,
                AtomEnum::RESOURCE_MANAGER,
                AtomEnum::STRING,
                resources.as_bytes(),
            )?
            .check()?;
        Ok(())
    }

    /// Value for `DISPLAY`.
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
