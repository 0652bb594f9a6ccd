//! Ctrl-C and requests to end: unfinished files are taken away before the program ends.

use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a program that was interrupted, as shells have it; 1 means that inputs
/// failed.
const ENDED: i32 = 130;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Listens for Ctrl-C and for what asks a program to end (SIGTERM, SIGHUP; a closed
/// console). The first makes every file in work end with an error, the second ends the
/// program at once.
///
/// # Errors
/// When the system refuses a handler.
pub fn listen() -> Result<(), ctrlc::Error> {
    outlive_the_terminal();
    ctrlc::set_handler(|| {
        if let Some(code) = code_of_the_end(INTERRUPTED.swap(true, Ordering::Relaxed)) {
            std::process::exit(code);
        }
    })
}

/// The code with which a request to end ends the program at once, if one came before.
fn code_of_the_end(is_interrupted: bool) -> Option<i32> {
    is_interrupted.then_some(ENDED)
}

/// What `nohup` started goes on when the terminal closes: the handler would end it, and
/// a signal that was ignored can be blocked instead. Before other threads start, which
/// inherit it.
fn outlive_the_terminal() {
    #[cfg(target_os = "linux")]
    if is_hang_up_ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        let mut hang_up = nix::sys::signal::SigSet::empty();
        hang_up.add(nix::sys::signal::Signal::SIGHUP);
        // At worst the program ends with its terminal.
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

/// An error once the program was asked to end.
pub fn check() -> anyhow::Result<()> {
    anyhow::ensure!(!INTERRUPTED.load(Ordering::Relaxed), "interrupted");
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_second_request_ends_at_once_and_as_shells_have_it() {
        assert_eq!(code_of_the_end(false), None);
        assert_eq!(code_of_the_end(true), Some(130));
    }

    #[test]
    fn nohup_is_recognised() {
        assert!(is_hang_up_ignored(
            "Name:\tidm\nSigIgn:\t0000000000001001\nSigCgt:\t0"
        ));
        assert!(!is_hang_up_ignored("SigIgn:\t0000000000001000"));
        assert!(!is_hang_up_ignored(""));
    }
}
