//! Closing the editor and opening it again, and what is left of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};

use super::GuiSession;
use crate::hosts::find_parameter;

/// How often the editor is closed and opened again while a parameter moves.
const OPENINGS: usize = 5;

/// Name of the framework's thread for what is done later.
const WORKER: &str = "bg-worker";

impl GuiSession {
    /// Closes and opens the editor while blocks on another thread move a parameter. Nothing is
    /// played meanwhile.
    pub(super) fn automate(&mut self, key: &str) -> Result<()> {
        let id = find_parameter(self.editor.host(), key)?.id;
        let automation = self.editor.automation().context("only VST3 is automated")?;
        let playback = self.playback.take();
        let paused = Instant::now();
        let is_over = AtomicBool::new(false);
        let reopened = std::thread::scope(|scope| {
            let moving = scope.spawn(|| automation.run(id, &is_over));
            let reopened = (0..OPENINGS).try_for_each(|_| {
                self.editor.hide()?;
                self.run(0.05)?;
                self.show()?;
                self.run(0.1)
            });
            is_over.store(true, Ordering::SeqCst);
            moving.join().expect("no panic").and(reopened)
        });
        self.playback = playback;
        if let Some(playback) = &mut self.playback {
            playback.started += paused.elapsed();
        }
        reopened
    }

    /// Prints how many sockets are open, how many handlers the host has got, and how many
    /// worker threads live.
    pub(super) fn print_resources(&self) {
        let sockets = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| {
            let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
            let is_socket =
                |link: &std::path::PathBuf| link.to_string_lossy().starts_with("socket:");
            links.filter(is_socket).count()
        });
        let workers = std::fs::read_dir("/proc/self/task").map_or(0, |entries| {
            let name = |entry: std::io::Result<std::fs::DirEntry>| {
                std::fs::read_to_string(entry.ok()?.path().join("comm")).ok()
            };
            let names = entries.filter_map(name);
            names.filter(|name| name.trim_end() == WORKER).count()
        });
        let handlers = self.editor.handler_count();
        println!("resources: {sockets} sockets, {handlers} handlers, {workers} workers");
    }
}
