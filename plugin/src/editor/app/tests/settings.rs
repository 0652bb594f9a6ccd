//! Many settings at once: presets and all drums.

use super::*;
use crate::params::MainOutput;
use crate::presets;

fn choose(window: &mut Window, entry: &str) {
    window.frame(vec![]);
    let menu = window.place_of("Presets").expect("a menu");
    window.click(menu);
    window.frame(vec![]);
    let entry = window.place_of(entry).expect("an entry");
    window.click(entry);
    window.frame(vec![]);
}

#[test]
fn a_preset_is_set_through_the_host_and_can_be_taken_back() {
    let mut window = Window::new(1180.0, 760.0);
    let host = window.host.clone();
    let context = GuiContext::new(host.clone());
    set(&context.param_setter(), &window.params.drums[2].note, 77);
    set(
        &context.param_setter(),
        &window.params.main_output,
        MainOutput::Nothing,
    );
    host.gestures.lock().unwrap().clear();
    let mine = window.params.values();
    let preset = &presets::factory()[1];
    choose(&mut window, &preset.name);
    let values = window.params.values();
    for (id, expected) in preset.settings() {
        let same = serde_json::to_value(&values[id]).unwrap();
        assert_eq!(same, serde_json::to_value(expected).unwrap(), "{id}");
    }
    assert!(
        host.states.lock().unwrap().is_empty(),
        "nothing waits for audio"
    );
    let gestures = host.gestures.lock().unwrap().clone();
    let count = |what| gestures.iter().filter(|one| **one == what).count();
    assert!(count("begin") > 1 && count("begin") == count("end"));
    assert_eq!(count("set"), count("begin"), "only what differs is set");

    choose(&mut window, "Back to my settings");
    let back = window.params.values();
    assert_eq!(
        serde_json::to_value(&back).unwrap(),
        serde_json::to_value(&mine).unwrap()
    );
    window.frame(vec![]);
    assert!(!lock(&window.app.before_preset).is_known());
}

#[test]
fn with_alt_or_ctrl_all_drums_move_by_as_much() {
    for modifiers in [Modifiers::ALT, Modifiers::COMMAND] {
        let mut window = Window::new(1180.0, 800.0);
        // On the track of the kick's fader.
        let fader = pos2(50.0, 470.0);
        // The third will be held at the lower end, the fourth is at the upper one.
        let starts_db = [0.0, -6.0, -70.0, 12.0, 3.0, -20.0, 0.0, -1.5, -72.0];
        let context = GuiContext::new(window.host.clone());
        for (drum, start_db) in window.params.drums.iter().zip(starts_db) {
            set(&context.param_setter(), &drum.level_db, start_db);
        }
        window.host.gestures.lock().unwrap().clear();
        window.modifiers = modifiers;
        window.frame(vec![Event::ModifiersChanged(modifiers)]);
        window.frame(vec![Event::PointerMoved(fader)]);
        window.button(fader, true);
        let mut moves_db = Vec::new();
        let path = (1..=15).map(|n| 2.0 * n as f32);
        for down in path.chain([20.0, 0.0, -30.0, -10.0, 10.0]) {
            window.frame(vec![Event::PointerMoved(fader + vec2(0.0, down))]);
            let drums = window.params.drums.iter();
            let levels_db: Vec<f32> = drums.map(|drum| drum.level_db.value()).collect();
            let moved_db = levels_db[0] - starts_db[0];
            for (level_db, start_db) in levels_db.iter().zip(starts_db) {
                let expected_db = (start_db + moved_db).clamp(-72.0, 12.0);
                assert!((level_db - expected_db).abs() < 0.11, "{levels_db:?}");
            }
            moves_db.push(moved_db);
        }
        assert!(moves_db[14] < -5.0 && moves_db[17] > 5.0, "{moves_db:?}");
        window.button(fader + vec2(0.0, 10.0), false);
        assert_eq!(window.params.residual_level_db.value(), 0.0);
        let gestures = window.host.gestures.lock().unwrap().clone();
        let count = |what| gestures.iter().filter(|one| **one == what).count();
        assert_eq!((count("begin"), count("end")), (9, 9));
    }
}

#[test]
fn with_alt_or_ctrl_a_switch_and_a_double_click_make_all_alike() {
    let mut window = Window::new(1180.0, 800.0);
    let context = GuiContext::new(window.host.clone());
    for (n, drum) in window.params.drums.iter().enumerate() {
        set(&context.param_setter(), &drum.level_db, -(n as f32));
        set(&context.param_setter(), &drum.mute, n % 2 == 1);
    }
    window.modifiers = Modifiers::ALT;
    window.frame(vec![Event::ModifiersChanged(Modifiers::ALT)]);
    for _ in 0..2 {
        window.click(pos2(50.0, 470.0));
    }
    let words = window.words();
    let mutes = words.iter().filter(|(word, _)| word == "M");
    let first = mutes.map(|(_, at)| *at).min_by(|a, b| a.x.total_cmp(&b.x));
    window.click(first.expect("a switch"));
    for drum in &window.params.drums {
        assert_eq!(drum.level_db.value(), 0.0);
        assert!(drum.mute.value());
    }
}

