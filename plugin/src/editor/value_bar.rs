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
/// typed in after a right click. With Alt or Ctrl all of `all` move with it.
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
        .on_hover_text(format!("{}\n\n{}", look.hint, gestures(!all.is_empty())))
}

/// What bars and faders can be told, and whether `all` drums at once.
pub fn gestures(all: bool) -> String {
    let all = if all { ALL_DRUMS } else { "" };
    format!("Drag; Shift for fine steps. Double click: default. Right click: type a value.{all}")
}

/// A drag from its start on.
#[derive(Debug, Clone, Default)]
struct Drag {
    /// Where the value is, between the parameter's steps too: slow movements would never
    /// reach the next one. Normalised, as all here.
    position: f32,
    start: f32,
    /// Where all that follow began, if they do. A gesture ends as it began, whatever becomes
    /// of the key.
    starts_of_all: Option<Vec<f32>>,
}

/// The gestures that bars and faders share. `delta` is how far the pointer
/// moved in this frame, as a fraction of the whole range. With Alt or Ctrl all of `all` move as
/// far as `param` does, from where they were: one that is held at an end comes back to its
/// place among them.
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
    if response.drag_started_by(egui::PointerButton::Primary) {
        let value = |param: &P| param.unmodulated_normalized_value();
        let drag = Drag {
            position: value(param),
            start: value(param),
            starts_of_all: means_all.then(|| all.iter().map(|param| value(param)).collect()),
        };
        ui.data_mut(|data| data.insert_temp(id, drag));
        for param in if means_all { all } else { &one[..] } {
            setter.begin_set_parameter(*param);
        }
    }
    if response.dragged_by(egui::PointerButton::Primary)
        && let Some(mut drag) = ui.data(|data| data.get_temp::<Drag>(id))
    {
        let speed = if ui.input(|input| input.modifiers.shift) {
            FINE
        } else {
            1.0
        };
        drag.position = (drag.position + delta * speed).clamp(0.0, 1.0);
        let move_to = |param: &P, position: f32| {
            let value = param.preview_plain(position);
            if value != param.unmodulated_plain_value() {
                setter.set_parameter(param, value);
            }
        };
        match &drag.starts_of_all {
            Some(starts) => {
                let moved = drag.position - drag.start;
                for (param, start) in all.iter().zip(starts) {
                    move_to(param, (start + moved).clamp(0.0, 1.0));
                }
            }
            None => move_to(param, drag.position),
        }
        ui.data_mut(|data| data.insert_temp(id, drag));
    }
    // Escape and other buttons end a drag too; a host must hear of the end of every gesture.
    if response.drag_stopped()
        && let Some(drag) = ui.data_mut(|data| data.remove_temp::<Drag>(id))
    {
        let moved = match drag.starts_of_all {
            Some(_) => all,
            None => &one[..],
        };
        for param in moved {
            setter.end_set_parameter(*param);
        }
    }
    type_in(ui, response, setter, param);
}
