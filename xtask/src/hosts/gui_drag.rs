//! Programs that something is dragged from or to, as the X server sees them:
//! <https://www.freedesktop.org/wiki/Specifications/XDND>.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// Version of the protocol.
const VERSION: u32 = 5;

x11rb::atom_manager! {
    Atoms: AtomsCookie {
        XdndAware,
        XdndProxy,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndDrop,
        XdndFinished,
        XdndSelection,
        XdndActionCopy,
        UriList: b"text/uri-list",
    }
}

/// A connection with a window.
#[derive(Debug)]
struct Program {
    connection: RustConnection,
    atoms: Atoms,
    root: Window,
    window: Window,
}

impl Program {
    /// A program with a window here that is seen or not.
    fn new(x: i16, y: i16, size: u16, is_seen: bool) -> Result<Self> {
        let (connection, screen) = x11rb::connect(None).context("no X server")?;
        let root = connection.setup().roots[screen].root;
        let atoms = Atoms::new(&connection)?.reply()?;
        let window = connection.generate_id()?;
        connection.create_window(
            x11rb::COPY_DEPTH_FROM_PARENT,
            window,
            root,
            x,
            y,
            size,
            size,
            0,
            WindowClass::INPUT_OUTPUT,
            x11rb::COPY_FROM_PARENT,
            &CreateWindowAux::new().override_redirect(1),
        )?;
        if is_seen {
            connection.map_window(window)?;
        }
        connection.sync()?;
        Ok(Self {
            connection,
            atoms,
            root,
            window,
        })
    }

    fn tell(&self, receiver: Window, window: Window, type_: u32, data: [u32; 5]) -> Result<()> {
        let event = ClientMessageEvent::new(32, window, type_, data);
        self.connection
            .send_event(false, receiver, EventMask::NO_EVENT, event)?;
        self.connection.flush()?;
        Ok(())
    }

    /// The window that hears for `window`, if that says so validly.
    fn proxy(&self, window: Window) -> Result<Option<Window>> {
        let of = |window| -> Result<Option<u32>> {
            let (proxy, type_) = (self.atoms.XdndProxy, AtomEnum::WINDOW);
            let reply = self
                .connection
                .get_property(false, window, proxy, type_, 0, 1)?
                .reply()?;
            let first = reply.value32().and_then(|mut words| words.next());
            Ok(first)
        };
        match of(window)? {
            Some(proxy) => Ok((of(proxy)? == Some(proxy)).then_some(proxy)),
            None => Ok(None),
        }
    }
}

/// A file manager that drags a file.
#[derive(Debug)]
pub struct Source {
    program: Program,
    address: String,
    /// The window that it is over, and who hears for that.
    over: Option<(Window, Window)>,
    is_answered: bool,
    is_welcome: bool,
    is_finished: bool,
}

impl Source {
    /// One that drags the file at `path`.
    pub fn new(path: &Path) -> Result<Self> {
        let program = Program::new(-10, -10, 1, false)?;
        program.connection.set_selection_owner(
            program.window,
            program.atoms.XdndSelection,
            x11rb::CURRENT_TIME,
        )?;
        let path = std::path::absolute(path)?.display().to_string();
        Ok(Self {
            program,
            address: format!("file://{}\r\n", path.replace(' ', "%20")),
            over: None,
            is_answered: false,
            is_welcome: false,
            is_finished: false,
        })
    }

    /// Drags it to a point of the screen; false if nobody hears there yet. Some programs look
    /// for whoever hears from the outside, others from the inside: both must find the same.
    pub fn go_to(&mut self, x: i16, y: i16) -> Result<bool> {
        let program = &self.program;
        let (mut window, mut outermost, mut found) = (program.root, None, None);
        loop {
            let child = program
                .connection
                .translate_coordinates(program.root, window, x, y)?
                .reply()?
                .child;
            if child == x11rb::NONE {
                break;
            }
            window = child;
            let proxy = program.proxy(window)?;
            outermost = outermost.or(Some(proxy));
            found = proxy.map(|proxy| (window, proxy)).or(found);
        }
        let Some((over, receiver)) = found.filter(|(_, proxy)| outermost == Some(Some(*proxy)))
        else {
            return Ok(false);
        };
        let (source, atoms) = (program.window, &program.atoms);
        if self.over != Some((over, receiver)) {
            let data = [source, VERSION << 24, atoms.UriList, 0, 0];
            program.tell(receiver, over, atoms.XdndEnter, data)?;
        }
        let place = u32::from(x as u16) << 16 | u32::from(y as u16);
        let data = [source, 0, place, x11rb::CURRENT_TIME, atoms.XdndActionCopy];
        program.tell(receiver, over, atoms.XdndPosition, data)?;
        self.over = Some((over, receiver));
        self.is_answered = false;
        Ok(true)
    }

    /// Lets it go.
    pub fn let_go(&mut self) -> Result<()> {
        let (over, receiver) = self.over.context("it is nowhere")?;
        let program = &self.program;
        let data = [program.window, 0, x11rb::CURRENT_TIME, 0, 0];
        program.tell(receiver, over, program.atoms.XdndDrop, data)
    }

