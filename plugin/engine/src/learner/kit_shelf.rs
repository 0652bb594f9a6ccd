//! Where kits lie for those who want to read or save them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::LearntKit;

/// Kits that are kept: the one in effect and those that will be.
const KEPT: usize = 4;

/// Shared between the worker, which puts kits here, the audio thread, which
/// says which one is in effect, and readers, who may wait for the worker but
/// never make the audio thread wait.
#[derive(Debug, Default)]
pub struct KitShelf {
    in_effect: AtomicU64,
    kits: Mutex<Vec<(u64, Arc<LearntKit>)>>,
    busy_ns: AtomicU64,
}

impl KitShelf {
    /// The kit whose sounds are played now. Takes a lock: not for the audio
    /// thread.
    pub fn current(&self) -> Arc<LearntKit> {
        let kits = self.kits.lock().unwrap_or_else(PoisonError::into_inner);
        let in_effect = self.in_effect.load(Ordering::Acquire);
        // Where none has this ticket, the kit was forgotten and the worker has not heard of it.
        let current = kits.iter().find(|(ticket, _)| *ticket == in_effect);
        current.map_or_else(Arc::default, |(_, kit)| kit.clone())
    }

    /// Time for which the worker has worked.
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed))
    }

    pub(super) fn add_busy(&self, time: Duration) {
        self.busy_ns
            .fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Adds the kit of `ticket`, which is higher than all before.
    pub(super) fn put(&self, ticket: u64, kit: LearntKit) {
        let mut kits = self.kits.lock().unwrap_or_else(PoisonError::into_inner);
        // Not before the lock, or what took effect meanwhile would be thrown away.
        let in_effect = self.in_effect.load(Ordering::Acquire);
        kits.push((ticket, Arc::new(kit)));
        // What is older than the one in effect is not wanted any more.
        let current = kits.iter().rposition(|(ticket, _)| *ticket <= in_effect);
        kits.drain(..current.unwrap_or(0));
        // Those after it may never take effect, but it is played and saved.
        let waiting = usize::from(current.is_some());
        let surplus = kits.len().saturating_sub(KEPT);
        kits.drain(waiting..waiting + surplus);
    }

    /// Says that the kit of `ticket` is played from now on. Real-time safe.
    pub(super) fn take_effect(&self, ticket: u64) {
        self.in_effect.fetch_max(ticket, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kit_is_current_once_it_takes_effect() {
        let shelf = KitShelf::default();
        let kit = |value: f32| LearntKit {
            drums: vec![],
            embedding: vec![value],
        };
        assert!(shelf.current().is_empty());
        shelf.put(3, kit(3.0));
        assert!(shelf.current().is_empty());
        shelf.take_effect(3);
        assert_eq!(shelf.current().embedding, [3.0]);
        for ticket in 4..20 {
            shelf.put(ticket, kit(ticket as f32));
            assert_eq!(shelf.current().embedding, [(ticket - 1) as f32]);
            shelf.take_effect(ticket);
        }
        assert!(shelf.kits.lock().unwrap().len() <= KEPT);
    }

    #[test]
    fn the_kit_in_effect_stays_however_many_never_take_effect() {
        let shelf = KitShelf::default();
        let kit = |ticket: u64| LearntKit {
            drums: vec![],
            embedding: vec![ticket as f32],
        };
        shelf.put(1, kit(1));
        shelf.take_effect(1);
        for ticket in 2..10 {
            shelf.put(ticket, kit(ticket));
            assert_eq!(shelf.current().embedding, [1.0], "ticket {ticket}");
        }
        assert_eq!(shelf.kits.lock().unwrap().len(), KEPT);
        shelf.take_effect(9);
        assert_eq!(shelf.current().embedding, [9.0]);
    }
}
