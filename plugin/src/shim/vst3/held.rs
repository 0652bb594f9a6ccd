//! Parameter values that the host has given and the framework has not got yet.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComRef, ComWrapper};

/// No value: no number has these bits.
const NOTHING: u64 = u64::MAX;

/// The last value of each parameter that could not be handed on, in memory of its own.
pub(super) struct Held {
    changes: ComWrapper<Changes>,
    /// Whether there may be any.
    is_any: AtomicBool,
}

impl Held {
    /// Room for the values of these parameters. Allocates.
    pub fn new(ids: impl IntoIterator<Item = ParamID>) -> Self {
        let queue = |id| {
            let value = AtomicU64::new(NOTHING);
            ComWrapper::new(Queue { id, value })
        };
        let mut queues: Vec<_> = ids.into_iter().map(queue).collect();
        queues.sort_by_key(|queue| queue.id);
        Self {
            changes: ComWrapper::new(Changes { queues }),
            is_any: AtomicBool::new(false),
        }
    }

    fn queue(&self, id: ParamID) -> Option<&Queue> {
        let queues = &self.changes.queues;
        let at = queues.binary_search_by_key(&id, |queue| queue.id).ok()?;
        Some(&*queues[at])
    }

    /// Keeps the value in place of an earlier one. Real-time safe.
    pub fn keep(&self, id: ParamID, value: ParamValue) {
        if let Some(queue) = self.queue(id).filter(|_| value.is_finite()) {
            queue.value.store(value.to_bits(), Ordering::Release);
            self.is_any.store(true, Ordering::Release);
        }
    }

    /// Keeps the last value of each parameter that the host changes in a block. Real-time safe
    /// if the host's object is.
    ///
    /// # Safety
    /// `changes` is null or the host's object.
    pub unsafe fn keep_all(&self, changes: *mut IParameterChanges) {
        // SAFETY: the caller's contract, for the object and the queues in it. Both places are
        // valid for writing.
        unsafe {
            let Some(changes) = ComRef::from_raw(changes) else {
                return;
            };
            for index in 0..changes.getParameterCount() {
                let Some(queue) = ComRef::from_raw(changes.getParameterData(index)) else {
                    continue;
                };
                let (mut offset, mut value) = (0, 0.0);
                let points = (0..queue.getPointCount()).rev();
                for point in points {
                    if queue.getPoint(point, &mut offset, &mut value) == kResultOk {
                        self.keep(queue.getParameterId(), value);
                        break;
                    }
                }
            }
        }
    }

    /// The value that is kept. Real-time safe.
    pub fn get(&self, id: ParamID) -> Option<ParamValue> {
        value(self.queue(id)?.value.load(Ordering::Acquire))
    }

    /// What is kept, which is forgotten as it is read. Real-time safe.
    pub fn take(&self) -> impl Iterator<Item = (ParamID, ParamValue)> {
        let is_any = self.is_any.swap(false, Ordering::AcqRel);
        let queues = &self.changes.queues;
        let queues = queues.iter().take(if is_any { queues.len() } else { 0 });
        queues.filter_map(|queue| Some((queue.id, queue.take()?)))
    }

    /// What is kept as changes of a block, if there is anything. It is forgotten as it is read.
    /// Real-time safe.
    pub fn changes(&self) -> Option<ComRef<'_, IParameterChanges>> {
        let is_any = self.is_any.swap(false, Ordering::AcqRel);
        self.changes.as_com_ref().filter(|_| is_any)
    }
}

fn value(bits: u64) -> Option<ParamValue> {
    (bits != NOTHING).then(|| ParamValue::from_bits(bits))
}

/// All parameters; those without a value have a queue without points.
struct Changes {
    queues: Vec<ComWrapper<Queue>>,
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        self.queues.len() as int32
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queue = usize::try_from(index)
            .ok()
            .and_then(|index| self.queues.get(index));
        let queue = queue.and_then(|queue| queue.as_com_ref::<IParamValueQueue>());
        queue.map_or(std::ptr::null_mut(), |queue| queue.as_ptr())
    }

    unsafe fn addParameterData(&self, _: *const ParamID, _: *mut int32) -> *mut IParamValueQueue {
        std::ptr::null_mut()
    }
}

struct Queue {
    id: ParamID,
    /// The bits of the value, or [`NOTHING`].
    value: AtomicU64,
}

impl Queue {
    fn take(&self) -> Option<ParamValue> {
        value(self.value.swap(NOTHING, Ordering::AcqRel))
    }
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }

    unsafe fn getPointCount(&self) -> int32 {
        int32::from(value(self.value.load(Ordering::Acquire)).is_some())
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, place: *mut ParamValue) -> tresult {
        if index != 0 || offset.is_null() || place.is_null() {
            return kInvalidArgument;
        }
        let Some(value) = self.take() else {
            return kResultFalse;
        };
        // SAFETY: not null; the caller's to write to.
        unsafe {
            offset.write(0);
            place.write(value);
        }
        kResultOk
    }

    unsafe fn addPoint(&self, _: int32, _: ParamValue, _: *mut int32) -> tresult {
        kNotImplemented
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_each_parameter_is_kept_until_it_is_read() {
        let held = Held::new([7, 3, 5]);
        assert!(held.changes().is_none());
        for (id, value) in [(3, 0.1), (7, 0.2), (3, 0.3), (4, 0.5), (5, f64::NAN)] {
            held.keep(id, value);
        }
        assert_eq!([3, 4, 5].map(|id| held.get(id)), [Some(0.3), None, None]);
        let other = Held::new([3, 5, 7]);
        let changes = held.changes().expect("two").as_ptr();
        // SAFETY: live objects.
        unsafe { other.keep_all(changes) };
        assert_eq!(held.get(3), None, "read");
        assert!(held.changes().is_none());
        assert_eq!(other.take().collect::<Vec<_>>(), [(3, 0.3), (7, 0.2)]);
        assert_eq!(other.take().count(), 0);
        // SAFETY: null is allowed.
        unsafe { other.keep_all(std::ptr::null_mut()) };
        assert_eq!(other.take().count(), 0);
    }
}
