//! The window without a screen: frames are drawn, pointers are moved, and what
//! the host would be told is looked at.
#![allow(unsafe_code)]

use egui::{Event, Modifiers, PointerButton, Pos2, RawInput};
use idm_engine::controls::Quality;
use idm_engine::drum::{Drum, STEM_COUNT};
use idm_engine::engine::Verdict;
use nice_plug::context::PluginApi;
use nice_plug::context::gui::GuiContextInner;
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;

use super::*;
use crate::buses::Peaks;
use crate::link::{AudioEnd, HitMark, Texts, link};
use crate::state::EditorState;

/// A host that does what the window asks.
#[derive(Default)]
struct Host {
    gestures: Mutex<Vec<&'static str>>,
    states: Mutex<Vec<PluginState>>,
}

impl Host {
    fn note(&self, what: &'static str) {
        self.gestures.lock().unwrap().push(what);
    }
}

// SAFETY: the pointers that the window passes belong to parameters that the
// test keeps alive.
impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    unsafe fn raw_begin_set_parameter(&self, _: ParamPtr) {
        self.note("begin");
    }
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.note("set");
        // SAFETY: as above.
        unsafe { param._internal_set_normalized_value(normalized) };
    }
    unsafe fn raw_end_set_parameter(&self, _: ParamPtr) {
        self.note("end");
    }
    fn get_state(&self) -> PluginState {
        PluginState {
            version: String::new(),
            params: Default::default(),
            fields: Default::default(),
        }
    }
    fn set_state(&self, state: PluginState) {
        self.states.lock().unwrap().push(state);
    }
    fn request_restart(&self) {}
}

/// An open window of a size in points.
struct Window {
    context: egui::Context,
    app: IdmApp,
    audio: AudioEnd,
    params: Arc<IdmParams>,
    host: Arc<Host>,
    size: egui::Vec2,
    time_s: f64,
    modifiers: Modifiers,
}

impl Window {
    fn new(width: f32, height: f32) -> Self {
        Self::of(Arc::default(), width, height)
    }

    /// A window for `params`.
    fn of(params: Arc<IdmParams>, width: f32, height: f32) -> Self {
        let (audio, end) = link();
        let monitor = Arc::default();
        let end = Arc::new(Mutex::new(end));
        let mut app = IdmApp::new(
            params.clone(),
            end,
            monitor,
            Arc::default(),
            Arc::default(),
            Arc::default(),
            Arc::default(),
        );
        let context = egui::Context::default();
        let host = Arc::new(Host::default());
        context.set_request_repaint_callback(|_| panic!("no window shows a frame yet"));
        app.open(&context, GuiContext::new(host.clone()));
        context.set_request_repaint_callback(|_| {});
        let mut window = Self {
            context,
            app,
            audio,
            params,
            host,
            size: vec2(width, height),
            time_s: 0.0,
            modifiers: Modifiers::NONE,
        };
        window.frame(vec![]);
        window.frame(vec![]);
        window
    }

    /// Draws a frame and returns the number of shapes.
    fn frame(&mut self, events: Vec<Event>) -> usize {
        self.time_s += 0.02;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time_s),
            events,
            ..RawInput::default()
        };
        let app = &mut self.app;
        let output = self.context.run_ui(input, |ui| app.draw(ui));
        output.shapes.len()
    }

    /// All words in a frame.
    fn texts(&mut self) -> Vec<String> {
        self.words().into_iter().map(|(text, _)| text).collect()
    }

    /// The middle of `text`, if it is drawn.
    fn place_of(&mut self, text: &str) -> Option<Pos2> {
        let words = self.words().into_iter();
        words.rev().find(|(word, _)| word == text).map(|(_, at)| at)
    }

    fn words(&mut self) -> Vec<(String, Pos2)> {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time_s),
            ..RawInput::default()
        };
        let app = &mut self.app;
        let output = self.context.run_ui(input, |ui| app.draw(ui));
        let shapes = output.shapes.into_iter();
        shapes
            .filter_map(|clipped| match clipped.shape {
                egui::Shape::Text(text) => Some((
                    text.galley.text().to_owned(),
                    text.visual_bounding_rect().center(),
                )),
                _ => None,
            })
            .collect()
    }

    fn button(&mut self, pos: Pos2, pressed: bool) {
        self.frame(vec![Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: self.modifiers,
        }]);
    }

    /// Presses a key and lets it go.
    fn key(&mut self, key: egui::Key, modifiers: Modifiers) {
        for pressed in [true, false] {
            self.frame(vec![Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers,
            }]);
        }
    }

    fn drag(&mut self, from: Pos2, to: Pos2) {
        self.frame(vec![Event::PointerMoved(from)]);
        self.button(from, true);
        for step in 1..=8 {
            let pos = from + (to - from) * (step as f32 / 8.0);
            self.frame(vec![Event::PointerMoved(pos)]);
        }
        self.button(to, false);
    }

    fn click(&mut self, pos: Pos2) {
        self.frame(vec![Event::PointerMoved(pos)]);
        self.button(pos, true);
        self.button(pos, false);
    }
}

/// A ride at a place of the song.
fn ride(song_s: f64) -> HitMark {
    HitMark::accepted(Drum::Ride, Some(song_s))
}

