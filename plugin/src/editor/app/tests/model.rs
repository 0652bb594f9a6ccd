//! The drum model in the header.

use super::words::window;
use super::*;
use crate::model_choice::tests::renamed_copy;

/// The window over an engine with the model of the project.
fn run(window: &mut Window) {
    let texts = Texts {
        model: "default 0.1.0".to_owned(),
        model_changes: window.params.model.changes(),
        ..Texts::default()
    };
    let shared = window.audio.shared();
    shared.announce(Status::Running, 48_000.0, 3080, Quality::Standard, texts);
    window.frame(vec![]);
}

fn says(window: &mut Window, what: &str) -> bool {
    window.texts().iter().any(|text| text.contains(what))
}

fn click(window: &mut Window, text: &str) {
    let place = window.place_of(text).unwrap_or_else(|| panic!("no {text}"));
    window.click(place);
    window.frame(vec![]);
}

#[test]
fn another_model_is_chosen_from_the_header_and_given_back() {
    let folder = renamed_copy("my_kits");
    let name = folder
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let parent = folder.path().parent().unwrap().to_owned();
    let hidden = name.starts_with('.');
    let mut window = window(1180.0, 760.0);
    run(&mut window);
    click(&mut window, "model default 0.1.0");
    click(&mut window, "Another model …");
    assert!(says(&mut window, "Folder of a drum model"));
    assert_eq!(window.params.revision.value(), 0);

    let mut samples = lock(&window.app.samples);
    let browser = samples.browser.as_mut().unwrap();
    // Hidden folders have no row.
    browser.go(if hidden {
        folder.path().to_owned()
    } else {
        parent
    });
    drop(samples);
    window.frame(vec![]);
    let row = if hidden {
        "Load model".to_owned()
    } else {
        format!("{name}/  ·  model")
    };
    click(&mut window, &row);
    assert_eq!(window.params.model.folder().as_deref(), Some(folder.path()));
    assert!(lock(&window.app.samples).browser.is_none(), "it is closed");
    assert!(says(&mut window, "The model my_kits 0.1.0"));
    assert_eq!(window.params.revision.value(), 1, "the host is told");
    window.app.notice = None;
    assert!(says(&mut window, "until the plugin is restarted"));

    run(&mut window);
    assert!(!says(&mut window, "until the plugin is restarted"));
    click(&mut window, "model default 0.1.0");
    click(&mut window, "Built-in model");
    assert!(window.params.model.is_built_in());
    assert_eq!(window.params.revision.value(), 2);
}

#[test]
fn a_folder_that_is_no_model_changes_nothing_and_says_why() {
    let empty = tempfile::tempdir().unwrap();
    let mut window = window(1180.0, 760.0);
    run(&mut window);
    window.app.take_model(empty.path());
    assert!(window.params.model.is_built_in());
    assert!(says(&mut window, "Model not loaded"));
}
