//! Keys as the windowing library reports them become what the user's keyboard says.
//!
//! The library tells no key, but letters and commands by its own lights. The strokes, as the
//! server tells them to us as well, come in the same order: each of the library's events is
//! taken for the next stroke that it can be of. Strokes of which the library says nothing are
//! added, events without a stroke are those of hosts that pass keys on by themselves.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use egui::{Event, Key, Modifiers};

use super::accents::Accent;
use super::layout::{Stroke, Symbol, state};
use super::us::{EXTRA_KEY, KeyCode, UsKey, key_of, keys_of, letter_of, named};

/// After this time no event will come for a stroke.
const PATIENCE: Duration = Duration::from_secs(2);

/// The keyboard, and what belongs to it.
pub trait Keyboard {
    /// The strokes since the last call; if `is_due`, with those that have only just come.
    fn strokes(&mut self, is_due: bool) -> Vec<Stroke>;

    /// Whether the windowing library asks the system which letter a key is.
    fn is_read_by_library(&self) -> bool;

    /// The stroke of the key that is down now, of several that it can be: the first, if none
    /// is seen to be. `state` is known to be set.
    fn held(&mut self, keys: &[KeyCode], state: u16) -> Option<Stroke>;

    /// What was copied.
    fn pasted(&mut self) -> Option<String>;
}

/// What the windowing library makes of a stroke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reported {
    /// Nothing.
    Nothing,
    /// A key with a name, which stays as it is.
    Named(Key),
    /// Some text.
    Text,
    /// Ctrl and a key.
    Command(char),
}

impl Reported {
    fn of(stroke: &Stroke, is_read_by_library: bool) -> Self {
        let is_set = |bit| stroke.state & bit != 0;
        let is_shifted = is_set(state::SHIFT);
        let is_moving = is_set(state::NUM_LOCK) == is_shifted;
        let letter = match UsKey::of(stroke.keycode) {
            UsKey::Numpad(_) if !is_moving => UsKey::of(stroke.keycode).base(),
            UsKey::Numpad(_) | UsKey::Other => {
                return named(stroke.keycode).map_or(Self::Nothing, Self::Named);
            }
            key => key.base(),
        };
        let Some(letter) = letter else {
            return Self::Nothing;
        };
        if !is_set(state::CONTROL) {
            return Self::Text;
        }
        // Capitals are no keys, but cut, copy and paste go by the place of the key.
        let is_capital = matches!(UsKey::of(stroke.keycode), UsKey::Letters(..))
            && is_shifted
            && !is_read_by_library;
        let is_clipboard = matches!(letter, 'x' | 'c' | 'v');
        if is_clipboard || (key_of(letter).is_some() && !is_capital) {
            Self::Command(letter)
        } else {
            Self::Nothing
        }
    }
}

/// The events that the library makes of one stroke.
#[derive(Debug, Default)]
struct Group {
    key: Option<(Key, Modifiers)>,
    /// Text, or one for the clipboard.
    rest: Option<Event>,
    is_command: bool,
}

impl Group {
    /// The letter of a command, which is that of the United States.
    fn command(&self) -> Option<char> {
        if let Some((key, _)) = self.key {
            return letter_of(key);
        }
        match self.rest {
            Some(Event::Cut) => Some('x'),
            Some(Event::Copy) => Some('c'),
            Some(Event::Text(_)) => Some('v'),
            _ => None,
        }
    }

    fn is_of(&self, reported: Reported) -> bool {
        match reported {
            Reported::Nothing => false,
            Reported::Named(key) => self.key.is_some_and(|(own, _)| own == key),
            Reported::Text => !self.is_command && matches!(self.rest, Some(Event::Text(_))),
            Reported::Command(letter) => self.is_command && self.command() == Some(letter),
        }
    }

    /// As the library has them.
    fn push(self, out: &mut Vec<Event>) {
        if let Some((key, modifiers)) = self.key {
            out.push(key_event(key, true, modifiers));
        }
        out.extend(self.rest);
    }
}

/// What is known from one frame to the next.
#[derive(Debug, Default)]
pub struct Translator {
    /// Strokes of which the library has not told yet, and since when.
    waiting: VecDeque<(Stroke, Instant)>,
    /// Strokes whose events are in this frame.
    served: Vec<Stroke>,
    modifiers: Modifiers,
    /// An accent that waits for its letter.
    accent: Option<Accent>,
    /// What was made of the keys that are down.
    down: HashMap<KeyCode, Key>,
    /// What was made of events without a stroke, by the library's key.
    passed: HashMap<Key, Key>,
}