    /// Whether the place was judged.
    pub fn is_answered(&mut self) -> Result<bool> {
        self.serve()?;
        Ok(self.is_answered)
    }

    /// Whether it was found good.
    pub fn is_welcome(&self) -> bool {
        self.is_welcome
    }

    /// Whether it was taken; an error if it was not.
    pub fn is_finished(&mut self) -> Result<bool> {
        self.serve()?;
        Ok(self.is_finished)
    }

    fn serve(&mut self) -> Result<()> {
        let atoms = &self.program.atoms;
        let over = self.over.map(|(over, _)| over);
        while let Some(event) = self.program.connection.poll_for_event()? {
            match event {
                // Of a window that it does not know, as GTK sees it.
                Event::ClientMessage(event)
                    if event.format == 32 && Some(event.data.as_data32()[0]) != over => {}
                Event::ClientMessage(event) if event.type_ == atoms.XdndStatus => {
                    self.is_answered = true;
                    self.is_welcome = event.data.as_data32()[1] & 1 != 0;
                }
                Event::ClientMessage(event) if event.type_ == atoms.XdndFinished => {
                    let is_taken = event.data.as_data32()[1] & 1 != 0;
                    ensure!(is_taken, "what was dropped was not taken");
                    self.is_finished = true;
                }
                Event::SelectionRequest(request) if request.target == atoms.UriList => {
                    let connection = &self.program.connection;
                    connection.change_property8(
                        PropMode::REPLACE,
                        request.requestor,
                        request.property,
                        request.target,
                        self.address.as_bytes(),
                    )?;
                    let event = SelectionNotifyEvent {
                        response_type: SELECTION_NOTIFY_EVENT,
                        sequence: 0,
                        time: request.time,
                        requestor: request.requestor,
                        selection: request.selection,
                        target: request.target,
                        property: request.property,
                    };
                    let mask = EventMask::NO_EVENT;
                    connection.send_event(false, request.requestor, mask, event)?;
                    connection.flush()?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where the window of [`Target`] lies, and how large it is.
const TARGET_PLACE: (i16, i16) = (1_700, 1_200);
const TARGET_SIZE: u16 = 100;

/// A program to which something is dragged.
#[derive(Debug)]
pub struct Target {
    program: Program,
    is_visited: bool,
    /// Who has dropped something.
    source: Window,
    file: Option<PathBuf>,
}

impl Target {
    /// One with a window in a corner of the screen.
    pub fn new() -> Result<Self> {
        let (x, y) = TARGET_PLACE;
        let program = Program::new(x, y, TARGET_SIZE, true)?;
        program.connection.change_property32(
            PropMode::REPLACE,
            program.window,
            program.atoms.XdndAware,
            AtomEnum::ATOM,
            &[VERSION],
        )?;
        program.connection.sync()?;
        Ok(Self {
            program,
            is_visited: false,
            source: x11rb::NONE,
            file: None,
        })
    }

    /// The middle of its window.
    pub fn place(&self) -> (u32, u32) {
        let half = u32::from(TARGET_SIZE / 2);
        let (x, y) = TARGET_PLACE;
        (
            x.unsigned_abs() as u32 + half,
            y.unsigned_abs() as u32 + half,
        )
    }

    /// Whether something is over it.
    pub fn is_visited(&mut self) -> Result<bool> {
        self.serve()?;
        Ok(self.is_visited)
    }

    /// The file that was dropped on it.
    pub fn received(&mut self) -> Result<Option<PathBuf>> {
        self.serve()?;
        Ok(self.file.take())
    }

    fn serve(&mut self) -> Result<()> {
        let (program, atoms) = (&self.program, &self.program.atoms);
        while let Some(event) = program.connection.poll_for_event()? {
            match event {
                Event::ClientMessage(event) if event.type_ == atoms.XdndPosition => {
                    self.is_visited = true;
                    let source = event.data.as_data32()[0];
                    let data = [program.window, 1, 0, 0, atoms.XdndActionCopy];
                    program.tell(source, source, atoms.XdndStatus, data)?;
                }
                Event::ClientMessage(event) if event.type_ == atoms.XdndDrop => {
                    let [source, _, time, ..] = event.data.as_data32();
                    program.connection.convert_selection(
                        program.window,
                        atoms.XdndSelection,
                        atoms.UriList,
                        atoms.UriList,
                        time,
                    )?;
                    program.connection.flush()?;
                    self.source = source;
                }
                Event::SelectionNotify(event) => {
                    ensure!(event.property != x11rb::NONE, "there is no list of files");
                    let reply = program
                        .connection
                        .get_property(
                            true,
                            program.window,
                            event.property,
                            AtomEnum::ANY,
                            0,
                            u32::from(u16::MAX),
                        )?
                        .reply()?;
                    let text = String::from_utf8(reply.value).context("no text")?;
                    let path = text.trim_end().strip_prefix("file://");
                    let path = path.with_context(|| format!("'{text}' is no file"))?;
                    self.file = Some(path.replace("%20", " ").into());
                    let data = [program.window, 1, atoms.XdndActionCopy, 0, 0];
                    program.tell(self.source, self.source, atoms.XdndFinished, data)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
