//! Drag and drop with the X server, in a thread with a connection of its own.
//!
//! The thread sleeps until something is dragged or the window closes, and ends with the
//! window or the server. What goes wrong leaves things as they are without it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use nice_plug_egui::baseview::WindowContext;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::board::Board;
use crate::editor::x11::{Gone, window_of};
use session::Session;
use wire::{Atoms, Wire};

mod forwarding;
mod offer;
mod screen;
mod session;
mod source;
mod standing;
mod target;
mod transfer;
mod wire;

/// What the thread is to do.
#[derive(Debug)]
enum Order {
    DragOut(Vec<PathBuf>),
    End,
}

/// Wakes the thread out of its sleep.
#[derive(Debug)]
struct Waker {
    connection: Arc<RustConnection>,
    helper: Window,
    wake: Atom,
}

/// The window's end; the thread ends with it.
#[derive(Debug)]
pub struct Link {
    orders: Sender<Order>,
    waker: Arc<OnceLock<Waker>>,
}

impl Link {
    /// Begins to listen for `window`, if it is one of X11.
    pub fn open(window: &WindowContext, board: Board, context: egui::Context) -> Option<Link> {
        let editor = window_of(window)?;
        let (orders, received) = channel();
        let waker = Arc::new(OnceLock::new());
        let woken = waker.clone();
        let work = move || {
            // Whatever it was, the window goes on without.
            let _ = run(editor, &board, &context, &received, &woken);
            board.carry(None);
            board.set_progress(super::Progress::Nothing);
        };
        let name = "idm-drag-drop".to_owned();
        thread::Builder::new().name(name).spawn(work).ok()?;
        Some(Link { orders, waker })
    }

    /// Drags files out, as long as the button is down. False if nobody is there to do it.
    pub fn drag_out(&self, files: Vec<PathBuf>) -> bool {
        self.order(Order::DragOut(files))
    }

    fn order(&self, order: Order) -> bool {
        if self.orders.send(order).is_err() {
            return false;
        }
        // Before it can be woken it looks by itself.
        if let Some(waker) = self.waker.get() {
            let event = ClientMessageEvent::new(32, waker.helper, waker.wake, [0_u32; 5]);
            let mask = EventMask::NO_EVENT;
            let sent = waker
                .connection
                .send_event(false, waker.helper, mask, event);
            if sent.is_ok() {
                let _ = waker.connection.flush();
            }
        }
        true
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.order(Order::End);
    }
}

/// Our window, which goes with the thread, however that ends: nobody is to wait for answers
/// of a window that nobody serves.
struct Helper<'a> {
    connection: &'a RustConnection,
    window: Window,
}

impl Drop for Helper<'_> {
    fn drop(&mut self) {
        if self.connection.destroy_window(self.window).is_ok() {
            let _ = self.connection.flush();
        }
    }
}

fn run(
    editor: Window,
    board: &Board,
    context: &egui::Context,
    orders: &Receiver<Order>,
    waker: &OnceLock<Waker>,
) -> Result<(), Gone> {
    let (connection, screen) = RustConnection::connect(None)?;
    let connection = Arc::new(connection);
    let root = connection.setup().roots.get(screen).ok_or(Gone)?.root;
    let atoms = Atoms::new(&*connection)?.reply()?;
    let helper = connection.generate_id()?;
    let look = CreateWindowAux::new()
        .override_redirect(1)
        .event_mask(EventMask::PROPERTY_CHANGE);
    connection
        .create_window(
            x11rb::COPY_DEPTH_FROM_PARENT,
            helper,
            root,
            -10,
            -10,
            1,
            1,
            0,
            WindowClass::INPUT_OUTPUT,
            x11rb::COPY_FROM_PARENT,
            &look,
        )?
        .check()?;
    let _served = Helper {
        connection: &connection,
        window: helper,
    };
    let _ = waker.set(Waker {
        connection: connection.clone(),
        helper,
        wake: atoms.IDM_WAKE,
    });
    let wire = Wire {
        connection: &connection,
        atoms: &atoms,
        root,
        helper,
        editor,
    };
    Session::begin(wire, board, context)?.run(orders)
}
