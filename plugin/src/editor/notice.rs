//! What became of the last thing that was done.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a notice stays; one of a failure stays until it is clicked.
const STAYS: Duration = Duration::from_secs(8);

/// A word about something that was done, for a while.
#[derive(Debug)]
pub struct Notice {
    /// In the user's words.
    pub text: String,
    /// Whether it could be done.
    pub is_good: bool,
    /// Folder in which the result lies.
    pub folder: Option<PathBuf>,
    since: Instant,
}

impl Notice {
    /// What was saved as or in `path`.
    pub fn saved(what: &str, path: &Path) -> Notice {
        let folder = if path.is_dir() {
            Some(path)
        } else {
            path.parent()
        };
        Notice {
            text: format!("{what} {}", path.display()),
            is_good: true,
            folder: folder.map(Path::to_owned),
            since: Instant::now(),
        }
    }

    /// The same, with what was left out.
    pub fn without(mut self, left_out: &[String]) -> Notice {
        if !left_out.is_empty() {
            self.text = format!("{}; left out: {}", self.text, left_out.join(", "));
        }
        self
    }

    /// What was done, or will be.
    pub fn done(text: String) -> Notice {
        Notice {
            text,
            is_good: true,
            folder: None,
            since: Instant::now(),
        }
    }

    /// What could not be done, and why.
    pub fn failed(text: String) -> Notice {
        Notice {
            text,
            is_good: false,
            folder: None,
            since: Instant::now(),
        }
    }

    /// Whether it is still to be shown.
    pub fn is_fresh(&self) -> bool {
        !self.is_good || self.since.elapsed() < STAYS
    }
}
