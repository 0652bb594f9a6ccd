//! VST3: the controller, which hosts may ask while a window opens or closes.

use std::sync::atomic::Ordering;

use nice_plug::prelude::Vst3Plugin;
use nice_plug::wrapper::vst3::Wrapper;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;

use super::Component;

/// The ids of all parameters.
pub(super) fn parameter_ids<P: Vst3Plugin>(inner: &Wrapper<P>) -> Vec<ParamID> {
    // SAFETY: `info` is a valid place for the answer, and a plain struct of numbers.
    unsafe {
        (0..inner.getParameterCount())
            .filter_map(|index| {
                let mut info: ParameterInfo = std::mem::zeroed();
                (inner.getParameterInfo(index, &mut info) == kResultOk).then_some(info.id)
            })
            .collect()
    }
}

impl<P: Vst3Plugin> Component<P> {
    /// Gives the framework a value outside of blocks, or keeps it while the gate is closed.
    /// While processing, blocks bring it.
    pub(super) fn set(&self, id: ParamID, value: ParamValue) -> tresult {
        match self.gate.pass() {
            // SAFETY: no pointers.
            Some(_pass) => unsafe { self.inner.setParamNormalized(id, value) },
            None => {
                if !self.is_processing.load(Ordering::Relaxed) {
                    self.held.keep(id, value);
                }
                kResultOk
            }
        }
    }

    /// Gives the framework what was kept, if no block will do so.
    pub(super) fn settle(&self) {
        if self.is_processing.load(Ordering::Relaxed) {
            return;
        }
        if let Some(_pass) = self.gate.pass() {
            for (id, value) in self.held.take() {
                // SAFETY: no pointers.
                unsafe { self.inner.setParamNormalized(id, value) };
            }
        }
    }
}

impl<P: Vst3Plugin> IEditControllerTrait for Component<P> {
    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        // The framework's own check lets the count itself through.
        // SAFETY: the host's arguments, handed on.
        unsafe {
            if index < 0 || index >= self.inner.getParameterCount() {
                return kInvalidArgument;
            }
            self.inner.getParameterInfo(index, info)
        }
    }

    unsafe fn setState(&self, stream: *mut IBStream) -> tresult {
        // SAFETY: the host's arguments, handed on.
        unsafe { IEditControllerTrait::setState(&*self.inner, stream) }
    }

    unsafe fn getState(&self, stream: *mut IBStream) -> tresult {
        // SAFETY: the host's arguments, handed on.
        unsafe { IEditControllerTrait::getState(&*self.inner, stream) }
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        self.settle();
        match self.told.get(id).or_else(|| self.held.get(id)) {
            Some(value) => value,
            // SAFETY: no pointers.
            None => unsafe { self.inner.getParamNormalized(id) },
        }
    }

    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        // SAFETY: the host's pointer; the framework keeps a reference of its own.
        unsafe {
            // The framework keeps one handler for good: while it asks for a restart it must
            // not be given another, and a host may do so within.
            match self.restarts.follow(handler) {
                Some(first) => self.inner.setComponentHandler(first.as_ptr()),
                None => kResultOk,
            }
        }
    }

    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        if self.is_processing.load(Ordering::Relaxed) && value.is_finite() {
            self.told.tell(id, value);
        }
        self.settle();
        self.set(id, value)
    }

    unsafe fn createView(&self, name: FIDString) -> *mut IPlugView {
        // SAFETY: the host's argument, handed on; what comes back is a view with a reference
        // for the caller, or null.
        unsafe {
            let view = self.inner.createView(name);
            #[cfg(all(target_family = "unix", not(target_os = "macos")))]
            let view = vst3::ComPtr::from_raw(view).map_or(std::ptr::null_mut(), |view| {
                super::view::View::around(view, self.gate.clone())
            });
            view
        }
    }

    forward! {
        setComponentState(stream: *mut IBStream) -> tresult;
        getParameterCount() -> int32;
        getParamStringByValue(id: ParamID, value: ParamValue, text: *mut String128) -> tresult;
        getParamValueByString(id: ParamID, text: *mut TChar, value: *mut ParamValue) -> tresult;
        normalizedParamToPlain(id: ParamID, value: ParamValue) -> ParamValue;
        plainParamToNormalized(id: ParamID, value: ParamValue) -> ParamValue;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
