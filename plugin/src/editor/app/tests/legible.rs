//! Words that neither cover anything nor are covered.

use super::words::window;
use super::*;
use crate::editor::lanes::Lanes;

/// Text, place and colour of all words in a frame.
fn drawn(window: &mut Window) -> Vec<(String, Rect, egui::Color32)> {
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(Pos2::ZERO, window.size)),
        time: Some(window.time_s),
        ..RawInput::default()
    };
    let app = &mut window.app;
    let output = window.context.run_ui(input, |ui| app.draw(ui));
    let shapes = output.shapes.into_iter();
    shapes
        .filter_map(|clipped| match clipped.shape {
            egui::Shape::Text(text) => {
                let place = text.galley.rect.translate(text.pos.to_vec2());
                let sections = &text.galley.job.sections;
                let colour = sections
                    .first()
                    .map_or(text.fallback_color, |s| s.format.color);
                Some((text.galley.text().to_owned(), place, colour))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_pad_tells_a_hit_at_once_and_legibly() {
    let mut window = window(1180.0, 760.0);
    window.audio.end_block(4_800, &Peaks::default(), None);
    window.frame(vec![]);
    // What is shown stays behind the block that has just come.
    window.audio.hit(
        2_000,
        HitMark {
            velocity: 1.0,
            ..HitMark::accepted(Drum::Snare, None)
        },
    );
    window.audio.end_block(2_048, &Peaks::default(), None);
    let words = drawn(&mut window);
    let monitor = window.app.monitor.clone();
    let last = lock(&monitor).last_hits[Drum::Snare.index()].expect("a hit");
    assert!(lock(&monitor).age_s(last.position) < 0.0);
    let verdict = format!("{} 127", theme::verdict_text(Verdict::Accepted));
    let found = words.iter().find(|(text, _, _)| *text == verdict);
    let (_, _, colour) = found.expect("the verdict");
    assert_eq!(*colour, theme::BACKGROUND);
}

#[test]
fn names_make_way_for_their_values() {
    let mut window = window(1000.0, 680.0);
    let context = GuiContext::new(window.host.clone());
    let params = window.params.clone();
    set(&context.param_setter(), &params.mask_exponent, 2.0);
    for drum in &params.drums {
        set(&context.param_setter(), &drum.note, 13);
    }
    let words = drawn(&mut window);
    let pairs = [("Bleed – duck", "100 % duck"), ("Note", "13 (C#-1)")];
    for (name, value) in pairs {
        let places = |wanted: &str| -> Vec<Rect> {
            let found = words.iter().filter(|(text, _, _)| text == wanted);
            found.map(|(_, place, _)| *place).collect()
        };
        let (names, values) = (places(name), places(value));
        assert!(!names.is_empty() && names.len() == values.len(), "{name}");
        for (name, value) in names.iter().zip(values) {
            assert!(name.right() < value.left(), "{name} {value}");
        }
    }
}

/// The lanes of a window's song.
fn lanes(window: &Window) -> Lanes {
    let top = MARGIN - 4.0 + header::HEIGHT + 2.0 + toolbar::HEIGHT + theme::GAP;
    let rest = window.size.y - MARGIN - (top - theme::GAP) - 2.0 * theme::GAP;
    let height = (rest - LOW_STRIP_HEIGHT).clamp(*TIMELINE_HEIGHT.start(), *TIMELINE_HEIGHT.end());
    let area = Rect::from_min_size(
        pos2(MARGIN, top),
        vec2(window.size.x - 2.0 * MARGIN, height),
    );
    Lanes::of(area)
}

/// Plays a song with a doubtful ride each second.
fn song(width: f32, height: f32) -> Window {
    let mut window = window(width, height);
    for n in 0..800_u32 {
        if n > 0 && n % 200 == 0 {
            let hit = HitMark {
                margin: 0.1,
                odds: [n as f32 / 100.0 - 4.0; 9],
                ..ride(f64::from(n) / 200.0)
            };
            window.audio.hit(0, hit);
        }
        let song_s = f64::from(n) / 200.0;
        window.audio.end_block(240, &Peaks::default(), Some(song_s));
        if n % 100 == 0 {
            window.frame(vec![]);
        }
    }
    window.frame(vec![]);
    press(&mut window, "Edit hits");
    window
}

fn press(window: &mut Window, name: &str) {
    let button = window.place_of(name).expect(name);
    window.click(button);
    window.frame(vec![]);
}

#[test]
fn the_place_that_is_asked_about_is_beside_all_buttons() {
    for (width, height) in [(1000.0, 680.0), (1180.0, 1000.0)] {
        let mut window = song(width, height);
        // As many buttons as there are without beats.
        for name in ["Ask me", "That's right", "That's right", "Undo"] {
            press(&mut window, name);
        }
        let words = drawn(&mut window);
        let asked = words
            .iter()
            .find(|(text, _, _)| text.contains(":0") && text.len() > "0:00.0".len())
            .expect("a place");
        let names = [
            "Ask me",
            "That's right",
            "Clear all",
            "Undo",
            "Redo",
            "Follow",
            "Save MIDI",
            "Listen anew",
        ];
        for name in names {
            assert!(words.iter().any(|(text, _, _)| text == name), "{name}");
            for (_, place, _) in words.iter().filter(|(text, _, _)| text == name) {
                // Of all buttons the words stand in the middle, 18 points high.
                let button =
                    Rect::from_center_size(place.center(), vec2(place.width() + 10.0, 18.0));
                assert!(!asked.1.intersects(button), "{name}: {asked:?} {button:?}");
            }
        }
    }
}

#[test]
fn advice_leaves_the_lanes_to_hits() {
    // In a high window it stands in the waveform.
    let mut high = song(1180.0, 1000.0);
    let advice = |window: &mut Window| {
        let words = drawn(window).into_iter();
        let found = words.filter(|(text, _, _)| {
            text.contains("Click a hit") || text.starts_with("Is what is marked right")
        });
        found.map(|(_, place, _)| place).next()
    };
    let wave = lanes(&high).wave;
    let place = advice(&mut high).expect("advice");
    assert!(wave.contains_rect(place), "{place:?} in {wave:?}");
    // So it does beside what is asked about, but not on it.
    press(&mut high, "Ask me");
    let place = advice(&mut high).expect("advice");
    assert!(wave.contains_rect(place), "{place:?} in {wave:?}");
    let empty = lanes(&high).lane(Drum::MidTom).center();
    high.drag(empty, empty - vec2(300.0, 0.0));
    high.frame(vec![Event::PointerMoved(pos2(5.0, 5.0))]);
    for _ in 0..40 {
        high.frame(vec![]);
    }
    let place = advice(&mut high).expect("advice");
    assert!(!wave.intersects(place), "{place:?} in {wave:?}");
    // In a low one it makes way for the pointer.
    let mut low = song(1000.0, 680.0);
    let lane = lanes(&low).lane(Drum::Ride);
    assert!(advice(&mut low).is_some_and(|place| lane.intersects(place)));
    for _ in 0..40 {
        low.frame(vec![Event::PointerMoved(lane.center())]);
    }
    assert_eq!(advice(&mut low), None);
}
