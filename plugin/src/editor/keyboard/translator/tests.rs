use super::super::layout::Layout;
use super::super::layout::countries::{
    ALT_GR, Country, DVORAK, FRANCE, GERMANY, SWEDEN, UNITED_STATES, keyboard,
};
use super::*;

/// The second group.
const GROUP_2: u16 = 1 << state::GROUP_SHIFT;
const CTRL: u16 = state::CONTROL;
const SHIFT: u16 = state::SHIFT;

/// A keyboard, and the server that tells of it.
struct Desk {
    layout: Layout,
    is_read_by_library: bool,
    told: Vec<Stroke>,
    /// The state, and what is down, where the server tells no strokes.
    now: u16,
    down: Vec<KeyCode>,
    copied: Option<String>,
}

impl Keyboard for Desk {
    fn strokes(&mut self, _: bool) -> Vec<Stroke> {
        std::mem::take(&mut self.told)
    }

    fn is_read_by_library(&self) -> bool {
        self.is_read_by_library
    }

    fn held(&mut self, keys: &[KeyCode], state: u16) -> Option<Stroke> {
        let is_down = |key: &&KeyCode| self.down.contains(key);
        let key = keys.iter().find(is_down).or(keys.first())?;
        Some(self.layout.stroke(*key, self.now | state, true))
    }

    fn pasted(&mut self) -> Option<String> {
        self.copied.clone()
    }
}

/// A user before a window.
struct User {
    desk: Desk,
    /// What the library takes the keyboard for, if it asks.
    believed: Layout,
    translator: Translator,
    now: Instant,
    /// Whether the host takes the keys and passes them on.
    is_passed_on: bool,
}

impl User {
    fn with(countries: &[Country], is_read_by_library: bool) -> Self {
        let layout = keyboard(countries);
        Self {
            desk: Desk {
                layout: layout.clone(),
                is_read_by_library,
                told: Vec::new(),
                now: 0,
                down: Vec::new(),
                copied: None,
            },
            believed: layout,
            translator: Translator::default(),
            now: Instant::now(),
            is_passed_on: false,
        }
    }

    /// One for each way in which the library finds letters.
    fn both(country: Country) -> [Self; 2] {
        [false, true].map(|is_read| Self::with(&[country], is_read))
    }

    /// The events that egui-baseview makes of a key.
    fn library(&self, keycode: KeyCode, state: u16, is_pressed: bool) -> Vec<Event> {
        let modifiers = modifiers(state);
        let mut events = vec![Event::ModifiersChanged(modifiers)];
        let named = match keycode {
            9 => Some(Key::Escape),
            22 => Some(Key::Backspace),
            36 => Some(Key::Enter),
            _ => None,
        };
        let is_numeric = (state & state::NUM_LOCK != 0) != modifiers.shift;
        let (letter, key) = match UsKey::of(keycode) {
            UsKey::Numpad(letter) if is_numeric => (Some(letter.to_string()), key_of(letter)),
            UsKey::Letter(letter) => (Some(letter.to_string()), key_of(letter)),
            UsKey::Letters(base, shifted) => {
                let us = if modifiers.shift { shifted } else { base };
                let letter = match self.desk.is_read_by_library {
                    false => us.to_string(),
                    true if keycode == EXTRA_KEY => us.to_string(),
                    true if modifiers.ctrl => base.to_string(),
                    true => match self.believed.stroke(keycode, state, true).symbol {
                        Symbol::Letter(letter) => letter.to_string(),
                        _ => String::new(),
                    },
                };
                let key = letter.chars().next().and_then(key_of);
                (Some(letter), key)
            }
            _ => (None, named),
        };
        events.extend(key.map(|key| key_event(key, is_pressed, modifiers)));
        if !is_pressed {
            return events;
        }
        let place = UsKey::of(keycode).base();
        match (modifiers.ctrl, place) {
            (true, Some('x')) => events.push(Event::Cut),
            (true, Some('c')) => events.push(Event::Copy),
            (true, Some('v')) => {
                events.extend(self.desk.copied.clone().map(Event::Text));
            }
            (true, _) => {}
            (false, _) => events.extend(letter.map(Event::Text)),
        }
        events
    }

