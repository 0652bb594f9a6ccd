//! What is dragged over the window, message by message.
//!
//! Knows no server: it is told what has come, and answers what is to be done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use x11rb::protocol::xproto::{Atom, Window};

use super::wire::Message;
use crate::editor::drag_drop::board::{Board, Carried, Dropped};
use crate::editor::drag_drop::meaning::{Files, Place};

/// How long a program may take to hand over what it drags.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a program that has said nothing is believed to drag something: pointers rest.
const SILENCE: Duration = Duration::from_secs(60);

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Tell the source.
    Tell(Window, Answer),
    /// Ask it for the list of files.
    Ask(u32),
    /// Draw a frame.
    Draw,
}

/// What a source is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Whether it would be taken here.
    Status(bool),
    /// Whether it was.
    Finished(bool),
}

/// What is known of what it drags.
#[derive(Debug)]
enum Known {
    Nothing,
    Asked(Instant),
    Files(Arc<Files>),
}

#[derive(Debug)]
struct Session {
    source: Window,
    /// Whether it says that it has files.
    has_files: bool,
    known: Known,
    /// Where it is; none outside of the window.
    place: Option<Place>,
    is_dropped: bool,
    heard: Instant,
}

/// A session with a program that drags something over the window.
#[derive(Debug, Default)]
pub struct Target(Option<Session>);

impl Target {
    /// Whether anything goes on.
    pub fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// A source has come, with these types.
    pub fn enter(&mut self, source: Window, types: &[Atom], file_type: Atom, now: Instant) {
        self.0 = Some(Session {
            source,
            has_files: types.contains(&file_type),
            known: Known::Nothing,
            place: None,
            is_dropped: false,
            heard: now,
        });
    }

    /// A source has said something else; `place` is where, if it has moved. None where it is
    /// outside of the window.
    pub fn hear(
        &mut self,
        message: Message,
        place: Option<Place>,
        board: &Board,
        now: Instant,
    ) -> Vec<Act> {
        let of = |source: &Window| self.0.as_ref().is_some_and(|s| s.source == *source);
        match message {
            // Of a source that has not come, or not as the last.
            Message::Position { source, .. } if !of(&source) => {
                vec![Act::Tell(source, Answer::Status(false))]
            }
            Message::Drop { source, .. } if !of(&source) => {
                vec![Act::Tell(source, Answer::Finished(false))]
            }
            Message::Position { time, .. } => self.moved(place, time, board, now),
            Message::Drop { time, .. } => self.dropped(time, board, now),
            Message::Leave { source } if of(&source) => {
                self.0 = None;
                board.carry(None);
                vec![Act::Draw]
            }
            _ => Vec::new(),
        }
    }

    /// The source is over what is the host's, or has been let go there.
    pub fn is_elsewhere(&mut self, is_over: bool, board: &Board) -> Vec<Act> {
        if is_over {
            self.0 = None;
        } else if let Some(session) = &mut self.0 {
            session.place = None;
        }
        board.carry(None);
        vec![Act::Draw]
    }

    fn moved(&mut self, place: Option<Place>, time: u32, board: &Board, now: Instant) -> Vec<Act> {
        let Some(session) = &mut self.0 else {
            return Vec::new();
        };
        session.heard = now;
        let source = session.source;
        session.place = place.filter(|_| session.has_files);
        if session.place.is_none() {
            board.carry(None);
            return vec![Act::Tell(source, Answer::Status(false)), Act::Draw];
        }
        let mut acts = Vec::new();
        if matches!(session.known, Known::Nothing) {
            session.known = Known::Asked(now);
            acts.push(Act::Ask(time));
        }
        let is_taken = board.carry(session.carried());
        acts.extend([Act::Tell(source, Answer::Status(is_taken)), Act::Draw]);
        acts
    }

    fn dropped(&mut self, time: u32, board: &Board, now: Instant) -> Vec<Act> {
        let Some(session) = &mut self.0 else {
            return Vec::new();
        };
        session.is_dropped = true;
        session.heard = now;
        match (session.place.is_some(), &session.known) {
            (false, _) => self.finish(None, board),
            (true, Known::Nothing) => {
                session.known = Known::Asked(now);
                vec![Act::Ask(time)]
            }
            // Patience begins anew.
            (true, Known::Asked(_)) => {
                session.known = Known::Asked(now);
                Vec::new()
            }
            (true, Known::Files(files)) => {
                let files = files.clone();
                self.finish(Some(files), board)
            }
        }
    }

    /// The list of files has come; none if it cannot be had.
    pub fn received(&mut self, files: Option<Files>, board: &Board) -> Vec<Act> {
        let Some(session) = &mut self.0 else {
            return Vec::new();
        };
        let files = files.map(Arc::new);
        if session.is_dropped {
            return self.finish(files, board);
        }
        match files {
            Some(files) => session.known = Known::Files(files),
            // Some hand it over only when it was dropped.
            None => session.known = Known::Nothing,
        }
        board.carry(session.carried());
        vec![Act::Draw]
    }

    /// Time has passed.
    pub fn tick(&mut self, board: &Board, now: Instant) -> Vec<Act> {
        let Some(session) = &self.0 else {
            return Vec::new();
        };
        let is_late = |since: Instant, most: Duration| now.duration_since(since) > most;
        match session.known {
            Known::Asked(since) if session.is_dropped && is_late(since, PATIENCE) => {
                self.finish(None, board)
            }
            _ if is_late(session.heard, SILENCE) => {
                self.0 = None;
                board.carry(None);
                vec![Act::Draw]
            }
            _ => Vec::new(),
        }
    }

    /// Ends the session: with the files that were dropped, or with nothing.
    fn finish(&mut self, files: Option<Arc<Files>>, board: &Board) -> Vec<Act> {
        let Some(session) = self.0.take() else {
            return Vec::new();
        };
        board.carry(None);
        let dropped = session.place.zip(files);
        let is_taken =
            dropped.is_some_and(|(place, files)| board.drop_files(Dropped { place, files }));
        let answer = Answer::Finished(is_taken);
        vec![Act::Tell(session.source, answer), Act::Draw]
    }
}

impl Session {
    fn carried(&self) -> Option<Carried> {
        Some(Carried {
            place: self.place?,
            files: match &self.known {
                Known::Files(files) => Some(files.clone()),
                Known::Nothing | Known::Asked(_) => None,
            },
        })
    }
}

#[cfg(test)]
mod tests;
