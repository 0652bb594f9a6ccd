//! The kit and the stems from a file.

use super::*;
use crate::file_work::tests::Folder;

/// Draws frames until the file is at its end.
fn finish(window: &mut Window) -> (bool, String) {
    while window.app.file_work.progress().is_some() {
        std::thread::sleep(Duration::from_millis(5));
    }
    window.frame(vec![]);
    let notice = window.app.notice.as_ref().expect("a notice");
    (notice.is_good, notice.text.clone())
}

fn open_list(window: &mut Window, folder: &Folder) {
    lock(&window.app.samples).folder = Some(folder.0.clone());
    let button = window.place_of("From file").expect("a button");
    window.click(button);
    window.frame(vec![]);
}

#[test]
fn a_click_on_a_recording_learns_its_kit_and_undo_brings_the_other_back() {
    let folder = Folder::new("window-learns", 8.0);
    let mut window = Window::new(1180.0, 760.0);
    open_list(&mut window, &folder);
    let title = "Recording to learn the kit from";
    assert!(window.texts().iter().any(|text| text == title));
    assert!(window.place_of("Undo").is_none());
    let file = window.place_of("loop.wav").expect("a row");
    window.click(file);
    window.frame(vec![]);
    assert!(lock(&window.app.samples).browser.is_none(), "it is closed");
    let texts = window.texts();
    let says = |texts: &[String], what: &str| texts.iter().any(|text| text.ends_with(what));
    assert!(says(&texts, " % learnt from loop.wav"), "{texts:?}");
    assert!(says(&texts, "Cancel") && !says(&texts, "From file"));
    assert_eq!(window.params.revision.value(), 0, "nothing has changed yet");

    let (is_good, text) = finish(&mut window);
    assert!(
        is_good && text.starts_with("Kit of loop.wav: kick"),
        "{text}"
    );
    assert!(window.params.learning.value(), "it goes on from there");
    assert_eq!(window.params.revision.value(), 1, "the host is told");
    assert!(!window.params.kit.current().is_empty());

    open_list(&mut window, &folder);
    let undo = window.place_of("Undo").expect("a button");
    window.click(undo);
    window.frame(vec![]);
    assert!(window.params.kit.current().is_empty());
    assert_eq!(window.params.revision.value(), 2);
    assert!(window.place_of("Undo").is_none());
}

#[test]
fn a_file_that_is_heard_can_be_cancelled_and_takes_no_other_beside_it() {
    let folder = Folder::new("window-cancels", 60.0);
    let mut window = Window::new(1180.0, 760.0);
    window.app.learn_from(&folder.song());
    window.app.learn_from(&folder.song());
    let notice = window.app.notice.as_ref().expect("a notice");
    assert!(!notice.is_good && notice.text.starts_with("Still hearing loop.wav"));
    let cancel = window.place_of("Cancel").expect("a button");
    window.click(cancel);
    let (is_good, text) = finish(&mut window);
    assert!(is_good && text.ends_with("cancelled"), "{text}");
    assert!(window.params.kit.current().is_empty());
    assert_eq!(window.params.revision.value(), 0);
    assert!(window.place_of("From file").is_some());
}

#[test]
fn a_window_that_was_closed_meanwhile_says_what_became_of_the_file() {
    let folder = Folder::new("window-closed", 8.0);
    let mut window = Window::new(1180.0, 760.0);
    let (params, work) = (window.params.clone(), window.app.file_work.clone());
    window.app.learn_from(&folder.song());
    drop(window);
    while work.progress().is_some() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!params.kit.current().is_empty());
    let mut window = Window::of(params, 1180.0, 760.0);
    window.app.file_work = work;
    window.frame(vec![]);
    let (is_good, text) = finish(&mut window);
    assert!(is_good && text.starts_with("Kit of loop.wav"), "{text}");
    assert_eq!(window.params.revision.value(), 1);
}

#[test]
#[cfg(not(windows))]
fn a_path_that_is_pasted_into_the_list_is_learnt_from() {
    let folder = Folder::new("window-pastes", 60.0);
    std::fs::write(folder.0.join("broken.wav"), b"no audio").unwrap();
    let mut window = Window::new(1180.0, 760.0);
    open_list(&mut window, &folder);
    let path = folder.0.join("broken.wav").display().to_string();
    window.frame(vec![Event::Paste(path)]);
    let (is_good, text) = finish(&mut window);
    let why = "Nothing learnt from broken.wav: not an audio file";
    assert!(!is_good && text.starts_with(why), "{text}");
}

#[test]
fn the_button_is_there_in_the_smallest_window() {
    let (width, height) = EditorState::MIN_SIZE;
    let mut window = Window::new(width, height);
    let right = width - 2.0 * MARGIN;
    for label in ["Learn", "From file", "Forget", "Save kit", "Load kit"] {
        let place = window.place_of(label).expect(label);
        assert!(place.x < right, "{label} at {place:?}");
    }
    assert!(window.place_of("Main output").is_none(), "the first to go");
    let mut window = Window::new(EditorState::default().width, height);
    for label in ["Main output", "Stems", "Save MIDI"] {
        assert!(window.place_of(label).is_some(), "{label}");
    }
}

