//! When the framework may be given changes of parameters.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for a call that is giving the framework changes, and for the gate. A block is
/// over long before; a host that stops in the middle of one must not stop the window as well.
const LONGEST: Duration = Duration::from_millis(200);

/// Between two looks at whether a wait is over.
const LOOK: Duration = Duration::from_millis(1);

/// On Linux the framework tells a thread of its own about every change while no window is open.
/// That thread looks for the window, and ends with a panic if it finds one that is just being
/// opened or closed, or that belongs to another thread. So nothing may change meanwhile.
///
/// The gate is closed for that time. It is never closed elsewhere, where the framework does all
/// of this on one thread.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Windows that are being opened or closed.
    closings: AtomicU32,
    /// Calls that are giving the framework changes.
    passing: AtomicU32,
}

impl Gate {
    /// Lets a call through that may change parameters, unless the gate is closed. It counts
    /// until what is returned is dropped. Real-time safe.
    pub fn pass(&self) -> Option<Pass<'_>> {
        // Announced before the look: either this sees that the gate is closed, or whoever closes
        // it sees this.
        self.passing.fetch_add(1, Ordering::SeqCst);
        let pass = Pass(self);
        (self.closings.load(Ordering::SeqCst) == 0).then_some(pass)
    }

    /// As [`pass`](Self::pass), after a wait for the gate to open. Not for the audio thread.
    pub fn wait(&self) -> Option<Pass<'_>> {
        let mut pass = None;
        wait_until(|| {
            pass = self.pass();
            pass.is_some()
        });
        pass
    }

    /// Closes the gate until what is returned is dropped, and waits for all that have passed.
    #[cfg(all(target_family = "unix", not(target_os = "macos")))]
    pub fn close(&self) -> Closed<'_> {
        self.closings.fetch_add(1, Ordering::SeqCst);
        let closed = Closed(self);
        wait_until(|| self.passing.load(Ordering::SeqCst) == 0);
        closed
    }
}

fn wait_until(mut is_over: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_over() && start.elapsed() < LONGEST {
        std::thread::sleep(LOOK);
    }
}

/// A call that has passed.
#[derive(Debug)]
pub(super) struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.passing.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A gate that is closed.
#[cfg(all(target_family = "unix", not(target_os = "macos")))]
#[derive(Debug)]
pub(super) struct Closed<'a>(&'a Gate);

#[cfg(all(target_family = "unix", not(target_os = "macos")))]
impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.closings.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn nothing_passes_a_closed_gate() {
        let gate = Gate::default();
        assert!(gate.pass().is_some());
        let closed = [gate.close(), gate.close()];
        assert!(gate.pass().is_none());
        let [first, second] = closed;
        drop(first);
        assert!(gate.pass().is_none(), "the other is still there");
        drop(second);
        assert!(gate.pass().is_some());
        assert_eq!(gate.passing.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn closing_waits_for_what_has_passed_but_not_for_ever() {
        let gate = Gate::default();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let pass = gate.pass().expect("it is open");
            scope.spawn(|| {
                let _pass = pass;
                std::thread::sleep(Duration::from_millis(30));
                is_over.store(true, Ordering::SeqCst);
            });
            let _closed = gate.close();
            assert!(is_over.load(Ordering::SeqCst));
        });
        let _stuck = gate.pass().expect("it is open");
        drop(gate.close());
    }

    #[test]
    fn who_can_wait_passes_when_the_gate_opens() {
        let gate = Gate::default();
        std::thread::scope(|scope| {
            let closed = gate.close();
            let waits = scope.spawn(|| gate.wait().is_some());
            std::thread::sleep(Duration::from_millis(20));
            drop(closed);
            assert!(waits.join().expect("no panic"));
        });
        let _closed = gate.close();
        assert!(gate.wait().is_none());
    }
}
