//! Hits corrected at their places in the song.

use super::*;

/// A window in which so many seconds of a song were heard, with a hit on each but the first.
pub fn window_of_song(seconds: u32, hit: impl Fn(u32) -> HitMark) -> Window {
    let mut window = Window::new(1180.0, 760.0);
    let texts = Texts::default();
    window
        .audio
        .shared()
        .announce(Status::Running, 48_000.0, 3080, Quality::Standard, texts);
    window.frame(vec![]);
    for n in 0..200 * seconds {
        let song_s = f64::from(n) / 200.0;
        if n > 0 && n % 200 == 0 {
            window.audio.hit(0, hit(n / 200));
        }
        window.audio.end_block(240, &Peaks::default(), Some(song_s));
        if n % 100 == 0 {
            window.frame(vec![]);
        }
    }
    window.frame(vec![]);
    window
}

/// Where the song is drawn.
pub fn song_lanes(window: &Window) -> crate::editor::lanes::Lanes {
    let top = MARGIN - 4.0 + header::HEIGHT + 2.0 + toolbar::HEIGHT + theme::GAP;
    let bottom = window.size.y - MARGIN - LOW_STRIP_HEIGHT - theme::GAP;
    let rect = Rect::from_min_max(pos2(MARGIN, top), pos2(window.size.x - MARGIN, bottom));
    crate::editor::lanes::Lanes::of(rect)
}

#[test]
fn hits_are_corrected_where_they_were_heard_in_the_song() {
    use crate::corrections::Correction;
    // Two seconds of a song, a ride after one of them.
    let mut window = window_of_song(2, |_| ride(1.0));
    let lanes = song_lanes(&window);
    window.click(lanes.view_button().center());
    assert!(window.app.song.is_some());
    let help = |window: &mut Window| {
        let texts = window.texts();
        texts.iter().any(|text| text.contains("Click a hit"))
    };
    assert!(help(&mut window));

    // The view shows four seconds from just before the start of the song.
    let at = |song_s: f32, drum: Drum| {
        let x = lanes.plot.left() + lanes.plot.width() * (song_s + 0.32) / 4.0;
        pos2(x, lanes.lane(drum).center().y)
    };
    let said = |window: &Window| {
        let list = window.params.corrections.current();
        let words = list.iter().map(|c: &Correction| (c.drum, c.is_hit));
        words.collect::<Vec<_>>()
    };
    window.click(at(1.0, Drum::Ride));
    assert_eq!(said(&window), [(Drum::Ride, false)]);
    assert!(!help(&mut window));
    window.click(at(1.0, Drum::Ride));
    assert_eq!(said(&window), []);
    window.drag(at(1.0, Drum::Ride), at(1.0, Drum::Crash));
    assert_eq!(said(&window), [(Drum::Crash, true), (Drum::Ride, false)]);
    window.click(at(3.0, Drum::Kick));
    assert_eq!(said(&window).len(), 3);
    let kick = window.params.corrections.current()[2];
    assert!((kick.song_s - 3.0).abs() < 0.01, "{kick:?}");
    // Along its lane it moves in time, with Shift exactly.
    for modifiers in [Modifiers::NONE, Modifiers::SHIFT] {
        window.modifiers = modifiers;
        window.frame(vec![Event::ModifiersChanged(modifiers)]);
        window.drag(at(3.0, Drum::Kick), at(3.1, Drum::Kick));
        let kick = window.params.corrections.current()[2];
        assert!((kick.song_s - 3.1).abs() < 0.01, "{kick:?}");
        assert_eq!(kick.snaps, modifiers.is_none());
        let back = window.place_of("Undo").expect("a button");
        window.click(back);
    }
    window.modifiers = Modifiers::NONE;
    window.frame(vec![Event::ModifiersChanged(Modifiers::NONE)]);
    assert!((window.params.corrections.current()[2].song_s - 3.0).abs() < 0.01);
    // Dragging where nothing is moves along the song.
    window.drag(at(2.0, Drum::Snare), at(1.5, Drum::Snare));
    assert_eq!(said(&window).len(), 3);
    window.click(at(2.5, Drum::Kick));
    assert_eq!(said(&window).len(), 2, "the kick was there now");

    window.click(lanes.view_button().center());
    assert!(window.app.song.is_none());
}

