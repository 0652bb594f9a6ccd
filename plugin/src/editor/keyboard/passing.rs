//! Strokes for which the window has no use: they are the host's.
//!
//! A window of X11 that has the keyboard, or is under the pointer, keeps all keys from the one
//! behind it, the space bar that plays the song with the others.

use std::collections::HashSet;

use egui::{Event, Key};

use super::layout::Stroke;
use super::us::KeyCode;

/// What is known of the strokes of a frame, and of those before.
#[derive(Debug, Default)]
pub struct Passing {
    /// The strokes of the frame that is drawn.
    strokes: Vec<Stroke>,
    /// The keys that the window is offered.
    offered: HashSet<Key>,
    is_ours: bool,
    /// The keys that the host has seen pressed and not let go.
    down: HashSet<KeyCode>,
}

impl Passing {
    /// Before the frame: `is_ours` if a text field or a list has the keys.
    pub fn begin(&mut self, strokes: Vec<Stroke>, events: &[Event], is_ours: bool) {
        self.strokes = strokes;
        self.offered = pressed(events).collect();
        self.is_ours = is_ours;
    }

    /// Whether there is anything to decide.
    pub fn is_waiting(&self) -> bool {
        !self.strokes.is_empty()
    }

    /// After the frame, in which the window has taken what it uses out of the events; answers
    /// what is for the host.
    pub fn end(&mut self, left: &[Event]) -> Vec<Stroke> {
        let left: HashSet<Key> = pressed(left).collect();
        let mut strokes = std::mem::take(&mut self.strokes);
        strokes.retain(|stroke| {
            if !stroke.is_pressed {
                return self.down.remove(&stroke.keycode);
            }
            let key = stroke.key().filter(|key| self.offered.contains(key));
            // What the host sends would go round and round.
            let is_used =
                self.is_ours || stroke.is_sent || key.is_some_and(|key| !left.contains(&key));
            if !is_used {
                self.down.insert(stroke.keycode);
            }
            !is_used
        });
        strokes
    }
}

fn pressed(events: &[Event]) -> impl Iterator<Item = Key> {
    events.iter().filter_map(|event| match event {
        Event::Key {
            key, pressed: true, ..
        } => Some(*key),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use egui::Modifiers;

    use super::super::layout::countries::{GERMANY, keyboard};
    use super::super::layout::state;
    use super::*;

    fn stroke(keycode: KeyCode, state: u16, is_pressed: bool) -> Stroke {
        keyboard(&[GERMANY]).stroke(keycode, state, is_pressed)
    }

    fn event(key: Key) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        }
    }

    #[test]
    fn what_the_window_does_not_use_is_the_hosts() {
        let mut passing = Passing::default();
        let strokes = vec![
            stroke(65, 0, true),
            stroke(65, 0, false),
            stroke(29, state::CONTROL, true),
            stroke(29, state::CONTROL, false),
            // A sign, which is no key.
            stroke(20, 0, true),
        ];
        let events = [event(Key::Space), event(Key::Z)];
        passing.begin(strokes.clone(), &events, false);
        assert!(passing.is_waiting());
        // Ctrl+Z was used.
        let passed = passing.end(&events[..1]);
        assert_eq!(passed, [strokes[0], strokes[1], strokes[4]]);
        assert!(!passing.is_waiting());
    }

    #[test]
    fn text_is_not_the_hosts_and_what_it_saw_pressed_it_sees_let_go() {
        let mut passing = Passing::default();
        let events = [event(Key::Space)];
        let (press, release) = (stroke(65, 0, true), stroke(65, 0, false));
        passing.begin(vec![press, release], &events, true);
        assert_eq!(passing.end(&events), []);
        passing.begin(vec![press], &events, false);
        assert_eq!(passing.end(&events), [press]);
        let sent = Stroke {
            is_sent: true,
            ..press
        };
        passing.begin(vec![sent], &events, false);
        assert_eq!(passing.end(&events), []);
        passing.begin(vec![release], &[], true);
        assert_eq!(passing.end(&[]), [release]);
    }
}
