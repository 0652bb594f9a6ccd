//! Pads: heard, learnt, saved, with samples of one's own.

use super::*;
use crate::editor::sample_browser::SampleBrowser;

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
    let save = window.place_of("Save kit").expect("a button");
    window.click(save);
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
    // Forgotten, they say so at once, whether or not audio runs.
    for label in ["Forget", "Sure?"] {
        let button = window.place_of(label).expect(label);
        window.click(button);
        window.frame(vec![]);
    }
    let texts = window.texts();
    assert!(
        !texts.iter().any(|text| text.contains("12 hits")),
        "{texts:?}"
    );
}

#[test]
fn arrow_keys_go_through_the_files_of_a_folder() {
    use idm_engine::audio_file::{AudioBuffer, write_wav};
    let folder = std::env::temp_dir().join(format!("idm-arrows-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("a folder")).unwrap();
    for name in ["one.wav", "two.wav", "three.wav"] {
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![vec![0.5; 2_000]],
        };
        write_wav(folder.join(name), &audio).unwrap();
    }
    let mut window = Window::new(1180.0, 760.0);
    lock(&window.app.samples).folder = Some(folder.clone());
    lock(&window.app.samples).open(Target::Pad(Drum::Snare));
    window.frame(vec![]);
    let press = |window: &mut Window, key| {
        window.frame(vec![Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        }]);
        window.params.own_samples.names()[1].clone()
    };
    let names = [
        (egui::Key::ArrowDown, "one"),
        (egui::Key::ArrowDown, "three"),
        (egui::Key::ArrowDown, "two"),
        // There is none after it.
        (egui::Key::ArrowDown, "two"),
        (egui::Key::ArrowUp, "three"),
    ];
    for (key, name) in names {
        assert_eq!(press(&mut window, key).as_deref(), Some(name));
        assert!(window.audio.shared().take_audition(Drum::Snare).is_some() || name == "two");
    }
    let back = window.place_of("‹").expect("a button");
    window.click(back);
    window.frame(vec![]);
    let name = window.params.own_samples.names()[1].clone();
    assert_eq!(name.as_deref(), Some("one"));
    std::fs::remove_dir_all(folder).unwrap();
}

