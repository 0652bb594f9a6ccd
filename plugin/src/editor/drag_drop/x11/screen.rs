//! What is where on the screen.

use std::collections::HashMap;

use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask, Window};

use super::source::{Look, Over};
use super::wire::Wire;

/// Windows within windows that are looked into.
const DEEPEST: usize = 32;

/// Older versions are another protocol.
const OLDEST_VERSION: u32 = 3;

/// The key that ends a drag.
const ESCAPE: u32 = 0xff1b;

/// Looks at the pointer while something is dragged out.
#[derive(Debug, Default)]
pub struct Lookout {
    /// Who hears for windows that were seen.
    known: HashMap<Window, Option<Over>>,
    /// Number of the key that ends a drag.
    escape: Option<usize>,
}

impl Lookout {
    /// For a new drag.
    pub fn new(wire: &Wire<'_>) -> Result<Self, ConnectionError> {
        let (first, last) = {
            use x11rb::connection::Connection as _;
            let setup = wire.connection.setup();
            (setup.min_keycode, setup.max_keycode)
        };
        let count = last.saturating_sub(first).saturating_add(1);
        let cookie = wire.connection.get_keyboard_mapping(first, count)?;
        let escape = cookie.reply().ok().and_then(|mapping| {
            let width = usize::from(mapping.keysyms_per_keycode).max(1);
            let at = mapping.keysyms.iter().position(|key| *key == ESCAPE)?;
            Some(usize::from(first) + at / width)
        });
        Ok(Self {
            known: HashMap::new(),
            escape,
        })
    }

    /// Looks once.
    pub fn look(&mut self, wire: &Wire<'_>) -> Result<Look, ReplyError> {
        let pointer = wire.connection.query_pointer(wire.root)?;
        let keys = wire.connection.query_keymap()?;
        let (pointer, keys) = (pointer.reply()?, keys.reply()?);
        let at = (pointer.root_x, pointer.root_y);
        let is_pressed = |key: usize| {
            keys.keys
                .get(key / 8)
                .is_some_and(|k| k >> (key % 8) & 1 != 0)
        };
        Ok(Look {
            at,
            over: self.over(wire, at)?,
            is_down: pointer.mask.contains(KeyButMask::BUTTON1),
            is_given_up: self.escape.is_some_and(is_pressed),
        })
    }

    /// Who may take it at a place: the outermost window that speaks the protocol. Nobody
    /// does in the editor itself.
    fn over(
        &mut self,
        wire: &Wire<'_>,
        (x, y): (i16, i16),
    ) -> Result<Option<Over>, ConnectionError> {
        let (mut window, mut found) = (wire.root, None);
        for _ in 0..DEEPEST {
            let cookie = wire
                .connection
                .translate_coordinates(wire.root, window, x, y)?;
            // A window that has gone meanwhile is none.
            let Ok(reply) = cookie.reply() else {
                break;
            };
            if reply.child == wire.editor {
                return Ok(None);
            }
            if reply.child == x11rb::NONE {
                break;
            }
            window = reply.child;
            if found.is_none() {
                found = self.known(wire, window)?;
            }
        }
        Ok(found)
    }

    fn known(&mut self, wire: &Wire<'_>, window: Window) -> Result<Option<Over>, ConnectionError> {
        if let Some(known) = self.known.get(&window) {
            return Ok(*known);
        }
        let receiver = wire.proxy(window)?.unwrap_or(window);
        let version = wire.aware(receiver)?;
        let over = version
            .filter(|version| *version >= OLDEST_VERSION)
            .map(|version| Over {
                window,
                receiver,
                version,
            });
        self.known.insert(window, over);
        Ok(over)
    }
}
