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
mod tests {
    use idm_engine::drum::Drum;

    use super::*;
    use crate::editor::drag_drop::meaning::Kind;

    const SOURCE: Window = 70;
    const URI_LIST: Atom = 15;
    const PAD: Place = Place::Pad(Drum::Snare);

    fn position(source: Window) -> Message {
        Message::Position {
            source,
            x: 1,
            y: 2,
            time: 500,
        }
    }

    fn dropped(source: Window) -> Message {
        Message::Drop { source, time: 600 }
    }

    fn wav() -> Option<Files> {
        Some(Files(vec![("/a.wav".into(), Kind::Audio)]))
    }

    /// A session that has begun, on a board.
    fn session() -> (Target, Board, Instant) {
        let mut target = Target::default();
        let now = Instant::now();
        target.enter(SOURCE, &[3, URI_LIST], URI_LIST, now);
        (target, Board::default(), now)
    }

    fn status(accepts: bool) -> Act {
        Act::Tell(SOURCE, Answer::Status(accepts))
    }

    fn finished(accepted: bool) -> Act {
        Act::Tell(SOURCE, Answer::Finished(accepted))
    }

    #[test]
    fn files_are_asked_for_once_shown_and_dropped() {
        let (mut target, board, now) = session();
        let acts = target.hear(position(SOURCE), Some(PAD), &board, now);
        assert_eq!(acts, [Act::Ask(500), status(true), Act::Draw]);
        let carried = board.lay_out(vec![], 1.0).expect("something");
        assert_eq!((carried.place, carried.files), (PAD, None));
        let sample = |path: &str| (path.into(), Kind::Audio);
        let layers = Files(vec![sample("/a.wav"), sample("/b.wav")]);
        target.received(Some(layers), &board);
        assert!(board.lay_out(vec![], 1.0).expect("it").files.is_some());
        let elsewhere = Some(Place::Elsewhere);
        let acts = target.hear(position(SOURCE), elsewhere, &board, now);
        assert_eq!(acts, [status(false), Act::Draw], "layers are for pads");
        let acts = target.hear(position(SOURCE), Some(PAD), &board, now);
        assert_eq!(acts, [status(true), Act::Draw]);
        let acts = target.hear(dropped(SOURCE), None, &board, now);
        assert_eq!(acts, [finished(true), Act::Draw]);
        let drops = board.take_dropped();
        assert_eq!((drops.len(), drops[0].place), (1, PAD));
        assert_eq!(board.lay_out(vec![], 1.0), None);
        assert!(!target.is_busy());
    }

    #[test]
    fn a_drop_waits_for_its_files_but_not_for_ever() {
        let (mut target, board, now) = session();
        target.hear(position(SOURCE), Some(PAD), &board, now);
        assert_eq!(target.hear(dropped(SOURCE), None, &board, now), []);
        assert_eq!(target.tick(&board, now), []);
        let acts = target.received(wav(), &board);
        assert_eq!(acts, [finished(true), Act::Draw]);

        let (mut target, board, now) = session();
        target.hear(position(SOURCE), Some(PAD), &board, now);
        target.hear(dropped(SOURCE), None, &board, now);
        let late = now + PATIENCE + Duration::from_millis(1);
        assert_eq!(target.tick(&board, late), [finished(false), Act::Draw]);
        assert!(board.take_dropped().is_empty() && !target.is_busy());
        assert_eq!(target.received(wav(), &board), []);
    }

    #[test]
    fn a_source_that_hands_over_late_is_asked_again() {
        let (mut target, board, now) = session();
        target.hear(position(SOURCE), Some(PAD), &board, now);
        target.received(None, &board);
        let acts = target.hear(dropped(SOURCE), None, &board, now);
        assert_eq!(acts, [Act::Ask(600)]);
        target.received(wav(), &board);
        assert_eq!(board.take_dropped().len(), 1);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let mut target = Target::default();
        let (board, now) = (Board::default(), Instant::now());
        target.enter(SOURCE, &[3], URI_LIST, now);
        let acts = target.hear(position(SOURCE), Some(PAD), &board, now);
        assert_eq!(acts, [status(false), Act::Draw]);
        let acts = target.hear(dropped(SOURCE), None, &board, now);
        assert_eq!(acts, [finished(false), Act::Draw]);
        assert!(board.take_dropped().is_empty());
        // As where the editor is not.
        let (mut target, board, now) = session();
        let acts = target.hear(position(SOURCE), None, &board, now);
        assert_eq!(acts, [status(false), Act::Draw]);
    }

    #[test]
    fn strangers_disturb_nobody() {
        let (mut target, board, now) = session();
        let refusal = Act::Tell(71, Answer::Status(false));
        assert_eq!(target.hear(position(71), Some(PAD), &board, now), [refusal]);
        let refusal = Act::Tell(71, Answer::Finished(false));
        assert_eq!(target.hear(dropped(71), None, &board, now), [refusal]);
        let leave = |source| Message::Leave { source };
        assert_eq!(target.hear(leave(71), None, &board, now), []);
        assert!(target.is_busy());
        assert_eq!(target.hear(leave(SOURCE), None, &board, now), [Act::Draw]);
        assert!(!target.is_busy());
        assert_eq!(
            target.hear(position(SOURCE), Some(PAD), &board, now),
            [status(false)]
        );
    }

    #[test]
    fn a_source_that_fell_silent_is_gone() {
        let (mut target, board, now) = session();
        target.hear(position(SOURCE), Some(PAD), &board, now);
        let late = now + SILENCE + Duration::from_secs(1);
        assert_eq!(target.tick(&board, late), [Act::Draw]);
        assert!(!target.is_busy());
        assert_eq!(board.lay_out(vec![], 1.0), None);
    }

    #[test]
    fn what_is_the_hosts_is_not_shown_and_comes_back() {
        let (mut target, board, now) = session();
        target.hear(position(SOURCE), Some(PAD), &board, now);
        target.received(wav(), &board);
        assert_eq!(target.is_elsewhere(false, &board), [Act::Draw]);
        assert_eq!(board.lay_out(vec![], 1.0), None);
        let acts = target.hear(position(SOURCE), Some(PAD), &board, now);
        assert_eq!(acts, [status(true), Act::Draw], "it is not asked again");
        target.is_elsewhere(true, &board);
        assert!(!target.is_busy() && board.take_dropped().is_empty());
    }
}
