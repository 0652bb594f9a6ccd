//! The window without a screen: frames are drawn, pointers are moved, and what
//! the host would be told is looked at.
#![allow(unsafe_code)]

use egui::{Event, Modifiers, PointerButton, Pos2, RawInput};
use idm_engine::controls::Quality;
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
        let params: Arc<IdmParams> = Arc::default();
        let (audio, end) = link();
        let monitor = Arc::default();
        let end = Arc::new(Mutex::new(end));
        let mut app = IdmApp::new(params.clone(), end, monitor, Arc::default());
        let context = egui::Context::default();
        let host = Arc::new(Host::default());
        app.open(&context, GuiContext::new(host.clone()));
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
    HitMark {
        position: 0,
        drum: Drum::Ride,
        velocity: 0.8,
        confidence: 0.7,
        verdict: Verdict::Accepted,
        song_s: Some(song_s),
    }
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
                        position: 0,
                        drum,
                        velocity: 0.7,
                        confidence: 0.9,
                        verdict,
                        song_s: None,
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
    let mut window = Window::new(1180.0, 760.0);
    // The middle of the kick's fader track.
    let fader = pos2(50.0, 500.0);
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
fn a_pad_plays_its_drum_louder_at_the_top() {
    let mut window = Window::new(1180.0, 760.0);
    let top_of_strips = window.size.y - MARGIN - STRIP_HEIGHT.max(0.0);
    let mut velocities = Vec::new();
    for y in 0..60 {
        window.click(pos2(60.0, top_of_strips + y as f32));
        if let Some(velocity) = window.audio.shared().take_audition(Drum::Kick) {
            velocities.push(velocity);
        }
    }
    assert!(
        velocities.len() > 20,
        "{} clicks met the pad",
        velocities.len()
    );
    assert!(velocities.windows(2).all(|pair| pair[0] >= pair[1]));
    assert!(velocities[0] > 0.8 && velocities.last().is_some_and(|last| *last < 0.5));
    for drum in &Drum::ALL[1..] {
        assert_eq!(window.audio.shared().take_audition(*drum), None);
    }
}

#[test]
fn closing_stops_the_audio_threads_reports() {
    let window = Window::new(1180.0, 760.0);
    let Window { app, mut audio, .. } = window;
    let end = app.end.clone();
    drop(app);
    audio.end_block(100_000, &Peaks::default(), None);
    assert!(lock(&end).wave.pop().is_err());
}

