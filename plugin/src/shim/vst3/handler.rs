//! The host's handler, asked for a restart in a way that more hosts understand.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComWrapper};

use crate::lock::lock;

/// A request so soon after an activation only tells of the latency that it brought.
const SOON: Duration = Duration::from_secs(1);

/// Requests that are passed on after another.
const MOST_HELD: usize = 4;

/// What became of requests for a restart. The plugin repeats one that has had no effect.
#[derive(Debug, Default)]
struct Requests {
    activated: Option<Instant>,
    is_unanswered: bool,
}

impl Requests {
    /// What to ask the host for, where `flags` are asked for. A host that has read another
    /// latency and left it at that (Ardour does) is asked to load the component again, which
    /// activates it anew.
    fn flags(&mut self, flags: int32, now: Instant) -> int32 {
        if flags & RestartFlags_::kLatencyChanged as int32 == 0 {
            return flags;
        }
        let is_soon = |activated| now.duration_since(activated) < SOON;
        if self.activated.is_some_and(is_soon) {
            return flags;
        }
        let is_repeated = std::mem::replace(&mut self.is_unanswered, true);
        if is_repeated {
            self.is_unanswered = false;
            return flags | RestartFlags_::kReloadComponent as int32;
        }
        flags
    }

    fn activate(&mut self, now: Instant) {
        self.activated = Some(now);
        self.is_unanswered = false;
    }
}

#[derive(Default)]
struct Shared {
    requests: Requests,
    /// The host's own.
    host: Option<ComPtr<IComponentHandler>>,
    is_made: bool,
    queue: Queue,
}

/// Requests that are made while the host answers another: it activates within, which tells of
/// a latency, and may hold what it would need for that (Ardour would wait for itself).
#[derive(Debug, Default)]
struct Queue {
    is_asking: bool,
    held: int32,
}

impl Queue {
    /// `flags` if the host can be asked now; else they are held.
    fn enter(&mut self, flags: int32) -> Option<int32> {
        if std::mem::replace(&mut self.is_asking, true) {
            self.held |= flags;
            return None;
        }
        Some(flags)
    }

    /// What was held meanwhile; the host has answered all else if that is nothing.
    fn leave(&mut self) -> Option<int32> {
        let held = std::mem::take(&mut self.held);
        self.is_asking = held != 0;
        (held != 0).then_some(held)
    }
}

/// Whether the host restarts the component when it is asked to, and its handler.
#[derive(Default, Clone)]
// Handlers are called by whatever thread the host and the framework choose, as COM has it.
#[allow(clippy::arc_with_non_send_sync)]
pub(super) struct Restarts(Arc<Mutex<Shared>>);

impl Restarts {
    /// Says that the host has activated the component.
    pub fn activate(&self) {
        self.with(|shared| shared.requests.activate(Instant::now()));
    }

    /// Takes the handler `host`, which may be none; the first time, what the framework is to
    /// use in its place from then on. Allocates.
    ///
    /// # Safety
    /// `host` is null or a handler.
    pub unsafe fn follow(&self, host: *mut IComponentHandler) -> Option<ComPtr<IComponentHandler>> {
        // SAFETY: the caller's contract.
        let host = unsafe { vst3::ComRef::from_raw(host) }.map(|host| host.to_com_ptr());
        // The one before may end here, which calls the host: not while locked.
        let (before, was_made) = self.with(|shared| {
            let before = std::mem::replace(&mut shared.host, host);
            (before, std::mem::replace(&mut shared.is_made, true))
        });
        drop(before);
        if was_made {
            return None;
        }
        ComWrapper::new(Handler(self.clone())).to_com_ptr()
    }

    fn host(&self) -> Option<ComPtr<IComponentHandler>> {
        self.with(|shared| shared.host.clone())
    }

    fn with<R>(&self, change: impl FnOnce(&mut Shared) -> R) -> R {
        change(&mut lock(&self.0))
    }
}

struct Handler(Restarts);

impl Class for Handler {
    type Interfaces = (IComponentHandler,);
}

