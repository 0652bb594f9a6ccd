//! What is drawn fits the window.

use super::*;

#[test]
fn a_loaded_zoom_is_followed() {
    let mut window = Window::new(1180.0, 760.0);
    assert_eq!(window.context.zoom_factor(), 1.0);
    update_editor_state(&window.params, |state| state.zoom = 1.5);
    window.frame(vec![]);
    window.frame(vec![]);
    assert_eq!(window.context.zoom_factor(), 1.5);
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
    let zoom = editor_state(&window.params).zoom;
    assert!((zoom - 0.8).abs() < 1e-3, "{zoom}");
    window.frame(vec![]);
    assert!((window.context.zoom_factor() - 0.8).abs() < 1e-3);
}
