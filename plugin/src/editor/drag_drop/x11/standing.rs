//! On which windows our own stands for the editor.
//!
//! Programs send what is dragged over a window to the one that its `XdndProxy` names. Some
//! look for it on every window under the pointer, others, GTK's among them, only on the
//! outermost of a program: the host's. Ours stands for that one, too. What is not over the
//! editor it refuses, or passes on where the host takes things itself
//! ([`super::forwarding`]); there only if the window is little more than a frame around the
//! editor, so that nothing of a host's main window depends on us.

use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, PropMode, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::wire::{VERSION, Wire};

/// Windows around the editor that are looked at.
const MOST_AROUND: usize = 32;

/// Where ours stands.
#[derive(Debug, Default)]
pub struct Standing {
    /// The host's window, if ours stands for it.
    outermost: Option<Window>,
    /// Whether that takes things itself.
    is_aware: bool,
}

impl Standing {
    /// Stands for the editor, and what is around it.
    pub fn begin(&mut self, wire: &Wire<'_>) -> Result<(), ReplyError> {
        let (connection, atoms) = (wire.connection, wire.atoms);
        connection
            .change_property32(
                PropMode::REPLACE,
                wire.helper,
                atoms.XdndAware,
                AtomEnum::ATOM,
                &[VERSION],
            )?
            .check()?;
        stand_for(wire, wire.helper)?;
        hear_of(wire, wire.editor, EventMask::STRUCTURE_NOTIFY)?;
        connection
            .change_property32(
                PropMode::REPLACE,
                wire.editor,
                atoms.XdndProxy,
                AtomEnum::WINDOW,
                &[wire.helper],
            )?
            .check()?;
        self.follow(wire)?;
        Ok(())
    }

    /// The editor may have come into another window.
    pub fn follow(&mut self, wire: &Wire<'_>) -> Result<(), ConnectionError> {
        let outermost = outermost(wire)?;
        if outermost == self.outermost {
            return Ok(());
        }
        self.leave(wire)?;
        let Some(window) = outermost else {
            return Ok(());
        };
        let events = EventMask::STRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE;
        hear_of(wire, window, events)?;
        self.is_aware = wire.aware(window)?.is_some();
        let is_free = wire.proxy(window)?.is_none();
        if is_free && (!self.is_aware || is_frame(wire, window)?) {
            stand_for(wire, window)?;
            self.outermost = Some(window);
        }
        Ok(())
    }

    /// Whether the host is to have what is dragged over this window beside the editor.
    pub fn forwards(&self, window: Window) -> bool {
        self.is_aware && self.outermost == Some(window)
    }

    /// The host's window has another size or has begun to take things itself, or another editor
    /// that stood for it has gone.
    pub fn has_changed(&mut self, wire: &Wire<'_>) -> Result<(), ConnectionError> {
        if let Some(window) = self.outermost {
            self.is_aware = wire.aware(window)?.is_some();
            if self.is_aware && !is_frame(wire, window)? {
                self.leave(wire)?;
            }
            return Ok(());
        }
        self.follow(wire)
    }

    /// Stands for nothing any more.
    pub fn end(&mut self, wire: &Wire<'_>) -> Result<(), ConnectionError> {
        self.leave(wire)?;
        leave(wire, wire.editor)
    }

    fn leave(&mut self, wire: &Wire<'_>) -> Result<(), ConnectionError> {
        match self.outermost.take() {
            Some(window) => leave(wire, window),
            None => Ok(()),
        }
    }
}

/// The host's window: the one of which a window manager knows, or as long as there is none
/// the one that lies on the screen.
fn outermost(wire: &Wire<'_>) -> Result<Option<Window>, ConnectionError> {
    let mut last = None;
    let mut window = wire.editor;
    for _ in 0..MOST_AROUND {
        let Ok(tree) = wire.connection.query_tree(window)?.reply() else {
            return Ok(None);
        };
        if tree.parent == wire.root || tree.parent == x11rb::NONE {
            break;
        }
        window = tree.parent;
        last = Some(window);
        let state = wire.words(window, wire.atoms.WM_STATE, AtomEnum::ANY)?;
        if !state.is_empty() {
            break;
        }
    }
    Ok(last)
}

/// Whether `window` is little more than a frame around the editor.
fn is_frame(wire: &Wire<'_>, window: Window) -> Result<bool, ConnectionError> {
    let editor = wire.connection.get_geometry(wire.editor)?;
    let whole = wire.connection.get_geometry(window)?;
    let (Ok(editor), Ok(whole)) = (editor.reply(), whole.reply()) else {
        return Ok(false);
    };
    let area = |width: u16, height: u16| u32::from(width) * u32::from(height);
    let (editor, whole) = (
        area(editor.width, editor.height),
        area(whole.width, whole.height),
    );
    Ok(whole / 2 <= editor)
}

fn stand_for(wire: &Wire<'_>, window: Window) -> Result<(), ConnectionError> {
    wire.connection.change_property32(
        PropMode::REPLACE,
        window,
        wire.atoms.XdndProxy,
        AtomEnum::WINDOW,
        &[wire.helper],
    )?;
    Ok(())
}

/// Leaves `window` as it was, if nobody else stands for it by now.
fn leave(wire: &Wire<'_>, window: Window) -> Result<(), ConnectionError> {
    let proxy = wire.words(window, wire.atoms.XdndProxy, AtomEnum::WINDOW)?;
    if proxy.first() == Some(&wire.helper) {
        wire.connection
            .delete_property(window, wire.atoms.XdndProxy)?;
    }
    Ok(())
}

fn hear_of(wire: &Wire<'_>, window: Window, events: EventMask) -> Result<(), ConnectionError> {
    let events = ChangeWindowAttributesAux::new().event_mask(events);
    wire.connection.change_window_attributes(window, &events)?;
    Ok(())
}
