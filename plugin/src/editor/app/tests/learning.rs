//! The kit from a file.

use super::*;
use crate::file_learner::tests::Folder;

/// Draws frames until the file is at its end.
fn finish(window: &mut Window) -> (bool, String) {
    while window.app.file_learner.progress().is_some() {
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
    assert!(!notice.is_good && notice.text.starts_with("Still learning from loop.wav"));
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
    let (params, learner) = (window.params.clone(), window.app.file_learner.clone());
    window.app.learn_from(&folder.song());
    drop(window);
    while learner.progress().is_some() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!params.kit.current().is_empty());
    let mut window = Window::of(params, 1180.0, 760.0);
    window.app.file_learner = learner;
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
    assert!(window.place_of("Main output").is_some() && window.place_of("Save MIDI").is_some());
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
