//! Drops and drags on Windows, with windows of our own and the pointer of the screen.
//!
//! On Linux: `cargo test --no-run --lib --target x86_64-pc-windows-gnu`, and the program that it
//! names by `xvfb-run wine`.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use idm_engine::drum::Drum;
use windows::Win32::Foundation::{HWND, POINT, POINTL};
use windows::Win32::Graphics::Gdi::ClientToScreen;
use windows::Win32::System::Com::IDataObject;
use windows::Win32::System::Ole::{
    DROPEFFECT, DROPEFFECT_COPY, DROPEFFECT_MOVE, DROPEFFECT_NONE, IDropTarget, OleInitialize,
    RevokeDragDrop,
};
use windows::Win32::System::SystemServices::MK_LBUTTON;
use windows::Win32::UI::Input::KeyboardAndMouse::{
    INPUT, INPUT_0, INPUT_MOUSE, MOUSEEVENTF_LEFTDOWN, MOUSEEVENTF_LEFTUP, MOUSEINPUT, SendInput,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, DispatchMessageW, HWND_TOPMOST, MSG, PM_REMOVE, PeekMessageW,
    SWP_NOMOVE, SWP_NOSIZE, SWP_SHOWWINDOW, SetCursorPos, SetWindowPos, WINDOW_EX_STYLE,
    WINDOW_STYLE, WS_POPUP, WS_VISIBLE,
};
use windows::core::w;

use super::source::{self, Journey};
use super::{WindowNumber, target};
use crate::editor::drag_drop::board::{Board, Progress, Zone};
use crate::editor::drag_drop::meaning::{Kind, Place};
use crate::lock::lock;

/// There is one pointer.
static POINTER: Mutex<()> = Mutex::new(());

const PAD: Place = Place::Pad(Drum::Snare);

/// A window on a thread that has begun OLE.
struct Window(HWND);

impl Window {
    fn new() -> Self {
        // SAFETY: plain calls; the class is one of the system's.
        unsafe {
            OleInitialize(None).expect("OLE");
            // With SS_NOTIFY the pointer does not pass through it.
            let style = WS_POPUP | WS_VISIBLE | WINDOW_STYLE(0x100);
            let (class, extended) = (w!("STATIC"), WINDOW_EX_STYLE(0));
            let window = CreateWindowExW(
                extended, class, class, style, 100, 80, 200, 100, None, None, None, None,
            );
            let window = window.expect("a window");
            let flags = SWP_NOMOVE | SWP_NOSIZE | SWP_SHOWWINDOW;
            SetWindowPos(window, Some(HWND_TOPMOST), 0, 0, 0, 0, flags).expect("seen");
            Self(window)
        }
    }

    fn number(&self) -> WindowNumber {
        WindowNumber(self.0.0 as isize)
    }

    /// A point of the window, on the screen.
    fn point(&self, x: i32, y: i32) -> POINTL {
        let mut point = POINT { x, y };
        // SAFETY: a plain call with a point of ours.
        assert!(unsafe { ClientToScreen(self.0, &mut point) }.as_bool());
        let POINT { x, y } = point;
        POINTL { x, y }
    }