    /// Strikes keys within one frame; answers the events without those of modifiers.
    fn strike(&mut self, keys: &[(KeyCode, u16)]) -> Vec<Event> {
        let mut events = Vec::new();
        for (keycode, state) in keys {
            for is_pressed in [true, false] {
                events.extend(self.library(*keycode, *state, is_pressed));
                let stroke = self.desk.layout.stroke(*keycode, *state, is_pressed);
                if !self.is_passed_on {
                    self.desk.told.push(stroke);
                }
            }
        }
        self.frame(events)
    }

    fn frame(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut events = self.translator.translate(events, &mut self.desk, self.now);
        events.retain(|event| !matches!(event, Event::ModifiersChanged(_)));
        events
    }

    /// Types keys without anything else held; answers what is written.
    fn types(&mut self, keys: &[KeyCode]) -> String {
        let keys: Vec<_> = keys.iter().map(|key| (*key, 0)).collect();
        self.writes(&keys)
    }

    fn writes(&mut self, keys: &[(KeyCode, u16)]) -> String {
        text(&self.strike(keys))
    }

    /// The keys that are pressed by a stroke with Ctrl, and what goes to the clipboard.
    fn commands(&mut self, keycode: KeyCode, state: u16) -> Vec<Event> {
        let mut events = self.strike(&[(keycode, state | CTRL)]);
        events.retain(|event| !matches!(event, Event::Key { pressed: false, .. }));
        events
    }
}