impl Translator {
    /// Makes of the library's events those that the user meant.
    pub fn translate(
        &mut self,
        events: Vec<Event>,
        keyboard: &mut impl Keyboard,
        now: Instant,
    ) -> Vec<Event> {
        let is_due = events.iter().any(is_of_keys);
        let strokes = keyboard.strokes(is_due);
        self.waiting.retain(|(_, since)| now - *since < PATIENCE);
        self.waiting
            .extend(strokes.into_iter().map(|stroke| (stroke, now)));
        let mut out = Vec::with_capacity(events.len());
        self.add_unreported(keyboard, &mut out);
        let mut events = events.into_iter().peekable();
        while let Some(event) = events.next() {
            let mut group = Group::default();
            match event {
                Event::ModifiersChanged(modifiers) => self.modifiers = modifiers,
                Event::WindowFocused(false) => {
                    self.accent = None;
                    self.down.clear();
                    self.passed.clear();
                }
                Event::Key {
                    key,
                    pressed,
                    modifiers,
                    ..
                } if pressed || letter_of(key).is_some() => {
                    if !pressed {
                        self.let_go(key, modifiers, &mut out);
                        continue;
                    }
                    group.key = Some((key, modifiers));
                    group.is_command = modifiers.ctrl;
                    group.rest = match letter_of(key) {
                        Some(_) => events.next_if(is_rest),
                        None => None,
                    };
                }
                _ => {}
            }
            if group.key.is_none() && is_rest(&event) {
                group.is_command = self.modifiers.ctrl;
                group.rest = Some(event.clone());
            }
            if group.key.is_none() && group.rest.is_none() {
                out.push(event);
                continue;
            }
            self.replace(group, keyboard, &mut out);
            self.add_unreported(keyboard, &mut out);
        }
        out
    }

    /// The strokes whose events were in the last frame.
    pub fn take_served(&mut self) -> Vec<Stroke> {
        std::mem::take(&mut self.served)
    }

    /// Puts what the user meant in the place of a group.
    fn replace(&mut self, group: Group, keyboard: &mut impl Keyboard, out: &mut Vec<Event>) {
        let is_read = keyboard.is_read_by_library();
        if group.key.is_some_and(|(key, _)| letter_of(key).is_none()) {
            // After Enter, Escape and the like no letter follows.
            self.accent = None;
        }
        let place = self.waiting.iter().position(|(stroke, _)| {
            stroke.is_pressed && group.is_of(Reported::of(stroke, is_read))
        });
        if let Some(place) = place {
            // What comes before was lost on the way to the library.
            let stroke = self.waiting.drain(..=place).next_back();
            if let Some((stroke, _)) = stroke {
                self.served.push(stroke);
                match Reported::of(&stroke, is_read) {
                    Reported::Named(_) => group.push(out),
                    _ => drop(self.write(&stroke, Some(&group), keyboard, out)),
                }
            }
            return;
        }
        let key = group.key.filter(|(key, _)| letter_of(*key).is_some());
        match guess(&group, keyboard) {
            Some(stroke) => {
                let made = self.write(&stroke, Some(&group), keyboard, out);
                self.down.remove(&stroke.keycode);
                if let (Some((key, _)), Some(made)) = (key, made) {
                    self.passed.insert(key, made);
                }
            }
            None => {
                group.push(out);
                self.passed.extend(key.map(|(key, _)| (key, key)));
            }
        }
    }

    /// Adds strokes of which the library tells nothing.
    fn add_unreported(&mut self, keyboard: &mut impl Keyboard, out: &mut Vec<Event>) {
        let is_read = keyboard.is_read_by_library();
        while let Some((stroke, _)) = self.waiting.front().copied() {
            if !stroke.is_pressed {
                if let Some(key) = self.down.remove(&stroke.keycode) {
                    out.push(key_event(key, false, modifiers(stroke.state)));
                }
            } else if Reported::of(&stroke, is_read) == Reported::Nothing {
                // The one of the pad of numbers that moves nowhere.
                if !UsKey::is_on_numpad(stroke.keycode) {
                    self.write(&stroke, None, keyboard, out);
                }
            } else {
                return;
            }
            self.waiting.pop_front();
            self.served.push(stroke);
        }
    }

