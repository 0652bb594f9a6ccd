//! The keyboard as the X server has it, over a connection of our own.
//!
//! The server tells every program that asks for them which keys are pressed in a window, in
//! the order in which they are. What goes wrong leaves the letters to the windowing library.

use std::time::Instant;

use copypasta::{ClipboardContext, ClipboardProvider as _};
use nice_plug_egui::baseview::WindowContext;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xkb::{
    ConnectionExt as _, EventType, GetMapReply, ID, MapPart, SelectEventsAux,
};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, KeyPressEvent, Window,
};
use x11rb::rust_connection::RustConnection;

use super::layout::{KeyType, Layout, Stroke, Symbols, state};
use super::passing::Passing;
use super::translator::{Keyboard, Translator};
use super::us::KeyCode;
use crate::editor::x11::{Gone, window_of};

/// The version of the keyboard's protocol that we speak: there is no other.
const VERSION: (u16, u16) = (1, 0);

/// In the type of an event: it is none of the server's own.
const SENT: u8 = 0x80;

/// Windows around ours that are looked at.
const DEEPEST: usize = 32;

/// Puts the letters of the user's keyboard into the input of a window, if it is one of X11.
pub fn follow(window: &WindowContext, context: &egui::Context) {
    let Some(window) = window_of(window) else {
        return;
    };
    if let Ok(server) = Server::open(window) {
        context.add_plugin(Follower {
            translator: Translator::default(),
            passing: Passing::default(),
            link: Link {
                server: Some(server),
                is_read_by_library: library_reads_layout(),
            },
        });
    }
}

/// Whether the windowing library has found what it asks for letters. It looks for the same.
fn library_reads_layout() -> bool {
    xkbcommon_dl::xkbcommon_option().is_some()
        && xkbcommon_dl::x11::xkbcommon_x11_option().is_some()
}

/// Stands between the window and what is drawn.
struct Follower {
    translator: Translator,
    passing: Passing,
    link: Link,
}

impl egui::Plugin for Follower {
    fn debug_name(&self) -> &'static str {
        "the user's keyboard"
    }

    fn input_hook(&mut self, context: &egui::Context, input: &mut egui::RawInput) {
        if self.link.server.is_none() {
            return;
        }
        let events = std::mem::take(&mut input.events);
        let now = Instant::now();
        input.events = self.translator.translate(events, &mut self.link, now);
        let is_ours = context.egui_wants_keyboard_input() || egui::Popup::is_any_open(context);
        let strokes = self.translator.take_served();
        self.passing.begin(strokes, &input.events, is_ours);
    }

    fn output_hook(&mut self, context: &egui::Context, _: &mut egui::FullOutput) {
        if self.passing.is_waiting() {
            let strokes = context.input(|input| self.passing.end(&input.events));
            self.link.ask(|server| server.pass_on(&strokes));
        }
    }
}

/// The server, as long as it answers.
struct Link {
    server: Option<Server>,
    is_read_by_library: bool,
}

impl Link {
    /// Asks the server, and lets go of it if it fails.
    fn ask<T>(&mut self, question: impl FnOnce(&mut Server) -> Result<T, Gone>) -> Option<T> {
        let answer = question(self.server.as_mut()?);
        if answer.is_err() {
            self.server = None;
        }
        answer.ok()
    }
}

impl Keyboard for Link {
    fn strokes(&mut self, is_due: bool) -> Vec<Stroke> {
        self.ask(|server| server.strokes(is_due))
            .unwrap_or_default()
    }

    fn is_read_by_library(&self) -> bool {
        self.is_read_by_library
    }

    fn held(&mut self, keys: &[KeyCode], state: u16) -> Option<Stroke> {
        self.ask(|server| server.held(keys, state)).flatten()
    }

    fn pasted(&mut self) -> Option<String> {
        ClipboardContext::new().ok()?.get_contents().ok()
    }
}

struct Server {
    connection: RustConnection,
    window: Window,
    /// By which the window manager marks the windows that it knows.
    wm_state: Atom,
    layout: Layout,
    /// Whether the layout has changed since it was read.
    is_stale: bool,
}

impl Server {
    fn open(window: Window) -> Result<Self, Gone> {
        let (connection, _) = RustConnection::connect(None)?;
        let (major, minor) = VERSION;
        let has_keyboard = connection.xkb_use_extension(major, minor)?.reply()?;
        if !has_keyboard.supported {
            return Err(Gone);
        }
        let changes = EventType::NEW_KEYBOARD_NOTIFY | EventType::MAP_NOTIFY;
        let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
        connection.xkb_select_events(
            u16::from(ID::USE_CORE_KBD),
            EventType::from(0_u16),
            changes,
            parts,
            parts,
            &SelectEventsAux::new(),
        )?;
        let keys = EventMask::KEY_PRESS | EventMask::KEY_RELEASE;
        let wishes = ChangeWindowAttributesAux::new().event_mask(keys);
        connection
            .change_window_attributes(window, &wishes)?
            .check()?;
        let wm_state = connection.intern_atom(false, b"WM_STATE")?.reply()?.atom;
        let layout = read_layout(&connection)?;
        Ok(Self {
            connection,
            window,
            wm_state,
            layout,
            is_stale: false,
        })
    }

