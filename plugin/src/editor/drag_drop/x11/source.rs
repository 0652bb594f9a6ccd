//! What is dragged out of the window, look by look at the pointer.
//!
//! Knows no server: it is told where the pointer is and what has come, and answers what is
//! to be said to whom.

use std::time::{Duration, Instant};

use x11rb::protocol::xproto::{Atom, Window};

use super::wire::{Message, VERSION};

/// How long a window may think about a place.
const STATUS_PATIENCE: Duration = Duration::from_secs(1);

/// How long it may take what was dropped. Its list can be had later, too.
const FINISH_PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who may take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// The window under the pointer.
    pub window: Window,
    /// Who hears for it.
    pub receiver: Window,
    /// The version that both speak.
    pub version: u32,
}

/// A look at the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Where it is on the screen.
    pub at: (i16, i16),
    /// What is there.
    pub over: Option<Over>,
    /// Whether its button is down.
    pub is_down: bool,
    /// Whether the user wants no more of it.
    pub is_given_up: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Tell somebody.
    Tell(Over, Message),
    /// It has ended.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dragged,
    Released,
    Dropped(Instant),
}

/// A drag.
#[derive(Debug)]
pub struct Source {
    /// Our window.
    helper: Window,
    types: [Atom; 3],
    time: u32,
    phase: Phase,
    over: Option<Over>,
    /// Where it was said to be.
    told: Option<(i16, i16)>,
    /// Since when an answer to that is awaited.
    awaits: Option<Instant>,
    accepts: bool,
}

impl Source {
    /// A drag that begins at this time of the server.
    pub fn new(helper: Window, types: [Atom; 3], time: u32) -> Self {
        Self {
            helper,
            types,
            time,
            phase: Phase::Dragged,
            over: None,
            told: None,
            awaits: None,
            accepts: false,
        }
    }

    /// Whether it would be taken where it is.
    pub fn accepts(&self) -> bool {
        self.accepts
    }

    /// Goes on with what the pointer does.
    pub fn look(&mut self, look: Look, now: Instant) -> Vec<Act> {
        let mut acts = Vec::new();
        match self.phase {
            Phase::Dropped(since) => {
                if now.duration_since(since) > FINISH_PATIENCE {
                    acts.push(Act::End);
                }
                return acts;
            }
            Phase::Dragged if look.is_given_up => {
                self.leave(&mut acts);
                acts.push(Act::End);
                return acts;
            }
            Phase::Dragged => {
                self.go(look.over, &mut acts);
                if !look.is_down {
                    self.phase = Phase::Released;
                }
            }
            // Where it was let go is where it goes.
            Phase::Released => {}
        }
        if self
            .awaits
            .is_some_and(|since| now.duration_since(since) > STATUS_PATIENCE)
        {
            self.awaits = None;
            self.accepts = false;
        }
        let is_new = self.phase == Phase::Dragged || self.told.is_none();
        if let Some(over) = self.over
            && self.awaits.is_none()
            && self.told != Some(look.at)
            && is_new
        {
            self.told = Some(look.at);
            self.awaits = Some(now);
            let (x, y) = look.at;
            let message = Message::Position {
                source: self.helper,
                x,
                y,
                time: self.time,
            };
            acts.push(Act::Tell(over, message));
        }
        if self.phase == Phase::Released && self.awaits.is_none() {
            match self.over.filter(|_| self.accepts) {
                Some(over) => {
                    self.phase = Phase::Dropped(now);
                    let message = Message::Drop {
                        source: self.helper,
                        time: self.time,
                    };
                    acts.push(Act::Tell(over, message));
                }
                None => {
                    self.leave(&mut acts);
                    acts.push(Act::End);
                }
            }
        }
        acts
    }

