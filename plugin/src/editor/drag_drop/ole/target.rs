//! What is dragged over the window.

use std::cell::Cell;
use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use windows::Win32::Foundation::{POINT, POINTL};
use windows::Win32::Graphics::Gdi::ScreenToClient;
use windows::Win32::System::Com::{DVASPECT_CONTENT, FORMATETC, IDataObject, TYMED_HGLOBAL};
use windows::Win32::System::Ole::{
    CF_HDROP, DROPEFFECT, DROPEFFECT_COPY, DROPEFFECT_LINK, DROPEFFECT_NONE, IDropTarget,
    IDropTarget_Impl, RegisterDragDrop, ReleaseStgMedium, RevokeDragDrop,
};
use windows::Win32::System::SystemServices::MODIFIERKEYS_FLAGS;
use windows::Win32::UI::Shell::{DragQueryFileW, HDROP};
use windows::core::{Ref, Result, implement};

use super::{WindowNumber, guarded};
use crate::editor::drag_drop::board::{Board, Carried, Dropped, Progress};
use crate::editor::drag_drop::meaning::{Files, MOST_FILES, Place};

/// Longest path of Windows.
const LONGEST_PATH: usize = 32_767;

/// Stands for `window` from now on, in place of the windowing library, which hears of drops
/// and tells nobody. It revokes whatever stands for its window before the window goes.
pub fn stand_for(window: WindowNumber, board: Board, context: egui::Context) {
    let target = target(window, board, context);
    // SAFETY: a plain call about a window of this thread.
    let _ = unsafe { RevokeDragDrop(window.handle()) };
    // SAFETY: the same; Windows keeps a reference of its own to the target. Without it nothing
    // is dropped, as before.
    let _ = unsafe { RegisterDragDrop(window.handle(), &target) };
}

/// What hears of drops for `window`.
pub(super) fn target(window: WindowNumber, board: Board, context: egui::Context) -> IDropTarget {
    let held = Cell::default();
    Target {
        window,
        board,
        context,
        held,
    }
    .into()
}

/// What is known of what is dragged over the window.
#[derive(Debug, Clone, Default, PartialEq)]
enum Held {
    /// No files, or those that come from this window.
    #[default]
    Nothing,
    /// Files that are told only when they are dropped.
    Unknown,
    /// These.
    Files(Arc<Files>),
}

impl Held {
    /// What is in `data`.
    fn of(data: &IDataObject) -> Self {
        match files_in(data) {
            Some(files) => Held::Files(Arc::new(files)),
            None if has_files(data) => Held::Unknown,
            None => Held::Nothing,
        }
    }

    /// The same at a place.
    fn at(&self, place: Place) -> Option<Carried> {
        let files = match self {
            Held::Nothing => return None,
            Held::Unknown => None,
            Held::Files(files) => Some(files.clone()),
        };
        Some(Carried { place, files })
    }
}

/// What Windows calls when something is dragged over the window.
#[implement(IDropTarget)]
struct Target {
    window: WindowNumber,
    board: Board,
    context: egui::Context,
    held: Cell<Held>,
}

impl Target {
    /// What is at a point of the screen.
    fn place_at(&self, point: POINTL) -> Place {
        let mut point = POINT {
            x: point.x,
            y: point.y,
        };
        // SAFETY: a plain call with a point of ours.
        let is_known = unsafe { ScreenToClient(self.window.handle(), &mut point) };
        if is_known.as_bool() {
            self.board.place_at(point.x as f32, point.y as f32)
        } else {
            Place::Elsewhere
        }
    }

    /// Shows what is held at a place; answers whether it would be taken.
    fn show(&self, point: POINTL) -> bool {
        let held = self.held.take();
        let is_taken = self.board.carry(held.at(self.place_at(point)));
        self.held.set(held);
        self.context.request_repaint();
        is_taken
    }

    fn enter(&self, data: Option<&IDataObject>, point: POINTL) -> bool {
        // What comes from this window is not for it.
        let is_own = self.board.progress() != Progress::Nothing;
        let data = data.filter(|_| !is_own);
        self.held.set(data.map_or(Held::Nothing, Held::of));
        self.show(point)
    }

    fn leave(&self) {
        self.held.set(Held::Nothing);
        self.board.carry(None);
        self.context.request_repaint();
    }

    fn drop_files(&self, data: Option<&IDataObject>, point: POINTL) -> bool {
        let files = match self.held.take() {
            Held::Nothing => None,
            Held::Unknown => data.and_then(files_in).map(Arc::new),
            Held::Files(files) => Some(files),
        };
        self.leave();
        let place = self.place_at(point);
        files.is_some_and(|files| self.board.drop_files(Dropped { place, files }))
    }

