//! What is dragged out of the window.
//!
//! Windows drags in a loop of its own, which begins where it is asked for and draws the
//! window meanwhile. It must not be asked for while a frame is drawn: a timer does, which is
//! served between frames.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use windows::Win32::Foundation::{
    DRAGDROP_S_CANCEL, DRAGDROP_S_DROP, DRAGDROP_S_USEDEFAULTCURSORS, HWND, S_OK,
};
use windows::Win32::System::Com::{CoTaskMemFree, IDataObject};
use windows::Win32::System::Ole::{
    DROPEFFECT, DROPEFFECT_COPY, DROPEFFECT_NONE, DoDragDrop, IDropSource, IDropSource_Impl,
};
use windows::Win32::System::SystemServices::{MK_LBUTTON, MK_RBUTTON, MODIFIERKEYS_FLAGS};
use windows::Win32::UI::Input::KeyboardAndMouse::{
    GetAsyncKeyState, GetKeyState, ReleaseCapture, VIRTUAL_KEY, VK_ESCAPE, VK_LBUTTON,
};
use windows::Win32::UI::Shell::Common::ITEMIDLIST;
use windows::Win32::UI::Shell::{
    BHID_DataObject, SHCreateShellItemArrayFromIDLists, SHParseDisplayName,
};
use windows::Win32::UI::WindowsAndMessaging::{KillTimer, SetTimer};
use windows::core::{BOOL, HRESULT, HSTRING, Result, implement};

use super::{WindowNumber, guarded};
use crate::editor::drag_drop::board::{Board, Progress};

/// The number of our timer, which is none of the windowing library's.
const TIMER: usize = 0x1d6;

/// Files that are dragged out, and who is told when it is over.
#[derive(Debug)]
pub struct Journey {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What the window reads.
    pub board: Board,
    /// What draws it.
    pub context: egui::Context,
}

thread_local! {
    /// What is to be dragged out of this thread's windows as soon as no frame is drawn.
    static JOURNEYS: RefCell<Vec<(WindowNumber, Journey)>> = const { RefCell::new(Vec::new()) };
}

/// Drags files out of `window` as soon as no frame is drawn. False if that cannot be.
pub fn begin(window: WindowNumber, journey: Journey) -> bool {
    JOURNEYS.with_borrow_mut(|journeys| {
        journeys.retain(|(other, _)| *other != window);
        journeys.push((window, journey));
    });
    // SAFETY: the procedure outlives the library's windows, as the library stays loaded; a
    // window that has gone is refused, and one that goes takes the timer with it.
    let timer = unsafe { SetTimer(Some(window.handle()), TIMER, 0, Some(between_frames)) };
    timer != 0
}

/// Called by Windows from the loop that serves the window's messages.
extern "system" fn between_frames(window: HWND, _: u32, timer: usize, _: u32) {
    // SAFETY: a plain call about the timer that has called.
    let _ = unsafe { KillTimer(Some(window), timer) };
    guarded(|| {
        let window = WindowNumber(window.0 as isize);
        let journey = JOURNEYS.with_borrow_mut(|journeys| {
            let at = journeys.iter().position(|(of, _)| *of == window)?;
            Some(journeys.swap_remove(at).1)
        });
        let Some(journey) = journey else {
            return;
        };
        // Where the button was let go meanwhile nothing is dragged.
        if is_down_in_messages(VK_LBUTTON) {
            // What cannot be dragged was saved all the same.
            let _ = guarded(|| drag(&journey.files));
        }
        journey.board.set_progress(Progress::Nothing);
        journey.context.request_repaint();
    });
}

/// Drags files until they are let go.
fn drag(files: &[PathBuf]) -> Result<()> {
    // The windowing library holds the pointer, and gives it up only when somebody else takes
    // it; it would then take it from Windows.
    // SAFETY: a plain call; nothing is held if it fails.
    let _ = unsafe { ReleaseCapture() };
    let data = data_of(files)?;
    let source: IDropSource = Source.into();
    let mut effect = DROPEFFECT_NONE;
    // SAFETY: both objects live until the call returns, as does the place of the answer.
    unsafe { DoDragDrop(&data, &source, DROPEFFECT_COPY, &mut effect) }.ok()
}

/// Files as the shell hands them over.
pub fn data_of(files: &[PathBuf]) -> Result<IDataObject> {
    let places = files.iter().map(|path| Place::of(path));
    let places: Vec<Place> = places.collect::<Result<_>>()?;
    let lists: Vec<*const ITEMIDLIST> = places.iter().map(|place| place.0.cast_const()).collect();
    // SAFETY: the lists live until the end of this function. The windowing library has begun
    // OLE on the thread of its window.
    let items = unsafe { SHCreateShellItemArrayFromIDLists(&lists) }?;
    // SAFETY: the handler is of the kind that is asked for; its number is a constant.
    unsafe { items.BindToHandler(None, &BHID_DataObject) }
}

/// Where a file is, as the shell says it.
struct Place(*mut ITEMIDLIST);

impl Place {
    fn of(path: &Path) -> Result<Place> {
        let name = HSTRING::from(path);
        let mut list = std::ptr::null_mut();
        // SAFETY: the name ends with a zero and outlives the call, as does the place of the
        // answer.
        unsafe { SHParseDisplayName(&name, None, &mut list, 0, None) }?;
        Ok(Place(list))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // SAFETY: the shell made it for whoever asked, who frees it once.
        unsafe { CoTaskMemFree(Some(self.0.cast_const().cast())) };
    }
}

/// Goes on until the button is let go or the user does not want to any more.
#[implement(IDropSource)]
struct Source;

impl IDropSource_Impl for Source_Impl {
    fn QueryContinueDrag(&self, is_given_up: BOOL, keys: MODIFIERKEYS_FLAGS) -> HRESULT {
        // The windowing library takes keys out of every loop, also that of the drag.
        let is_given_up = is_given_up.as_bool() || is_down(VK_ESCAPE);
        if is_given_up || keys.contains(MK_RBUTTON) {
            DRAGDROP_S_CANCEL
        } else if keys.contains(MK_LBUTTON) {
            S_OK
        } else {
            DRAGDROP_S_DROP
        }
    }

    fn GiveFeedback(&self, _: DROPEFFECT) -> HRESULT {
        DRAGDROP_S_USEDEFAULTCURSORS
    }
}

/// Whether a key is down now.
fn is_down(key: VIRTUAL_KEY) -> bool {
    // SAFETY: a plain call.
    let state = unsafe { GetAsyncKeyState(i32::from(key.0)) };
    state < 0
}

/// Whether a key was down when the last message was sent that this thread has taken.
fn is_down_in_messages(key: VIRTUAL_KEY) -> bool {
    // SAFETY: a plain call.
    let state = unsafe { GetKeyState(i32::from(key.0)) };
    state < 0
}
