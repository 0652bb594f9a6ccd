//! Progress bars on standard error, one per file in work.

use crate::console;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// All bars. Nothing is drawn where standard error is not a terminal.
#[derive(Debug)]
pub struct Progress {
    bars: MultiProgress,
}

impl Progress {
    /// No bars yet; `hidden` for output that machines read.
    pub fn new(hidden: bool) -> Progress {
        let target = if hidden {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        Progress {
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// A bar for one file. Its length is set when the file is open.
    pub fn file(&self, name: &str) -> ProgressBar {
        let style =
            ProgressStyle::with_template("{prefix:>24!} [{bar:30}] {percent:>3}% {eta} left")
                .expect("a valid template")
                .progress_chars("=> ");
        let bar = self.bars.add(ProgressBar::new(0).with_style(style));
        bar.set_prefix(name.to_string());
        bar
    }

    /// Prints a line on standard output without tearing the bars.
    pub fn print(&self, line: &str) {
        // The line is lost where it cannot be written; the files are not.
        let _ = self.bars.suspend(|| console::print(line));
    }

    /// Prints a line on standard error without tearing the bars.
    pub fn print_error(&self, line: &str) {
        self.bars.suspend(|| console::complain(line));
    }
}
