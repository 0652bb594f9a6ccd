//! What the user's keyboard says: a symbol for each key, group and level.

use egui::Key;
use xkeysym::Keysym;

use super::accents::Accent;
use super::us::{KeyCode, UsKey, key_of, named};

/// The bits of a state in which keys are pressed.
pub mod state {
    /// Shift is down.
    pub const SHIFT: u16 = 1;
    /// Caps Lock is on.
    pub const LOCK: u16 = 1 << 1;
    /// Ctrl is down.
    pub const CONTROL: u16 = 1 << 2;
    /// What is Alt on every keyboard.
    pub const ALT: u16 = 1 << 3;
    /// What is Num Lock on every keyboard.
    pub const NUM_LOCK: u16 = 1 << 4;
    /// Where the group stands, in two bits.
    pub const GROUP_SHIFT: u32 = 13;
}

/// What a key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbol {
    /// A letter or sign.
    Letter(char),
    /// An accent for the next one.
    Accent(Accent),
    /// Nothing that could be written.
    Nothing,
}

/// A key that was pressed or let go, and what that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    /// Which key.
    pub keycode: KeyCode,
    /// In which state.
    pub state: u16,
    /// Whether it was pressed.
    pub is_pressed: bool,
    /// Whether another program says so, as hosts do that pass keys on.
    pub is_sent: bool,
    /// When, on the server's clock.
    pub time: u32,
    /// What it writes.
    pub symbol: Symbol,
    /// The Latin letter by which commands go, such as Ctrl+Z.
    pub command: Option<char>,
}

impl Stroke {
    /// The key that the window may use.
    pub fn key(&self) -> Option<Key> {
        let letter = match self.symbol {
            _ if self.state & state::CONTROL != 0 => self.command,
            Symbol::Letter(letter) => Some(letter),
            _ => None,
        };
        letter.and_then(key_of).or_else(|| named(self.keycode))
    }
}

/// How keys of one kind find their level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyType {
    /// The modifiers that count.
    pub mask: u8,
    /// What is not the first level: these modifiers, that level, and the modifiers that still
    /// act on the letter found there.
    pub levels: Vec<(u8, u8, u8)>,
}

/// The symbols of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symbols {
    /// The kind of each group.
    pub types: [u8; 4],
    /// How many groups there are, and what to do with others.
    pub group_info: u8,
    /// Levels of a group.
    pub width: u8,
    /// Group after group.
    pub symbols: Vec<u32>,
}

impl Symbols {
    fn group_count(&self) -> usize {
        usize::from(self.group_info & 0xf)
    }

    /// The group that counts where `group` is chosen.
    fn group(&self, group: usize) -> Option<usize> {
        let count = self.group_count();
        let last = count.checked_sub(1)?;
        if group <= last {
            return Some(group);
        }
        Some(match self.group_info & 0xc0 {
            0x40 => last,
            0x80 => Some(usize::from(self.group_info >> 4 & 3))
                .filter(|group| *group <= last)
                .unwrap_or(0),
            _ => group % count,
        })
    }

    fn at(&self, group: usize, level: usize) -> Keysym {
        let index = group * usize::from(self.width) + level;
        let is_there = level < usize::from(self.width);
        let symbol = self.symbols.get(index).filter(|_| is_there);
        Keysym::new(symbol.copied().unwrap_or(0))
    }
}

/// A keyboard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// The kinds of keys.
    pub types: Vec<KeyType>,
    /// The number of the first key.
    pub first_key: KeyCode,
    /// Key after key.
    pub keys: Vec<Symbols>,
}

impl Layout {
    /// What it means that a key was pressed or let go.
    pub fn stroke(&self, keycode: KeyCode, state: u16, is_pressed: bool) -> Stroke {
        let group = usize::from(state >> state::GROUP_SHIFT & 3);
        Stroke {
            keycode,
            state,
            is_pressed,
            is_sent: false,
            time: 0,
            symbol: self.symbol(keycode, group, state),
            command: self.command(keycode, group),
        }
    }

    fn key(&self, keycode: KeyCode) -> Option<&Symbols> {
        let index = keycode.checked_sub(self.first_key)?;
        self.keys.get(usize::from(index))
    }

    fn symbol(&self, keycode: KeyCode, group: usize, state: u16) -> Symbol {
        let Some((key, group)) = self
            .key(keycode)
            .and_then(|key| Some((key, key.group(group)?)))
        else {
            return Symbol::Nothing;
        };
        let modifiers = (state & 0xff) as u8;
        let (mut level, mut used) = (0, 0);
        let kind = key.types.get(group).map(|kind| usize::from(*kind));
        if let Some(kind) = kind.and_then(|kind| self.types.get(kind)) {
            let held = modifiers & kind.mask;
            used = kind.mask;
            let found = kind.levels.iter().find(|(needed, ..)| *needed == held);
            if let Some((_, found, kept)) = found {
                level = usize::from(*found);
                used &= !kept;
            }
        }
        let symbol = written(key.at(group, level));
        match symbol {
            Symbol::Letter(letter) if state & state::LOCK & !u16::from(used) != 0 => {
                Symbol::Letter(capital(letter))
            }
            symbol => symbol,
        }
    }

    /// The letter of a command: the one that is printed on the key, whatever else is held.
    /// Keyboards of other scripts have Latin letters in another group, or none; there it is
    /// the one of the United States, as everywhere.
    fn command(&self, keycode: KeyCode, group: usize) -> Option<char> {
        let us = UsKey::of(keycode).base();
        let key = self.key(keycode)?;
        let printed = match written(key.at(key.group(group)?, 0)) {
            Symbol::Letter(letter) => letter.to_lowercase().next(),
            Symbol::Accent(_) => return None,
            Symbol::Nothing => return us,
        };
        let is_command = |letter: &char| key_of(*letter).is_some();
        if printed.filter(is_command).is_some() {
            return printed;
        }
        if us.is_some_and(|letter| letter.is_ascii_digit()) {
            // Digits with Shift.
            return us;
        }
        if printed.is_some_and(is_latin) {
            return None;
        }
        let groups = 0..key.group_count();
        let mut latin = groups.filter_map(|group| match written(key.at(group, 0)) {
            Symbol::Letter(letter) if letter.is_ascii_graphic() => letter.to_lowercase().next(),
            _ => None,
        });
        latin.next().or(us)
    }
}

fn written(symbol: Keysym) -> Symbol {
    if let Some(accent) = Accent::of(symbol) {
        return Symbol::Accent(accent);
    }
    // Tab and the like are no letters.
    match symbol.key_char().filter(|letter| !letter.is_control()) {
        Some(letter) => Symbol::Letter(letter),
        None => Symbol::Nothing,
    }
}

/// What Caps Lock makes of a letter; ß stays as it is.
fn capital(letter: char) -> char {
    let mut capitals = letter.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) => capital,
        _ => letter,
    }
}

fn is_latin(letter: char) -> bool {
    matches!(letter, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{2000}'..='\u{2bff}')
}

#[cfg(test)]
pub mod countries;
#[cfg(test)]
mod tests;
