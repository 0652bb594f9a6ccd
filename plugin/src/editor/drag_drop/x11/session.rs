//! What the thread does, from the window's opening to its end.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, PropMode, Property,
    PropertyNotifyEvent, SelectionNotifyEvent, Timestamp, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::Order;
use super::forwarding::Forwarding;
use super::offer::{self, Offer};
use super::screen::Lookout;
use super::source::{self, Source};
use super::standing::Standing;
use super::target::{Act, Answer, Target};
use super::transfer::{MOST_BYTES, Step, Transfer};
use super::wire::{Message, Wire};
use crate::editor::drag_drop::board::{Board, Progress};
use crate::editor::drag_drop::meaning::{Files, Place};
use crate::editor::x11::Gone;

/// Timestamp between two looks while something is dragged.
const PAUSE: Duration = Duration::from_millis(12);

/// What is dragged out.
#[derive(Debug)]
enum Out {
    /// It begins as soon as the server has told the time.
    Begins,
    Goes(Source, Lookout),
}

/// All that the thread knows.
#[derive(Debug)]
pub struct Session<'a> {
    wire: Wire<'a>,
    board: &'a Board,
    context: &'a egui::Context,
    standing: Standing,
    target: Target,
    /// The window for which the source takes ours: the editor's or the host's.
    addressed: Window,
    forwarding: Forwarding,
    transfer: Transfer,
    offer: Offer,
    out: Option<Out>,
    is_over: bool,
}

impl<'a> Session<'a> {
    /// Stands for the editor from now on.
    pub fn begin(
        wire: Wire<'a>,
        board: &'a Board,
        context: &'a egui::Context,
    ) -> Result<Self, Gone> {
        let mut standing = Standing::default();
        standing.begin(&wire)?;
        Ok(Self {
            wire,
            board,
            context,
            standing,
            target: Target::default(),
            addressed: x11rb::NONE,
            forwarding: Forwarding::default(),
            transfer: Transfer::default(),
            offer: Offer::default(),
            out: None,
            is_over: false,
        })
    }

    /// Serves until the window closes.
    pub fn run(mut self, orders: &Receiver<Order>) -> Result<(), Gone> {
        // What was ordered before it could be woken.
        self.follow_orders(orders)?;
        while !self.is_over {
            let connection = self.wire.connection;
            connection.flush()?;
            let is_busy = self.target.is_busy() || self.out.is_some();
            let event = match connection.poll_for_event()? {
                None if !is_busy => Some(connection.wait_for_event()?),
                event => event,
            };
            match event {
                Some(event) => self.handle(event, orders)?,
                None => {
                    self.look_out()?;
                    let acts = self.target.tick(self.board, Instant::now());
                    self.act(acts)?;
                    self.wire.connection.flush()?;
                    thread::sleep(PAUSE);
                }
            }
        }
        self.standing.end(&self.wire)?;
        Ok(())
    }