    fn strokes(&mut self, is_due: bool) -> Result<Vec<Stroke>, Gone> {
        if is_due {
            // What the server told the library it has told us before it answers.
            self.connection.get_input_focus()?.reply()?;
        }
        let mut strokes = Vec::new();
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::KeyPress(event) => strokes.extend(self.stroke(&event, true)?),
                Event::KeyRelease(event) => strokes.extend(self.stroke(&event, false)?),
                Event::XkbMapNotify(_)
                | Event::XkbNewKeyboardNotify(_)
                | Event::MappingNotify(_) => self.is_stale = true,
                _ => {}
            }
        }
        Ok(strokes)
    }

    fn stroke(&mut self, event: &KeyPressEvent, is_pressed: bool) -> Result<Option<Stroke>, Gone> {
        if event.event != self.window {
            return Ok(None);
        }
        let state = u16::from(event.state);
        let stroke = self.layout()?.stroke(event.detail, state, is_pressed);
        Ok(Some(Stroke {
            is_sent: event.response_type & SENT != 0,
            time: event.time,
            ..stroke
        }))
    }

    fn layout(&mut self) -> Result<&Layout, Gone> {
        if std::mem::take(&mut self.is_stale) {
            self.layout = read_layout(&self.connection)?;
        }
        Ok(&self.layout)
    }

    fn held(&mut self, keys: &[KeyCode], state: u16) -> Result<Option<Stroke>, Gone> {
        let now = self.connection.xkb_get_state(ID::USE_CORE_KBD.into())?;
        let down = self.connection.query_keymap()?;
        let (now, down) = (now.reply()?, down.reply()?);
        let is_down = |key: &&KeyCode| {
            let byte = down.keys.get(usize::from(**key / 8));
            byte.is_some_and(|byte| byte >> (**key % 8) & 1 != 0)
        };
        let Some(key) = keys.iter().find(is_down).or(keys.first()).copied() else {
            return Ok(None);
        };
        let group = u16::from(u8::from(now.group)) << state::GROUP_SHIFT;
        let state = u16::from(now.mods) & 0xff | group | state;
        Ok(Some(self.layout()?.stroke(key, state, true)))
    }
}

impl Server {
    /// Gives strokes to the window of the host that listens to keys, as if ours were not
    /// before it.
    fn pass_on(&mut self, strokes: &[Stroke]) -> Result<(), Gone> {
        if strokes.is_empty() {
            return Ok(());
        }
        let Some((root, host)) = self.host()? else {
            return Ok(());
        };
        for stroke in strokes {
            let response_type = match stroke.is_pressed {
                true => KEY_PRESS_EVENT,
                false => KEY_RELEASE_EVENT,
            };
            let event = KeyPressEvent {
                response_type,
                detail: stroke.keycode,
                sequence: 0,
                time: stroke.time,
                root,
                event: host,
                child: x11rb::NONE,
                root_x: 0,
                root_y: 0,
                event_x: 0,
                event_y: 0,
                state: stroke.state.into(),
                same_screen: true,
            };
            let mask = match stroke.is_pressed {
                true => EventMask::KEY_PRESS,
                false => EventMask::KEY_RELEASE,
            };
            self.connection.send_event(false, host, mask, event)?;
        }
        self.connection.flush()?;
        Ok(())
    }

    /// The screen, and the window around ours that listens to keys: none beyond that which
    /// the window manager knows as the host's.
    fn host(&self) -> Result<Option<(Window, Window)>, Gone> {
        let mut window = self.window;
        for _ in 0..DEEPEST {
            let known =
                self.connection
                    .get_property(false, window, self.wm_state, AtomEnum::ANY, 0, 0)?;
            let tree = self.connection.query_tree(window)?;
            // A window that has gone meanwhile is none.
            let (Ok(known), Ok(tree)) = (known.reply(), tree.reply()) else {
                return Ok(None);
            };
            if known.type_ != x11rb::NONE || tree.parent == tree.root {
                return Ok(None);
            }
            window = tree.parent;
            let attributes = self.connection.get_window_attributes(window)?;
            let Ok(attributes) = attributes.reply() else {
                return Ok(None);
            };
            if attributes.all_event_masks.contains(EventMask::KEY_PRESS) {
                return Ok(Some((tree.root, window)));
            }
        }
        Ok(None)
    }
}

fn read_layout(connection: &RustConnection) -> Result<Layout, Gone> {
    let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS;
    let none = MapPart::from(0_u16);
    let device = ID::USE_CORE_KBD.into();
    let cookie = connection.xkb_get_map(
        device,
        parts,
        none,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0_u16.into(),
        0,
        0,
        0,
        0,
        0,
        0,
    )?;
    Ok(layout(cookie.reply()?))
}

fn layout(map: GetMapReply) -> Layout {
    let types = map.map.types_rtrn.unwrap_or_default().into_iter();
    let keys = map.map.syms_rtrn.unwrap_or_default().into_iter();
    let byte = |mask| u16::from(mask) as u8;
    Layout {
        types: types
            .map(|kind| KeyType {
                mask: byte(kind.mods_mask),
                levels: kind
                    .map
                    .iter()
                    .enumerate()
                    .filter(|(_, entry)| entry.active)
                    .map(|(index, entry)| {
                        let kept = kind.preserve.get(index).map_or(0, |kept| byte(kept.mask));
                        (byte(entry.mods_mask), entry.level, kept)
                    })
                    .collect(),
            })
            .collect(),
        first_key: map.first_key_sym,
        keys: keys
            .map(|key| Symbols {
                types: key.kt_index,
                group_info: key.group_info,
                width: key.width,
                symbols: key.syms,
            })
            .collect(),
    }
}