/// Whether the list of samples says something of a file.
fn complains_of(window: &Window, file: &str) -> bool {
    let samples = lock(&window.app.samples);
    let browser = samples.browser.as_ref();
    browser.is_some_and(|browser| browser.problem.contains(file))
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
    lock(&window.app.samples).folder = Some(folder.clone());
    let top_of_strips = window.size.y - MARGIN - STRIP_HEIGHT;
    for y in 0..40 {
        if lock(&window.app.samples).browser.is_none() {
            window.click(pos2(106.0, top_of_strips + y as f32));
        }
    }
    let target = lock(&window.app.samples)
        .browser
        .as_ref()
        .map(SampleBrowser::target);
    assert_eq!(target, Some(Target::Pad(Drum::Kick)));
    window.audio.shared().take_audition(Drum::Kick);

    let is_loaded = |window: &Window| window.params.own_samples.names()[0].is_some();
    let mut was_refused = false;
    for y in (200..560).step_by(6) {
        if !is_loaded(&window) {
            window.click(pos2(650.0, y as f32));
        }
        was_refused |= complains_of(&window, "broken.wav");
    }
    assert!(is_loaded(&window));
    assert!(was_refused, "the file that is no audio was not reached");
    assert_eq!(window.params.drums[0].blend.value(), 1.0);
    assert!(window.audio.shared().take_audition(Drum::Kick).is_some());
    assert!(window.texts().iter().any(|text| text == "My Boom"));

    // All files of the folder, of which one is no audio.
    write_wav(folder.join("other.wav"), &audio).unwrap();
    lock(&window.app.samples).browser = Some(SampleBrowser::new(Target::Pad(Drum::Kick), &folder));
    window.frame(vec![]);
    let all = window.place_of("All 3").expect("a button");
    window.click(all);
    let names = window.params.own_samples.names();
    assert!(names[0].as_ref().is_some_and(|name| name.ends_with("×2")));
    assert!(complains_of(&window, "broken.wav"));

    // Back and forth; all buttons have room.
    let width = |window: &Window| {
        let samples = lock(&window.app.samples);
        samples
            .browser
            .as_ref()
            .map(|browser| browser.rect().width())
    };
    let usual = width(&window);
    for (name, on_pad) in [("Undo", "My Boom"), ("Redo", "×2")] {
        let button = window.place_of(name).expect(name);
        window.click(button);
        window.frame(vec![]);
        let names = window.params.own_samples.names();
        assert!(names[0].as_ref().is_some_and(|name| name.ends_with(on_pad)));
        assert_eq!(width(&window), usual, "after {name}");
    }
    assert!(window.place_of("Redo").is_none());

    window.frame(vec![Event::Key {
        key: egui::Key::Escape,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    }]);
    assert!(lock(&window.app.samples).browser.is_none());
    window.params.own_samples.clear(&[Drum::Kick]);
    window.frame(vec![]);
    assert!(window.texts().iter().all(|text| !text.ends_with("×2")));
    std::fs::remove_dir_all(folder).unwrap();
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
fn a_folder_of_samples_is_loaded_as_a_kit() {
    use idm_engine::audio_file::{AudioBuffer, write_wav};
    let folder = std::env::temp_dir().join(format!("idm-kit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["song_kick.wav", "song_ride.wav", "song.wav"] {
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![vec![0.5; 2_000]],
        };
        write_wav(folder.join(name), &audio).unwrap();
    }
    let mut window = Window::new(1180.0, 760.0);
    lock(&window.app.samples).folder = Some(folder.clone());
    let button = window.place_of("Load kit").expect("a button");
    window.click(button);
    window.frame(vec![]);
    assert!(
        window
            .texts()
            .iter()
            .any(|text| text == "song_ride.wav  ·  Ride")
    );
    let load = window.place_of("Load 2 drums").expect("a button");
    window.click(load);
    window.frame(vec![]);
    let names = window.params.own_samples.names();
    assert!(names[0].is_some() && names[8].is_some() && names[1].is_none());
    let blends = |window: &Window| [0, 1, 8].map(|n: usize| window.params.drums[n].blend.value());
    assert_eq!(blends(&window), [1.0, 0.0, 1.0]);
    assert!(
        window
            .texts()
            .iter()
            .any(|text| text.contains("song.wav: named like no drum"))
    );
    let undo = window.place_of("Undo").expect("a button");
    window.click(undo);
    window.frame(vec![]);
    assert!(window.params.own_samples.names()[0].is_none());
    assert_eq!(blends(&window), [0.0; 3]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
#[cfg(not(windows))]
fn a_file_that_was_copied_elsewhere_goes_on_the_pad() {
    use idm_engine::audio_file::{AudioBuffer, write_wav};
    let folder = std::env::temp_dir().join(format!("idm-pasted-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    let audio = AudioBuffer {
        sample_rate_hz: 48_000.0,
        channels: vec![vec![0.5; 2_000]],
    };
    write_wav(folder.join("deep/my snare.wav"), &audio).unwrap();
    let mut window = Window::new(1180.0, 760.0);
    lock(&window.app.samples).folder = Some(folder.clone());
    lock(&window.app.samples).open(Target::Pad(Drum::Snare));
    window.frame(vec![]);
    // As the windowing library hands it on: the keys, and the text as if it were typed.
    let paste = |window: &mut Window, text: String, modifiers| {
        let key = Event::Key {
            key: egui::Key::V,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers,
        };
        window.frame(vec![key, Event::Text(text)]);
        window.params.own_samples.names()[1].clone()
    };
    let address = format!("file://{}/deep/my%20snare.wav", folder.display());
    assert_eq!(paste(&mut window, address.clone(), Modifiers::NONE), None);
    let name = paste(&mut window, address, Modifiers::COMMAND);
    assert_eq!(name.as_deref(), Some("my snare"));
    assert!(window.audio.shared().take_audition(Drum::Snare).is_some());
    let listed = |window: &Window| {
        let samples = lock(&window.app.samples);
        samples
            .browser
            .as_ref()
            .map(|browser| browser.folder().to_owned())
    };
    assert_eq!(listed(&window), Some(folder.join("deep")));
    paste(
        &mut window,
        folder.display().to_string(),
        Modifiers::COMMAND,
    );
    assert_eq!(listed(&window), Some(folder.clone()));
    // What is no file leaves everything as it is, and says so.
    for (text, word) in [
        ("drums", "no whole path"),
        ("/not/there.wav", "no such file"),
    ] {
        paste(&mut window, text.to_owned(), Modifiers::COMMAND);
        let texts = window.texts();
        assert!(texts.iter().any(|text| text.contains(word)), "{texts:?}");
        assert_eq!(listed(&window), Some(folder.clone()));
    }
    std::fs::remove_dir_all(folder).unwrap();
}