#[test]
fn a_file_that_is_dropped_beside_the_pads_is_learnt_from() {
    use crate::editor::drag_drop::{Dropped, Files, Place};
    let folder = Folder::new("window-drops", 1.0);
    let mut window = Window::new(1180.0, 760.0);
    let files = Arc::new(Files::of(&folder.song().display().to_string()));
    let place = Place::Elsewhere;
    let board = window.app.drag_drop.board();
    assert!(board.drop_files(Dropped { place, files }));
    window.frame(vec![]);
    let (is_good, text) = finish(&mut window);
    assert!(
        !is_good && text.contains("of at least 2 s, found 1.0 s"),
        "{text}"
    );
}

#[test]
fn a_click_on_a_recording_writes_its_stems_which_can_be_dragged_out() {
    let folder = Folder::new("window-stems", 4.0);
    let mut window = Window::new(1180.0, 760.0);
    window.app.kits_folder = folder.0.join("Music");
    lock(&window.app.samples).folder = Some(folder.0.clone());
    let button = window.place_of("Stems").expect("a button");
    // There is nothing to drag yet.
    let outside = button + vec2(0.0, -200.0);
    window.drag(button, outside);
    assert!(window.app.notice.is_none() && !window.app.kits_folder.exists());
    window.frame(vec![]);
    window.click(button);
    window.frame(vec![]);
    let says = |texts: &[String], what: &str| texts.iter().any(|text| text.ends_with(what));
    assert!(says(&window.texts(), "Recording to write the stems of"));
    let file = window.place_of("loop.wav").expect("a row");
    window.click(file);
    window.frame(vec![]);
    assert!(lock(&window.app.samples).browser.is_none(), "it is closed");
    let texts = window.texts();
    assert!(says(&texts, " % of the stems of loop.wav"), "{texts:?}");
    let words = ["Cancel", "From file"];
    assert!(words.iter().all(|word| says(&texts, word)) && !says(&texts, "Stems"));

    let (is_good, text) = finish(&mut window);
    let stems = folder.0.join("Music").join("loop stems");
    let expected = format!("Stems of loop.wav saved in {}", stems.display());
    assert!(is_good && text.starts_with(&expected), "{text}");
    let notice = window.app.notice.as_ref().expect("a notice");
    assert_eq!(notice.folder.as_ref(), Some(&stems));
    assert!(stems.join("kick.wav").is_file());
    assert_eq!(
        window.params.revision.value(),
        0,
        "the project is as it was"
    );
    assert!(window.params.kit.current().is_empty());

    window.button(button, true);
    window.frame(vec![Event::PointerMoved(button - vec2(30.0, 0.0))]);
    assert!(says(
        &window.texts(),
        "Drag the stems out of this window to tracks"
    ));
    window.button(button, false);
    std::fs::remove_dir_all(&stems).unwrap();
    window.drag(button, outside);
    let notice = window.app.notice.as_ref().expect("a notice");
    assert!(
        !notice.is_good && notice.text.contains("any more"),
        "{}",
        notice.text
    );
}

#[test]
fn what_is_dropped_on_the_button_or_its_list_is_separated() {
    use crate::editor::drag_drop::{Dropped, Files, Place};
    let folder = Folder::new("window-stems-drop", 60.0);
    let mut window = Window::new(1180.0, 760.0);
    window.app.kits_folder = folder.0.join("Music");
    let place = Place::Stems;
    let drop_it = |window: &mut Window, path: &std::path::Path| {
        let files = Arc::new(Files::of(&path.display().to_string()));
        let board = window.app.drag_drop.board();
        assert!(board.drop_files(Dropped { place, files }));
        window.frame(vec![]);
    };
    drop_it(&mut window, &folder.0);
    let listed = lock(&window.app.samples)
        .browser
        .as_ref()
        .map(|b| (b.target(), b.folder().to_owned()));
    assert_eq!(listed, Some((Target::Stems, folder.0.clone())));
    drop_it(&mut window, &folder.song());
    window.frame(vec![]);
    let cancel = window.place_of("Cancel").expect("a button");
    window.click(cancel);
    let (is_good, text) = finish(&mut window);
    assert!(
        is_good && text == "No stems of loop.wav: cancelled",
        "{text}"
    );
    // A short file is one of a single sound, and that has stems, too; a text has none.
    let broken = folder.0.join("broken.wav");
    std::fs::write(&broken, b"no audio").unwrap();
    drop_it(&mut window, &broken);
    let (is_good, text) = finish(&mut window);
    assert!(
        !is_good && text.starts_with("No stems of broken.wav: not an audio file"),
        "{text}"
    );
}
