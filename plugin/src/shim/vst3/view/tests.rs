//! The view between the framework, or what does as the framework does, and hosts.

use std::sync::atomic::{AtomicPtr, Ordering};

use vst3::Steinberg::Linux::*;
use vst3::Steinberg::Vst::{IEditController, IEditControllerTrait, ViewType};

use super::*;
use crate::InverseDrumMachine;
use crate::shim::vst3::Component;
use inner::{InnerView, Inside};

mod inner;

const NO_FRAME: *mut IPlugFrame = std::ptr::null_mut();

/// A host with a run loop, which counts on handlers to live as long as they are registered.
#[derive(Default)]
struct HostFrame {
    handlers: Mutex<Vec<(*mut IEventHandler, FileDescriptor)>>,
    /// What was asked to be resized.
    resized: AtomicPtr<IPlugView>,
}

impl Class for HostFrame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl HostFrame {
    fn descriptors(&self) -> Vec<FileDescriptor> {
        let handlers = lock(&self.handlers);
        handlers.iter().map(|(_, descriptor)| *descriptor).collect()
    }

    /// What the run loop does when bytes arrive.
    fn call(&self) {
        let handlers = lock(&self.handlers).clone();
        for (handler, descriptor) in handlers {
            // SAFETY: it is registered.
            let handler = unsafe { ComRef::from_raw(handler) }.expect("a handler");
            // SAFETY: as above.
            unsafe { handler.onFDIsSet(descriptor) };
        }
    }
}

impl IPlugFrameTrait for HostFrame {
    unsafe fn resizeView(&self, view: *mut IPlugView, _: *mut ViewRect) -> tresult {
        self.resized.store(view, Ordering::SeqCst);
        kResultOk
    }
}

impl IRunLoopTrait for HostFrame {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        descriptor: FileDescriptor,
    ) -> tresult {
        lock(&self.handlers).push((handler, descriptor));
        kResultOk
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        let mut handlers = lock(&self.handlers);
        let count = handlers.len();
        handlers.retain(|(known, _)| *known != handler);
        if handlers.len() == count {
            kResultFalse
        } else {
            kResultOk
        }
    }

    unsafe fn registerTimer(&self, _: *mut ITimerHandler, _: TimerInterval) -> tresult {
        kResultOk
    }

    unsafe fn unregisterTimer(&self, _: *mut ITimerHandler) -> tresult {
        kResultOk
    }
}

/// A host without one.
struct PlainFrame;

impl Class for PlainFrame {
    type Interfaces = (IPlugFrame,);
}

impl IPlugFrameTrait for PlainFrame {
    unsafe fn resizeView(&self, _: *mut IPlugView, _: *mut ViewRect) -> tresult {
        kResultOk
    }
}

fn frame(host: &ComWrapper<HostFrame>) -> *mut IPlugFrame {
    let frame = host.as_com_ref::<IPlugFrame>();
    frame.expect("a frame").as_ptr()
}

/// A view around an [`InnerView`], and what happens inside.
fn view(gate: &Arc<Gate>) -> (ComPtr<IPlugView>, Arc<Inside>) {
    let inner = ComWrapper::new(InnerView::default());
    let inside = inner.inside.clone();
    let inner = inner.to_com_ptr().expect("a view");
    // SAFETY: a view with a reference of ours.
    let view = unsafe { ComPtr::from_raw(View::around(inner, gate.clone())) };
    (view.expect("a view"), inside)
}

#[test]
fn a_view_that_goes_takes_all_handlers_along_in_whatever_order_the_host_closes_it() {
    let orders: [&[&str]; 4] = [
        &["removed", "setFrame"],
        &["setFrame", "removed"],
        &["removed"],
        &[],
    ];
    for order in orders {
        let host = ComWrapper::new(HostFrame::default());
        let (view, inside) = view(&Arc::default());
        // SAFETY: a live frame; nothing else is looked at.
        unsafe {
            assert_eq!(view.setFrame(frame(&host)), kResultOk);
            view.attached(std::ptr::null_mut(), std::ptr::null());
        }
        assert_eq!(host.descriptors(), [7]);
        host.call();
        assert_eq!(inside.calls.load(Ordering::SeqCst), 1);
        for call in order {
            // SAFETY: no frame is one.
            let result = unsafe {
                match *call {
                    "removed" => view.removed(),
                    _ => view.setFrame(NO_FRAME),
                }
            };
            assert_eq!(result, kResultOk);
        }
        drop(view);
        assert!(host.descriptors().is_empty(), "{order:?}");
        assert_eq!(inside.handlers.load(Ordering::SeqCst), 0, "{order:?}");
    }
}

#[test]
fn an_open_window_keeps_its_run_loop_until_it_is_closed() {
    let hosts = [(); 2].map(|()| ComWrapper::new(HostFrame::default()));
    let (view, inside) = view(&Arc::default());
    // SAFETY: live frames or none; nothing else is looked at.
    unsafe {
        view.setFrame(frame(&hosts[0]));
        view.attached(std::ptr::null_mut(), std::ptr::null());
        view.setFrame(NO_FRAME);
    }
    assert!(hosts[0].descriptors().is_empty());
    assert_eq!(inside.handlers.load(Ordering::SeqCst), 1);
    // SAFETY: a live frame.
    unsafe { view.setFrame(frame(&hosts[1])) };
    hosts[0].call();
    hosts[1].call();
    assert_eq!(inside.calls.load(Ordering::SeqCst), 1, "of the new frame");
    // SAFETY: no frame is one.
    unsafe {
        view.setFrame(NO_FRAME);
        assert_eq!(inside.handlers.load(Ordering::SeqCst), 1);
        view.removed();
    }
    assert_eq!(inside.handlers.load(Ordering::SeqCst), 0);
}

