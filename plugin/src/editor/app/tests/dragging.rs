//! What is dropped on the window, and what is dragged out of it.

use std::path::{Path, PathBuf};

use idm_engine::audio_file::{AudioBuffer, write_wav};

use super::*;
use crate::editor::drag_drop::{Carried, Dropped, Files, Place};
use crate::editor::sample_browser::SampleBrowser;

/// A folder with sounds of these names, which goes with it.
struct Sounds(PathBuf);

impl Sounds {
    fn new(name: &str, files: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("idm-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for file in files {
            let audio = AudioBuffer {
                sample_rate_hz: 48_000.0,
                channels: vec![vec![0.5; 2_000]],
            };
            write_wav(folder.join(file), &audio).unwrap();
        }
        Self(folder)
    }

    /// These as a file manager drags them; without a name the folder.
    fn files(&self, names: &[&str]) -> Arc<Files> {
        let lines = names.iter().map(|name| self.0.join(name));
        let lines: Vec<String> = lines.map(|path| path.display().to_string()).collect();
        Arc::new(Files::of(&lines.join("\n")))
    }
}

impl Drop for Sounds {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn drop_files(window: &mut Window, place: Place, files: Arc<Files>) {
    let board = window.app.drag_drop.board();
    board.drop_files(Dropped { place, files });
    window.frame(vec![]);
}

fn name_on(window: &Window, drum: Drum) -> Option<String> {
    window.params.own_samples.names()[drum.index()].clone()
}

fn notice(window: &Window) -> (bool, String) {
    let notice = window.app.notice.as_ref().expect("a notice");
    (notice.is_good, notice.text.clone())
}

#[test]
fn files_that_are_dropped_on_a_pad_play_there_and_one_step_brings_back_what_was() {
    let sounds = Sounds::new("drop-pad", &["soft.wav", "loud.wav", "other.wav"]);
    let mut window = Window::new(1180.0, 760.0);
    let pad = Place::Pad(Drum::Snare);
    drop_files(&mut window, pad, sounds.files(&["other.wav"]));
    assert_eq!(name_on(&window, Drum::Snare).as_deref(), Some("other"));
    assert_eq!(
        notice(&window),
        (true, "The snare pad plays other".to_owned())
    );
    assert!(window.audio.shared().take_audition(Drum::Snare).is_some());
    assert_eq!(window.params.drums[1].blend.value(), 1.0);
    assert_eq!(window.params.revision.value(), 1, "the host is told");

    drop_files(&mut window, pad, sounds.files(&["soft.wav", "loud.wav"]));
    assert_eq!(name_on(&window, Drum::Snare).as_deref(), Some("soft ×2"));
    window.params.own_samples.undo(&[Drum::Snare]);
    assert_eq!(name_on(&window, Drum::Snare).as_deref(), Some("other"));

    drop_files(&mut window, Place::Pad(Drum::Kick), sounds.files(&[""]));
    let name = name_on(&window, Drum::Kick).expect("a folder");
    assert!(name.ends_with("×3"), "{name}");
}

#[test]
fn a_folder_that_is_dropped_beside_the_pads_is_a_kit() {
    let sounds = Sounds::new("drop-kit", &["kick.wav", "ride.wav"]);
    let mut window = Window::new(1180.0, 760.0);
    let files = sounds.files(&["kick.wav", "ride.wav"]);
    drop_files(&mut window, Place::Elsewhere, files);
    assert_eq!(name_on(&window, Drum::Kick), None);
    let (is_good, text) = notice(&window);
    assert!(!is_good && text.contains("on a pad"), "{text}");
    drop_files(&mut window, Place::Elsewhere, sounds.files(&[""]));
    assert!(name_on(&window, Drum::Kick).is_some() && name_on(&window, Drum::Ride).is_some());
    let (is_good, text) = notice(&window);
    assert!(
        is_good && text.starts_with("2 pads play samples of"),
        "{text}"
    );
    let other = Sounds::new("drop-no-kit", &["song.wav"]);
    drop_files(&mut window, Place::Elsewhere, other.files(&[""]));
    let (is_good, text) = notice(&window);
    assert!(!is_good && text.contains("named after drums"), "{text}");
}

#[test]
fn the_open_list_follows_what_is_dropped_on_it() {
    let sounds = Sounds::new("drop-list", &["a.wav", "b.wav"]);
    let mut window = Window::new(1180.0, 760.0);
    lock(&window.app.samples).open(Target::Pad(Drum::Ride));
    window.frame(vec![]);
    let listed = |window: &Window| {
        let samples = lock(&window.app.samples);
        samples.browser.as_ref().map(|b| b.folder().to_owned())
    };
    let list = Place::List(Drum::Ride);
    drop_files(&mut window, list, sounds.files(&["b.wav"]));
    assert_eq!(name_on(&window, Drum::Ride).as_deref(), Some("b"));
    assert_eq!(listed(&window).as_deref(), Some(sounds.0.as_path()));
    let above = sounds.0.parent().map(Path::to_owned);
    let folder = Files::of(&above.as_ref().unwrap().display().to_string());
    drop_files(&mut window, list, Arc::new(folder));
    assert_eq!(listed(&window), above);
    assert_eq!(name_on(&window, Drum::Ride).as_deref(), Some("b"));
    // What is pasted there goes on the pad, together.
    let text = format!("{0}/a.wav\n{0}/b.wav", sounds.0.display());
    window.frame(vec![Event::Paste(text)]);
    assert_eq!(name_on(&window, Drum::Ride).as_deref(), Some("a ×2"));
}

#[test]
fn what_is_carried_over_the_window_is_told_what_will_happen() {
    let sounds = Sounds::new("carried", &["boom.wav"]);
    let mut window = Window::new(1180.0, 760.0);
    window.frame(vec![]);
    let says = |window: &mut Window, place, files, what: &str| {
        let carried = Some(Carried { place, files });
        window.app.drag_drop.board().carry(carried);
        window.frame(vec![]);
        window.texts().iter().any(|text| text.contains(what))
    };
    let files = Some(sounds.files(&["boom.wav"]));
    let pad = Place::Pad(Drum::Crash);
    assert!(says(&mut window, pad, None, "Drop it on the crash pad"));
    assert!(says(
        &mut window,
        pad,
        files.clone(),
        "Puts boom.wav on the crash pad"
    ));
    let shapes_over = window.frame(vec![]);
    let elsewhere = Place::Elsewhere;
    let both = Some(sounds.files(&["boom.wav", ""]));
    assert!(says(&mut window, elsewhere, both, "Drop samples on a pad"));
    assert!(window.frame(vec![]) < shapes_over, "the pad is not marked");
    let learns = "Learns the kit that is played in boom.wav";
    assert!(says(&mut window, elsewhere, files, learns));
    window.app.drag_drop.board().carry(None);
    window.frame(vec![]);
    let texts = window.texts();
    assert!(!texts.iter().any(|text| text.contains("Drop samples")));
}

#[test]
fn the_pads_and_the_list_are_where_they_are_drawn() {
    let mut window = Window::new(1180.0, 760.0);
    window.frame(vec![]);
    let at = |window: &mut Window, place: Pos2| {
        let pixels = place * window.context.pixels_per_point();
        window.app.drag_drop.board().place_at(pixels.x, pixels.y)
    };
    // The lowest of its names.
    let floor = window.place_of("Floor tom").expect("a pad");
    assert_eq!(at(&mut window, floor), Place::Pad(Drum::FloorTom));
    let button = window.place_of("Save kit").expect("a button");
    assert_eq!(at(&mut window, button), Place::Elsewhere);
    lock(&window.app.samples).browser =
        Some(SampleBrowser::new(Target::Kit, &std::env::temp_dir()));
    window.frame(vec![]);
    window.frame(vec![]);
    let middle = pos2(590.0, 380.0);
    assert_eq!(at(&mut window, middle), Place::Kit);
}

#[test]
fn a_button_that_is_dragged_out_of_the_window_saves_once_it_is_outside() {
    let folder = Sounds::new("drag-out", &[]);
    let mut window = super::midi::played();
    window.app.kits_folder.clone_from(&folder.0);
    let saved = || std::fs::read_dir(&folder.0).unwrap().count();
    let button = window.place_of("Save MIDI").expect("a button");
    // Within the window nothing happens.
    window.drag(button, button + vec2(-300.0, 200.0));
    assert_eq!(saved(), 0);
    window.frame(vec![Event::PointerMoved(button)]);
    window.button(button, true);
    window.frame(vec![Event::PointerMoved(button + vec2(-40.0, 0.0))]);
    let texts = window.texts();
    let hint = "Drag the MIDI out of this window";
    assert!(texts.iter().any(|text| text.contains(hint)), "{texts:?}");
    assert_eq!(saved(), 0);
    let outside = pos2(window.size.x + 50.0, 300.0);
    for by in [0.0, 20.0, 40.0] {
        window.frame(vec![Event::PointerMoved(outside + vec2(by, 0.0))]);
    }
    assert_eq!(saved(), 1, "once");
    assert!(folder.0.join("Hits 1.mid").exists());
    assert!(notice(&window).1.starts_with("MIDI saved as"));
    window.button(outside, false);
    window.click(button);
    assert_eq!(saved(), 2, "a click saves as ever");
    // A drum that was not learnt has nothing to give.
    let pad = window.place_of("Mid tom").expect("a pad");
    window.drag(pad, outside);
    assert_eq!(saved(), 2);
    let (is_good, text) = notice(&window);
    assert!(!is_good && text.contains("has not been learnt"), "{text}");
    // Nor is anything dragged that was not pressed.
    window.drag(pos2(500.0, 20.0), outside);
    assert_eq!(saved(), 2);
}
