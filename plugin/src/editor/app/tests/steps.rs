//! Steps back and forth through what was corrected, and states that are loaded meanwhile.

use super::song::{press, says, song_lanes, window_of_song};
use super::*;

#[test]
fn keys_and_buttons_go_back_and_forth_and_the_host_is_told() {
    let mut window = window_of_song(30, |second| ride(f64::from(second)));
    press(&mut window, "Edit hits");
    let count = |window: &Window| window.params.corrections.current().len();
    let say = |window: &mut Window, song_s: f64| {
        window
            .params
            .corrections
            .say(crate::corrections::Correction {
                song_s,
                drum: Drum::Kick,
                is_hit: true,
                snaps: false,
                lesson: None,
            });
        window.frame(vec![]);
    };
    for song_s in [29.5, 29.6, 3.0] {
        say(&mut window, song_s);
    }
    let undo = window.place_of("Undo").expect("a button");
    let mut told = window.params.revision.value();
    let (ctrl, shift) = (Modifiers::COMMAND, Modifiers::SHIFT);
    let steps = [
        (egui::Key::Z, ctrl, 2),
        (egui::Key::Z, ctrl, 1),
        (egui::Key::Z, ctrl | shift, 2),
        (egui::Key::Z, shift, 2),
        (egui::Key::Y, ctrl, 3),
        (egui::Key::Y, ctrl, 3),
    ];
    for (pressed, modifiers, left) in steps {
        let before = count(&window);
        window.key(pressed, modifiers);
        assert_eq!(count(&window), left);
        let is_told = window.params.revision.value() != told;
        assert_eq!(is_told, left != before);
        told = window.params.revision.value();
    }
    // The steps are shown where they were taken: the last was far off.
    let song = window.app.song.as_ref().expect("the song");
    assert!((song.start_s() - 1.0).abs() < 0.1, "{}", song.start_s());
    // Buttons stay where they are to the last step.
    for left in [2, 1, 0, 0] {
        window.click(undo);
        assert_eq!(count(&window), left);
    }
    window.frame(vec![]);
    assert_eq!(window.place_of("Undo"), Some(undo));
    // Keys that mean something else: a value that is typed, a list that is open.
    window.key(egui::Key::Y, ctrl);
    assert_eq!(count(&window), 1);
    lock(&window.app.samples).open(Target::Kit);
    window.frame(vec![]);
    window.key(egui::Key::Z, ctrl);
    assert_eq!(count(&window), 1);
    lock(&window.app.samples).browser = None;
    press(&mut window, "Done");
    window.key(egui::Key::Z, ctrl);
    assert_eq!(count(&window), 1);
}

#[test]
fn nothing_is_undone_under_a_hand_that_holds_a_hit() {
    let mut window = window_of_song(2, |_| ride(1.0));
    press(&mut window, "Edit hits");
    let lanes = song_lanes(&window);
    let x = lanes.plot.left() + lanes.plot.width() * 1.32 / 4.0;
    let at = |drum| pos2(x, lanes.lane(drum).center().y);
    window.click(at(Drum::Kick));
    window.frame(vec![Event::PointerMoved(at(Drum::Ride))]);
    window.button(at(Drum::Ride), true);
    window.frame(vec![Event::PointerMoved(at(Drum::FloorTom))]);
    window.frame(vec![Event::PointerMoved(at(Drum::Crash))]);
    window.key(egui::Key::Z, Modifiers::COMMAND);
    window.button(at(Drum::Crash), false);
    assert_eq!(window.params.corrections.current().len(), 3);
    window.key(egui::Key::Z, Modifiers::COMMAND);
    assert_eq!(
        window.params.corrections.current().len(),
        1,
        "a drag is one"
    );
}

#[test]
fn nothing_is_asked_of_a_state_that_is_loaded() {
    use nice_plug::params::persist::PersistentField;
    let mut window = window_of_song(3, |second| HitMark {
        margin: 0.1,
        ..ride(f64::from(second))
    });
    press(&mut window, "Edit hits");
    press(&mut window, "Ask me");
    assert!(window.place_of("That's right").is_some());
    window.params.format.set(crate::state::FORMAT);
    window.frame(vec![]);
    assert!(window.place_of("That's right").is_none());
    assert!(!says(&mut window, "marked:"));
}

#[test]
fn lanes_are_higher_while_hits_are_corrected() {
    let mut window = window_of_song(2, |_| ride(1.0));
    // The first of each name is that of its lane.
    let lane = |window: &mut Window, name: &str| {
        let mut words = window.words().into_iter();
        words.find(|(word, _)| word == name).expect("a lane").1.y
    };
    let between = |window: &mut Window| lane(window, "Open hat") - lane(window, "Closed hat");
    let (before, button) = (between(&mut window), window.place_of("Edit hits"));
    press(&mut window, "Edit hits");
    assert!(between(&mut window) > 1.2 * before);
    // Another click leads back.
    let way = window.place_of("Done").expect("a button") - button.expect("a button");
    assert!(way.length() < 8.0, "{way:?}");
}

#[test]
fn the_waveform_says_how_to_move_and_magnify() {
    let mut window = window_of_song(2, |_| ride(1.0));
    press(&mut window, "Edit hits");
    let wave = song_lanes(&window).wave;
    let at = wave.left_center() + vec2(50.0, 0.0);
    window.frame(vec![Event::PointerMoved(at)]);
    for _ in 0..60 {
        window.frame(vec![]);
    }
    assert!(says(&mut window, "Ctrl and wheel: magnify"));
}
