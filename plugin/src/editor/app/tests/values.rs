//! Values that are typed in.

use super::*;

/// On the track of the kick's fader.
const FADER: Pos2 = pos2(50.0, 470.0);
const NAME: &str = "Kick level";

fn right_click(window: &mut Window, pos: Pos2) {
    window.frame(vec![Event::PointerMoved(pos)]);
    for pressed in [true, false] {
        window.frame(vec![Event::PointerButton {
            pos,
            button: PointerButton::Secondary,
            pressed,
            modifiers: Modifiers::NONE,
        }]);
    }
    for _ in 0..3 {
        window.frame(vec![]);
    }
}

fn press(window: &mut Window, key: egui::Key) {
    window.key(key, Modifiers::NONE);
}

fn type_in(window: &mut Window, text: &str) {
    window.frame(vec![Event::Text(text.to_owned())]);
    press(window, egui::Key::Enter);
    window.frame(vec![]);
}

fn says(window: &mut Window, what: &str) -> bool {
    window.texts().iter().any(|text| text == what)
}

#[test]
fn a_value_is_typed_in_place_of_the_one_that_was_there() {
    let mut window = Window::new(1180.0, 800.0);
    right_click(&mut window, FADER);
    assert!(says(&mut window, NAME));
    type_in(&mut window, "-6");
    assert_eq!(window.params.drums[0].level_db.value(), -6.0);
    assert!(!says(&mut window, NAME));
    assert_eq!(
        *window.host.gestures.lock().unwrap(),
        ["begin", "set", "end"]
    );
}

#[test]
fn what_is_no_value_stays_with_a_word_on_what_is_one() {
    const EXPECTED: &str = "Not a value. Expected:\n-inf dB to 12.0 dB";
    let mut window = Window::new(1180.0, 800.0);
    right_click(&mut window, FADER);
    assert!(!says(&mut window, EXPECTED));
    type_in(&mut window, "loud");
    assert!(says(&mut window, EXPECTED));
    assert!(says(&mut window, "loud"));
    assert!(window.host.gestures.lock().unwrap().is_empty());
    // It goes on where it was.
    for _ in 0.."loud".len() {
        press(&mut window, egui::Key::Backspace);
    }
    assert!(!says(&mut window, EXPECTED));
    type_in(&mut window, "-3 dB");
    assert_eq!(window.params.drums[0].level_db.value(), -3.0);
    assert!(!says(&mut window, NAME));

    right_click(&mut window, FADER);
    type_in(&mut window, "?");
    assert!(says(&mut window, EXPECTED));
    press(&mut window, egui::Key::Escape);
    window.frame(vec![]);
    assert!(!says(&mut window, NAME));
    right_click(&mut window, FADER);
    assert!(says(&mut window, NAME));
    assert!(!says(&mut window, EXPECTED));
    assert_eq!(window.params.drums[0].level_db.value(), -3.0);
}

#[test]
fn a_click_into_the_field_leaves_it_open() {
    let mut window = Window::new(1180.0, 800.0);
    right_click(&mut window, FADER);
    let words = window.words();
    let field = words.iter().rev().find(|(text, _)| text == "0.0 dB");
    let field = field.expect("the value in the field").1;
    window.click(field);
    window.frame(vec![]);
    assert!(says(&mut window, NAME));
}