    /// Does what Windows asks for and tells it at `effect`, where it says what is allowed.
    fn answer(&self, effect: *mut DROPEFFECT, is_taken: impl FnOnce() -> bool) -> Result<()> {
        let is_taken = guarded(is_taken).unwrap_or(false);
        if !effect.is_null() {
            // SAFETY: Windows gives a place that is its own until the call returns.
            unsafe { *effect = answer_of(is_taken, *effect) };
        }
        Ok(())
    }
}

/// What is answered where this is allowed. Nothing is ever moved, which would take the files
/// from where they are.
fn answer_of(is_taken: bool, allowed: DROPEFFECT) -> DROPEFFECT {
    let ours = [DROPEFFECT_COPY, DROPEFFECT_LINK];
    let mut possible = ours.into_iter().filter(|effect| allowed.contains(*effect));
    let first = possible.next().filter(|_| is_taken);
    first.unwrap_or(DROPEFFECT_NONE)
}

impl IDropTarget_Impl for Target_Impl {
    fn DragEnter(
        &self,
        data: Ref<'_, IDataObject>,
        _: MODIFIERKEYS_FLAGS,
        point: &POINTL,
        effect: *mut DROPEFFECT,
    ) -> Result<()> {
        self.answer(effect, || self.enter(data.as_ref(), *point))
    }

    fn DragOver(
        &self,
        _: MODIFIERKEYS_FLAGS,
        point: &POINTL,
        effect: *mut DROPEFFECT,
    ) -> Result<()> {
        self.answer(effect, || self.show(*point))
    }

    fn DragLeave(&self) -> Result<()> {
        guarded(|| self.leave());
        Ok(())
    }

    fn Drop(
        &self,
        data: Ref<'_, IDataObject>,
        _: MODIFIERKEYS_FLAGS,
        point: &POINTL,
        effect: *mut DROPEFFECT,
    ) -> Result<()> {
        self.answer(effect, || self.drop_files(data.as_ref(), *point))
    }
}

/// A list of files in memory, as file managers hand it over.
const LIST: FORMATETC = FORMATETC {
    cfFormat: CF_HDROP.0,
    ptd: ptr::null_mut(),
    dwAspect: DVASPECT_CONTENT.0,
    lindex: -1,
    tymed: TYMED_HGLOBAL.0 as u32,
};

/// Whether there will be a list of files.
fn has_files(data: &IDataObject) -> bool {
    // SAFETY: a plain call with a constant.
    unsafe { data.QueryGetData(&LIST) }.is_ok()
}

/// The list of files; none if it cannot be had.
fn files_in(data: &IDataObject) -> Option<Files> {
    // SAFETY: the same; what comes is given back below.
    let mut medium = unsafe { data.GetData(&LIST) }.ok()?;
    let paths = (medium.tymed == LIST.tymed).then(|| {
        // SAFETY: the kind of memory says which field is there.
        let list = unsafe { medium.u.hGlobal };
        paths_in(HDROP(list.0))
    });
    // SAFETY: what was given to us is given back once.
    unsafe { ReleaseStgMedium(&mut medium) };
    paths.map(Files::at)
}

/// The first paths of a list.
fn paths_in(list: HDROP) -> Vec<PathBuf> {
    // SAFETY: of this number nothing is written.
    let count = unsafe { DragQueryFileW(list, u32::MAX, None) };
    let count = count.min(MOST_FILES as u32);
    let paths = (0..count).filter_map(|index| {
        // SAFETY: without a place nothing is written, and the length is answered.
        let length = unsafe { DragQueryFileW(list, index, None) } as usize;
        if length == 0 || length > LONGEST_PATH {
            return None;
        }
        let mut name = vec![0; length + 1];
        // SAFETY: no more is written than the place can take, which the call is told.
        let written = unsafe { DragQueryFileW(list, index, Some(&mut name)) } as usize;
        let name = name.get(..written)?;
        Some(PathBuf::from(OsString::from_wide(name)))
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use windows::Win32::System::Ole::DROPEFFECT_MOVE;

    use super::*;

    #[test]
    fn files_are_never_moved() {
        let all = DROPEFFECT_COPY | DROPEFFECT_MOVE | DROPEFFECT_LINK;
        assert_eq!(answer_of(true, all), DROPEFFECT_COPY);
        let others = DROPEFFECT_MOVE | DROPEFFECT_LINK;
        assert_eq!(answer_of(true, others), DROPEFFECT_LINK);
        assert_eq!(answer_of(true, DROPEFFECT_MOVE), DROPEFFECT_NONE);
        assert_eq!(answer_of(false, all), DROPEFFECT_NONE);
    }
}
