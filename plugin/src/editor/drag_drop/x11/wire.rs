//! Names and messages of the protocol: <https://www.freedesktop.org/wiki/Specifications/XDND>.

use x11rb::atom_manager;
use x11rb::connection::Connection as _;
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, Window,
};
use x11rb::rust_connection::RustConnection;

/// Version of the protocol that we speak.
pub const VERSION: u32 = 5;

/// In a status: whether it is accepted, and whether every move is to be told.
const ACCEPTS: u32 = 1;
const WANTS_MOVES: u32 = 2;
/// In an enter: whether there are more types than it says.
const MORE_TYPES: u32 = 1;

/// Most windows or types of a property.
const MOST_WORDS: u32 = 256;

atom_manager! {
    /// Names that both ends know by numbers.
    pub Atoms: AtomsCookie {
        XdndAware,
        XdndProxy,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndLeave,
        XdndDrop,
        XdndFinished,
        XdndSelection,
        XdndTypeList,
        XdndActionCopy,
        TARGETS,
        INCR,
        WM_STATE,
        UriList: b"text/uri-list",
        PlainText: b"text/plain",
        Utf8Text: b"text/plain;charset=utf-8",
        IDM_WAKE,
        IDM_DATA,
        IDM_TIME,
    }
}

/// What one end says to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// A source is over a window.
    Enter {
        source: Window,
        version: u32,
        types: [Atom; 3],
        has_more: bool,
    },
    /// It has moved.
    Position {
        source: Window,
        x: i16,
        y: i16,
        time: u32,
    },
    /// It is gone.
    Leave { source: Window },
    /// It was let go.
    Drop { source: Window, time: u32 },
    /// What the target thinks of the place.
    Status { target: Window, accepts: bool },
    /// The target has what it wanted.
    Finished { target: Window, accepted: bool },
}

impl Message {
    /// The message in `event`, if it is one of these.
    pub fn read(atoms: &Atoms, event: &ClientMessageEvent) -> Option<Message> {
        if event.format != 32 {
            return None;
        }
        let [window, a, b, c, d] = event.data.as_data32();
        let is = |atom: Atom| event.type_ == atom;
        Some(if is(atoms.XdndEnter) {
            Message::Enter {
                source: window,
                version: a >> 24,
                types: [b, c, d],
                has_more: a & MORE_TYPES != 0,
            }
        } else if is(atoms.XdndPosition) {
            let (x, y) = ((b >> 16) as u16 as i16, b as u16 as i16);
            Message::Position {
                source: window,
                x,
                y,
                time: c,
            }
        } else if is(atoms.XdndLeave) {
            Message::Leave { source: window }
        } else if is(atoms.XdndDrop) {
            Message::Drop {
                source: window,
                time: b,
            }
        } else if is(atoms.XdndStatus) {
            Message::Status {
                target: window,
                accepts: a & ACCEPTS != 0,
            }
        } else if is(atoms.XdndFinished) {
            Message::Finished {
                target: window,
                accepted: a & ACCEPTS != 0,
            }
        } else {
            return None;
        })
    }

    /// The event that says so of `window`.
    pub fn event(self, atoms: &Atoms, window: Window) -> ClientMessageEvent {
        let (type_, data) = match self {
            Message::Enter {
                source,
                version,
                types: [a, b, c],
                has_more,
            } => {
                let flags = version << 24 | u32::from(has_more);
                (atoms.XdndEnter, [source, flags, a, b, c])
            }
            Message::Position { source, x, y, time } => {
                let place = u32::from(x as u16) << 16 | u32::from(y as u16);
                let data = [source, 0, place, time, atoms.XdndActionCopy];
                (atoms.XdndPosition, data)
            }
            Message::Leave { source } => (atoms.XdndLeave, [source, 0, 0, 0, 0]),
            Message::Drop { source, time } => (atoms.XdndDrop, [source, 0, time, 0, 0]),
            Message::Status { target, accepts } => {
                let flags = WANTS_MOVES | if accepts { ACCEPTS } else { 0 };
                let data = [target, flags, 0, 0, action(atoms, accepts)];
                (atoms.XdndStatus, data)
            }
            Message::Finished { target, accepted } => {
                let flags = u32::from(accepted);
                let data = [target, flags, action(atoms, accepted), 0, 0];
                (atoms.XdndFinished, data)
            }
        };
        ClientMessageEvent::new(32, window, type_, data)
    }
}

fn action(atoms: &Atoms, is_taken: bool) -> Atom {
    if is_taken {
        atoms.XdndActionCopy
    } else {
        x11rb::NONE
    }
}