/// Clicks along the toolbar until `done`; true if it came to that.
fn click_along_toolbar(window: &mut Window, mut done: impl FnMut(&mut Window) -> bool) -> bool {
    let y = MARGIN - 4.0 + header::HEIGHT + 2.0 + toolbar::HEIGHT / 2.0;
    let mut x = window.size.x - MARGIN - 2.0;
    while x > 500.0 {
        window.click(pos2(x, y));
        if done(window) {
            return true;
        }
        x -= 12.0;
    }
    false
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

#[test]
fn the_kit_is_saved_and_forgotten_by_its_buttons() {
    use idm_engine::learner::{LearntDrum, LearntKit, LearntLayer, encode_kit};
    use idm_engine::one_shots::OneShot;
    let folder = std::env::temp_dir().join(format!("idm-kits-{}", std::process::id()));
    let mut window = Window::new(1180.0, 760.0);
    window.app.kits_folder.clone_from(&folder);
    let one_shot = OneShot::new(44_100.0, vec![vec![0.5; 4_410]]).unwrap();
    let kit = LearntKit {
        drums: vec![LearntDrum {
            drum: Drum::Kick,
            layers: vec![LearntLayer {
                top_velocity: 1.0,
                one_shot: Arc::new(one_shot),
            }],
            hits: 5,
            confidence: 0.8,
        }],
        embedding: vec![],
    };
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(encode_kit(&kit));
    nice_plug::params::persist::PersistentField::set(&window.params.kit, text);
    assert!(click_along_toolbar(&mut window, |window| {
        window.app.notice.is_some()
    }));
    assert!(folder.join("Kit 1/kit.sfz").exists());
    assert!(folder.join("Kit 1/Kit_1_kick.wav").exists());
    let notice = window.app.notice.as_ref().expect("a notice");
    assert!(notice.is_good && notice.text.contains("Kit 1"));
    let forget = window.place_of("Forget").expect("a button");
    window.click(forget);
    assert!(!window.audio.shared().take_forget(), "once is not sure");
    assert_eq!(window.params.revision.value(), 0);
    window.click(forget);
    assert!(window.audio.shared().take_forget());
    assert_eq!(window.params.revision.value(), 1);
    window.click(forget);
    window.time_s += 5.0;
    window.click(forget);
    assert!(!window.audio.shared().take_forget(), "too late");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn pads_say_how_well_their_drum_is_learnt() {
    let mut window = Window::new(1180.0, 760.0);
    let before = window.frame(vec![]);
    let evidence = idm_engine::one_shots::Evidence {
        hits: 12,
        confidence: 0.8,
        pan: 0.5,
    };
    window.audio.shared().set_evidence(&[evidence; 9]);
    let texts = window.texts();
    assert!(window.frame(vec![]) >= before);
    let found = texts.iter().filter(|text| text.contains("12 hits  80 %"));
    assert_eq!(found.count(), 9, "{texts:?}");
}

#[test]
fn a_sample_of_ones_own_is_put_on_a_pad_and_taken_off() {
    use idm_engine::audio_file::{AudioBuffer, write_wav};
    let folder = std::env::temp_dir().join(format!("idm-samples-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let audio = AudioBuffer {
        sample_rate_hz: 48_000.0,
        channels: vec![vec![0.5; 2_000]],
    };
    write_wav(folder.join("My Boom.wav"), &audio).unwrap();
    std::fs::write(folder.join("broken.wav"), b"no audio").unwrap();

    let mut window = Window::new(1180.0, 760.0);
    window.app.samples_folder.clone_from(&folder);
    let top_of_strips = window.size.y - MARGIN - STRIP_HEIGHT;
    for y in 0..40 {
        if window.app.browser.is_none() {
            window.click(pos2(106.0, top_of_strips + y as f32));
        }
    }
    let drum = window.app.browser.as_ref().map(SampleBrowser::drum);
    assert_eq!(drum, Some(Drum::Kick));
    window.audio.shared().take_audition(Drum::Kick);

    let is_loaded = |window: &Window| window.params.own_samples.names()[0].is_some();
    let mut was_refused = false;
    for y in (200..560).step_by(6) {
        if !is_loaded(&window) {
            window.click(pos2(650.0, y as f32));
        }
        let browser = window.app.browser.as_ref();
        was_refused |= browser.is_some_and(|browser| browser.problem.contains("broken.wav"));
    }
    assert!(is_loaded(&window));
    assert!(was_refused, "the file that is no audio was not reached");
    assert_eq!(window.params.drums[0].blend.value(), 1.0);
    assert!(window.audio.shared().take_audition(Drum::Kick).is_some());
    assert!(window.texts().iter().any(|text| text == "My Boom"));

    // All files of the folder, of which one is no audio.
    write_wav(folder.join("other.wav"), &audio).unwrap();
    window.app.browser = Some(SampleBrowser::new(Drum::Kick, &folder));
    window.frame(vec![]);
    let all = window.place_of("All 3").expect("a button");
    window.click(all);
    let names = window.params.own_samples.names();
    assert!(names[0].as_ref().is_some_and(|name| name.ends_with("×2")));
    let browser = window.app.browser.as_ref();
    assert!(browser.is_some_and(|browser| browser.problem.contains("broken.wav")));

    window.frame(vec![Event::Key {
        key: egui::Key::Escape,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    }]);
    assert!(window.app.browser.is_none());
    window.params.own_samples.clear(Drum::Kick);
    window.frame(vec![]);
    assert!(window.texts().iter().all(|text| !text.ends_with("×2")));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn hits_are_corrected_where_they_were_heard_in_the_song() {
    use crate::corrections::Correction;
    let mut window = Window::new(1180.0, 760.0);
    let texts = Texts::default();
    window
        .audio
        .shared()
        .announce(Status::Running, 48_000.0, 3080, Quality::Standard, texts);
    window.frame(vec![]);
    // Two seconds of a song, a ride after one of them.
    for n in 0..400 {
        let song_s = f64::from(n) / 200.0;
        if n == 200 {
            window.audio.hit(0, ride(song_s));
        }
        window.audio.end_block(240, &Peaks::default(), Some(song_s));
        if n % 100 == 0 {
            window.frame(vec![]);
        }
    }
    window.frame(vec![]);
    let top = MARGIN - 4.0 + header::HEIGHT + 2.0 + toolbar::HEIGHT + theme::GAP;
    let bottom = window.size.y - MARGIN - STRIP_HEIGHT - theme::GAP;
    let rect = Rect::from_min_max(pos2(MARGIN, top), pos2(window.size.x - MARGIN, bottom));
    let lanes = super::super::lanes::Lanes::of(rect);
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
    // Dragging where nothing is moves along the song.
    window.drag(at(2.0, Drum::Snare), at(1.5, Drum::Snare));
    assert_eq!(said(&window).len(), 3);
    window.click(at(2.5, Drum::Kick));
    assert_eq!(said(&window).len(), 2, "the kick was there now");

    window.click(lanes.view_button().center());
    assert!(window.app.song.is_none());
}

mod midi;
mod settings;
mod zoom;
