//! The host's handler, asked for a restart in a way that more hosts understand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComWrapper};

/// A request so soon after an activation only tells of the latency that it brought.
const SOON: Duration = Duration::from_secs(1);

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
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
        let flags = self.0.with(|shared| shared.requests.flags(flags, now));
        // SAFETY: no pointers; the host may activate or take its handler away within.
        self.ask(|host| unsafe { host.restartComponent(flags) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
