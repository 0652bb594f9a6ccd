//! A value that is typed in after a right click.

use egui::text::{CCursor, CCursorRange};
use egui::{Key, Popup, PopupCloseBehavior, Response, TextEdit, Ui};
use nice_plug::prelude::*;

use super::controls::set;
use super::theme;

/// What stands in the open field.
#[derive(Debug, Clone, Default)]
struct Entry {
    text: String,
    /// Whether it has been shown.
    is_shown: bool,
    /// Whether Enter was pressed and nobody understood it.
    is_refused: bool,
}

/// A field for `param`, after a right click on `response`. What cannot be understood stays,
/// with a word on what could be.
pub fn type_in<P: Param>(ui: &Ui, response: &Response, setter: &ParamSetter<'_>, param: &P) {
    let id = response.id.with("text");
    if response.secondary_clicked() {
        let entry = Entry {
            text: param.normalized_value_to_string(param.unmodulated_normalized_value(), true),
            ..Entry::default()
        };
        ui.data_mut(|data| data.insert_temp(id, entry));
    }
    // A click into the field moves the cursor there.
    let close = PopupCloseBehavior::CloseOnClickOutside;
    let menu = Popup::context_menu(response).close_behavior(close);
    menu.show(|ui| {
        let entry = ui.data(|data| data.get_temp::<Entry>(id));
        let mut entry = entry.unwrap_or_default();
        ui.label(param.name());
        let mut output = TextEdit::singleline(&mut entry.text)
            .desired_width(110.0)
            .show(ui);
        let field = &output.response;
        if field.changed() {
            entry.is_refused = false;
        }
        let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if is_entered {
            match param.string_to_normalized_value(&entry.text) {
                Some(normalized) => {
                    set(setter, param, param.preview_plain(normalized));
                    ui.close();
                }
                None => entry.is_refused = true,
            }
        }
        let is_over = is_entered && !entry.is_refused;
        if !is_over && ui.memory(|memory| memory.focused().is_none()) {
            field.request_focus();
        }
        if !entry.is_shown {
            // What is typed takes the place of what was there.
            let end = CCursor::new(entry.text.chars().count());
            let whole = CCursorRange::two(CCursor::new(0), end);
            output.state.cursor.set_char_range(Some(whole));
            output.state.store(ui.ctx(), field.id);
            entry.is_shown = true;
        }
        if entry.is_refused {
            ui.colored_label(theme::WARNING, expected(param));
        }
        ui.data_mut(|data| data.insert_temp(id, entry));
        if ui.button("Default").clicked() {
            set(setter, param, param.default_plain_value());
            ui.close();
        }
    });
}

/// What `param` understands.
fn expected(param: &impl Param) -> String {
    let [lowest, highest] = [0.0, 1.0].map(|end| param.normalized_value_to_string(end, true));
    format!("Not a value. Expected:\n{lowest} to {highest}")
}