#[test]
fn a_handler_that_closes_the_window_lives_until_it_is_done() {
    let host = ComWrapper::new(HostFrame::default());
    let (view, inside) = view(&Arc::default());
    // SAFETY: a live frame.
    unsafe { view.setFrame(frame(&host)) };
    let closed = view.clone();
    *lock(&inside.on_call) = Some(Box::new(move || {
        // SAFETY: no frame is one.
        unsafe { closed.setFrame(NO_FRAME) };
    }));
    host.call();
    assert_eq!(inside.handlers.load(Ordering::SeqCst), 0);
    assert!(host.descriptors().is_empty());
    *lock(&inside.on_call) = None;
}

#[test]
fn the_host_is_asked_to_resize_the_view_it_knows_and_not_for_a_run_loop_it_lacks() {
    let host = ComWrapper::new(HostFrame::default());
    let (view, inside) = view(&Arc::default());
    let resize = || {
        let frame = lock(&inside.frame).clone().expect("a frame");
        // SAFETY: nothing is looked at.
        unsafe { frame.resizeView(std::ptr::null_mut(), std::ptr::null_mut()) }
    };
    // SAFETY: a live frame.
    unsafe { view.setFrame(frame(&host)) };
    assert_eq!(*lock(&inside.has_run_loop), Some(true));
    assert_eq!(resize(), kResultOk);
    assert_eq!(host.resized.load(Ordering::SeqCst), view.as_ptr());

    let plain = ComWrapper::new(PlainFrame);
    let plain = plain.to_com_ptr::<IPlugFrame>().expect("a frame");
    // SAFETY: a live frame.
    unsafe { view.setFrame(plain.as_ptr()) };
    assert_eq!(*lock(&inside.has_run_loop), Some(false));
    assert_eq!(inside.handlers.load(Ordering::SeqCst), 0);
    assert_eq!(resize(), kResultOk);
    // What the framework keeps of it is no use without the host.
    let kept = lock(&inside.frame).clone().expect("a frame");
    drop(view);
    // SAFETY: nothing is looked at.
    let result = unsafe { kept.resizeView(std::ptr::null_mut(), std::ptr::null_mut()) };
    assert_eq!(result, kResultFalse);
}

#[test]
fn nothing_passes_while_the_window_is_made() {
    let gate = Arc::new(Gate::default());
    let (view, inside) = view(&gate);
    let inner_gate = gate.clone();
    let passed = Arc::new(Mutex::new(None));
    let inner_passed = passed.clone();
    *lock(&inside.on_attached) = Some(Box::new(move || {
        *lock(&inner_passed) = Some(inner_gate.pass().is_some());
    }));
    // SAFETY: nothing is looked at.
    unsafe { view.attached(std::ptr::null_mut(), std::ptr::null()) };
    assert_eq!(*lock(&passed), Some(false));
    assert!(gate.pass().is_some());
    // SAFETY: no pointers.
    unsafe { view.removed() };
    assert!(gate.pass().is_some());
}

#[test]
fn the_frameworks_view_leaves_no_sockets() {
    let component = ComWrapper::new(Component::<InverseDrumMachine>::new());
    let controller = component.as_com_ref::<IEditController>();
    let controller = controller.expect("a controller");
    let host = ComWrapper::new(HostFrame::default());
    for _ in 0..20 {
        // SAFETY: the view comes with a reference of ours.
        let view = unsafe { ComPtr::from_raw(controller.createView(ViewType::kEditor)) };
        let view = view.expect("an editor");
        // Both are the same object.
        let scaled = view.cast::<IPlugViewContentScaleSupport>();
        let scaled = scaled.expect("scaled").cast::<FUnknown>().expect("any");
        let unknown = view.cast::<FUnknown>().expect("any");
        assert_eq!(scaled.as_ptr(), unknown.as_ptr());

        // SAFETY: a live frame.
        assert_eq!(unsafe { view.setFrame(frame(&host)) }, kResultOk);
        let descriptors = host.descriptors();
        assert_eq!(descriptors.len(), 1);
        let path = format!("/proc/self/fd/{}", descriptors[0]);
        let socket = std::fs::read_link(&path).expect("it is open");
        host.call();
        // SAFETY: no frame is one.
        unsafe { view.setFrame(NO_FRAME) };
        assert!(host.descriptors().is_empty());
        // Another may have got the number.
        assert_ne!(std::fs::read_link(&path).ok(), Some(socket));
    }
}

#[test]
fn the_frameworks_view_outlives_its_component() {
    let host = ComWrapper::new(HostFrame::default());
    let component = ComWrapper::new(Component::<InverseDrumMachine>::new());
    let controller = component.to_com_ptr::<IEditController>().expect("one");
    // SAFETY: the view comes with a reference of ours, and gets a live frame.
    let view = unsafe {
        let view = ComPtr::from_raw(controller.createView(ViewType::kEditor));
        let view = view.expect("an editor");
        view.setFrame(frame(&host));
        view
    };
    let path = format!("/proc/self/fd/{}", host.descriptors()[0]);
    let socket = std::fs::read_link(&path).expect("it is open");
    drop((controller, component));
    host.call();
    drop(view);
    assert!(host.descriptors().is_empty());
    assert_ne!(std::fs::read_link(&path).ok(), Some(socket));
}
