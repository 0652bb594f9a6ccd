//! What is asked of the X server beside the windowing library.

use nice_plug_egui::baseview::WindowContext;
use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::Window;

/// Why the server is asked no more: it has gone, or does not know what it is asked for.
#[derive(Debug)]
pub struct Gone;

impl From<ConnectError> for Gone {
    fn from(_: ConnectError) -> Self {
        Gone
    }
}

impl From<ConnectionError> for Gone {
    fn from(_: ConnectionError) -> Self {
        Gone
    }
}

impl From<ReplyError> for Gone {
    fn from(_: ReplyError) -> Self {
        Gone
    }
}

impl From<ReplyOrIdError> for Gone {
    fn from(_: ReplyOrIdError) -> Self {
        Gone
    }
}

/// The server's number of `window`, if it is one of X11.
pub fn window_of(window: &WindowContext) -> Option<Window> {
    match window.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
        _ => None,
    }
}
