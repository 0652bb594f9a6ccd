//! Handing sets of things to the audio thread, which neither copies nor frees them.

use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

/// Sets that may wait for the audio thread.
const WAITING: usize = 64;

/// The end of whoever makes the sets.
#[derive(Debug)]
pub struct Outbox<T> {
    ring: Producer<Arc<T>>,
    /// Keeps every set until the audio thread has let go of it, so that none is freed
    /// there.
    alive: Vec<Arc<T>>,
}

/// The audio thread's end.
#[derive(Debug)]
pub struct Inbox<T> {
    ring: Consumer<Arc<T>>,
    waiting: Option<Arc<T>>,
}

/// Makes the two ends. Allocates.
pub fn handover<T>() -> (Outbox<T>, Inbox<T>) {
    let (producer, consumer) = RingBuffer::new(WAITING);
    let outbox = Outbox {
        ring: producer,
        alive: Vec::new(),
    };
    let inbox = Inbox {
        ring: consumer,
        waiting: None,
    };
    (outbox, inbox)
}

impl<T> Outbox<T> {
    /// Keeps a set alive for as long as the audio thread has it. Frees those that it has
    /// let go of.
    pub fn keep(&mut self, set: Arc<T>) -> Arc<T> {
        self.alive.retain(|other| Arc::strong_count(other) > 1);
        if !self.alive.iter().any(|other| Arc::ptr_eq(other, &set)) {
            self.alive.push(set.clone());
        }
        set
    }

    /// Keeps a set and sends it. A ring that is full has no reader.
    pub fn send(&mut self, set: Arc<T>) {
        let set = self.keep(set);
        let _ = self.ring.push(set);
    }

    /// How many sets are kept.
    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.alive.len()
    }
}

impl<T> Inbox<T> {
    /// Forgets what waits. Real-time safe.
    pub fn clear(&mut self) {
        while self.ring.pop().is_ok() {}
        self.waiting = None;
    }

    /// Hands `set` over later. Real-time safe.
    pub fn keep(&mut self, set: Arc<T>) {
        self.waiting = Some(set);
    }

    /// Hands the newest set to `take` until it says that it has taken it. Real-time
    /// safe: the [`Outbox`] keeps every set.
    pub fn offer(&mut self, take: impl FnOnce(&Arc<T>) -> bool) {
        while let Ok(set) = self.ring.pop() {
            self.waiting = Some(set);
        }
        if self.waiting.as_ref().is_some_and(take) {
            self.waiting = None;
        }
    }
}
