//! The editor of a VST3 plugin, with the run loop that Linux hosts lend it.
#![allow(unsafe_code)]
// The interface fixes the names of these methods.
#![allow(non_snake_case)]

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait, ITimerHandler,
    TimerInterval,
};
use vst3::Steinberg::Vst::{IEditControllerTrait, ViewType};
use vst3::Steinberg::{
    IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewTrait, ViewRect, kInvalidArgument,
    kNotImplemented, kPlatformTypeX11EmbedWindowID, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::Host;
use super::gui::Editor;
use super::vst3::Vst3Host;
use super::vst3_automation::Automation;
use super::vst3_module::check;

/// The host's side of the view: it is asked to resize the window, and calls
/// the plugin back on the main thread.
#[derive(Default)]
struct Frame {
    wanted: Cell<Option<(u32, u32)>>,
    handlers: RefCell<Vec<(ComPtr<IEventHandler>, FileDescriptor)>>,
}

impl Class for Frame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for Frame {
    unsafe fn resizeView(&self, _view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        if size.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the pointer was checked; the caller owns the rectangle.
        let size = unsafe { *size };
        match dimensions(&size) {
            Ok(size) => {
                self.wanted.set(Some(size));
                kResultOk
            }
            Err(_) => kInvalidArgument,
        }
    }
}

impl IRunLoopTrait for Frame {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        descriptor: FileDescriptor,
    ) -> tresult {
        // SAFETY: the caller passes a live handler; a reference is taken.
        let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else {
            return kInvalidArgument;
        };
        self.handlers
            .borrow_mut()
            .push((handler.to_com_ptr(), descriptor));
        kResultOk
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        self.handlers
            .borrow_mut()
            .retain(|(known, _)| known.as_ptr() != handler);
        kResultOk
    }

    unsafe fn registerTimer(&self, _: *mut ITimerHandler, _: TimerInterval) -> tresult {
        kNotImplemented
    }

    unsafe fn unregisterTimer(&self, _: *mut ITimerHandler) -> tresult {
        kNotImplemented
    }
}

fn dimensions(rectangle: &ViewRect) -> Result<(u32, u32)> {
    let width = u32::try_from(rectangle.right - rectangle.left)?;
    let height = u32::try_from(rectangle.bottom - rectangle.top)?;
    ensure!(width > 0 && height > 0, "{width} x {height} is no size");
    Ok((width, height))
}

fn rectangle(width: u32, height: u32) -> ViewRect {
    ViewRect {
        left: 0,
        top: 0,
        right: width as i32,
        bottom: height as i32,
    }
}

/// A VST3 plugin and its view.
pub(super) struct Vst3Editor {
    // Before the host: the view must go first.
    view: Option<ComPtr<IPlugView>>,
    frame: ComWrapper<Frame>,
    host: Vst3Host,
}

impl Vst3Editor {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            view: None,
            frame: ComWrapper::new(Frame::default()),
            host: Vst3Host::open(path, None)?,
        })
    }
}

impl Editor for Vst3Editor {
    fn host(&mut self) -> &mut dyn Host {
        &mut self.host
    }

    fn create(&mut self) -> Result<(u32, u32)> {
        let frame = self
            .frame
            .to_com_ptr::<IPlugFrame>()
            .context("no interface")?;
        // SAFETY: the view comes with a reference of ours; the frame lives until
        // it is removed.
        unsafe {
            let view = self.host.controller.createView(ViewType::kEditor);
            let view = ComPtr::from_raw(view).context("the plugin has no editor")?;
            check(view.setFrame(frame.as_ptr()), "setFrame")?;
            let mut size = rectangle(0, 0);
            check(view.getSize(&mut size), "getSize")?;
            let size = dimensions(&size)?;
            self.view = Some(view);
            Ok(size)
        }
    }

    fn attach(&mut self, window: u32) -> Result<()> {
        let view = self.view.as_ref().context("the editor is not made")?;
        let window = window as usize as *mut c_void;
        // SAFETY: the window lives until the view is removed.
        let result = unsafe { view.attached(window, kPlatformTypeX11EmbedWindowID) };
        check(result, "attached")
    }

    fn hide(&mut self) -> Result<()> {
        let view = self.view.take().context("the editor is not open")?;
        // SAFETY: the last calls to the view, in the order of the specification.
        unsafe {
            check(view.removed(), "removed")?;
            check(view.setFrame(std::ptr::null_mut()), "setFrame")
        }
    }

    fn resize(&mut self, width: u32, height: u32) -> Result<(u32, u32)> {
        let view = self.view.as_ref().context("the editor is not open")?;
        let mut size = rectangle(width, height);
        // SAFETY: plain calls with a local rectangle.
        unsafe {
            ensure!(
                view.canResize() == kResultOk,
                "the editor cannot be resized"
            );
            check(view.checkSizeConstraint(&mut size), "checkSizeConstraint")?;
            check(view.onSize(&mut size), "onSize")?;
        }
        dimensions(&size)
    }

    fn automation(&mut self) -> Option<Automation> {
        Some(Automation::of(&self.host))
    }

    fn handler_count(&self) -> usize {
        self.frame.handlers.borrow().len()
    }

    fn pump(&mut self) -> Option<(u32, u32)> {
        // Called outside of the borrow: a handler may unregister itself.
        let handlers = self.frame.handlers.borrow().clone();
        for (handler, descriptor) in handlers {
            // SAFETY: a live handler with the descriptor it gave. It reads
            // without blocking, so it may be called when nothing is there.
            unsafe { handler.onFDIsSet(descriptor) };
        }
        let wanted = self.frame.wanted.take()?;
        let view = self.view.as_ref()?;
        let mut size = rectangle(wanted.0, wanted.1);
        // SAFETY: a plain call with a local rectangle.
        unsafe { view.onSize(&mut size) };
        Some(wanted)
    }
}
