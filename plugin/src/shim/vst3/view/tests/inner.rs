//! What does with its frame as the framework's view does.

use std::ffi::c_void;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use vst3::Steinberg::Linux::*;
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use crate::lock::lock;

/// What the tests want to know of the framework's side, and do there.
#[derive(Default)]
pub(super) struct Inside {
    pub handlers: AtomicI32,
    pub calls: AtomicUsize,
    pub frame: Mutex<Option<ComPtr<IPlugFrame>>>,
    pub has_run_loop: Mutex<Option<bool>>,
    pub on_call: Mutex<Option<Box<dyn Fn()>>>,
    pub on_attached: Mutex<Option<Box<dyn Fn()>>>,
}

/// A handler of events as the framework's: it has a reference to itself.
struct InnerHandler {
    inside: Arc<Inside>,
    run_loop: ComPtr<IRunLoop>,
    own: AtomicPtr<IEventHandler>,
}

impl Class for InnerHandler {
    type Interfaces = (IEventHandler,);
}

impl IEventHandlerTrait for InnerHandler {
    unsafe fn onFDIsSet(&self, _: FileDescriptor) {
        self.inside.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(on_call) = &*lock(&self.inside.on_call) {
            on_call();
        }
        // It must still be there.
        assert!(self.inside.handlers.load(Ordering::SeqCst) > 0);
    }
}

impl Drop for InnerHandler {
    fn drop(&mut self) {
        self.inside.handlers.fetch_sub(1, Ordering::SeqCst);
        // SAFETY: what the framework does.
        unsafe {
            let own = self.own.load(Ordering::SeqCst);
            self.run_loop.unregisterEventHandler(own);
        }
    }
}

/// A view that treats its frame as the framework's does.
#[derive(Default)]
pub(super) struct InnerView {
    pub inside: Arc<Inside>,
    handler: Mutex<Option<ComWrapper<InnerHandler>>>,
}

impl Class for InnerView {
    type Interfaces = (IPlugView,);
}

impl IPlugViewTrait for InnerView {
    unsafe fn attached(&self, _: *mut c_void, _: FIDString) -> tresult {
        if let Some(on_attached) = &*lock(&self.inside.on_attached) {
            on_attached();
        }
        kResultOk
    }

    unsafe fn removed(&self) -> tresult {
        kResultOk
    }

    unsafe fn setFrame(&self, frame: *mut IPlugFrame) -> tresult {
        // SAFETY: a frame or null.
        let frame = unsafe { ComRef::from_raw(frame) }.map(|frame| frame.to_com_ptr());
        let run_loop = frame.as_ref().map(|frame| frame.cast::<IRunLoop>());
        *lock(&self.inside.has_run_loop) = run_loop.as_ref().map(Option::is_some);
        let handler = run_loop.flatten().map(|run_loop| {
            self.inside.handlers.fetch_add(1, Ordering::SeqCst);
            let handler = ComWrapper::new(InnerHandler {
                inside: self.inside.clone(),
                run_loop,
                own: AtomicPtr::default(),
            });
            let own = handler.to_com_ptr::<IEventHandler>().expect("a handler");
            let own = own.into_raw();
            handler.own.store(own, Ordering::SeqCst);
            // SAFETY: what the framework does.
            let result = unsafe { handler.run_loop.registerEventHandler(own, 7) };
            assert_eq!(result, kResultOk);
            handler
        });
        *lock(&self.handler) = handler;
        *lock(&self.inside.frame) = frame;
        kResultOk
    }

    unsafe fn isPlatformTypeSupported(&self, _: FIDString) -> tresult {
        kResultOk
    }

    unsafe fn onWheel(&self, _: f32) -> tresult {
        kNotImplemented
    }

    unsafe fn onKeyDown(&self, _: char16, _: int16, _: int16) -> tresult {
        kNotImplemented
    }

    unsafe fn onKeyUp(&self, _: char16, _: int16, _: int16) -> tresult {
        kNotImplemented
    }

    unsafe fn getSize(&self, _: *mut ViewRect) -> tresult {
        kNotImplemented
    }

    unsafe fn onSize(&self, _: *mut ViewRect) -> tresult {
        kNotImplemented
    }

    unsafe fn onFocus(&self, _: TBool) -> tresult {
        kNotImplemented
    }

    unsafe fn canResize(&self) -> tresult {
        kNotImplemented
    }

    unsafe fn checkSizeConstraint(&self, _: *mut ViewRect) -> tresult {
        kNotImplemented
    }
}