    /// Takes an answer.
    pub fn hear(&mut self, message: Message) -> Vec<Act> {
        let is_of = |target| {
            let over = self.over;
            over.is_some_and(|over| over.window == target || over.receiver == target)
        };
        match message {
            Message::Status { target, accepts } if is_of(target) => {
                self.awaits = None;
                self.accepts = accepts;
                Vec::new()
            }
            Message::Finished { target, .. } if is_of(target) => {
                let is_dropped = matches!(self.phase, Phase::Dropped(_));
                is_dropped.then_some(Act::End).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Goes to somebody else, or nobody.
    fn go(&mut self, over: Option<Over>, acts: &mut Vec<Act>) {
        if over == self.over {
            return;
        }
        self.leave(acts);
        self.over = over;
        if let Some(over) = over {
            let message = Message::Enter {
                source: self.helper,
                version: over.version.min(VERSION),
                types: self.types,
                has_more: false,
            };
            acts.push(Act::Tell(over, message));
        }
    }

    fn leave(&mut self, acts: &mut Vec<Act>) {
        (self.told, self.awaits, self.accepts) = (None, None, false);
        if let Some(over) = self.over.take() {
            let source = self.helper;
            acts.push(Act::Tell(over, Message::Leave { source }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [Atom; 3] = [15, 17, 16];
    const HOST: Over = Over {
        window: 80,
        receiver: 81,
        version: 4,
    };

    fn look(at: (i16, i16), over: Option<Over>) -> Look {
        Look {
            at,
            over,
            is_down: true,
            is_given_up: false,
        }
    }

    fn released(at: (i16, i16), over: Option<Over>) -> Look {
        Look {
            is_down: false,
            ..look(at, over)
        }
    }

    fn tell(message: Message) -> Act {
        Act::Tell(HOST, message)
    }

    fn enter() -> Act {
        tell(Message::Enter {
            source: 70,
            version: 4,
            types: TYPES,
            has_more: false,
        })
    }

    fn position(x: i16, y: i16) -> Act {
        let (source, time) = (70, 500);
        tell(Message::Position { source, x, y, time })
    }

    fn status(accepts: bool) -> Message {
        Message::Status {
            target: 80,
            accepts,
        }
    }

    const LEAVE: Message = Message::Leave { source: 70 };
    const DROP: Message = Message::Drop {
        source: 70,
        time: 500,
    };

    #[test]
    fn a_window_hears_of_one_place_at_a_time_and_gets_what_it_accepts() {
        let (mut source, now) = (Source::new(70, TYPES, 500), Instant::now());
        assert_eq!(source.look(look((1, 1), None), now), []);
        let acts = source.look(look((5, 5), Some(HOST)), now);
        assert_eq!(acts, [enter(), position(5, 5)]);
        assert_eq!(source.look(look((6, 5), Some(HOST)), now), []);
        source.hear(status(true));
        assert!(source.accepts());
        let acts = source.look(look((7, 5), Some(HOST)), now);
        assert_eq!(acts, [position(7, 5)]);
        // Let go before the answer.
        assert_eq!(source.look(released((7, 5), Some(HOST)), now), []);
        source.hear(status(true));
        let acts = source.look(released((30, 5), None), now);
        assert_eq!(acts, [tell(DROP)]);
        assert_eq!(source.look(released((30, 5), None), now), []);
        let finished = |target| Message::Finished {
            target,
            accepted: true,
        };
        assert_eq!(source.hear(finished(99)), []);
        assert_eq!(source.hear(finished(81)), [Act::End]);
    }

    #[test]
    fn what_is_refused_or_goes_nowhere_ends() {
        let (mut source, now) = (Source::new(70, TYPES, 500), Instant::now());
        source.look(look((5, 5), Some(HOST)), now);
        source.hear(status(false));
        let acts = source.look(released((5, 5), Some(HOST)), now);
        assert_eq!(acts, [tell(LEAVE), Act::End]);
        let mut source = Source::new(70, TYPES, 500);
        assert_eq!(source.look(released((5, 5), None), now), [Act::End]);
    }

    #[test]
    fn it_goes_from_one_window_to_another_and_is_given_up() {
        let (mut source, now) = (Source::new(70, TYPES, 500), Instant::now());
        source.look(look((5, 5), Some(HOST)), now);
        source.hear(status(true));
        assert_eq!(source.look(look((6, 6), None), now), [tell(LEAVE)]);
        assert!(!source.accepts());
        source.look(look((5, 5), Some(HOST)), now);
        let given_up = Look {
            is_given_up: true,
            ..look((5, 5), Some(HOST))
        };
        assert_eq!(source.look(given_up, now), [tell(LEAVE), Act::End]);
    }

    #[test]
    fn nobody_is_waited_for_for_ever() {
        let (mut source, now) = (Source::new(70, TYPES, 500), Instant::now());
        source.look(look((5, 5), Some(HOST)), now);
        assert_eq!(source.look(released((5, 5), Some(HOST)), now), []);
        let later = now + STATUS_PATIENCE + Duration::from_millis(1);
        let acts = source.look(released((5, 5), Some(HOST)), later);
        assert_eq!(acts, [tell(LEAVE), Act::End]);

        let mut source = Source::new(70, TYPES, 500);
        source.look(look((5, 5), Some(HOST)), now);
        source.hear(status(true));
        let acts = source.look(released((5, 5), Some(HOST)), now);
        assert_eq!(acts, [tell(DROP)]);
        let later = now + FINISH_PATIENCE + Duration::from_millis(1);
        let acts = source.look(released((5, 5), Some(HOST)), later);
        assert_eq!(acts, [Act::End]);
    }

    #[test]
    fn a_quick_drag_arrives_too() {
        let (mut source, now) = (Source::new(70, TYPES, 500), Instant::now());
        let acts = source.look(released((5, 5), Some(HOST)), now);
        assert_eq!(acts, [enter(), position(5, 5)]);
        source.hear(status(true));
        let acts = source.look(released((5, 5), Some(HOST)), now);
        assert_eq!(acts, [tell(DROP)]);
    }
}
