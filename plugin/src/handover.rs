//! Handing sets of things to the audio thread, which neither copies nor frees them.
//!
//! Only the newest set matters, however many were made while nothing was processed.

use std::sync::Arc;

use triple_buffer::{Input, Output, TripleBuffer};

/// The end of whoever makes the sets.
#[derive(Debug)]
pub struct Outbox<T: Send + Sync> {
    newest: Input<Option<Arc<T>>>,
    /// Keeps every set until the audio thread has let go of it, so that none is freed
    /// there.
    alive: Vec<Arc<T>>,
}

/// The audio thread's end.
#[derive(Debug)]
pub struct Inbox<T: Send + Sync> {
    newest: Output<Option<Arc<T>>>,
    waiting: Option<Arc<T>>,
}

/// Makes the two ends. Allocates.
pub fn handover<T: Send + Sync>() -> (Outbox<T>, Inbox<T>) {
    let (input, output) = TripleBuffer::default().split();
    let outbox = Outbox {
        newest: input,
        alive: Vec::new(),
    };
    let inbox = Inbox {
        newest: output,
        waiting: None,
    };
    (outbox, inbox)
}

impl<T: Send + Sync> Outbox<T> {
    /// Keeps a set alive for as long as the audio thread has it. Frees those that it has
    /// let go of.
    pub fn keep(&mut self, set: Arc<T>) -> Arc<T> {
        self.alive.retain(|other| Arc::strong_count(other) > 1);
        if !self.alive.iter().any(|other| Arc::ptr_eq(other, &set)) {
            self.alive.push(set.clone());
        }
        set
    }

    /// Keeps a set and sends it in place of those that were not taken yet.
    pub fn send(&mut self, set: Arc<T>) {
        let set = self.keep(set);
        self.newest.write(Some(set));
    }

    /// How many sets are kept.
    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.alive.len()
    }
}

impl<T: Send + Sync> Inbox<T> {
    /// Forgets what waits. Real-time safe.
    pub fn clear(&mut self) {
        self.newest.update();
        self.waiting = None;
    }

    /// Hands `set` over later. Real-time safe.
    pub fn keep(&mut self, set: Arc<T>) {
        self.waiting = Some(set);
    }

    /// Hands the newest set to `take` until it says that it has taken it. Real-time
    /// safe: the [`Outbox`] keeps every set.
    pub fn offer(&mut self, take: impl FnOnce(&Arc<T>) -> bool) {
        if self.newest.update() {
            self.waiting = self.newest.output_buffer().clone();
        }
        if self.waiting.as_ref().is_some_and(take) {
            self.waiting = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_arrives_however_many_were_sent() {
        let (mut outbox, mut inbox) = handover();
        for number in 0..1_000 {
            outbox.send(Arc::new(number));
        }
        let mut taken = Vec::new();
        inbox.offer(|set| {
            taken.push(**set);
            false
        });
        inbox.offer(|set| {
            taken.push(**set);
            true
        });
        inbox.offer(|_| panic!("it was taken"));
        assert_eq!(taken, [999, 999]);
        assert!(outbox.kept() < 8, "{} are kept", outbox.kept());
        outbox.send(Arc::new(5));
        inbox.clear();
        inbox.offer(|_| panic!("it was forgotten"));
    }
}
