//! Listens where no window does: people play a song first and open the window then, and what
//! was heard is to be there.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Monitor;
use crate::link::{EditorEnd, Status};
use crate::lock::lock;

/// Time between two looks: a host that exports as fast as it can fills the rings in ten times
/// as long.
const INTERVAL: Duration = Duration::from_millis(50);

/// The same while the host does not play.
const IDLE_INTERVAL: Duration = Duration::from_millis(400);

/// A thread that keeps what the audio thread tells, until it is dropped.
#[derive(Debug)]
pub struct Keeper {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Begins to listen. Locks both for moments, the monitor first, as windows do.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn new(end: Arc<Mutex<EditorEnd>>, monitor: Arc<Mutex<Monitor>>) -> io::Result<Keeper> {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        let listen = move || {
            while !ends.load(Ordering::Acquire) {
                let status = {
                    let mut monitor = lock(&monitor);
                    let mut end = lock(&end);
                    monitor.listen(&mut end);
                    end.shared.status()
                };
                thread::park_timeout(match status {
                    Status::Idle => IDLE_INTERVAL,
                    Status::Running | Status::PassThrough => INTERVAL,
                });
            }
        };
        let thread = thread::Builder::new().name("idm keeper".into());
        Ok(Keeper {
            is_over,
            thread: Some(thread.spawn(listen)?),
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It does nothing that can fail; the host's thread is not to.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use idm_engine::drum::Drum;

    use super::*;
    use crate::buses::Peaks;
    use crate::link::{HitMark, link};

    #[test]
    fn a_song_that_no_window_has_seen_is_kept() {
        let (mut audio, end) = link();
        audio.set_sample_rate(48_000.0);
        let (end, monitor) = (Arc::new(Mutex::new(end)), Arc::<Mutex<Monitor>>::default());
        let keeper = Keeper::new(end, monitor.clone()).expect("a thread");
        // More than the rings hold at once.
        let count = 20_000_u32;
        let deadline = Instant::now() + Duration::from_secs(60);
        for n in 0..count {
            let song_s = f64::from(n) * 0.005;
            if n % 10 == 0 {
                audio.hit(0, HitMark::accepted(Drum::Snare, Some(song_s)));
            }
            audio.end_block(240, &Peaks::default(), Some(song_s + 0.005));
            if n % 1_000 == 999 {
                let seen = || lock(&monitor).take.hits(0.0, 1e9).count();
                while seen() < (n / 10) as usize && Instant::now() < deadline {
                    keeper.thread.as_ref().expect("it runs").thread().unpark();
                    thread::yield_now();
                }
            }
        }
        drop(keeper);
        let monitor = lock(&monitor);
        assert_eq!(monitor.take.hits(0.0, 1e9).count(), (count / 10) as usize);
        assert!(
            monitor.wave.len() < 2_000,
            "only the last seconds are shown"
        );
        assert_eq!(Arc::strong_count(audio.shared()), 1, "it has let go of all");
    }
}
