//! Small controls: switches and choices, and the way values reach the host.

use egui::{Align2, Color32, ComboBox, Rect, Response, Sense, Stroke, StrokeKind, Ui};
use nice_plug::prelude::*;

use super::theme;
use super::value_bar::all_drums;

/// Sets a parameter as one gesture.
pub fn set<P: Param>(setter: &ParamSetter<'_>, param: &P, value: P::Plain) {
    setter.begin_set_parameter(param);
    setter.set_parameter(param, value);
    setter.end_set_parameter(param);
}

/// A button that stays pressed while `param` is on. Clicking toggles it; with Alt or Ctrl all of
/// `all` become the same.
#[allow(clippy::too_many_arguments)] // What is switched, and what it looks like.
pub fn switch(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &BoolParam,
    all: &[&BoolParam],
    label: &str,
    on_colour: Color32,
    hint: &str,
) -> Response {
    let response = show_switch(ui, rect, param, label, on_colour);
    if response.clicked() {
        let is_on = !param.value();
        let means_all = !all.is_empty() && ui.input(|input| all_drums(input.modifiers));
        let one = [param];
        for param in if means_all { all } else { &one[..] } {
            if param.value() != is_on {
                set(setter, *param, is_on);
            }
        }
    }
    response.on_hover_text(hint)
}

/// A switch of which a click with Alt or Ctrl leaves it as the only one of `all` that is on;
/// another one switches all off.
pub fn solo_switch(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &BoolParam,
    all: &[&BoolParam],
    hint: &str,
) {
    let response = show_switch(ui, rect, param, "S", theme::WARNING);
    if response.clicked() {
        let is_same = |other: &&BoolParam| std::ptr::eq(*other, param);
        let others_on = all.iter().filter(|other| !is_same(other) && other.value());
        let is_alone = param.value() && others_on.count() == 0;
        if ui.input(|input| all_drums(input.modifiers)) {
            for other in all {
                let is_on = is_same(other) && !is_alone;
                if other.value() != is_on {
                    set(setter, *other, is_on);
                }
            }
        } else {
            set(setter, param, !param.value());
        }
    }
    response.on_hover_text(hint);
}

fn show_switch(
    ui: &Ui,
    rect: Rect,
    param: &BoolParam,
    label: &str,
    on_colour: Color32,
) -> Response {
    let id = ui.scope_id().with(("switch", param.name()));
    let response = ui.interact(rect, id, Sense::click());
    paint_switch(
        ui,
        rect,
        param.value(),
        response.hovered(),
        label,
        on_colour,
    );
    response
}

fn paint_switch(
    ui: &Ui,
    rect: Rect,
    is_on: bool,
    is_hovered: bool,
    label: &str,
    on_colour: Color32,
) {
    let (fill, text) = match (is_on, is_hovered) {
        (true, _) => (on_colour, theme::BACKGROUND),
        (false, true) => (theme::HOVERED, theme::TEXT),
        (false, false) => (theme::RAISED, theme::DIM),
    };
    let painter = ui.painter_at(rect.expand(1.0));
    painter.rect_filled(rect, theme::SMALL_ROUND, fill);
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        label,
        theme::font(11.0),
        text,
    );
}

/// A button that does something once.
pub fn button(ui: &mut Ui, rect: Rect, label: &str, hint: &str) -> Response {
    button_of("", ui, rect, label, hint)
}

/// One of `part` of the window, of which another has a button that says the same.
pub fn button_of(part: &str, ui: &mut Ui, rect: Rect, label: &str, hint: &str) -> Response {
    let id = ui.scope_id().with(("button", part, label));
    let response = ui.interact(rect, id, Sense::click());
    paint_switch(ui, rect, false, response.hovered(), label, theme::RAISED);
    response.on_hover_text(hint)
}

/// A button that keeps its place while there is nothing to do; true if it is clicked.
pub fn button_if(is_possible: bool, ui: &mut Ui, rect: Rect, label: &str, hint: &str) -> bool {
    if is_possible {
        return button(ui, rect, label, hint).clicked();
    }
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, theme::SMALL_ROUND, theme::PANEL);
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        label,
        theme::font(11.0),
        theme::faded(theme::DIM, 0.6),
    );
    // Nothing behind it is meant.
    ui.interact(
        rect,
        ui.scope_id().with(("no button", label)),
        Sense::click(),
    );
    false
}

/// Time for which a button waits for its second click.
const SURE_S: f64 = 3.0;

/// A button that has to be clicked twice, for what nothing brings back. True then.
pub fn sure_button(ui: &mut Ui, rect: Rect, label: &str, hint: &str) -> bool {
    let id = ui.scope_id().with(("sure", label));
    let now_s = ui.input(|input| input.time);
    let asked_s = ui.data(|data| data.get_temp::<f64>(id));
    let is_asked = asked_s.is_some_and(|asked_s| now_s - asked_s < SURE_S);
    let response = ui.interact(rect, id, Sense::click());
    let shown = if is_asked { "Sure?" } else { label };
    paint_switch(ui, rect, false, response.hovered(), shown, theme::RAISED);
    let is_clicked = response.clicked();
    response.on_hover_text(hint);
    if is_clicked {
        ui.data_mut(|data| {
            if is_asked {
                data.remove::<f64>(id);
            } else {
                data.insert_temp(id, now_s);
            }
        });
    }
    is_clicked && is_asked
}

/// A drop-down of all values of `param`.
pub fn choice<T>(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &EnumParam<T>,
    hint: &str,
) where
    T: Enum + PartialEq + Copy + 'static,
{
    let current = param.value();
    let names = T::variants();
    let selected = names[current.to_index()];
    drop_down(ui, rect, param.name(), selected, hint, |ui| {
        for (index, name) in names.iter().enumerate() {
            let value = T::from_index(index);
            if ui.selectable_label(value == current, *name).clicked() && value != current {
                set(setter, param, value);
            }
        }
    });
}

/// A drop-down with any content.
pub fn drop_down(
    ui: &mut Ui,
    rect: Rect,
    id: &str,
    selected: &str,
    hint: &str,
    content: impl FnOnce(&mut Ui),
) {
    let builder = egui::UiBuilder::new().max_rect(rect).id_salt(id);
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().interact_size.y = rect.height();
        ui.spacing_mut().button_padding = egui::vec2(6.0, 0.0);
        ComboBox::from_id_salt(id)
            .width(rect.width())
            .height(420.0)
            .truncate()
            .selected_text(egui::RichText::new(selected).size(11.0))
            .show_ui(ui, content)
            .response
            .on_hover_text(hint);
    });
}

/// A panel in the background.
pub fn panel(ui: &Ui, rect: Rect) {
    ui.painter().rect(
        rect,
        theme::ROUND,
        theme::PANEL,
        Stroke::new(1.0, theme::LINE),
        StrokeKind::Inside,
    );
}