    /// Serves the thread's messages for a while.
    fn serve(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let mut message = MSG::default();
            // SAFETY: the message is ours.
            unsafe {
                while PeekMessageW(&mut message, None, 0, 0, PM_REMOVE).as_bool() {
                    DispatchMessageW(&message);
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The same until something has happened.
    fn serve_until(&self, has_happened: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !has_happened() {
            assert!(Instant::now() < end, "waited in vain");
            self.serve(Duration::from_millis(10));
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: plain calls about a window of this thread.
        unsafe {
            let _ = RevokeDragDrop(self.0);
            let _ = DestroyWindow(self.0);
        }
    }
}

/// A folder with a sound and a text.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("idm-ö {name} {}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for file in ["große Trommel.wav", "notes.txt"] {
            std::fs::write(folder.join(file), "nothing").expect("a file");
        }
        Self(folder)
    }

    fn sound(&self) -> PathBuf {
        self.0.join("große Trommel.wav")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A pad in the left half of the window.
fn pad() -> Zone {
    let rect = egui::Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(50.0, 50.0));
    Zone { place: PAD, rect }
}

/// A board on which it lies. Points are larger than pixels here.
fn board() -> Board {
    let board = Board::default();
    board.lay_out(vec![pad()], 2.0);
    board
}

/// What a target answers where `allowed` is.
fn answer(allowed: DROPEFFECT, call: impl FnOnce(*mut DROPEFFECT)) -> DROPEFFECT {
    let mut effect = allowed;
    call(&mut effect);
    effect
}

#[test]
fn files_are_shown_where_they_are_and_dropped_on_pads() {
    let (window, folder, board) = (Window::new(), Folder::new("drop"), board());
    let target = target::target(window.number(), board.clone(), egui::Context::default());
    let data = source::data_of(&[folder.sound()]).expect("a file");
    let (on_pad, beside) = (window.point(90, 90), window.point(120, 90));
    let enter = |target: &IDropTarget, data: &IDataObject, at: POINTL, allowed| {
        answer(allowed, |effect| {
            // SAFETY: all that is passed lives until the call returns.
            unsafe { target.DragEnter(data, MK_LBUTTON, at, effect) }.expect("entered");
        })
    };
    let over = |at: POINTL| {
        answer(DROPEFFECT_COPY, |effect| {
            // SAFETY: the same.
            unsafe { target.DragOver(MK_LBUTTON, at, effect) }.expect("moved");
        })
    };
    let let_go = |data: &IDataObject, at: POINTL| {
        answer(DROPEFFECT_COPY, |effect| {
            // SAFETY: the same.
            unsafe { target.Drop(data, Default::default(), at, effect) }.expect("dropped");
        })
    };
    let carried = || board.lay_out(vec![pad()], 2.0);

    assert_eq!(
        enter(&target, &data, on_pad, DROPEFFECT_COPY),
        DROPEFFECT_COPY
    );
    let shown = carried().expect("something");
    assert_eq!(shown.place, PAD);
    let files = shown.files.expect("known");
    assert_eq!(files.0, [(folder.sound(), Kind::Audio)]);
    assert_eq!(over(beside), DROPEFFECT_COPY, "a recording is learnt from");
    assert_eq!(carried().expect("something").place, Place::Elsewhere);
    assert_eq!(over(on_pad), DROPEFFECT_COPY);
    assert_eq!(let_go(&data, on_pad), DROPEFFECT_COPY);
    assert_eq!(carried(), None);
    let dropped = board.take_dropped();
    assert_eq!((dropped.len(), dropped[0].place), (1, PAD));
    assert_eq!(dropped[0].files, files);

    // Where files may only be moved nothing is taken, and what leaves is shown no more.
    assert_eq!(
        enter(&target, &data, on_pad, DROPEFFECT_MOVE),
        DROPEFFECT_NONE
    );
    // SAFETY: a plain call.
    unsafe { target.DragLeave() }.expect("left");
    assert_eq!(carried(), None);
    let text = source::data_of(&[folder.0.join("notes.txt")]).expect("a file");
    assert_eq!(
        enter(&target, &text, on_pad, DROPEFFECT_COPY),
        DROPEFFECT_NONE
    );
    let kit = source::data_of(&[folder.0.clone()]).expect("a folder");
    assert_eq!(
        enter(&target, &kit, beside, DROPEFFECT_COPY),
        DROPEFFECT_COPY
    );
    assert_eq!(let_go(&kit, beside), DROPEFFECT_COPY);
    let dropped = board.take_dropped();
    assert_eq!(dropped[0].files.0, [(folder.0.clone(), Kind::Folder)]);

    // What is dragged out of the window is not for it.
    board.set_progress(Progress::Refused);
    assert_eq!(
        enter(&target, &data, on_pad, DROPEFFECT_COPY),
        DROPEFFECT_NONE
    );
    assert_eq!(carried(), None);
    assert_eq!(let_go(&data, on_pad), DROPEFFECT_NONE);
    assert!(board.take_dropped().is_empty());
}

/// Presses or releases the pointer's button wherever it is.
fn button(is_pressed: bool) {
    let flags = if is_pressed {
        MOUSEEVENTF_LEFTDOWN
    } else {
        MOUSEEVENTF_LEFTUP
    };
    let input = INPUT {
        r#type: INPUT_MOUSE,
        Anonymous: INPUT_0 {
            mi: MOUSEINPUT {
                dwFlags: flags,
                ..Default::default()
            },
        },
    };
    // SAFETY: a plain call with an event of ours.
    let sent = unsafe { SendInput(&[input], size_of::<INPUT>() as i32) };
    assert_eq!(sent, 1);
}

fn point_at(POINTL { x, y }: POINTL) {
    // SAFETY: a plain call.
    unsafe { SetCursorPos(x, y) }.expect("moved");
}

#[test]
fn what_is_dragged_out_of_one_window_comes_to_another() {
    let _alone = lock(&POINTER);
    let (window, folder, board) = (Window::new(), Folder::new("drag"), board());
    // As the windowing library does, for which we then stand.
    let (other, context) = (Board::default(), egui::Context::default());
    target::stand_for(window.number(), other.clone(), context.clone());
    target::stand_for(window.number(), board.clone(), context.clone());
    let (from, to) = (window.point(180, 30), window.point(20, 30));
    window.serve(Duration::from_millis(300));
    point_at(from);
    window.serve(Duration::from_millis(100));
    button(true);
    window.serve(Duration::from_millis(200));
    // What another window of ours drags out.
    let journey = Journey {
        files: vec![folder.sound(), folder.0.join("notes.txt")],
        board: other.clone(),
        context,
    };
    other.set_progress(Progress::Refused);
    assert!(source::begin(window.number(), journey));
    let hand = std::thread::spawn(move || {
        let pause = || std::thread::sleep(Duration::from_millis(300));
        pause();
        point_at(to);
        pause();
        button(false);
    });
    window.serve_until(|| other.progress() == Progress::Nothing);
    hand.join().expect("no panic");
    let dropped = board.take_dropped();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].place, PAD);
    let notes = folder.0.join("notes.txt");
    let both = [(folder.sound(), Kind::Audio), (notes, Kind::Other)];
    assert_eq!(dropped[0].files.0, both);
    assert!(other.take_dropped().is_empty());
    assert!(source::data_of(&[folder.0.join("nothing.mid")]).is_err());
}

#[test]
fn a_drag_whose_button_is_up_before_it_begins_is_none() {
    let _alone = lock(&POINTER);
    let (window, folder, board) = (Window::new(), Folder::new("late"), board());
    let journey = Journey {
        files: vec![folder.sound()],
        board: board.clone(),
        context: egui::Context::default(),
    };
    board.set_progress(Progress::Refused);
    assert!(source::begin(window.number(), journey));
    assert_eq!(board.progress(), Progress::Refused, "it has not begun yet");
    window.serve_until(|| board.progress() == Progress::Nothing);
    // A window that has gone drags nothing.
    let gone = window.number();
    drop(window);
    let journey = Journey {
        files: vec![folder.sound()],
        board,
        context: egui::Context::default(),
    };
    assert!(!source::begin(gone, journey));
}
