//! Drag and drop with Windows, which calls us on the window's own thread.
//!
//! Nothing here borrows what the window is drawn with: what Windows calls comes while the
//! window draws nothing, and frames are drawn while something is dragged.
//!
//! Windows is spoken to by pointers, so this module and its children are unsafe in part.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use nice_plug_egui::baseview::WindowContext;
use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use windows::Win32::Foundation::HWND;

use super::board::Board;
use super::handing_over::HandingOver;
use source::Journey;

mod source;
mod target;
#[cfg(test)]
mod tests;

/// A window by its number, which goes where pointers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WindowNumber(isize);

impl WindowNumber {
    fn handle(self) -> HWND {
        HWND(self.0 as *mut _)
    }
}

/// The window's end.
#[derive(Debug)]
pub struct Link {
    window: WindowNumber,
    board: Board,
    handing_over: HandingOver,
    context: egui::Context,
}

impl Link {
    /// Begins to listen for `window`.
    pub fn open(window: &WindowContext, board: Board, context: egui::Context) -> Option<Link> {
        let RawWindowHandle::Win32(handle) = window.window_handle().ok()?.as_raw() else {
            return None;
        };
        let window = WindowNumber(handle.hwnd.get());
        target::stand_for(window, board.clone(), context.clone());
        Some(Link {
            window,
            board,
            handing_over: HandingOver::of(&context),
            context,
        })
    }

    /// Drags files out, as long as the button is down. False if that cannot be.
    pub fn drag_out(&self, files: Vec<PathBuf>) -> bool {
        let journey = Journey {
            files,
            board: self.board.clone(),
            context: self.context.clone(),
        };
        let begins = source::begin(self.window, journey);
        if begins {
            self.handing_over.is_done();
            self.context.request_repaint();
        }
        begins
    }
}

/// Does something for Windows, to which no panic may come.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
