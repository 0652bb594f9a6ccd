//! What a CLAP plugin may ask of its host.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_host::prelude::*;

/// What the plugin has asked of the host, to be served on the main thread.
#[derive(Debug, Default)]
pub(super) struct Requests {
    callback: AtomicBool,
    resize: Mutex<Option<(u32, u32)>>,
}

impl Requests {
    /// Whether a main-thread callback is wanted; forgets it.
    pub(super) fn take_callback(&self) -> bool {
        self.callback.swap(false, Ordering::SeqCst)
    }

    /// Takes the window size that the plugin has asked for, if any.
    pub(super) fn take_resize(&self) -> Option<(u32, u32)> {
        self.resize.lock().ok()?.take()
    }
}

/// Thread-safe side of the host that the plugin calls into.
pub(super) struct Shared(pub(super) Arc<Requests>);

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}

    fn request_process(&self) {}

    fn request_callback(&self) {
        self.0.callback.store(true, Ordering::SeqCst);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, size: GuiSize) -> Result<(), HostError> {
        let mut resize = self
            .0
            .resize
            .lock()
            .map_err(|_| HostError::Message("poisoned"))?;
        *resize = Some((size.width, size.height));
        Ok(())
    }

    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn closed(&self, _was_destroyed: bool) {}
}

/// Main-thread side of the host that the plugin calls into.
pub(super) struct MainThread;

impl MainThreadHandler<'_> for MainThread {}

impl HostLatencyImpl for MainThread {
    fn changed(&self) {}
}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, _flags: ParamRescanFlags) {}

    fn clear(&self, _param_id: ClapId, _flags: ParamClearFlags) {}
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {}
}

/// Ties the handler types together for `clack`.
pub(super) struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self::Shared<'_>) {
        builder
            .register::<HostGui>()
            .register::<HostLatency>()
            .register::<HostParams>()
            .register::<HostState>();
    }
}