#[test]
fn the_user_is_asked_about_what_is_in_doubt() {
    use crate::corrections::lessons;
    // Ten seconds with a ride each second, the one after 7 s hardly accepted.
    let mut window = window_of_song(10, |second| HitMark {
        margin: if second == 7 { 0.1 } else { 2.0 },
        odds: [0.5 * second as f32 - 2.5; 9],
        ..ride(f64::from(second))
    });
    let press = |window: &mut Window, name: &str| {
        let button = window.place_of(name).expect(name);
        window.click(button);
        window.frame(vec![]);
    };
    press(&mut window, "Edit hits");
    assert!(
        window.place_of("That's right").is_none(),
        "nothing is asked yet"
    );
    press(&mut window, "Ask me");
    assert!(window.params.corrections.current().is_empty());
    press(&mut window, "That's right");
    let list = window.params.corrections.current();
    let said: Vec<_> = list.iter().map(|c| (c.song_s, c.drum, c.is_hit)).collect();
    assert_eq!(said, [(7.0, Drum::Ride, true)]);
    assert_eq!(lessons(&list).count(), 1);
    // The next question is another moment.
    press(&mut window, "That's right");
    let list = window.params.corrections.current();
    assert_eq!((list.len(), lessons(&list).count()), (2, 2));
    press(&mut window, "Undo");
    assert_eq!(window.params.corrections.current().len(), 1);
    press(&mut window, "Redo");
    assert_eq!(window.params.corrections.current().len(), 2);
    // There is nothing more, and the button says so.
    press(&mut window, "Redo");
    assert_eq!(window.params.corrections.current().len(), 2);
}

#[test]
fn the_view_opens_where_the_song_was_heard_last() {
    let mut window = window_of_song(30, |second| ride(f64::from(second)));
    // The transport stands.
    window.audio.end_block(240, &Peaks::default(), None);
    window.frame(vec![]);
    let button = window.place_of("Edit hits").expect("a button");
    window.click(button);
    window.frame(vec![]);
    assert!(window.texts().iter().any(|text| text == "0:29.0"));
    assert!(window.place_of("Back").is_none());
    // Along the song to its beginning, and back.
    let centre = pos2(window.size.x / 2.0, 180.0);
    for _ in 0..40 {
        window.drag(centre, centre + vec2(400.0, 0.0));
    }
    assert!(window.texts().iter().any(|text| text == "0:00.0"));
    let button = window.place_of("Back").expect("a button");
    window.click(button);
    window.frame(vec![]);
    assert!(window.texts().iter().any(|text| text == "0:29.0"));
}

#[test]
fn what_is_set_after_the_song_was_heard_counts() {
    let mut window = window_of_song(3, |second| HitMark {
        margin: 0.1,
        ..ride(f64::from(second))
    });
    let context = window.app.context.clone().expect("an open window");
    let count = |window: &mut Window| {
        window.frame(vec![]);
        let monitor = lock(&window.app.monitor);
        song_hits(&monitor.take, &[]).len()
    };
    assert_eq!(count(&mut window), 2);
    let setter = context.param_setter();
    let params = window.params.clone();
    let ride = &params.drums[Drum::Ride.index()];
    set(&setter, &ride.sensitivity, 0.4);
    assert_eq!(count(&mut window), 0);
    set(&setter, &ride.sensitivity, 0.6);
    assert_eq!(count(&mut window), 2);
    set(&setter, &ride.enabled, false);
    assert_eq!(count(&mut window), 0);
}

#[test]
fn what_automation_sets_holds_for_its_place_only() {
    use crate::corrections::Correction;
    let mut window = window_of_song(3, |second| HitMark {
        margin: 0.1,
        ..ride(f64::from(second))
    });
    let params = window.params.clone();
    let added = [Correction {
        song_s: 1.5,
        drum: Drum::Ride,
        is_hit: true,
        snaps: false,
        lesson: None,
    }];
    window.audio.hit(
        0,
        HitMark {
            confidence: 1.0,
            is_by_hand: true,
            ..ride(1.5)
        },
    );
    let count = |window: &mut Window| {
        window.frame(vec![]);
        let monitor = lock(&window.app.monitor);
        song_hits(&monitor.take, &added).len()
    };
    assert_eq!(count(&mut window), 3);
    // The host plays back what it knows.
    let automation = GuiContext::new(window.host.clone());
    let ride = &params.drums[Drum::Ride.index()];
    set(&automation.param_setter(), &ride.sensitivity, 0.2);
    set(&automation.param_setter(), &ride.enabled, false);
    assert_eq!(count(&mut window), 3);
    // Where the user says so, it holds for all that was heard, until the host says otherwise.
    let by_hand = window.app.context.clone().expect("an open window");
    set(&by_hand.param_setter(), &ride.sensitivity, 0.3);
    assert_eq!(count(&mut window), 1);
    set(&automation.param_setter(), &ride.sensitivity, 0.5);
    assert_eq!(count(&mut window), 3);
}

