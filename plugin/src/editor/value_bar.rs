//! A parameter as a bar: label on the left, value on the right, dragged
//! sideways.

use egui::text::{LayoutJob, TextWrapping};
use egui::{Align2, Color32, Rect, Response, Sense, Ui, pos2};
use nice_plug::prelude::*;

use super::controls::set;
use super::theme;
use super::type_in::type_in;

/// Said where a gesture can mean all drums.
pub const ALL_DRUMS: &str = " With Alt or Ctrl: all drums.";

/// Whether a gesture with these keys means all drums. Some window managers take Alt for
/// themselves.
pub fn all_drums(modifiers: egui::Modifiers) -> bool {
    modifiers.alt || modifiers.command
}

/// Fraction of the usual speed while Shift is held.
const FINE: f32 = 0.1;

/// What a bar looks like.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Name in as few words as possible.
    pub label: &'a str,
    /// Colour of the filled part.
    pub colour: Color32,
    /// Draw the fill from the middle, for values with two directions.
    pub is_bipolar: bool,
    /// What the parameter does, in the user's words.
    pub hint: &'a str,
}

/// Shows `param` in `rect` and lets it be dragged, reset by a double click, and
/// typed in after a right click. With Alt or Ctrl all of `all` follow.
pub fn value_bar<P: Param>(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &P,
    all: &[&P],
    look: Look<'_>,
) -> Response {
    let id = ui.scope_id().with(("value", param.name()));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let delta = response.drag_delta().x / rect.width().max(1.0);
    edit(ui, &response, setter, param, all, delta);

    let value = param.unmodulated_normalized_value();
    let painter = ui.painter_at(rect);
    let is_active = response.hovered() || response.dragged();
    let fill = if is_active {
        theme::HOVERED
    } else {
        theme::RAISED
    };
    painter.rect_filled(rect, theme::SMALL_ROUND, fill);
    let from: f32 = if look.is_bipolar { 0.5 } else { 0.0 };
    let x = |fraction: f32| rect.left() + rect.width() * fraction;
    let (low, high) = (from.min(value), from.max(value));
    let bar = Rect::from_min_max(
        pos2(x(low), rect.bottom() - 3.0),
        pos2(x(high), rect.bottom()),
    );
    painter.rect_filled(bar, 1, look.colour);

    let middle = rect.center().y - 1.0;
    let value = painter.text(
        pos2(rect.right() - 5.0, middle),
        Align2::RIGHT_CENTER,
        param.normalized_value_to_string(value, true),
        theme::font(11.0),
        theme::TEXT,
    );
    let left = rect.left() + 5.0;
    let mut job =
        LayoutJob::simple_singleline(look.label.to_owned(), theme::font(11.0), theme::DIM);
    // The value counts more than the name.
    job.wrap = TextWrapping::truncate_at_width((value.left() - 4.0 - left).max(0.0));
    let label = painter.layout_job(job);
    let place = Align2::LEFT_CENTER.anchor_size(pos2(left, middle), label.size());
    painter.galley(place.min, label, theme::DIM);
    response
        .on_hover_cursor(egui::CursorIcon::ResizeHorizontal)
        .on_hover_text(format!(
            "{}\n\nDrag; Shift for fine steps. Double click: default. Right click: type a value.{}",
            look.hint,
            if all.is_empty() { "" } else { ALL_DRUMS }
        ))
}

/// The gestures that bars and faders share. `delta` is how far the pointer
/// moved in this frame, as a fraction of the whole range. With Alt or Ctrl all of `all` follow
/// `param`.
pub fn edit<P: Param>(
    ui: &mut Ui,
    response: &Response,
    setter: &ParamSetter<'_>,
    param: &P,
    all: &[&P],
    delta: f32,
) {
    let id = response.id;
    let one = [param];
    let means_all = !all.is_empty() && ui.input(|input| all_drums(input.modifiers));
    if response.double_clicked() {
        for param in if means_all { all } else { &one[..] } {
            set(setter, *param, param.default_plain_value());
        }
        return;
    }
    let all_id = id.with("all");
    if response.drag_started_by(egui::PointerButton::Primary) {
        // The position is kept between the parameter's steps, or slow
        // movements would never reach the next one.
        ui.data_mut(|data| {
            data.insert_temp(id, param.unmodulated_normalized_value());
            // A gesture ends as it began, whatever becomes of the key.
            data.insert_temp(all_id, means_all);
        });
        for param in if means_all { all } else { &one[..] } {
            setter.begin_set_parameter(*param);
        }
    }
    let moves_all = ui.data(|data| data.get_temp::<bool>(all_id)) == Some(true);
    let moved = if moves_all { all } else { &one[..] };
    if response.dragged_by(egui::PointerButton::Primary) {
        let speed = if ui.input(|input| input.modifiers.shift) {
            FINE
        } else {
            1.0
        };
        let position = ui.data(|data| data.get_temp::<f32>(id));
        let position = position.unwrap_or_else(|| param.unmodulated_normalized_value());
        let position = (position + delta * speed).clamp(0.0, 1.0);
        ui.data_mut(|data| data.insert_temp(id, position));
        for param in moved {
            let value = param.preview_plain(position);
            if value != param.unmodulated_plain_value() {
                setter.set_parameter(*param, value);
            }
        }
    }
    // Escape and other buttons end a drag too; a host must hear of the end of every gesture.
    let is_open = response.id.with("open");
    if response.drag_started_by(egui::PointerButton::Primary) {
        ui.data_mut(|data| data.insert_temp(is_open, true));
    }
    if response.drag_stopped()
        && ui
            .data_mut(|data| data.remove_temp::<bool>(is_open))
            .is_some()
    {
        for param in moved {
            setter.end_set_parameter(*param);
        }
    }
    type_in(ui, response, setter, param);
}