fn text(events: &[Event]) -> String {
    let texts = events.iter().filter_map(|event| match event {
        Event::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn command(key: Key, state: u16) -> Event {
    key_event(key, true, modifiers(state | CTRL))
}

#[test]
fn in_the_united_states_everything_is_as_the_library_has_it() {
    for mut user in User::both(UNITED_STATES) {
        user.desk.copied = Some("copied".to_owned());
        for keycode in 8..=255 {
            for state in [
                0,
                SHIFT,
                state::NUM_LOCK,
                CTRL,
                state::ALT,
                CTRL | state::ALT,
            ] {
                // The one key that is nowhere there.
                if keycode == 203 {
                    continue;
                }
                let mut expected = user.library(keycode, state, true);
                expected.extend(user.library(keycode, state, false));
                expected.retain(|event| !matches!(event, Event::ModifiersChanged(_)));
                // Some frames begin between the two.
                let events = user.strike(&[(keycode, state)]);
                assert_eq!(events, expected, "{keycode} {state}");
            }
        }
        assert!(user.translator.waiting.is_empty());
        assert!(user.translator.down.is_empty());
    }
}

#[test]
fn letters_are_those_on_the_keys() {
    for mut user in User::both(GERMANY) {
        assert_eq!(user.types(&[29, 52, 34, 47, 48, 20, 94, 61]), "zyüöäß<-");
        let held = [(24, ALT_GR), (20, ALT_GR), (16, ALT_GR), (94, ALT_GR)];
        assert_eq!(user.writes(&held), "@\\{|");
        let held = [(29, SHIFT), (34, SHIFT), (16, SHIFT), (29, state::LOCK)];
        assert_eq!(user.writes(&held), "ZÜ/Z");
    }
    for mut user in User::both(FRANCE) {
        assert_eq!(user.types(&[38, 24, 52, 25, 47, 58, 10, 20]), "qawzm,&)");
        let held = [(10, SHIFT), (11, SHIFT), (19, SHIFT), (19, ALT_GR)];
        assert_eq!(user.writes(&held), "120@");
    }
    for mut user in User::both(SWEDEN) {
        assert_eq!(user.types(&[34, 47, 48, 29, 52]), "åöäyz");
    }
    for mut user in User::both(DVORAK) {
        assert_eq!(user.types(&[46, 44, 29, 26]), "nhf.");
    }
}

#[test]
fn the_pad_of_numbers_writes_numbers() {
    for mut user in User::both(FRANCE) {
        let lock = state::NUM_LOCK;
        assert_eq!(user.writes(&[(87, lock), (79, lock), (63, lock)]), "17*");
        assert_eq!(user.types(&[87]), "");
    }
    for mut user in User::both(GERMANY) {
        assert_eq!(user.writes(&[(91, state::NUM_LOCK)]), ",");
    }
}

#[test]
fn commands_follow_the_letters() {
    for mut user in User::both(GERMANY) {
        assert_eq!(user.commands(29, 0), [command(Key::Z, 0)]);
        assert_eq!(user.commands(52, 0), [command(Key::Y, 0)]);
        assert_eq!(user.commands(29, SHIFT), [command(Key::Z, SHIFT)]);
        assert_eq!(user.commands(38, 0), [command(Key::A, 0)]);
        assert_eq!(user.commands(53, 0), [command(Key::X, 0), Event::Cut]);
    }
    for mut user in User::both(FRANCE) {
        assert_eq!(user.commands(24, 0), [command(Key::A, 0)]);
        assert_eq!(user.commands(25, 0), [command(Key::Z, 0)]);
        assert_eq!(user.commands(10, 0), [command(Key::Num1, 0)]);
    }
}

#[test]
fn the_clipboard_follows_the_letters() {
    for mut user in User::both(DVORAK) {
        user.desk.copied = Some("copied".to_owned());
        // Where X, C and V are elsewhere is Q, J and K.
        assert_eq!(user.commands(53, 0), [command(Key::Q, 0)]);
        assert_eq!(user.commands(54, 0), [command(Key::J, 0)]);
        assert_eq!(user.commands(55, 0), [command(Key::K, 0)]);
        assert_eq!(user.commands(56, 0), [command(Key::X, 0), Event::Cut]);
        assert_eq!(user.commands(31, 0), [command(Key::C, 0), Event::Copy]);
        let pasted = Event::Paste("copied".to_owned());
        assert_eq!(user.commands(60, 0), [command(Key::V, 0), pasted]);
        user.desk.copied = None;
        assert_eq!(user.commands(60, 0), [command(Key::V, 0)]);
    }
    for mut user in User::both(GERMANY) {
        user.desk.copied = Some("copied".to_owned());
        let pasted = Event::Text("copied".to_owned());
        assert_eq!(user.commands(55, 0), [command(Key::V, 0), pasted]);
    }
}

#[test]
fn what_is_pressed_is_let_go() {
    for mut user in User::both(GERMANY) {
        let keys = |events: Vec<Event>| {
            let keys = events.into_iter().filter_map(|event| match event {
                Event::Key { key, pressed, .. } => Some((key, pressed)),
                _ => None,
            });
            keys.collect::<Vec<_>>()
        };
        let events = user.strike(&[(29, CTRL), (52, 0)]);
        let expected = [
            (Key::Z, true),
            (Key::Z, false),
            (Key::Y, true),
            (Key::Y, false),
        ];
        assert_eq!(keys(events), expected);
        user.is_passed_on = true;
        let events = user.strike(&[(29, CTRL)]);
        assert_eq!(keys(events), expected[..2]);
    }
}

#[test]
fn accents_wait_for_their_letter() {
    for mut user in User::both(GERMANY) {
        assert_eq!(user.types(&[21]), "");
        assert_eq!(user.types(&[26]), "é");
        assert_eq!(user.types(&[26]), "e");
        assert_eq!(user.types(&[49, 38, 49, 65, 49, 49]), "â^^");
        assert_eq!(user.writes(&[(21, SHIFT), (38, SHIFT)]), "À");
        // Other keys and commands, and leaving, end the waiting.
        assert_eq!(user.types(&[21, 9, 26]), "e");
        assert_eq!(user.types(&[21]), "");
        user.frame(vec![Event::WindowFocused(false)]);
        assert_eq!(user.types(&[26]), "e");
    }
}

#[test]
fn keys_that_the_library_does_not_know_write() {
    for mut user in User::both(SWEDEN) {
        assert_eq!(user.types(&[38, 203, 38]), "aña");
    }
}

#[test]
fn the_keyboard_may_change_while_the_window_is_open() {
    let mut user = User::with(&[UNITED_STATES, GERMANY], false);
    assert_eq!(user.types(&[29]), "y");
    assert_eq!(user.writes(&[(29, GROUP_2), (94, GROUP_2)]), "z<");
    for mut user in User::both(UNITED_STATES) {
        assert_eq!(user.types(&[29, 52]), "yz");
        user.desk.layout = keyboard(&[FRANCE]);
        assert_eq!(user.types(&[29, 24, 47, 11]), "yamé");
        assert_eq!(user.commands(25, 0), [command(Key::Z, 0)]);
    }
}

#[test]
fn strokes_may_come_before_the_library_tells_of_them() {
    for mut user in User::both(GERMANY) {
        let keys = [(29, 0), (52, SHIFT), (36, 0), (29, CTRL)];
        for (keycode, state) in keys {
            for is_pressed in [true, false] {
                let stroke = user.desk.layout.stroke(keycode, state, is_pressed);
                user.desk.told.push(stroke);
            }
        }
        assert_eq!(user.frame(vec![]), []);
        let mut written = Vec::new();
        for (keycode, state) in keys {
            for is_pressed in [true, false] {
                let events = user.library(keycode, state, is_pressed);
                written.extend(user.frame(events));
            }
        }
        assert_eq!(text(&written), "zY");
        let is_of = |expected: &Event| written.contains(expected);
        assert!(is_of(&command(Key::Z, 0)), "{written:?}");
        assert!(is_of(&key_event(Key::Enter, true, Modifiers::NONE)));
        assert!(user.translator.waiting.is_empty());
    }
}

#[test]
fn strokes_that_the_library_never_tells_of_are_forgotten() {
    for mut user in User::both(GERMANY) {
        user.desk.told.push(user.desk.layout.stroke(38, 0, true));
        assert_eq!(user.frame(vec![]), []);
        user.now += PATIENCE;
        assert_eq!(user.types(&[29]), "z");
        assert!(user.translator.waiting.is_empty());
    }
}

#[test]
fn keys_that_the_host_passes_on_are_guessed() {
    for mut user in User::both(GERMANY) {
        user.is_passed_on = true;
        assert_eq!(user.types(&[29, 34, 47, 20]), "züöß");
        assert_eq!(user.writes(&[(29, SHIFT), (16, SHIFT)]), "Z/");
        assert_eq!(user.commands(29, 0), [command(Key::Z, 0)]);
        assert_eq!(user.commands(53, 0), [command(Key::X, 0), Event::Cut]);
        user.desk.down = vec![EXTRA_KEY];
        assert_eq!(user.types(&[EXTRA_KEY]), "<");
    }
    for mut user in User::both(FRANCE) {
        user.is_passed_on = true;
        user.desk.now = state::NUM_LOCK;
        user.desk.down = vec![87];
        assert_eq!(user.writes(&[(87, state::NUM_LOCK)]), "1");
        user.desk.down = vec![10];
        assert_eq!(user.types(&[10]), "&");
    }
    for mut user in User::both(DVORAK) {
        user.is_passed_on = true;
        user.desk.copied = Some("copied".to_owned());
        assert_eq!(user.commands(55, 0), [command(Key::K, 0)]);
        assert_eq!(user.commands(31, 0), [command(Key::C, 0), Event::Copy]);
    }
    // What was pasted is not typed.
    for mut user in User::both(GERMANY) {
        let modifiers = modifiers(CTRL);
        let events = vec![
            Event::ModifiersChanged(modifiers),
            key_event(Key::V, true, modifiers),
            Event::Text("y".to_owned()),
        ];
        assert_eq!(text(&user.frame(events)), "y");
    }
}
