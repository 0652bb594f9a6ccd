//! Keys that the window has, and those that it leaves to the host.

use egui::{Context, Key, KeyboardShortcut, Modifiers, Popup, TextEdit, Ui};

/// The key of a step back, in the user's words.
pub const UNDO_KEY: &str = if cfg!(target_os = "macos") {
    "⌘Z"
} else {
    "Ctrl+Z"
};
/// That of a step forth.
pub const REDO_KEY: &str = if cfg!(target_os = "macos") {
    "⇧⌘Z or ⌘Y"
} else {
    "Ctrl+Shift+Z or Ctrl+Y"
};

/// Whether the keys for a step back, and for one forth, were pressed: not those that a text
/// field or an open list takes.
pub fn keys_of_steps(ui: &Ui) -> [bool; 2] {
    if ui.ctx().egui_wants_keyboard_input() || Popup::is_any_open(ui.ctx()) {
        return [false; 2];
    }
    let again = KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    let redo = KeyboardShortcut::new(Modifiers::COMMAND, Key::Y);
    let undo = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
    ui.input_mut(|input| {
        // The longer one first: the shorter one takes it, too.
        let is_redo = input.consume_shortcut(&again) | input.consume_shortcut(&redo);
        [input.consume_shortcut(&undo), is_redo]
    })
}

/// Takes the key away by which programs end: a window within another one would close and leave
/// a hole.
pub fn leave_ending_to_host(context: &Context) {
    context.options_mut(|options| options.quit_shortcuts.clear());
}

/// Lets go of what Tab has chosen, which nobody sees: the space bar would switch it, and the
/// host would get no key any more. Text fields and open lists have the keys.
pub fn leave_keys_to_host(context: &Context) {
    let focused = context.memory(|memory| memory.focused());
    if let Some(id) = focused
        && !Popup::is_any_open(context)
        && TextEdit::load_state(context, id).is_none()
    {
        context.memory_mut(|memory| memory.surrender_focus(id));
    }
}