    fn follow_orders(&mut self, orders: &Receiver<Order>) -> Result<(), Gone> {
        loop {
            match orders.try_recv() {
                Ok(Order::DragOut(files)) => self.drag_out(files)?,
                Ok(Order::End) | Err(TryRecvError::Disconnected) => {
                    self.is_over = true;
                    return Ok(());
                }
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    fn handle(&mut self, event: Event, orders: &Receiver<Order>) -> Result<(), Gone> {
        match event {
            Event::ClientMessage(event) if event.type_ == self.wire.atoms.IDM_WAKE => {
                self.follow_orders(orders)?;
            }
            Event::ClientMessage(event) => self.hear(&event)?,
            Event::SelectionNotify(event) => self.answered(&event)?,
            Event::SelectionRequest(event) => self.offer.answer(&self.wire, &event)?,
            Event::PropertyNotify(event) => self.property_changed(&event)?,
            Event::ReparentNotify(_) => self.standing.follow(&self.wire)?,
            Event::MapNotify(_) => self.standing.follow(&self.wire)?,
            Event::ConfigureNotify(event) if event.window != self.wire.editor => {
                self.standing.has_changed(&self.wire)?;
            }
            Event::DestroyNotify(event) if event.window == self.wire.editor => {
                self.is_over = true;
            }
            // Errors are of windows that have gone.
            _ => {}
        }
        Ok(())
    }

    /// Takes a message of the other end.
    fn hear(&mut self, event: &ClientMessageEvent) -> Result<(), Gone> {
        let Some(message) = Message::read(self.wire.atoms, event) else {
            return Ok(());
        };
        let now = Instant::now();
        if !matches!(message, Message::Status { .. } | Message::Finished { .. }) {
            self.addressed = event.window;
        }
        let place = match message {
            Message::Enter {
                source,
                types,
                has_more,
                ..
            } => {
                let mut types = types.to_vec();
                if has_more {
                    let list = self.wire.atoms.XdndTypeList;
                    types = self.wire.words(source, list, AtomEnum::ATOM)?;
                }
                self.transfer = Transfer::Idle;
                self.forwarding.enter(*event);
                let file_type = self.wire.atoms.UriList;
                self.target.enter(source, &types, file_type, now);
                return Ok(());
            }
            Message::Status { .. } | Message::Finished { .. } => {
                if let Some(Out::Goes(source, _)) = &mut self.out {
                    let acts = source.hear(message);
                    self.act_out(acts)?;
                }
                return Ok(());
            }
            Message::Position { x, y, .. } => self.place(x, y)?,
            Message::Leave { .. } | Message::Drop { .. } => None,
        };
        if self.standing.forwards(event.window) {
            let (atoms, is_over_editor) = (self.wire.atoms, place.is_some());
            let passed = self.forwarding.pass(atoms, message, *event, is_over_editor);
            for event in passed.events {
                let (host, mask) = (event.window, EventMask::NO_EVENT);
                self.wire.connection.send_event(false, host, mask, event)?;
            }
            if !passed.is_ours {
                let is_over = !matches!(message, Message::Position { .. });
                let acts = self.target.is_elsewhere(is_over, self.board);
                return self.act(acts);
            }
        }
        let acts = self.target.hear(message, place, self.board, now);
        self.act(acts)
    }

    /// What of the window is at a point of the screen.
    fn place(&self, x: i16, y: i16) -> Result<Option<Place>, Gone> {
        let wire = &self.wire;
        let point = wire
            .connection
            .translate_coordinates(wire.root, wire.editor, x, y)?;
        let size = wire.connection.get_geometry(wire.editor)?;
        let (Ok(point), Ok(size)) = (point.reply(), size.reply()) else {
            return Ok(None);
        };
        let (x, y) = (i32::from(point.dst_x), i32::from(point.dst_y));
        let is_inside =
            (0..i32::from(size.width)).contains(&x) && (0..i32::from(size.height)).contains(&y);
        Ok(is_inside.then(|| self.board.place_at(x as f32, y as f32)))
    }

    fn act(&mut self, acts: Vec<Act>) -> Result<(), Gone> {
        // Sources know the window by which they found ours, and no other.
        let target = self.addressed;
        for act in acts {
            match act {
                Act::Tell(source, answer) => {
                    let message = match answer {
                        Answer::Status(accepts) => Message::Status { target, accepts },
                        Answer::Finished(accepted) => Message::Finished { target, accepted },
                    };
                    self.wire.tell(source, source, message)?;
                }
                Act::Ask(time) => self.ask(time)?,
                Act::Draw => self.context.request_repaint(),
            }
        }
        Ok(())
    }

    /// Asks for the list of files.
    fn ask(&mut self, time: Timestamp) -> Result<(), Gone> {
        let atoms = self.wire.atoms;
        self.transfer = Transfer::Asked;
        self.wire.connection.convert_selection(
            self.wire.helper,
            atoms.XdndSelection,
            atoms.UriList,
            atoms.IDM_DATA,
            time,
        )?;
        Ok(())
    }

    /// The list of files has come, or the announcement of pieces of it.
    fn answered(&mut self, event: &SelectionNotifyEvent) -> Result<(), Gone> {
        let atoms = self.wire.atoms;
        if event.selection != atoms.XdndSelection {
            return Ok(());
        }
        let (data, is_announcement) = match event.property {
            x11rb::NONE => (None, false),
            property => {
                let (data, type_) = self.take_property(property)?;
                (Some(data), type_ == atoms.INCR)
            }
        };
        let step = self.transfer.answered(data, is_announcement);
        self.received(step)
    }

    fn property_changed(&mut self, event: &PropertyNotifyEvent) -> Result<(), Gone> {
        let atoms = self.wire.atoms;
        if event.window != self.wire.helper {
            if event.atom == atoms.XdndAware || event.atom == atoms.XdndProxy {
                self.standing.has_changed(&self.wire)?;
            }
        } else if event.atom == atoms.IDM_TIME {
            self.begin_out(event.time)?;
        } else if event.atom == atoms.IDM_DATA
            && event.state == Property::NEW_VALUE
            && matches!(self.transfer, Transfer::Pieces(_))
        {
            let (piece, _) = self.take_property(atoms.IDM_DATA)?;
            let step = self.transfer.piece(&piece);
            self.received(step)?;
        }
        Ok(())
    }

    /// Reads a property of our window and takes it away.
    fn take_property(&self, property: Atom) -> Result<(Vec<u8>, Atom), Gone> {
        // In units of four bytes; one more tells that it is too much.
        let length = (MOST_BYTES / 4) as u32 + 1;
        let cookie = self.wire.connection.get_property(
            true,
            self.wire.helper,
            property,
            AtomEnum::ANY,
            0,
            length,
        )?;
        match cookie.reply() {
            Ok(reply) => Ok((reply.value, reply.type_)),
            Err(x11rb::errors::ReplyError::ConnectionError(_)) => Err(Gone),
            Err(x11rb::errors::ReplyError::X11Error(_)) => Ok((Vec::new(), x11rb::NONE)),
        }
    }

    fn received(&mut self, step: Step) -> Result<(), Gone> {
        let Step::Done(data) = step else {
            return Ok(());
        };
        let files = data.map(|data| Files::of(&String::from_utf8_lossy(&data)));
        let acts = self.target.received(files, self.board);
        self.act(acts)
    }

    /// Something is to be dragged out: the server's time comes with a change of a property.
    fn drag_out(&mut self, files: Vec<PathBuf>) -> Result<(), Gone> {
        self.offer = Offer(files);
        self.out = Some(Out::Begins);
        self.wire.connection.change_property8(
            PropMode::REPLACE,
            self.wire.helper,
            self.wire.atoms.IDM_TIME,
            AtomEnum::STRING,
            &[],
        )?;
        Ok(())
    }

    fn begin_out(&mut self, time: Timestamp) -> Result<(), Gone> {
        if !matches!(self.out, Some(Out::Begins)) {
            return Ok(());
        }
        let (helper, atoms) = (self.wire.helper, self.wire.atoms);
        self.wire
            .connection
            .set_selection_owner(helper, atoms.XdndSelection, time)?;
        let source = Source::new(helper, offer::types(atoms), time);
        self.out = Some(Out::Goes(source, Lookout::new(&self.wire)?));
        Ok(())
    }

    fn look_out(&mut self) -> Result<(), Gone> {
        if let Some(Out::Goes(source, lookout)) = &mut self.out {
            let look = lookout.look(&self.wire)?;
            let acts = source.look(look, Instant::now());
            self.act_out(acts)?;
        }
        Ok(())
    }

    fn act_out(&mut self, acts: Vec<source::Act>) -> Result<(), Gone> {
        for act in acts {
            match act {
                source::Act::Tell(over, message) => {
                    self.wire.tell(over.receiver, over.window, message)?;
                }
                source::Act::End => self.out = None,
            }
        }
        let progress = match &self.out {
            Some(Out::Goes(source, _)) if source.accepts() => Progress::Accepted,
            Some(_) => Progress::Refused,
            None => Progress::Nothing,
        };
        if self.board.progress() != progress {
            self.board.set_progress(progress);
            self.context.request_repaint();
        }
        Ok(())
    }
}
