//! What is drawn fits the window.

use super::*;

/// The state of a project that was saved with another window.
fn load_other(params: &IdmParams) {
    use nice_plug::params::Params;
    let other = IdmParams::default();
    other.editor.update(|state| {
        state.zoom = 1.5;
        state.width = 1300.0;
    });
    params.deserialize_fields(&other.serialize_fields());
}

#[test]
fn a_project_opens_with_its_zoom_and_later_states_leave_the_window_alone() {
    let params = Arc::new(IdmParams::default());
    load_other(&params);
    let mut window = Window::of(params, 1180.0, 760.0);
    assert_eq!(window.context.zoom_factor(), 1.5);
    assert_eq!(window.params.editor.get().width, 1300.0);

    window.params.editor.update(|state| state.zoom = 1.0);
    window.frame(vec![]);
    load_other(&window.params);
    window.frame(vec![]);
    window.frame(vec![]);
    assert_eq!(window.context.zoom_factor(), 1.0, "a host has undone");
    // Nor the one that is opened after it.
    let params = window.params.clone();
    drop(window);
    load_other(&params);
    assert_eq!(params.editor.get().zoom, 1.0);
}

#[test]
fn the_buttons_change_it() {
    let mut window = Window::new(1180.0, 760.0);
    let smaller = window.place_of("−").expect("a button");
    window.click(smaller);
    window.frame(vec![]);
    window.frame(vec![]);
    assert_eq!(window.context.zoom_factor(), 0.75);
    assert!(window.texts().iter().any(|text| text == "75 %"));
}

#[test]
fn a_window_that_is_too_small_shows_everything_smaller() {
    let mut window = Window::new(1180.0, 760.0);
    window.size = vec2(800.0, 760.0);
    window.app.fit.window_has_changed();
    window.frame(vec![]);
    let zoom = window.params.editor.get().zoom;
    assert!((zoom - 0.8).abs() < 1e-3, "{zoom}");
    window.frame(vec![]);
    assert!((window.context.zoom_factor() - 0.8).abs() < 1e-3);
}
