//! What is dragged out of the window on macOS. What is dropped on it is lost: the windowing
//! library's view takes drops, and leaves no hook.
//!
//! macOS is asked from its main queue, which is served while no frame is drawn. It answers at
//! once and drags by itself; that it is over is said to an object of a class of ours.
//!
//! Objects of AppKit are called by name, so this module is unsafe in part.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use dispatch2::DispatchQueue;
use nice_plug_egui::baseview::{PlatformHandle, WindowContext};
use objc2::ffi::NSInteger;
use objc2::rc::Retained;
use objc2::runtime::{
    AnyClass, AnyObject, AnyProtocol, ClassBuilder, NSObject, ProtocolObject, Sel,
};
use objc2::{AnyThread as _, ClassType as _, MainThreadMarker, msg_send, sel};
use objc2_app_kit::{
    NSDragOperation, NSDraggingItem, NSDraggingSession, NSEvent, NSEventModifierFlags, NSEventType,
    NSView, NSWorkspace,
};
use objc2_foundation::{NSArray, NSPoint, NSProcessInfo, NSRect, NSString, NSURL};
use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};

use super::board::{Board, Progress};
use super::handing_over::HandingOver;
use crate::lock::lock;

/// The window's end.
#[derive(Debug)]
pub struct Link {
    window: PlatformHandle,
    handing_over: HandingOver,
    journey: Journey,
}

/// Who is told when a drag is over.
#[derive(Debug, Clone)]
struct Journey {
    board: Board,
    context: egui::Context,
}

/// The drag that goes on: there is one pointer.
static JOURNEY: Mutex<Option<Journey>> = Mutex::new(None);

impl Journey {
    fn is_over(&self) {
        self.board.set_progress(Progress::Nothing);
        self.context.request_repaint();
    }
}

impl Link {
    /// Begins to follow what `window` drags out.
    pub fn open(window: &WindowContext, board: Board, context: egui::Context) -> Option<Link> {
        Some(Link {
            window: window.platform_handle(),
            handing_over: HandingOver::of(&context),
            journey: Journey { board, context },
        })
    }

    /// Drags files out, as long as the button is down. False if that cannot be.
    pub fn drag_out(&self, files: Vec<PathBuf>) -> bool {
        let (window, journey) = (self.window.clone(), self.journey.clone());
        DispatchQueue::main().exec_async(move || {
            *lock(&JOURNEY) = Some(journey.clone());
            // No panic may come to the queue.
            let begun = catch_unwind(AssertUnwindSafe(|| begin(&window, &files)));
            if !matches!(begun, Ok(Some(()))) {
                journey.is_over();
            }
        });
        self.handing_over.is_done();
        self.journey.context.request_repaint();
        true
    }
}

/// Begins to drag files, if the button is still down.
fn begin(window: &PlatformHandle, files: &[PathBuf]) -> Option<()> {
    MainThreadMarker::new()?;
    if NSEvent::pressedMouseButtons() & 1 == 0 {
        return None;
    }
    let RawWindowHandle::AppKit(handle) = window.window_handle().ok()?.as_raw() else {
        return None;
    };
    // SAFETY: the handle is one of a view, and alive: it is asked for on the main thread, where
    // views end.
    let view: Retained<NSView> = unsafe { Retained::retain(handle.ns_view.as_ptr().cast()) }?;
    let around = view.window()?;
    let place = around.mouseLocationOutsideOfEventStream();
    let middle = view.convertPoint_fromView(place, None);
    let items = files.iter().map(|path| item(path, middle));
    let items: Vec<Retained<NSDraggingItem>> = items.collect::<Option<_>>()?;
    let event = NSEvent::mouseEventWithType_location_modifierFlags_timestamp_windowNumber_context_eventNumber_clickCount_pressure(
        NSEventType::LeftMouseDragged,
        place,
        NSEventModifierFlags::empty(),
        NSProcessInfo::processInfo().systemUptime(),
        around.windowNumber(),
        None,
        0,
        1,
        1.0,
    )?;
    let items = NSArray::from_retained_slice(&items);
    // SAFETY: an object that is made as all are.
    let source: Retained<NSObject> = unsafe { msg_send![source_class()?, new] };
    // SAFETY: the method's arguments and answer are of these kinds; the source answers what is
    // asked of sources, and is kept by the session.
    let _: Retained<NSDraggingSession> = unsafe {
        msg_send![
            &view,
            beginDraggingSessionWithItems: &*items,
            event: &*event,
            source: &*source,
        ]
    };
    Some(())
}

/// A file under the pointer, which is at `middle` of the view.
fn item(path: &Path, middle: NSPoint) -> Option<Retained<NSDraggingItem>> {
    let name = NSString::from_str(path.to_str()?);
    let address = NSURL::fileURLWithPath(&name);
    let item = NSDraggingItem::initWithPasteboardWriter(
        NSDraggingItem::alloc(),
        ProtocolObject::from_ref(&*address),
    );
    let icon = NSWorkspace::sharedWorkspace().iconForFile(&name);
    let size = icon.size();
    let corner = NSPoint::new(middle.x - 0.5 * size.width, middle.y - 0.5 * size.height);
    // SAFETY: pictures are what is shown.
    unsafe { item.setDraggingFrame_contents(NSRect::new(corner, size), Some(&icon)) };
    Some(item)
}

/// The class of what is asked about a drag. Classes are known by name to the whole process, in
/// which there may be several copies of this library, each with a class of its own.
fn source_class() -> Option<&'static AnyClass> {
    static CLASS: OnceLock<Option<&'static AnyClass>> = OnceLock::new();
    *CLASS.get_or_init(|| {
        let name = format!("IdmDraggingSource{:x}", &raw const CLASS as usize);
        let name = CString::new(name).ok()?;
        let mut class = ClassBuilder::new(&name, NSObject::class())?;
        class.add_protocol(AnyProtocol::get(c"NSDraggingSource")?);
        let allowed: extern "C-unwind" fn(_, _, _, _) -> _ = allowed;
        let ended: extern "C-unwind" fn(_, _, _, _, _) = ended;
        // SAFETY: the functions take and answer what the protocol says of these methods.
        unsafe {
            let method = sel!(draggingSession:sourceOperationMaskForDraggingContext:);
            class.add_method(method, allowed);
            class.add_method(sel!(draggingSession:endedAtPoint:operation:), ended);
        }
        Some(class.register())
    })
}

/// What may be done with the file: it stays where it is.
extern "C-unwind" fn allowed(
    _: &AnyObject,
    _: Sel,
    _: &NSDraggingSession,
    _: NSInteger,
) -> NSDragOperation {
    NSDragOperation::Copy
}

extern "C-unwind" fn ended(
    _: &AnyObject,
    _: Sel,
    _: &NSDraggingSession,
    _: NSPoint,
    _: NSDragOperation,
) {
    // No panic may come to AppKit.
    let _ = catch_unwind(|| {
        if let Some(journey) = lock(&JOURNEY).take() {
            journey.is_over();
        }
    });
}