/// A connection, and our window that is never seen.
#[derive(Debug)]
pub struct Wire<'a> {
    pub connection: &'a RustConnection,
    pub atoms: &'a Atoms,
    pub root: Window,
    /// Ours.
    pub helper: Window,
    /// The editor's.
    pub editor: Window,
}

impl Wire<'_> {
    /// Tells `receiver` of `window`, which it stands for or is.
    pub fn tell(
        &self,
        receiver: Window,
        window: Window,
        message: Message,
    ) -> Result<(), ConnectionError> {
        let event = message.event(self.atoms, window);
        let mask = EventMask::NO_EVENT;
        self.connection.send_event(false, receiver, mask, event)?;
        self.connection.flush()
    }

    /// The numbers in a property; none where there are none, or no window.
    pub fn words(
        &self,
        window: Window,
        property: Atom,
        type_: impl Into<Atom>,
    ) -> Result<Vec<u32>, ConnectionError> {
        let connection = self.connection;
        let cookie = connection.get_property(false, window, property, type_, 0, MOST_WORDS)?;
        match cookie.reply() {
            Ok(reply) => Ok(reply.value32().map(Iterator::collect).unwrap_or_default()),
            Err(x11rb::errors::ReplyError::ConnectionError(error)) => Err(error),
            Err(x11rb::errors::ReplyError::X11Error(_)) => Ok(Vec::new()),
        }
    }

    /// The window that stands for `window` in this protocol, if there is one that still does.
    pub fn proxy(&self, window: Window) -> Result<Option<Window>, ConnectionError> {
        let of = |window| self.words(window, self.atoms.XdndProxy, AtomEnum::WINDOW);
        let Some(proxy) = of(window)?.first().copied() else {
            return Ok(None);
        };
        Ok((of(proxy)?.first() == Some(&proxy)).then_some(proxy))
    }

    /// The version that `window` speaks itself.
    pub fn aware(&self, window: Window) -> Result<Option<u32>, ConnectionError> {
        let words = self.words(window, self.atoms.XdndAware, AtomEnum::ANY)?;
        Ok(words.first().copied())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Numbers for names, without a server.
    pub fn atoms() -> Atoms {
        Atoms {
            XdndAware: 1,
            XdndProxy: 2,
            XdndEnter: 3,
            XdndPosition: 4,
            XdndStatus: 5,
            XdndLeave: 6,
            XdndDrop: 7,
            XdndFinished: 8,
            XdndSelection: 9,
            XdndTypeList: 10,
            XdndActionCopy: 11,
            TARGETS: 12,
            INCR: 13,
            WM_STATE: 14,
            UriList: 15,
            PlainText: 16,
            Utf8Text: 17,
            IDM_WAKE: 18,
            IDM_DATA: 19,
            IDM_TIME: 20,
        }
    }

    #[test]
    fn messages_are_read_as_they_are_written() {
        let atoms = atoms();
        let messages = [
            Message::Enter {
                source: 70,
                version: 5,
                types: [15, 16, 0],
                has_more: true,
            },
            Message::Position {
                source: 70,
                x: 1_900,
                y: -3,
                time: 123,
            },
            Message::Leave { source: 70 },
            Message::Drop {
                source: 70,
                time: 124,
            },
            Message::Status {
                target: 71,
                accepts: true,
            },
            Message::Status {
                target: 71,
                accepts: false,
            },
            Message::Finished {
                target: 71,
                accepted: true,
            },
        ];
        for message in messages {
            let event = message.event(&atoms, 99);
            assert_eq!(event.window, 99);
            assert_eq!(Message::read(&atoms, &event), Some(message));
        }
        let other = ClientMessageEvent::new(32, 99, atoms.IDM_WAKE, [0; 5]);
        assert_eq!(Message::read(&atoms, &other), None);
        let bytes = ClientMessageEvent::new(8, 99, atoms.XdndLeave, [0; 20]);
        assert_eq!(Message::read(&atoms, &bytes), None);
    }

    #[test]
    fn the_bits_are_those_of_the_specification() {
        let atoms = atoms();
        let enter = Message::Enter {
            source: 0xabc,
            version: 5,
            types: [1, 2, 3],
            has_more: true,
        };
        let data = enter.event(&atoms, 1).data.as_data32();
        assert_eq!(data, [0xabc, 0x0500_0001, 1, 2, 3]);
        let position = Message::Position {
            source: 7,
            x: 0x12,
            y: 0x34,
            time: 9,
        };
        let data = position.event(&atoms, 1).data.as_data32();
        assert_eq!(data, [7, 0, 0x0012_0034, 9, atoms.XdndActionCopy]);
    }
}
