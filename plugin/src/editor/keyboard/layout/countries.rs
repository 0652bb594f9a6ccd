//! Keyboards of some countries, for tests, as servers have them.

use xkeysym::{Keysym, key};

use super::{KeyType, Layout, Symbols};
use crate::editor::keyboard::us::KeyCode;

/// Shift, Caps Lock, and what is AltGr on every keyboard.
const SHIFT: u8 = 1;
const LOCK: u8 = 1 << 1;
pub const ALT_GR: u16 = 1 << 7;
const LEVEL_3: u8 = ALT_GR as u8;

/// What is on the four rows, and on the key beside the left Shift: without Shift, with it,
/// and with AltGr. Accents are those that stand over letters.
pub type Country = [[&'static str; 3]; 5];

pub const UNITED_STATES: Country = [
    ["1234567890-=", "!@#$%^&*()_+", ""],
    ["qwertyuiop[]", "QWERTYUIOP{}", ""],
    ["asdfghjkl;'`", "ASDFGHJKL:\"~", ""],
    ["\\zxcvbnm,./", "|ZXCVBNM<>?", ""],
    ["\\", "|", ""],
];
pub const GERMANY: Country = [
    [
        "1234567890ß\u{301}",
        "!\"§$%&/()=?\u{300}",
        "¹²³¼½¬{[]}\\\u{327}",
    ],
    ["qwertzuiopü+", "QWERTZUIOPÜ*", "@ł€¶ŧ←↓→øþ\u{308}~"],
    ["asdfghjklöä\u{302}", "ASDFGHJKLÖÄ°", ""],
    ["#yxcvbnm,.-", "'YXCVBNM;:_", ""],
    ["<", ">", "|"],
];
pub const FRANCE: Country = [
    ["&é\"'(-è_çà)=", "1234567890°+", "¹~#{[|`\\^@]}"],
    ["azertyuiop\u{302}$", "AZERTYUIOP\u{308}£", ""],
    ["qsdfghjklmù²", "QSDFGHJKLM%~", ""],
    ["*wxcvbn,;:!", "µWXCVBN?./§", ""],
    ["<", ">", "|"],
];
pub const SWEDEN: Country = [
    ["1234567890+\u{301}", "!\"#¤%&/()=?\u{300}", "¡@£$€¥{[]}\\±"],
    ["qwertyuiopå\u{308}", "QWERTYUIOPÅ\u{302}", ""],
    ["asdfghjklöä§", "ASDFGHJKLÖÄ½", ""],
    ["'zxcvbnm,.-", "*ZXCVBNM;:_", ""],
    ["<", ">", "|"],
];
pub const DVORAK: Country = [
    ["1234567890[]", "!@#$%^&*(){}", ""],
    ["',.pyfgcrl/=", "\"<>PYFGCRL?+", ""],
    ["aoeuidhtns-`", "AOEUIDHTNS_~", ""],
    ["\\;qjkxbmwvz", "|:QJKXBMWVZ", ""],
    ["\\", "|", ""],
];
pub const RUSSIA: Country = [
    ["1234567890-=", "!\"№;%:?*()_+", ""],
    ["йцукенгшщзхъ", "ЙЦУКЕНГШЩЗХЪ", ""],
    ["фывапролджэё", "ФЫВАПРОЛДЖЭЁ", ""],
    ["\\ячсмитьбю.", "/ЯЧСМИТЬБЮ,", ""],
    ["/", "|", ""],
];

/// The first keys of the rows.
const FIRST: [KeyCode; 5] = [10, 24, 38, 51, 94];

/// The kinds of keys: signs, letters, the pad of numbers.
fn types() -> Vec<KeyType> {
    let signs = vec![(SHIFT, 1, 0), (LEVEL_3, 2, 0), (SHIFT | LEVEL_3, 3, 0)];
    let mut letters = signs.clone();
    letters.extend([
        (LOCK, 1, 0),
        (LOCK | LEVEL_3, 2, LOCK),
        (LOCK | SHIFT | LEVEL_3, 3, LOCK),
    ]);
    let num_lock = 1 << 4;
    vec![
        KeyType {
            mask: SHIFT | LEVEL_3,
            levels: signs,
        },
        KeyType {
            mask: SHIFT | LOCK | LEVEL_3,
            levels: letters,
        },
        KeyType {
            mask: SHIFT | num_lock,
            levels: vec![(num_lock, 1, 0), (SHIFT, 1, 0)],
        },
    ]
}

/// A keyboard with these countries' groups.
pub fn keyboard(countries: &[Country]) -> Layout {
    let mut keys = vec![Symbols::default(); 248];
    let mut set = |code: KeyCode, groups: Vec<[u32; 3]>, kind: u8| {
        keys[usize::from(code) - 8] = Symbols {
            types: [kind; 4],
            group_info: groups.len() as u8,
            width: 3,
            symbols: groups.concat(),
        };
    };
    for (row, first) in FIRST.into_iter().enumerate() {
        for place in 0..countries[0][row][0].chars().count() {
            let symbols = |country: &Country| {
                country[row].map(|level| level.chars().nth(place).map_or(0, symbol))
            };
            let groups: Vec<[u32; 3]> = countries.iter().map(symbols).collect();
            let letter = Keysym::new(groups[0][0]).key_char();
            let is_pair = Keysym::new(groups[0][1]).key_char() == letter.map(super::capital);
            let kind = u8::from(letter.is_some_and(char::is_alphabetic) && is_pair);
            set(first + place as KeyCode, groups, kind);
        }
    }
    set(9, vec![[key::Escape; 3]], 0);
    set(22, vec![[key::BackSpace; 3]], 0);
    set(36, vec![[key::Return; 3]], 0);
    set(65, vec![[key::space; 3]], 0);
    set(63, vec![[key::KP_Multiply; 3]], 0);
    set(79, vec![[key::KP_Home, key::KP_7, 0]], 2);
    set(87, vec![[key::KP_End, key::KP_1, 0]], 2);
    let comma = if countries[0] == GERMANY {
        key::KP_Separator
    } else {
        key::KP_Decimal
    };
    set(91, vec![[key::KP_Delete, comma, 0]], 2);
    // A key that the windowing library does not know.
    set(203, vec![[symbol('ñ'); 3]], 0);
    Layout {
        types: types(),
        first_key: 8,
        keys,
    }
}

fn symbol(letter: char) -> u32 {
    match letter {
        '\u{300}' => key::dead_grave,
        '\u{301}' => key::dead_acute,
        '\u{302}' => key::dead_circumflex,
        '\u{308}' => key::dead_diaeresis,
        '\u{327}' => key::dead_cedilla,
        letter => Keysym::from_char(letter).raw(),
    }
}
