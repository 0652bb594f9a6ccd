//! What the framework gets in place of the host's frame.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use vst3::Steinberg::Linux::*;
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComWrapper};

use crate::lock::lock;

/// The host's frame.
#[derive(Default, Clone)]
struct Host {
    frame: Option<ComPtr<IPlugFrame>>,
    run_loop: Option<ComPtr<IRunLoop>>,
}

#[derive(Default)]
struct Shared {
    /// The view as the host knows it.
    view: AtomicPtr<IPlugView>,
    host: Mutex<Host>,
    relays: Mutex<Vec<(ComWrapper<Relay>, FileDescriptor)>>,
}

/// The connection of the framework's view and the host's frame, which the host may take away or
/// replace while the framework's window needs it.
///
/// The framework never lets go of the event handlers that it registers: each has a reference to
/// itself that nobody releases, and would stay with the host for good, with two sockets. So the
/// host gets a [`Relay`] in its place, and that reference belongs to the relay from then on.
/// Then the handler ends as soon as the framework's view and the relay have let go of it.
#[derive(Default)]
// As COM objects are, this is called by whatever thread host and framework choose.
#[allow(clippy::arc_with_non_send_sync)]
pub(super) struct Link(Arc<Shared>);

impl Link {
    /// Says what the host's view is: null when it ends.
    pub fn set_view(&self, view: *mut IPlugView) {
        self.0.view.store(view, Ordering::Release);
    }

    /// Whether there is a frame of the host.
    pub fn has_host(&self) -> bool {
        lock(&self.0.host).frame.is_some()
    }

    /// Takes the host's frame, and registers with it what the framework has registered.
    pub fn join(&self, frame: ComPtr<IPlugFrame>) {
        let run_loop = frame.cast::<IRunLoop>();
        let host = Host {
            frame: Some(frame),
            run_loop: run_loop.clone(),
        };
        *lock(&self.0.host) = host;
        let Some(run_loop) = run_loop else { return };
        for (relay, descriptor) in self.relays() {
            relay.register(&run_loop, descriptor);
        }
    }

    /// Takes all that was registered away from the host's frame, and lets go of it.
    pub fn leave(&self) {
        // The host is called: nothing may be locked.
        let host = std::mem::take(&mut *lock(&self.0.host));
        let Some(run_loop) = &host.run_loop else {
            return;
        };
        for (relay, _) in self.relays() {
            relay.unregister(run_loop);
        }
    }

    /// Ends the framework's handlers, where its view has let go of them; later otherwise, with
    /// the view.
    pub fn end(&self) {
        let relays = std::mem::take(&mut *lock(&self.0.relays));
        let run_loop = lock(&self.0.host).run_loop.clone();
        for (relay, _) in relays {
            if let Some(run_loop) = &run_loop {
                relay.unregister(run_loop);
            }
            // It does what is left to do as it ends: nothing may be locked.
            let handler = lock(&relay.0).take();
            drop(handler);
        }
    }

    /// A frame for the framework, with a run loop if it is to find one. Allocates.
    pub fn frame(&self, has_run_loop: bool) -> Option<ComPtr<IPlugFrame>> {
        let shared = self.0.clone();
        if has_run_loop {
            ComWrapper::new(LoopFrame(shared)).to_com_ptr()
        } else {
            ComWrapper::new(Frame(shared)).to_com_ptr()
        }
    }

    fn relays(&self) -> Vec<(ComWrapper<Relay>, FileDescriptor)> {
        lock(&self.0.relays).clone()
    }
}

impl Shared {
    fn resize(&self, size: *mut ViewRect) -> tresult {
        let view = self.view.load(Ordering::Acquire);
        let frame = lock(&self.host).frame.clone();
        match frame.filter(|_| !view.is_null()) {
            // SAFETY: the framework asks while its window is open, and the view lives longer;
            // the rectangle is the framework's.
            Some(frame) => unsafe { frame.resizeView(view, size) },
            None => kResultFalse,
        }
    }

    /// What the host's run loop answers; nothing is locked meanwhile.
    fn ask(&self, ask: impl FnOnce(&ComPtr<IRunLoop>) -> tresult) -> tresult {
        let run_loop = lock(&self.host).run_loop.clone();
        run_loop.map_or(kResultFalse, |run_loop| ask(&run_loop))
    }
}

