use super::countries::{ALT_GR, FRANCE, GERMANY, RUSSIA, SWEDEN, UNITED_STATES, keyboard};
use super::*;

/// The second group.
const GROUP_2: u16 = 1 << state::GROUP_SHIFT;

fn letter(layout: &Layout, keycode: KeyCode, state: u16) -> Option<char> {
    match layout.stroke(keycode, state, true).symbol {
        Symbol::Letter(letter) => Some(letter),
        _ => None,
    }
}

fn command(layout: &Layout, keycode: KeyCode, state: u16) -> Option<char> {
    layout.stroke(keycode, state | state::CONTROL, true).command
}

#[test]
fn keys_say_what_is_printed_on_them() {
    let german = keyboard(&[GERMANY]);
    let cases = [
        (29, 0, 'z'),
        (29, state::SHIFT, 'Z'),
        (52, 0, 'y'),
        (20, 0, 'ß'),
        (34, 0, 'ü'),
        (34, state::SHIFT, 'Ü'),
        (24, ALT_GR, '@'),
        (16, ALT_GR, '{'),
        (20, ALT_GR, '\\'),
        (94, 0, '<'),
        (94, state::SHIFT, '>'),
        (94, ALT_GR, '|'),
        (91, state::NUM_LOCK, ','),
        (203, 0, 'ñ'),
    ];
    for (code, state, expected) in cases {
        assert_eq!(
            letter(&german, code, state),
            Some(expected),
            "{code} {state}"
        );
    }
    let french = keyboard(&[FRANCE]);
    let cases = [
        (10, 0, '&'),
        (10, state::SHIFT, '1'),
        (24, 0, 'a'),
        (47, 0, 'm'),
        (52, 0, 'w'),
        (19, ALT_GR, '@'),
    ];
    for (code, state, expected) in cases {
        assert_eq!(
            letter(&french, code, state),
            Some(expected),
            "{code} {state}"
        );
    }
    let swedish = keyboard(&[SWEDEN]);
    assert_eq!(letter(&swedish, 34, state::SHIFT), Some('Å'));
    assert_eq!(letter(&swedish, 11, ALT_GR), Some('@'));
    // The pad of numbers without Num Lock, Backspace, keys that are not there.
    for code in [87, 22, 8, 7, 255] {
        assert_eq!(letter(&swedish, code, 0), None, "{code}");
    }
}

#[test]
fn caps_lock_is_for_letters() {
    let german = keyboard(&[GERMANY]);
    assert_eq!(letter(&german, 29, state::LOCK), Some('Z'));
    assert_eq!(letter(&german, 29, state::LOCK | state::SHIFT), Some('z'));
    assert_eq!(letter(&german, 10, state::LOCK), Some('1'));
    assert_eq!(letter(&german, 20, state::LOCK), Some('ß'));
    // Where it does not choose the level it makes capitals.
    let french = keyboard(&[FRANCE]);
    assert_eq!(letter(&french, 11, state::LOCK), Some('É'));
    // Of what AltGr gives it does too.
    assert_eq!(letter(&german, 33, state::LOCK | ALT_GR), Some('Þ'));
}

#[test]
fn the_group_that_is_chosen_counts() {
    let both = keyboard(&[UNITED_STATES, GERMANY]);
    assert_eq!(letter(&both, 29, 0), Some('y'));
    assert_eq!(letter(&both, 29, GROUP_2), Some('z'));
    assert_eq!(letter(&both, 29, GROUP_2 | state::SHIFT), Some('Z'));
    // Others are one of those that are there: the first, by going round.
    assert_eq!(letter(&both, 29, 2 * GROUP_2), Some('y'));
    let mut last = both.clone();
    last.keys[29 - 8].group_info = 0x42;
    assert_eq!(letter(&last, 29, 2 * GROUP_2), Some('z'));
    let mut named = both;
    named.keys[29 - 8].group_info = 0x92;
    assert_eq!(letter(&named, 29, 2 * GROUP_2), Some('z'));
}

#[test]
fn commands_go_by_the_letter_on_the_key() {
    let german = keyboard(&[GERMANY]);
    assert_eq!(command(&german, 29, 0), Some('z'));
    assert_eq!(command(&german, 29, state::SHIFT | state::LOCK), Some('z'));
    assert_eq!(command(&german, 52, 0), Some('y'));
    // Neither ö nor an accent is one, whatever is there elsewhere.
    assert_eq!(command(&german, 47, 0), None);
    assert_eq!(command(&german, 21, 0), None);
    let french = keyboard(&[FRANCE]);
    assert_eq!(command(&french, 24, 0), Some('a'));
    assert_eq!(command(&french, 10, 0), Some('1'));
    assert_eq!(command(&french, 11, 0), Some('2'));
    // Other scripts: what else is on the key, or what is there elsewhere.
    let russian = keyboard(&[RUSSIA]);
    assert_eq!(command(&russian, 52, 0), Some('z'));
    let both = keyboard(&[GERMANY, RUSSIA]);
    assert_eq!(command(&both, 29, GROUP_2), Some('z'));
    assert_eq!(letter(&both, 29, GROUP_2), Some('н'));
}