#[test]
fn it_draws_at_every_size_and_in_every_state() {
    let (width, height) = EditorState::MIN_SIZE;
    for (width, height) in [
        (width, height),
        (1180.0, 760.0),
        (2560.0, 1440.0),
        (300.0, 200.0),
    ] {
        let mut window = Window::new(width, height);
        assert!(window.frame(vec![]) > 100);
        for (status, problem) in [
            (Status::Running, ""),
            (
                Status::PassThrough,
                "The sample rate 4000 Hz is not supported",
            ),
        ] {
            let texts = Texts {
                model: "default 0.1.0".into(),
                problem: problem.into(),
                model_changes: 0,
            };
            window
                .audio
                .shared()
                .announce(status, 48_000.0, 3080, Quality::High, texts);
            for (drum, verdict) in Drum::ALL.into_iter().zip(
                [
                    Verdict::Accepted,
                    Verdict::BelowThreshold,
                    Verdict::TooSoon,
                    Verdict::Disabled,
                ]
                .into_iter()
                .cycle(),
            ) {
                window.audio.hit(
                    100,
                    HitMark {
                        verdict,
                        ..HitMark::accepted(drum, None)
                    },
                );
            }
            let before = window.frame(vec![]);
            window.audio.end_block(2_000, &Peaks::default(), None);
            assert!(window.frame(vec![]) > before / 2);
        }
    }
}

#[test]
fn a_switch_is_one_gesture() {
    let mut window = Window::new(1180.0, 760.0);
    let bypass = pos2(1180.0 - MARGIN - 32.0, MARGIN - 4.0 + header::HEIGHT / 2.0);
    window.click(bypass);
    assert!(window.params.bypass.value());
    assert_eq!(
        *window.host.gestures.lock().unwrap(),
        ["begin", "set", "end"]
    );
    window.click(bypass);
    assert!(!window.params.bypass.value());
}

#[test]
fn a_fader_is_dragged_in_one_gesture() {
    let mut window = Window::new(1180.0, 800.0);
    // On the track of the kick's fader.
    let fader = pos2(50.0, 470.0);
    window.drag(fader, fader + vec2(0.0, 30.0));
    let level_db = window.params.drums[0].level_db.value();
    assert!(level_db < -5.0, "the kick is at {level_db} dB");
    for drum in &window.params.drums[1..] {
        assert_eq!(drum.level_db.value(), 0.0);
    }
    let gestures = window.host.gestures.lock().unwrap();
    assert_eq!(gestures.first(), Some(&"begin"));
    assert_eq!(gestures.last(), Some(&"end"));
    assert_eq!(gestures.iter().filter(|what| **what == "begin").count(), 1);
}

#[test]
fn keys_are_the_hosts_but_for_text_that_is_typed() {
    let mut window = Window::new(1180.0, 800.0);
    let press = |window: &mut Window, key| window.key(key, Modifiers::NONE);
    for _ in 0..4 {
        press(&mut window, egui::Key::Tab);
        press(&mut window, egui::Key::Space);
        assert!(!window.context.egui_wants_keyboard_input());
    }
    assert!(window.host.gestures.lock().unwrap().is_empty());
}

/// Sees what is left of the events where frames end.
struct Leftovers(Arc<Mutex<Vec<Event>>>);

impl egui::Plugin for Leftovers {
    fn debug_name(&self) -> &'static str {
        "what is left"
    }

    fn output_hook(&mut self, context: &egui::Context, _: &mut egui::FullOutput) {
        context.input(|input| lock(&self.0).extend_from_slice(&input.events));
    }
}

#[test]
fn what_the_window_uses_of_keys_it_takes() {
    use egui::Key;
    let mut window = Window::new(1180.0, 800.0);
    let left = Arc::<Mutex<Vec<Event>>>::default();
    window.context.add_plugin(Leftovers(left.clone()));
    let is_left = |window: &mut Window, key, modifiers| {
        window.key(key, modifiers);
        std::mem::take(&mut *lock(&left))
            .iter()
            .any(|event| matches!(event, Event::Key { key: one, pressed: true, .. } if *one == key))
    };
    // Ending the program among them.
    for key in [Key::Q, Key::S, Key::V, Key::Z] {
        assert!(is_left(&mut window, key, Modifiers::COMMAND), "{key:?}");
    }
    for key in [Key::Space, Key::Escape, Key::ArrowDown] {
        assert!(is_left(&mut window, key, Modifiers::NONE), "{key:?}");
    }
    lock(&window.app.samples).open(Target::Pad(Drum::Kick));
    window.frame(vec![]);
    assert!(!is_left(&mut window, Key::V, Modifiers::COMMAND));
    assert!(is_left(&mut window, Key::S, Modifiers::COMMAND));
    assert!(!is_left(&mut window, Key::Escape, Modifiers::NONE));
    assert!(lock(&window.app.samples).browser.is_none());
    assert!(is_left(&mut window, Key::Escape, Modifiers::NONE));
}

#[test]
fn closing_stops_the_audio_threads_reports() {
    let window = Window::new(1180.0, 760.0);
    let Window { app, mut audio, .. } = window;
    let end = app.end.clone();
    drop(app);
    let peaks = Peaks {
        main: 0.5,
        ..Peaks::default()
    };
    audio.end_block(100_000, &peaks, None);
    assert_eq!(lock(&end).shared.take_main_peak(), 0.0);
}

#[test]
fn notes_of_another_instrument_are_chosen_at_once() {
    use idm_engine::note_map::NoteMap;
    let mut window = Window::new(1180.0, 760.0);
    window.frame(vec![]);
    let menu = window.place_of("Notes: General MIDI").expect("a menu");
    window.click(menu);
    window.frame(vec![]);
    let entry = window.place_of("Addictive Drums 2").expect("an entry");
    window.click(entry);
    assert_eq!(window.params.notes(), NoteMap::ADDICTIVE_DRUMS.notes);
    window.frame(vec![]);
    assert!(window.place_of("Notes: Addictive Drums 2").is_some());
}

mod dragging;
mod files;
mod legible;
mod midi;
mod model;
mod pads;
mod settings;
mod song;
mod steps;
mod values;
mod words;
mod zoom;