/// A frame of a host without a run loop, which the framework must not see then.
struct Frame(Arc<Shared>);

impl Class for Frame {
    type Interfaces = (IPlugFrame,);
}

impl IPlugFrameTrait for Frame {
    unsafe fn resizeView(&self, _: *mut IPlugView, size: *mut ViewRect) -> tresult {
        self.0.resize(size)
    }
}

/// A frame with a run loop.
struct LoopFrame(Arc<Shared>);

impl Class for LoopFrame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for LoopFrame {
    unsafe fn resizeView(&self, _: *mut IPlugView, size: *mut ViewRect) -> tresult {
        self.0.resize(size)
    }
}

impl IRunLoopTrait for LoopFrame {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        descriptor: FileDescriptor,
    ) -> tresult {
        // SAFETY: the framework gives a pointer that it has made an owning one and never
        // releases (`into_raw`), so that this owns the reference. Its view holds another.
        let Some(handler) = (unsafe { ComPtr::from_raw(handler) }) else {
            return kInvalidArgument;
        };
        let relay = ComWrapper::new(Relay(Mutex::new(Some(handler))));
        lock(&self.0.relays).push((relay.clone(), descriptor));
        self.0.ask(|run_loop| relay.register(run_loop, descriptor))
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        // Handlers that end say so as well; those are unknown here, and too late to be touched.
        let relay = {
            let mut relays = lock(&self.0.relays);
            let known = relays
                .iter()
                .position(|(relay, _)| relay.stands_for(handler));
            known.map(|at| relays.swap_remove(at).0)
        };
        let Some(relay) = relay else {
            return kResultOk;
        };
        let result = self.0.ask(|run_loop| relay.unregister(run_loop));
        let handler = lock(&relay.0).take();
        drop(handler);
        result
    }

    unsafe fn registerTimer(&self, handler: *mut ITimerHandler, every: TimerInterval) -> tresult {
        // SAFETY: the framework's arguments, handed on.
        self.0
            .ask(|run_loop| unsafe { run_loop.registerTimer(handler, every) })
    }

    unsafe fn unregisterTimer(&self, handler: *mut ITimerHandler) -> tresult {
        // SAFETY: the framework's arguments, handed on.
        self.0
            .ask(|run_loop| unsafe { run_loop.unregisterTimer(handler) })
    }
}

/// What the host calls in place of a handler of the framework's, until that has ended. The host
/// may hold it for longer.
struct Relay(Mutex<Option<ComPtr<IEventHandler>>>);

impl Class for Relay {
    type Interfaces = (IEventHandler,);
}

/// The pointer that the host knows `relay` by.
fn pointer(relay: &ComWrapper<Relay>) -> *mut IEventHandler {
    let relay = relay.as_com_ref::<IEventHandler>();
    relay.map_or(std::ptr::null_mut(), |relay| relay.as_ptr())
}

/// What is asked of the host for a relay.
trait Registered {
    fn register(&self, run_loop: &ComPtr<IRunLoop>, descriptor: FileDescriptor) -> tresult;
    fn unregister(&self, run_loop: &ComPtr<IRunLoop>) -> tresult;
}

impl Registered for ComWrapper<Relay> {
    fn register(&self, run_loop: &ComPtr<IRunLoop>, descriptor: FileDescriptor) -> tresult {
        // SAFETY: a live handler, and the descriptor that goes with it.
        unsafe { run_loop.registerEventHandler(pointer(self), descriptor) }
    }

    fn unregister(&self, run_loop: &ComPtr<IRunLoop>) -> tresult {
        // SAFETY: a live handler.
        unsafe { run_loop.unregisterEventHandler(pointer(self)) }
    }
}

impl Relay {
    fn stands_for(&self, handler: *mut IEventHandler) -> bool {
        let own = lock(&self.0);
        own.as_ref().is_some_and(|own| own.as_ptr() == handler)
    }
}

impl IEventHandlerTrait for Relay {
    unsafe fn onFDIsSet(&self, descriptor: FileDescriptor) {
        // What is done there may end the window: the handler lives until it is over.
        let handler = lock(&self.0).clone();
        if let Some(handler) = handler {
            // SAFETY: the host's argument, handed on.
            unsafe { handler.onFDIsSet(descriptor) };
        }
    }
}