#[test]
fn no_page_turns_under_a_button_that_is_down() {
    let mut window = window_of_song(2, |_| ride(1.0));
    let edit = window.place_of("Edit hits").expect("a button");
    window.click(edit);
    window.frame(vec![]);
    let lanes = song_lanes(&window);
    let x = lanes.plot.left() + lanes.plot.width() * 1.32 / 4.0;
    let at = pos2(x, lanes.lane(Drum::Ride).center().y);
    window.frame(vec![Event::PointerMoved(at)]);
    window.button(at, true);
    // The song leaves the page meanwhile.
    for song_s in [3.6, 3.7, 3.8, 3.9] {
        window.audio.end_block(240, &Peaks::default(), Some(song_s));
        window.frame(vec![]);
    }
    window.button(at, false);
    let list = window.params.corrections.current();
    let said: Vec<_> = list.iter().map(|c| (c.song_s, c.drum, c.is_hit)).collect();
    assert_eq!(said, [(1.0, Drum::Ride, false)]);
    // Then it turns.
    window.frame(vec![]);
    assert!(window.texts().iter().any(|text| text == "0:07.0"));
}

/// Presses a button by its name.
pub fn press(window: &mut Window, name: &str) {
    let button = window.place_of(name).expect(name);
    window.click(button);
    window.frame(vec![]);
}

/// Whether a frame has such words.
pub fn says(window: &mut Window, what: &str) -> bool {
    window.texts().iter().any(|text| text.contains(what))
}

#[test]
fn what_was_passed_is_not_asked_again_and_new_hits_are() {
    let mut window = window_of_song(4, |second| HitMark {
        margin: 0.1,
        odds: [2.0 * second as f32 - 4.0; 9],
        ..ride(f64::from(second))
    });
    press(&mut window, "Edit hits");
    for _ in 0..3 {
        press(&mut window, "Ask me");
        assert!(!says(&mut window, "Nothing is in doubt"));
    }
    press(&mut window, "Ask me");
    assert!(says(&mut window, "Nothing is in doubt"));
    press(&mut window, "Done");
    press(&mut window, "Edit hits");
    assert!(says(&mut window, "Nothing is in doubt"));
    press(&mut window, "Ask me");
    assert!(window.app.song.is_some() && window.place_of("That's right").is_none());
    // Hearing the same again is no news, more of the song is.
    for (song_s, is_answered) in [(1.0, true), (5.0, false)] {
        let hit = HitMark {
            margin: 0.1,
            odds: [2.0 * song_s as f32 - 4.0; 9],
            ..ride(song_s)
        };
        window.audio.hit(0, hit);
        window.time_s += 1.0;
        window.frame(vec![]);
        assert_eq!(says(&mut window, "Nothing is in doubt"), is_answered);
    }
    assert!(!says(&mut window, "Nothing is in doubt"));
    press(&mut window, "Ask me");
    assert!(window.place_of("That's right").is_some());
}

#[test]
fn a_song_is_forgotten_and_its_corrections_stay_and_are_counted() {
    use crate::corrections::Correction;
    let mut window = window_of_song(3, |second| ride(f64::from(second)));
    window.params.corrections.say(Correction {
        song_s: 1.0,
        drum: Drum::Ride,
        is_hit: false,
        snaps: false,
        lesson: None,
    });
    press(&mut window, "Edit hits (1)");
    press(&mut window, "Listen anew");
    assert!(
        !lock(&window.app.monitor).take.is_empty(),
        "once is not twice"
    );
    press(&mut window, "Sure?");
    assert!(lock(&window.app.monitor).take.is_empty());
    assert!(window.place_of("Listen anew").is_none());
    assert_eq!(window.params.corrections.current().len(), 1);
}