impl Handler {
    /// What the host answers; nothing is locked meanwhile.
    fn ask(&self, ask: impl FnOnce(&ComPtr<IComponentHandler>) -> tresult) -> tresult {
        self.0.host().map_or(kResultFalse, |host| ask(&host))
    }
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, id: ParamID) -> tresult {
        // SAFETY: no pointers.
        self.ask(|host| unsafe { host.beginEdit(id) })
    }

    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        // SAFETY: no pointers.
        self.ask(|host| unsafe { host.performEdit(id, value) })
    }

    unsafe fn endEdit(&self, id: ParamID) -> tresult {
        // SAFETY: no pointers.
        self.ask(|host| unsafe { host.endEdit(id) })
    }

    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        let now = Instant::now();
        let entered = self.0.with(|shared| {
            let flags = shared.requests.flags(flags, now);
            shared.queue.enter(flags)
        });
        let Some(flags) = entered else {
            return kResultOk;
        };
        let ask = |flags| {
            // SAFETY: no pointers; the host may activate or take its handler away within.
            self.ask(|host| unsafe { host.restartComponent(flags) })
        };
        let result = ask(flags);
        // One that activates anew for each is told of no more than a few.
        for _ in 0..MOST_HELD {
            match self.0.with(|shared| shared.queue.leave()) {
                Some(held) => ask(held),
                None => return result,
            };
        }
        self.0.with(|shared| shared.queue = Queue::default());
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host that activates while it is asked, and holds a lock meanwhile.
    struct Host {
        lock: Mutex<()>,
        handler: Mutex<Option<ComPtr<IComponentHandler>>>,
        asked: Arc<Mutex<Vec<int32>>>,
        activations: int32,
    }

    impl Class for Host {
        type Interfaces = (IComponentHandler,);
    }

    impl IComponentHandlerTrait for Host {
        unsafe fn beginEdit(&self, _: ParamID) -> tresult {
            kResultOk
        }

        unsafe fn performEdit(&self, _: ParamID, _: ParamValue) -> tresult {
            kResultOk
        }

        unsafe fn endEdit(&self, _: ParamID) -> tresult {
            kResultOk
        }

        unsafe fn restartComponent(&self, flags: int32) -> tresult {
            let _held = self
                .lock
                .try_lock()
                .expect("the host would wait for itself");
            let count = {
                let mut asked = self.asked.lock().expect("no panic");
                asked.push(flags);
                asked.len() as int32
            };
            let handler = self.handler.lock().expect("no panic").clone();
            if count <= self.activations
                && let Some(handler) = handler
            {
                // SAFETY: no pointers.
                unsafe { handler.restartComponent(RestartFlags_::kLatencyChanged as int32) };
            }
            kResultOk
        }
    }

    #[test]
    fn a_host_is_not_asked_while_it_answers() {
        for (activations, count) in [(0, 1), (1, 2), (100, 1 + MOST_HELD)] {
            let asked: Arc<Mutex<Vec<int32>>> = Arc::default();
            let host = ComWrapper::new(Host {
                lock: Mutex::default(),
                handler: Mutex::default(),
                asked: asked.clone(),
                activations,
            });
            let pointer = host.to_com_ptr::<IComponentHandler>().expect("a handler");
            let restarts = Restarts::default();
            // SAFETY: a live handler.
            let handler = unsafe { restarts.follow(pointer.as_ptr()) }.expect("the first");
            *host.handler.lock().expect("no panic") = Some(handler.clone());
            // SAFETY: no pointers.
            let result = unsafe { handler.restartComponent(7) };
            assert_eq!(
                (result, asked.lock().expect("no panic").len()),
                (kResultOk, count)
            );
            // It can be asked again, and let go.
            // SAFETY: no pointers.
            unsafe { handler.restartComponent(7) };
            assert!(asked.lock().expect("no panic").len() > count);
            *host.handler.lock().expect("no panic") = None;
            // SAFETY: none is one.
            assert!(unsafe { restarts.follow(std::ptr::null_mut()) }.is_none());
            // SAFETY: no pointers.
            assert_eq!(unsafe { handler.restartComponent(7) }, kResultFalse);
        }
    }

    #[test]
    fn a_host_that_only_reads_the_latency_is_asked_for_more() {
        const LATENCY: int32 = RestartFlags_::kLatencyChanged as int32;
        const VALUES: int32 = RestartFlags_::kParamValuesChanged as int32;
        const RELOAD: int32 = RestartFlags_::kReloadComponent as int32;
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        let mut requests = Requests::default();
        requests.activate(start);
        assert_eq!(
            requests.flags(LATENCY, start),
            LATENCY,
            "that of the activation"
        );
        assert_eq!(requests.flags(LATENCY, at(5)), LATENCY);
        assert_eq!(requests.flags(VALUES, at(6)), VALUES);
        assert_eq!(requests.flags(LATENCY, at(7)), LATENCY | RELOAD);
        // A host that listens is never asked twice.
        requests.activate(at(8));
        for s in [10, 20, 30] {
            assert_eq!(requests.flags(LATENCY, at(s)), LATENCY);
            requests.activate(at(s + 1));
            assert_eq!(requests.flags(LATENCY, at(s + 1)), LATENCY);
        }
    }
}
