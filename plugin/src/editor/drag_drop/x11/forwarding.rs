//! What is dragged over the host's window but not over the editor, where the host takes things
//! itself: it is passed on as it came, as if we were not there. The host answers the source.

use x11rb::protocol::xproto::ClientMessageEvent;

use super::wire::{Atoms, Message};

/// What of a source the host knows.
#[derive(Debug, Default)]
pub struct Forwarding {
    /// How the source came.
    enter: Option<ClientMessageEvent>,
    /// Whether the host thinks that it is there.
    is_hosts: bool,
}

/// What becomes of a message.
#[derive(Debug, Default)]
pub struct Passed {
    /// What the host gets.
    pub events: Vec<ClientMessageEvent>,
    /// Whether it is meant for us.
    pub is_ours: bool,
}

impl Forwarding {
    /// A source has come; it has not said where it is.
    pub fn enter(&mut self, event: ClientMessageEvent) {
        self.enter = Some(event);
        self.is_hosts = false;
    }

    /// It has said something else; it is over the editor or beside it.
    pub fn pass(
        &mut self,
        atoms: &Atoms,
        message: Message,
        event: ClientMessageEvent,
        is_over_editor: bool,
    ) -> Passed {
        let mut passed = Passed::default();
        match message {
            Message::Position { source, .. } if is_over_editor => {
                if std::mem::take(&mut self.is_hosts) {
                    let leave = Message::Leave { source };
                    passed.events.push(leave.event(atoms, event.window));
                }
                passed.is_ours = true;
            }
            Message::Position { .. } => {
                if !std::mem::replace(&mut self.is_hosts, true) {
                    passed.events.extend(self.enter);
                }
                passed.events.push(event);
            }
            _ => {
                passed.is_ours = !std::mem::take(&mut self.is_hosts);
                if !passed.is_ours {
                    passed.events.push(event);
                }
                self.enter = None;
            }
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::tests::atoms;
    use super::*;

    const HOST: u32 = 50;
    const LEAVE: Message = Message::Leave { source: 70 };
    const DROP: Message = Message::Drop {
        source: 70,
        time: 9,
    };

    fn position(x: i16) -> Message {
        Message::Position {
            source: 70,
            x,
            y: 1,
            time: 8,
        }
    }

    fn enter() -> Message {
        Message::Enter {
            source: 70,
            version: 5,
            types: [15, 0, 0],
            has_more: false,
        }
    }

    /// What the host hears of messages, of which each says whether the editor is meant.
    fn heard(messages: &[(Message, bool)]) -> (Vec<Message>, Vec<bool>) {
        let atoms = atoms();
        let mut forwarding = Forwarding::default();
        forwarding.enter(enter().event(&atoms, HOST));
        let (mut heard, mut ours) = (Vec::new(), Vec::new());
        for (message, is_over_editor) in messages {
            let event = message.event(&atoms, HOST);
            let passed = forwarding.pass(&atoms, *message, event, *is_over_editor);
            assert!(passed.events.iter().all(|event| event.window == HOST));
            let read = |event| Message::read(&atoms, event).expect("a message");
            heard.extend(passed.events.iter().map(read));
            ours.push(passed.is_ours);
        }
        (heard, ours)
    }

    #[test]
    fn the_host_hears_nothing_of_what_is_over_the_editor() {
        let messages = [(position(1), true), (position(2), true), (DROP, true)];
        assert_eq!(heard(&messages), (vec![], vec![true; 3]));
    }

    #[test]
    fn the_host_hears_all_of_what_is_beside_it() {
        let messages = [(position(1), false), (position(2), false), (DROP, false)];
        let all = vec![enter(), position(1), position(2), DROP];
        assert_eq!(heard(&messages), (all, vec![false; 3]));
    }

    #[test]
    fn a_source_goes_from_one_to_the_other_and_back() {
        let messages = [
            (position(1), false),
            (position(2), true),
            (position(3), true),
            (position(4), false),
            (LEAVE, false),
        ];
        let expected = vec![enter(), position(1), LEAVE, enter(), position(4), LEAVE];
        let (heard, ours) = heard(&messages);
        assert_eq!(heard, expected);
        assert_eq!(ours, [false, true, true, false, false]);
    }
}
