//! Accents that are typed before their letter.

use unicode_normalization::char::compose;
use xkeysym::{Keysym, key};

/// An accent that waits for a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent {
    /// As it stands over a letter.
    combining: char,
    /// As it stands by itself.
    alone: char,
    /// What it is with a blank, where that is another sign.
    with_blank: char,
}

impl Accent {
    /// What a symbol of the keyboard is, if it is an accent.
    pub fn of(symbol: Keysym) -> Option<Self> {
        let (combining, alone, with_blank) = match symbol.raw() {
            key::dead_grave => ('\u{300}', '`', '`'),
            key::dead_acute => ('\u{301}', '´', '\''),
            key::dead_circumflex => ('\u{302}', '^', '^'),
            key::dead_tilde => ('\u{303}', '~', '~'),
            key::dead_macron => ('\u{304}', '¯', '¯'),
            key::dead_breve => ('\u{306}', '˘', '˘'),
            key::dead_abovedot => ('\u{307}', '˙', '˙'),
            key::dead_diaeresis => ('\u{308}', '¨', '"'),
            key::dead_hook => ('\u{309}', '?', '?'),
            key::dead_abovering => ('\u{30a}', '°', '°'),
            key::dead_doubleacute => ('\u{30b}', '˝', '˝'),
            key::dead_caron => ('\u{30c}', 'ˇ', 'ˇ'),
            key::dead_horn => ('\u{31b}', '\'', '\''),
            key::dead_belowdot => ('\u{323}', '.', '.'),
            key::dead_cedilla => ('\u{327}', '¸', '¸'),
            key::dead_ogonek => ('\u{328}', '˛', '˛'),
            _ => return None,
        };
        Some(Self {
            combining,
            alone,
            with_blank,
        })
    }

    /// What is written when `letter` follows: both, where there is no such letter.
    pub fn with(self, letter: char) -> String {
        if letter == ' ' {
            return self.with_blank.to_string();
        }
        match compose(letter, self.combining) {
            Some(letter) => letter.to_string(),
            None => String::from_iter([self.alone, letter]),
        }
    }

    /// What is written when another accent follows. Typed twice it stands by itself.
    pub fn before(self, next: Accent) -> String {
        if next == self {
            return self.alone.to_string();
        }
        String::from_iter([self.alone, next.alone])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accent(symbol: u32) -> Accent {
        Accent::of(Keysym::new(symbol)).expect("an accent")
    }

    #[test]
    fn accents_stand_over_letters_that_have_them_and_before_others() {
        let acute = accent(key::dead_acute);
        assert_eq!(acute.with('e'), "é");
        assert_eq!(acute.with('E'), "É");
        assert_eq!(acute.with(' '), "'");
        assert_eq!(acute.with('x'), "´x");
        assert_eq!(accent(key::dead_circumflex).with('o'), "ô");
        assert_eq!(accent(key::dead_diaeresis).with('u'), "ü");
        assert_eq!(accent(key::dead_abovering).with('a'), "å");
        assert_eq!(accent(key::dead_caron).with('s'), "š");
        assert_eq!(accent(key::dead_cedilla).with('c'), "ç");
        assert_eq!(acute.before(acute), "´");
        assert_eq!(acute.before(accent(key::dead_grave)), "´`");
        assert_eq!(Accent::of(Keysym::new(key::e)), None);
    }
}