#[test]
fn the_number_of_corrections_has_room_on_its_button() {
    let mut window = Window::new(1180.0, 760.0);
    for count in [1, 12, 99, 256, 20_000] {
        window.params.corrections.edit(|list| {
            list.clear();
            list.extend((0..count).map(|n| crate::corrections::Correction {
                song_s: f64::from(n),
                drum: Drum::Kick,
                is_hit: true,
                snaps: false,
                lesson: None,
            }));
        });
        let output = window.context.clone().run_ui(RawInput::default(), |ui| {
            let text = format!("Edit{} ({count})", if count < 100 { " hits" } else { "s" });
            let font = theme::font(11.0);
            let galley = ui.painter().layout_no_wrap(text, font, theme::TEXT);
            let rect = Rect::from_min_size(Pos2::ZERO, vec2(500.0, 300.0));
            let room = crate::editor::lanes::Lanes::of(rect).view_button().width();
            assert!(
                galley.size().x < room,
                "{count}: {} in {room}",
                galley.size().x
            );
        });
        drop(output);
        assert!(says(&mut window, &format!("({count})")));
    }
}

#[test]
fn a_clip_that_was_moved_takes_its_corrections_along() {
    use crate::corrections::Correction;
    let mut window = window_of_song(3, |second| ride(f64::from(second)));
    for (song_s, is_hit) in [(1.0, false), (1.5, true)] {
        window.params.corrections.say(Correction {
            song_s,
            drum: Drum::Ride,
            is_hit,
            snaps: false,
            lesson: None,
        });
    }
    let before = window.params.corrections.current();
    press(&mut window, "Edit hits (2)");
    let edits = window.params.corrections.edits();
    let wave = pos2(
        700.0,
        MARGIN - 4.0 + header::HEIGHT + 2.0 + toolbar::HEIGHT + 28.0,
    );
    let seconds = 2.0;
    let way = {
        let rect = Rect::from_min_max(pos2(MARGIN, 0.0), pos2(window.size.x - MARGIN, 200.0));
        let plot = crate::editor::lanes::Lanes::of(rect).plot;
        vec2(plot.width() * seconds / 4.0, 0.0)
    };
    // Without a key the view moves.
    window.drag(wave, wave - 0.1 * way);
    assert_eq!(window.params.corrections.current(), before);
    window.modifiers = Modifiers::ALT;
    window.frame(vec![Event::ModifiersChanged(Modifiers::ALT)]);
    // There and back is nowhere.
    window.frame(vec![Event::PointerMoved(wave)]);
    window.button(wave, true);
    for step in [0.25, 0.5, 0.25, 0.0] {
        window.frame(vec![Event::PointerMoved(wave + step * way)]);
    }
    window.button(wave, false);
    assert_eq!(window.params.corrections.edits(), edits);
    window.drag(wave, wave + way);
    let list = window.params.corrections.current();
    for (correction, before) in list.iter().zip(before.iter()) {
        let moved_s = correction.song_s - before.song_s;
        assert!((moved_s - f64::from(seconds)).abs() < 0.01, "{moved_s}");
        assert_eq!(correction.snaps, before.is_hit);
    }
    window.params.corrections.undo();
    assert_eq!(window.params.corrections.current(), before);
}

/// A song of three seconds with rides in it, whose hits are edited, and its lanes.
fn song_and_lanes() -> (Window, crate::editor::lanes::Lanes) {
    let mut window = window_of_song(3, |second| ride(f64::from(second)));
    press(&mut window, "Edit hits");
    let lanes = song_lanes(&window);
    (window, lanes)
}

#[test]
fn a_drag_holds_on_to_its_place_of_the_song() {
    let (mut window, lanes) = song_and_lanes();
    let per_s = lanes.plot.width() / 4.0;
    let at = pos2(
        lanes.plot.left() + 1.32 * per_s,
        lanes.lane(Drum::Ride).center().y,
    );
    let to = at + vec2(0.5 * per_s, 0.0);
    window.frame(vec![Event::PointerMoved(at)]);
    window.button(at, true);
    for way in [0.2, 0.5, 1.0] {
        window.frame(vec![Event::PointerMoved(at + way * (to - at))]);
    }
    // Half as much of the song around the pointer: there is what was there.
    window.frame(vec![Event::Zoom(2.0)]);
    window.button(to, false);
    let list = window.params.corrections.current();
    let ride = list.iter().find(|c| c.is_hit).expect("a hit");
    assert!((ride.song_s - 1.5).abs() < 0.01, "{}", ride.song_s);
}

