//! Procedural sounds, synthesised when first needed and kept within a budget.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::{
    kits::{Sample, Sound},
    synth,
};

type Key = (u64, Sound);
type Slot = Arc<OnceLock<Arc<[Sample]>>>;

/// Memory that cached sounds may take.
const BUDGET_BYTES: usize = 1 << 30;
/// What a sound takes on average, to turn the budget into a count.
const BYTES_PER_SOUND: usize = 600 << 10;

/// A bounded cache of [`synth::samples`], first in, first out. What is dropped
/// can be synthesised again, so results do not depend on the cache.
#[derive(Default)]
pub(super) struct Pool {
    slots: Mutex<(HashMap<Key, Slot>, VecDeque<Key>)>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    /// The hits of `sound` of the procedural kit `seed`.
    pub(super) fn samples(&self, seed: u64, sound: Sound) -> Arc<[Sample]> {
        let slot = {
            let mut guard = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let (slots, order) = &mut *guard;
            let key = (seed, sound);
            if let Some(slot) = slots.get(&key) {
                Arc::clone(slot)
            } else {
                if order.len() >= BUDGET_BYTES / BYTES_PER_SOUND
                    && let Some(oldest) = order.pop_front()
                {
                    slots.remove(&oldest);
                }
                order.push_back(key);
                Arc::clone(slots.entry(key).or_default())
            }
        };
        // Outside the lock: other threads wait only for this very sound.
        Arc::clone(slot.get_or_init(|| Arc::from(synth::samples(seed, sound))))
    }
}
