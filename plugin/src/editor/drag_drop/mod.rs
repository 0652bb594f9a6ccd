//! Files that are dragged onto the window, and out of it.
//!
//! The windowing library keeps what is dropped on the window to itself and can drag nothing
//! out. On Linux a thread of ours talks to the X server instead, on Windows the window's own
//! thread to OLE, and on macOS it asks AppKit to drag out what leaves.

use std::path::PathBuf;

use nice_plug_egui::baseview::WindowContext;

#[cfg(target_os = "macos")]
mod appkit;
mod board;
#[cfg(any(windows, target_os = "macos", test))]
mod handing_over;
mod handle;
mod meaning;
#[cfg(windows)]
mod ole;
#[cfg(target_os = "linux")]
mod x11;

#[cfg(target_os = "macos")]
use appkit::Link;
pub use board::Carried;
use board::{Board, Progress};
pub use board::{Dropped, Zone};
pub use handle::{Grip, Taken, sense};
pub use meaning::{Files, Meaning, Place, forecast, meaning};
#[cfg(windows)]
use ole::Link;
#[cfg(target_os = "linux")]
use x11::Link;

/// `hint`, and where things were seen to be dragged and dropped also how.
pub fn hint(hint: &str, drag: &str) -> String {
    if cfg!(any(target_os = "linux", windows)) {
        format!("{hint} {drag}")
    } else {
        hint.to_owned()
    }
}

/// The window's part in what is dragged.
#[derive(Debug, Default)]
pub struct DragDrop {
    board: Board,
    /// What was pressed to be dragged out.
    grip: Grip,
    link: Option<Link>,
}

impl DragDrop {
    /// Begins to listen to what is dragged over `window`, if that can be.
    pub fn open(window: &WindowContext, context: &egui::Context) -> Self {
        let board = Board::default();
        Self {
            link: Link::open(window, board.clone(), context.clone()),
            board,
            grip: Grip::default(),
        }
    }

    /// Says what lies where in this frame, the uppermost first; answers what is carried
    /// over the window.
    pub fn lay_out(&self, zones: Vec<Zone>, pixels_per_point: f32) -> Option<Carried> {
        self.board.lay_out(zones, pixels_per_point)
    }

    /// What was dropped since the last frame.
    pub fn take_dropped(&self) -> Vec<Dropped> {
        self.board.take_dropped()
    }

    /// What is to be dragged out now, if the pointer has left the window with something: its
    /// files are to be given to [`DragDrop::drag_out`].
    pub fn left_with(&mut self, context: &egui::Context) -> Option<Taken> {
        self.grip.left_with(context)
    }

    /// The user has pressed on something that can be dragged out.
    pub fn press(&mut self, taken: Option<Taken>) {
        self.grip.press(taken);
    }

    /// What is pressed and moved, but not out of the window yet.
    pub fn held(&self, context: &egui::Context) -> Option<Taken> {
        self.grip.held(context)
    }

    /// Takes files of one folder out of the window, as long as the button is down.
    pub fn drag_out(&self, files: Vec<PathBuf>) {
        self.board.set_progress(Progress::Refused);
        let goes = self.link.as_ref().is_some_and(|link| link.drag_out(files));
        if !goes {
            self.board.set_progress(Progress::Nothing);
        }
    }

    /// Shows what the window under the pointer says of what is dragged out.
    pub fn show_cursor(&self, context: &egui::Context) {
        let cursor = match self.board.progress() {
            Progress::Nothing => return,
            Progress::Refused => egui::CursorIcon::NoDrop,
            Progress::Accepted => egui::CursorIcon::Copy,
        };
        context.set_cursor_icon(cursor);
    }

    /// What the thread reads and writes.
    #[cfg(test)]
    pub fn board(&self) -> &Board {
        &self.board
    }
}
