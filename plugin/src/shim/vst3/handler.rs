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

/// Whether the host restarts the component when it is asked to.
#[derive(Debug, Default, Clone)]
pub(super) struct Restarts(Arc<Mutex<Requests>>);

impl Restarts {
    /// Says that the host has activated the component.
    pub fn activate(&self) {
        self.with(|requests| requests.activate(Instant::now()));
    }

    /// The host's handler `host` for the framework; none if it is none. Allocates.
    ///
    /// # Safety
    /// `host` is null or a handler.
    pub unsafe fn handler(
        &self,
        host: *mut IComponentHandler,
    ) -> Option<ComPtr<IComponentHandler>> {
        // SAFETY: the caller's contract.
        let host = unsafe { vst3::ComRef::from_raw(host) }?.to_com_ptr();
        let handler = Handler {
            host,
            restarts: self.clone(),
        };
        ComWrapper::new(handler).to_com_ptr()
    }

    fn with<R>(&self, change: impl FnOnce(&mut Requests) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Handler {
    host: ComPtr<IComponentHandler>,
    restarts: Restarts,
}

impl Class for Handler {
    type Interfaces = (IComponentHandler,);
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, id: ParamID) -> tresult {
        // SAFETY: no pointers.
        unsafe { self.host.beginEdit(id) }
    }

    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        // SAFETY: no pointers.
        unsafe { self.host.performEdit(id, value) }
    }

    unsafe fn endEdit(&self, id: ParamID) -> tresult {
        // SAFETY: no pointers.
        unsafe { self.host.endEdit(id) }
    }

    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        let flags = self
            .restarts
            .with(|requests| requests.flags(flags, Instant::now()));
        // SAFETY: no pointers. Nothing is locked: the host may activate within.
        unsafe { self.host.restartComponent(flags) }
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
