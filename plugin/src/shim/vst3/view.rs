//! The framework's view, which lets go of everything when its window closes.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use vst3::Steinberg::Linux::IRunLoop;
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::frame::Link;
use super::gate::Gate;
use crate::lock::lock;

/// Time for the framework's worker thread to do what it was given before the gate closed: it
/// must not meet the new window with that. It looks at whether there is a window and is done,
/// thousands of times in this time; how far it is cannot be asked.
const WORKER: Duration = Duration::from_millis(20);

/// The framework's view behind one that connects it with the host's frame.
pub(super) struct View {
    inner: ComPtr<IPlugView>,
    link: Link,
    gate: Arc<Gate>,
    /// Whether the framework has a frame, and if so whether with a run loop.
    given: Mutex<Option<bool>>,
    /// The thread that has opened the window, while it is open.
    opened_by: Mutex<Option<ThreadId>>,
}

impl View {
    /// A view around the framework's `inner`, with one reference for the caller. Allocates.
    pub fn around(inner: ComPtr<IPlugView>, gate: Arc<Gate>) -> *mut IPlugView {
        let view = ComWrapper::new(View {
            inner,
            link: Link::default(),
            gate,
            given: Mutex::default(),
            opened_by: Mutex::default(),
        });
        let Some(pointer) = view.to_com_ptr::<IPlugView>() else {
            return std::ptr::null_mut();
        };
        view.link.set_view(pointer.as_ptr());
        pointer.into_raw()
    }

    fn is_open(&self) -> bool {
        lock(&self.opened_by).is_some()
    }

    /// Takes the framework's frame away from it, and ends what it has registered there.
    fn end(&self) {
        if lock(&self.given).take().is_some() {
            // SAFETY: no frame is one. After this the view has let go of its handlers, unless
            // the component is gone: then it does so with its last reference.
            unsafe { self.inner.setFrame(std::ptr::null_mut()) };
        }
        self.link.end();
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.link.set_view(std::ptr::null_mut());
        let opened_by = *lock(&self.opened_by);
        if opened_by == Some(std::thread::current().id()) {
            // The framework could never open another one.
            // SAFETY: the thread of the window.
            unsafe { self.removed() };
        }
        self.link.leave();
        self.end();
    }
}

impl Class for View {
    type Interfaces = (IPlugView, IPlugViewContentScaleSupport);
}

impl IPlugViewTrait for View {
    unsafe fn attached(&self, parent: *mut c_void, kind: FIDString) -> tresult {
        let _closed = self.gate.close();
        std::thread::sleep(WORKER);
        // SAFETY: the host's arguments, handed on.
        let result = unsafe { self.inner.attached(parent, kind) };
        if result == kResultOk {
            *lock(&self.opened_by) = Some(std::thread::current().id());
        }
        result
    }

    unsafe fn removed(&self) -> tresult {
        let _closed = self.gate.close();
        // SAFETY: no pointers.
        let result = unsafe { self.inner.removed() };
        *lock(&self.opened_by) = None;
        if !self.link.has_host() {
            self.end();
        }
        result
    }

    unsafe fn setFrame(&self, frame: *mut IPlugFrame) -> tresult {
        self.link.leave();
        // SAFETY: the host's frame, or null.
        let Some(frame) = (unsafe { ComRef::from_raw(frame) }) else {
            // An open window needs the run loop that the framework knows: without one, it would
            // be looked for on other threads. What is put there waits until the window is gone.
            if !self.is_open() {
                self.end();
            }
            return kResultOk;
        };
        let frame = frame.to_com_ptr();
        let has_run_loop = frame.cast::<IRunLoop>().is_some();
        let given = *lock(&self.given);
        let _closed = match given {
            Some(had_run_loop) if had_run_loop != has_run_loop => {
                let closed = self.gate.close();
                self.end();
                Some(closed)
            }
            _ => None,
        };
        self.link.join(frame);
        if given == Some(has_run_loop) {
            return kResultOk;
        }
        let Some(frame) = self.link.frame(has_run_loop) else {
            return kResultFalse;
        };
        // SAFETY: a live frame; the framework keeps a reference of its own.
        let result = unsafe { self.inner.setFrame(frame.as_ptr()) };
        if result == kResultOk {
            *lock(&self.given) = Some(has_run_loop);
        } else {
            self.link.leave();
        }
        result
    }

    forward! {
        isPlatformTypeSupported(kind: FIDString) -> tresult;
        onWheel(distance: f32) -> tresult;
        onKeyDown(key: char16, code: int16, modifiers: int16) -> tresult;
        onKeyUp(key: char16, code: int16, modifiers: int16) -> tresult;
        getSize(size: *mut ViewRect) -> tresult;
        onSize(size: *mut ViewRect) -> tresult;
        onFocus(state: TBool) -> tresult;
        canResize() -> tresult;
        checkSizeConstraint(size: *mut ViewRect) -> tresult;
    }
}

impl IPlugViewContentScaleSupportTrait for View {
    unsafe fn setContentScaleFactor(
        &self,
        factor: IPlugViewContentScaleSupport_::ScaleFactor,
    ) -> tresult {
        match self.inner.cast::<IPlugViewContentScaleSupport>() {
            // SAFETY: no pointers.
            Some(scaled) => unsafe { scaled.setContentScaleFactor(factor) },
            None => kNotImplemented,
        }
    }
}

#[cfg(test)]
mod tests;