#[test]
fn escape_lets_go_of_a_drag_and_moves_nothing() {
    let (mut window, lanes) = song_and_lanes();
    let per_s = lanes.plot.width() / 4.0;
    let at = pos2(
        lanes.plot.left() + 1.32 * per_s,
        lanes.lane(Drum::Ride).center().y,
    );
    let start_s = |window: &Window| window.app.song.as_ref().expect("the song").start_s();
    let before_s = start_s(&window);
    window.frame(vec![Event::PointerMoved(at)]);
    window.button(at, true);
    for way in [20.0, 40.0] {
        window.frame(vec![Event::PointerMoved(at + vec2(way, 0.0))]);
    }
    window.frame(vec![Event::Key {
        key: egui::Key::Escape,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    }]);
    for way in [60.0, 120.0] {
        window.frame(vec![Event::PointerMoved(at + vec2(way, 0.0))]);
    }
    window.button(at + vec2(120.0, 0.0), false);
    assert!(window.params.corrections.current().is_empty());
    assert_eq!(start_s(&window), before_s);
    // The next one moves the view again.
    let empty = pos2(at.x, lanes.lane(Drum::Kick).center().y);
    window.drag(empty, empty - vec2(40.0, 0.0));
    assert!(start_s(&window) > before_s);
}

#[test]
fn nothing_is_asked_of_a_song_that_is_forgotten() {
    let mut window = window_of_song(3, |second| HitMark {
        margin: 0.1,
        ..ride(f64::from(second))
    });
    press(&mut window, "Edit hits");
    press(&mut window, "Ask me");
    assert!(window.place_of("That's right").is_some());
    press(&mut window, "Listen anew");
    press(&mut window, "Sure?");
    // It plays on.
    window.audio.hit(0, ride(1.0));
    window.audio.end_block(240, &Peaks::default(), Some(1.0));
    window.frame(vec![]);
    assert!(window.place_of("Ask me").is_some());
    assert!(window.place_of("That's right").is_none());
}

#[test]
fn corrections_where_nothing_was_heard_are_reached_and_removed() {
    use crate::corrections::Correction;
    let mut window = window_of_song(2, |_| ride(1.0));
    press(&mut window, "Edit hits");
    assert!(window.place_of("Unheard").is_none());
    let places = [-20.0, 1.0, 90.0, 90.01, 250.0];
    for (song_s, drum) in places.into_iter().zip(Drum::ALL) {
        window.params.corrections.say(Correction {
            song_s,
            drum,
            is_hit: true,
            snaps: false,
            lesson: None,
        });
    }
    window.frame(vec![]);
    let middle = song_lanes(&window).plot.center().x;
    for song_s in [90.0, 250.0, -20.0, 90.0] {
        press(&mut window, "Unheard");
        let start_s = window.app.song.as_ref().map(|song| song.start_s());
        assert!(start_s.is_some_and(|start_s| (start_s + 2.0 - song_s).abs() < 1e-9));
    }
    let lane = song_lanes(&window).lane(Drum::ALL[2]);
    window.click(pos2(middle, lane.center().y));
    let left = window.params.corrections.current();
    assert!(left.iter().all(|correction| correction.song_s != 90.0));
    assert_eq!(left.len(), places.len() - 1);
}

#[test]
fn a_song_of_which_hits_are_forgotten_says_so() {
    let mut window = window_of_song(2, |_| ride(1.0));
    press(&mut window, "Edit hits");
    let forgotten = "those heard longest ago are forgotten";
    assert!(!says(&mut window, forgotten));
    let monitor = window.app.monitor.clone();
    for n in 0..100_000 {
        let position = 1_000_000 + n;
        lock(&monitor).take.hit(&HitMark {
            position,
            ..ride(2.0 + n as f64)
        });
    }
    assert!(says(&mut window, forgotten));
    press(&mut window, "Listen anew");
    press(&mut window, "Sure?");
    assert!(!says(&mut window, forgotten));
}
