//! What the windowing library takes a key for: it knows where keys are, by what a keyboard
//! of the United States has there.

use egui::Key;

/// A key, as the server numbers it. The numbers are those of `evdev`, which every server
/// uses today.
pub type KeyCode = u8;

/// What is on a key in the United States.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsKey {
    /// A letter, and the one above it.
    Letters(char, char),
    /// One that the library always takes for this letter.
    Letter(char),
    /// The same while Num Lock is on; a key that moves without.
    Numpad(char),
    /// One that the library knows by name, or not at all: no letter.
    Other,
}

/// Rows of keys that lie side by side and are numbered one after another.
const ROWS: [(KeyCode, &str, &str); 4] = [
    (10, "1234567890-=", "!@#$%^&*()_+"),
    (24, "qwertyuiop[]", "QWERTYUIOP{}"),
    (38, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (51, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
];

/// The pad of numbers, likewise.
const NUMPAD: (KeyCode, &str) = (79, "789-456+1230.");

/// Keys by themselves.
const SINGLE: [(KeyCode, UsKey); 7] = [
    (63, UsKey::Letter('*')),
    (65, UsKey::Letter(' ')),
    (EXTRA_KEY, UsKey::Letters('\\', '|')),
    (97, UsKey::Letter('\\')),
    (106, UsKey::Letter('/')),
    (125, UsKey::Letter('=')),
    (129, UsKey::Letter(',')),
];

/// The key beside the left Shift, which keyboards of the United States lack.
pub const EXTRA_KEY: KeyCode = 94;

/// The one of the yen.
const YEN: KeyCode = 132;

impl UsKey {
    /// What is on `keycode`.
    pub fn of(keycode: KeyCode) -> Self {
        let place = |first: KeyCode| usize::from(keycode.wrapping_sub(first));
        for (first, base, shifted) in ROWS {
            let letters = (
                base.chars().nth(place(first)),
                shifted.chars().nth(place(first)),
            );
            if let (Some(base), Some(shifted)) = letters {
                return Self::Letters(base, shifted);
            }
        }
        if let Some(letter) = NUMPAD.1.chars().nth(place(NUMPAD.0)) {
            return match letter {
                '+' | '-' => Self::Letter(letter),
                _ => Self::Numpad(letter),
            };
        }
        if keycode == YEN {
            return Self::Letter('¥');
        }
        let single = SINGLE.iter().find(|(code, _)| *code == keycode);
        single.map_or(Self::Other, |(_, key)| *key)
    }

    /// Whether it is one of the pad of numbers.
    pub fn is_on_numpad(keycode: KeyCode) -> bool {
        matches!(keycode, 63 | 79..=91 | 106 | 125 | 129)
    }

    /// The letter without Shift.
    pub fn base(self) -> Option<char> {
        match self {
            Self::Letters(letter, _) | Self::Letter(letter) | Self::Numpad(letter) => Some(letter),
            Self::Other => None,
        }
    }
}

/// The key that the library calls by a name which is used here; on the pad of numbers while
/// that moves.
pub fn named(keycode: KeyCode) -> Option<Key> {
    Some(match keycode {
        9 => Key::Escape,
        22 => Key::Backspace,
        23 => Key::Tab,
        36 | 104 => Key::Enter,
        79 | 110 => Key::Home,
        80 | 111 => Key::ArrowUp,
        81 | 112 => Key::PageUp,
        83 | 113 => Key::ArrowLeft,
        85 | 114 => Key::ArrowRight,
        87 | 115 => Key::End,
        88 | 116 => Key::ArrowDown,
        89 | 117 => Key::PageDown,
        90 | 118 => Key::Insert,
        91 | 119 => Key::Delete,
        _ => return None,
    })
}

/// Which keys the library takes for `letter`, and whether Shift was down; the likeliest
/// first.
pub fn keys_of(letter: char) -> Vec<(KeyCode, bool)> {
    let mut keys: Vec<_> = (8..=YEN)
        .filter_map(|code| match UsKey::of(code) {
            UsKey::Letters(base, _) if base == letter => Some((code, false)),
            UsKey::Letters(_, shifted) if shifted == letter => Some((code, true)),
            UsKey::Letter(one) | UsKey::Numpad(one) if one == letter => Some((code, false)),
            _ => None,
        })
        .collect();
    keys.sort_by_key(|(code, _)| (*code == EXTRA_KEY, UsKey::is_on_numpad(*code)));
    keys
}

/// The key that the library makes of a letter: of capitals and signs none.
pub fn key_of(letter: char) -> Option<Key> {
    match letter {
        ' ' => Some(Key::Space),
        'a'..='z' | '0'..='9' => Key::from_name(&letter.to_ascii_uppercase().to_string()),
        _ => None,
    }
}

/// The letter of a key that the library makes of letters.
pub fn letter_of(key: Key) -> Option<char> {
    let letter = match key {
        Key::Space => ' ',
        _ => {
            let mut name = key.name().chars();
            let letter = name.next()?.to_ascii_lowercase();
            if name.next().is_some() {
                return None;
            }
            letter
        }
    };
    key_of(letter).is_some_and(|of| of == key).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_the_windowing_library_has_them() {
        let letters = [
            (10, '1', '!'),
            (19, '0', ')'),
            (21, '=', '+'),
            (24, 'q', 'Q'),
            (29, 'y', 'Y'),
            (35, ']', '}'),
            (38, 'a', 'A'),
            (48, '\'', '"'),
            (49, '`', '~'),
            (51, '\\', '|'),
            (52, 'z', 'Z'),
            (61, '/', '?'),
            (94, '\\', '|'),
        ];
        for (code, base, shifted) in letters {
            assert_eq!(UsKey::of(code), UsKey::Letters(base, shifted), "{code}");
        }
        assert_eq!(UsKey::of(79), UsKey::Numpad('7'));
        assert_eq!(UsKey::of(82), UsKey::Letter('-'));
        assert_eq!(UsKey::of(91), UsKey::Numpad('.'));
        // Escape, Backspace, Enter, Shift, the right Alt.
        for code in [9, 22, 23, 36, 37, 50, 62, 64, 66, 92, 93, 108, 255] {
            assert_eq!(UsKey::of(code), UsKey::Other, "{code}");
        }
    }

    #[test]
    fn the_keys_of_a_letter_are_those_of_the_letters_first() {
        assert_eq!(keys_of('z'), [(52, false)]);
        assert_eq!(keys_of('Z'), [(52, true)]);
        assert_eq!(keys_of('1'), [(10, false), (87, false)]);
        assert_eq!(keys_of('*'), [(17, true), (63, false)]);
        assert_eq!(keys_of('|'), [(51, true), (94, true)]);
        assert!(keys_of('ö').is_empty());
    }

    #[test]
    fn keys_and_letters_name_each_other() {
        for letter in ('a'..='z').chain('0'..='9').chain([' ']) {
            let key = key_of(letter).unwrap();
            assert_eq!(letter_of(key), Some(letter));
        }
        assert_eq!(key_of('A'), None);
        assert_eq!(key_of('é'), None);
        for key in [Key::Enter, Key::F1, Key::Minus, Key::ArrowUp] {
            assert_eq!(letter_of(key), None, "{key:?}");
        }
    }
}