#[test]
fn another_state_has_no_way_back_to_the_settings_of_this_one() {
    use nice_plug::params::persist::PersistentField;
    let mut window = Window::new(1180.0, 760.0);
    let name = presets::factory()[1].name.clone();
    choose(&mut window, &name);
    assert!(window.app.can_undo_preset());
    window.params.format.set(1);
    assert!(!window.app.can_undo_preset());
    choose(&mut window, &name);
    assert!(window.app.can_undo_preset());
}

#[test]
fn with_a_key_solo_means_one_alone_and_then_none() {
    let mut window = Window::new(1180.0, 800.0);
    let context = GuiContext::new(window.host.clone());
    let params = window.params.clone();
    set(&context.param_setter(), &params.drums[3].solo, true);
    let lit = |params: &IdmParams| -> Vec<usize> {
        let drums = params.drums.iter().map(|drum| drum.solo.value());
        let solos = drums.chain([params.residual_solo.value()]);
        let lit = solos.enumerate().filter(|(_, is_on)| *is_on);
        lit.map(|(stem, _)| stem).collect()
    };
    let words = window.words().into_iter();
    let mut switches: Vec<Pos2> = words
        .filter(|(word, _)| word == "S")
        .map(|(_, at)| at)
        .collect();
    switches.sort_by(|a, b| a.x.total_cmp(&b.x));
    assert_eq!(switches.len(), STEM_COUNT);
    window.click(switches[9]);
    assert_eq!(lit(&params), [3, 9]);
    window.modifiers = Modifiers::ALT;
    window.frame(vec![Event::ModifiersChanged(Modifiers::ALT)]);
    window.click(switches[0]);
    assert_eq!(lit(&params), [0]);
    window.click(switches[9]);
    assert_eq!(lit(&params), [9]);
    assert_eq!(params.mix_targets().residual_gain, 1.0);
    window.click(switches[9]);
    assert!(lit(&params).is_empty());
}

#[test]
fn hosts_hear_of_what_is_changed_beside_the_parameters() {
    use crate::corrections::Correction;
    let mut window = Window::new(1180.0, 760.0);
    window.frame(vec![]);
    assert!(window.host.gestures.lock().unwrap().is_empty());
    window.params.corrections.say(Correction {
        song_s: 1.0,
        drum: Drum::Kick,
        is_hit: true,
        snaps: false,
        lesson: None,
    });
    window.frame(vec![]);
    window.frame(vec![]);
    assert_eq!(
        *window.host.gestures.lock().unwrap(),
        ["begin", "set", "end"]
    );
    assert_eq!(window.params.revision.value(), 1);
}

#[test]
fn what_was_saved_is_said_whether_or_not_audio_runs() {
    let mut window = Window::new(1180.0, 760.0);
    assert!(
        window
            .texts()
            .iter()
            .any(|text| text == "Waiting for the host")
    );
    window.app.notice = Some(Notice::saved("Kit saved in", &std::env::temp_dir()));
    assert!(
        window
            .texts()
            .iter()
            .any(|text| text.starts_with("Kit saved"))
    );
}

#[test]
fn a_click_on_a_lanes_name_says_what_the_drum_is() {
    let mut window = Window::new(1180.0, 760.0);
    let is = |window: &Window| window.params.controls().drums[Drum::Crash.index()].heard_as;
    // The strips have names, too, further to the right.
    let lane = |window: &mut Window, name: &str| {
        let found = window.words().into_iter().filter(|(word, _)| word == name);
        let places = found.map(|(_, place)| place);
        places.min_by(|a, b| a.x.total_cmp(&b.x)).expect("a lane")
    };
    for (name, entry, expected, shown) in [
        ("Crash", "Open hat", Some(Drum::OpenHat), "→ Open hat"),
        ("→ Open hat", "Crash (as heard)", None, "Crash"),
    ] {
        let place = lane(&mut window, name);
        window.click(place);
        window.frame(vec![]);
        let place = window.place_of(entry).expect("an entry");
        window.click(place);
        window.frame(vec![]);
        assert_eq!(is(&window), expected);
        window.frame(vec![]);
        lane(&mut window, shown);
    }
    let gestures = window.host.gestures.lock().unwrap().clone();
    assert_eq!(gestures, ["begin", "set", "end", "begin", "set", "end"]);
}
