//! What the user sets with the window, told from what the host's automation sets.
#![allow(unsafe_code)] // Of parameters only pointers are passed on.

use std::sync::{Arc, Mutex, MutexGuard};

use idm_engine::drum::Drum;
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::params::Param;
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;

use crate::heard::SetByHand;
use crate::lock::lock;
use crate::params::IdmParams;

/// A setting of a drum by which its hits are judged or played.
#[derive(Debug, Clone, Copy)]
enum Setting {
    Sensitivity(Drum, f32),
    Enabled(Drum, bool),
    Dynamics(Drum, f32),
}

/// What was set and not yet taken.
#[derive(Debug, Clone, Default)]
pub struct SetNow(Arc<Mutex<Vec<Setting>>>);

impl SetNow {
    /// A context that does all that `inner` does, and notes what is set.
    pub fn watch(&self, inner: GuiContext, params: Arc<IdmParams>) -> GuiContext {
        let set = self.clone();
        GuiContext::new(Arc::new(Watched {
            inner,
            params,
            set,
            begun: Mutex::default(),
        }))
    }

    /// Moves what was set to `all`.
    pub fn tell(&self, all: &mut SetByHand) {
        for setting in self.list().drain(..) {
            match setting {
                Setting::Sensitivity(drum, value) => all.set_sensitivity(drum, value),
                Setting::Enabled(drum, is_enabled) => all.set_enabled(drum, is_enabled),
                Setting::Dynamics(drum, value) => all.set_dynamics(drum, value),
            }
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Setting>> {
        lock(&self.0)
    }
}

/// The host, with an eye on what it is told.
struct Watched {
    inner: GuiContext,
    params: Arc<IdmParams>,
    set: SetNow,
    /// Parameters that are being dragged.
    begun: Mutex<Vec<ParamPtr>>,
}

impl Drop for Watched {
    /// A window that is closed during a drag: a host must hear of the end of every gesture, or
    /// it takes the parameter for held and writes over its automation.
    fn drop(&mut self) {
        for param in lock(&self.begun).drain(..) {
            // SAFETY: the window holds the parameters, and its context with them.
            unsafe { self.inner.raw_end_set_parameter(param) };
        }
    }
}

impl Watched {
    fn setting(&self, param: ParamPtr, normalized: f32) -> Option<Setting> {
        Drum::ALL.into_iter().find_map(|drum| {
            let params = &self.params.drums[drum.index()];
            if params.sensitivity.as_ptr() == param {
                let value = params.sensitivity.preview_plain(normalized);
                Some(Setting::Sensitivity(drum, value))
            } else if params.enabled.as_ptr() == param {
                let is_enabled = params.enabled.preview_plain(normalized);
                Some(Setting::Enabled(drum, is_enabled))
            } else if params.dynamics.as_ptr() == param {
                let value = params.dynamics.preview_plain(normalized);
                Some(Setting::Dynamics(drum, value))
            } else {
                None
            }
        })
    }
}

// SAFETY: everything is passed on as it came, to who checks it.
impl GuiContextInner for Watched {
    fn plugin_api(&self) -> PluginApi {
        self.inner.plugin_api()
    }
    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        lock(&self.begun).push(param);
        // SAFETY: as above.
        unsafe { self.inner.raw_begin_set_parameter(param) };
    }
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.set.list().extend(self.setting(param, normalized));
        // SAFETY: as above.
        unsafe { self.inner.raw_set_parameter_normalized(param, normalized) };
    }
    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        lock(&self.begun).retain(|begun| *begun != param);
        // SAFETY: as above.
        unsafe { self.inner.raw_end_set_parameter(param) };
    }
    fn get_state(&self) -> PluginState {
        self.inner.get_state()
    }
    fn set_state(&self, state: PluginState) {
        self.inner.set_state(state);
    }
    fn request_restart(&self) {
        self.inner.request_restart();
    }
}
