//! What several threads share is good after any of them has panicked: nobody leaves it half
//! done.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What `mutex` guards, whoever has panicked with it. Not for the audio thread.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_elsewhere_locks_nobody_out() {
        let mutex = Mutex::new(1);
        let panics = || {
            let _guard = mutex.lock();
            panic!("with it locked");
        };
        std::thread::scope(|scope| {
            assert!(scope.spawn(panics).join().is_err());
        });
        assert!(mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 1);
    }
}