    /// Writes what a stroke means; answers the key that it is.
    fn write(
        &mut self,
        stroke: &Stroke,
        group: Option<&Group>,
        keyboard: &mut impl Keyboard,
        out: &mut Vec<Event>,
    ) -> Option<Key> {
        let modifiers = modifiers(stroke.state);
        let text_there = group.and_then(|group| match &group.rest {
            Some(Event::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        let (letter, rest) = if modifiers.ctrl {
            let is_paste_there = group.is_some_and(|group| group.command() == Some('v'));
            let rest = match stroke.command {
                Some('x') => Some(Event::Cut),
                Some('c') => Some(Event::Copy),
                Some('v') if is_paste_there => text_there.map(|text| Event::Text(text.to_owned())),
                Some('v') => keyboard.pasted().map(Event::Paste),
                _ => None,
            };
            (stroke.command, rest)
        } else {
            let text = self.text(stroke, text_there);
            let mut letters = text.chars();
            let letter = letters.next().filter(|_| letters.next().is_none());
            (letter, (!text.is_empty()).then_some(Event::Text(text)))
        };
        let key = letter.and_then(key_of);
        if let Some(key) = key {
            self.down.insert(stroke.keycode, key);
            out.push(key_event(key, true, modifiers));
        }
        out.extend(rest);
        key
    }

    /// The text that a stroke writes.
    fn text(&mut self, stroke: &Stroke, text_there: Option<&str>) -> String {
        match (stroke.symbol, self.accent.take()) {
            (Symbol::Letter(letter), None) => letter.to_string(),
            (Symbol::Letter(letter), Some(accent)) => accent.with(letter),
            (Symbol::Accent(accent), None) => {
                self.accent = Some(accent);
                String::new()
            }
            (Symbol::Accent(next), Some(accent)) => accent.before(next),
            (Symbol::Nothing, accent) => {
                self.accent = accent;
                // Keys that few keyboards have: the library knows better than nothing.
                let is_rare = !matches!(UsKey::of(stroke.keycode), UsKey::Letters(..));
                text_there.filter(|_| is_rare).unwrap_or("").to_owned()
            }
        }
    }

    /// The library's key was let go. Those of strokes follow the strokes.
    fn let_go(&mut self, key: Key, modifiers: Modifiers, out: &mut Vec<Event>) {
        if let Some(made) = self.passed.remove(&key) {
            out.push(key_event(made, false, modifiers));
        }
    }
}

/// The stroke of events that came without: hosts that pass keys on tell them to the library
/// alone.
fn guess(group: &Group, keyboard: &mut impl Keyboard) -> Option<Stroke> {
    if group.is_command {
        let key = keys_of(group.command()?).first()?.0;
        let modifiers = group.key.map(|(_, modifiers)| modifiers);
        let is_shifted = modifiers.is_some_and(|modifiers| modifiers.shift);
        let shift = if is_shifted { state::SHIFT } else { 0 };
        return keyboard.held(&[key], state::CONTROL | shift);
    }
    let Some(Event::Text(text)) = &group.rest else {
        return None;
    };
    let mut letters = text.chars();
    let letter = letters.next().filter(|_| letters.next().is_none())?;
    let keys = keys_of(letter);
    let shift = match keys.first()? {
        (_, true) => state::SHIFT,
        (_, false) => 0,
    };
    let keys: Vec<KeyCode> = keys.into_iter().map(|(key, _)| key).collect();
    // The library has asked for all letters but those of one key.
    if keyboard.is_read_by_library() && !keys.contains(&EXTRA_KEY) {
        return None;
    }
    let stroke = keyboard.held(&keys, shift)?;
    let is_right = UsKey::is_on_numpad(stroke.keycode)
        || (keyboard.is_read_by_library() && stroke.keycode != EXTRA_KEY);
    (!is_right).then_some(stroke)
}

/// Whether it is of a key that was pressed, or can be.
fn is_of_keys(event: &Event) -> bool {
    match event {
        Event::Key { pressed, .. } => *pressed,
        event => is_rest(event),
    }
}

/// Whether it is what follows a key, or stands for one.
fn is_rest(event: &Event) -> bool {
    matches!(event, Event::Text(_) | Event::Cut | Event::Copy)
}

fn key_event(key: Key, pressed: bool, modifiers: Modifiers) -> Event {
    Event::Key {
        key,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers,
    }
}

fn modifiers(state: u16) -> Modifiers {
    let is_set = |bit| state & bit != 0;
    Modifiers {
        alt: is_set(state::ALT),
        ctrl: is_set(state::CONTROL),
        shift: is_set(state::SHIFT),
        mac_cmd: false,
        command: is_set(state::CONTROL),
    }
}

#[cfg(test)]
mod tests;
