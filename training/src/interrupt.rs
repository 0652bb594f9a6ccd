//! Ctrl-C and requests to end: the run is saved before the program ends.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};

use crate::console;

/// Exit code of a program that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

/// A flag that Ctrl-C sets and what asks a program to end (SIGTERM, SIGHUP; a closed
/// console); the second time, the program ends at once.
///
/// # Errors
/// When the system refuses a handler.
pub fn stop_flag() -> Result<Arc<AtomicBool>> {
    outlive_the_terminal();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
        console::line(format_args!(
            "finishing this step and saving; press Ctrl-C again to end at once"
        ));
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(stop)
}

/// What `nohup` started goes on when the terminal closes: the handler would end it, and
/// a signal that was ignored can be blocked instead. Before other threads start, which
/// inherit it.
fn outlive_the_terminal() {
    #[cfg(target_os = "linux")]
    if is_hang_up_ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        let mut hang_up = nix::sys::signal::SigSet::empty();
        hang_up.add(nix::sys::signal::Signal::SIGHUP);
        // At worst the run is saved and ends with its terminal.
        let _ = hang_up.thread_block();
    }
}

/// Whether SIGHUP, the lowest bit, is among the ignored signals of a process' status.
#[cfg(target_os = "linux")]
fn is_hang_up_ignored(status: &str) -> bool {
    let mut ignored = status
        .lines()
        .filter_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored
        .next()
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::is_hang_up_ignored;

    #[test]
    fn nohup_is_recognised() {
        assert!(is_hang_up_ignored(
            "Name:\tidm-train\nSigIgn:\t0000000000001001\nSigCgt:\t0"
        ));
        assert!(!is_hang_up_ignored("SigIgn:\t0000000000001000"));
        assert!(!is_hang_up_ignored(""));
    }
}
