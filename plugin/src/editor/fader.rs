//! A vertical fader with a level meter beside it.

use egui::{Align2, Color32, Rect, Sense, Ui, pos2, vec2};
use nice_plug::prelude::*;

use super::value_bar::{edit, gestures};
use super::{meter, theme};
use crate::heard::Level;

/// Shows a fader for `param` and a meter for `level` in `rect`. With Alt or Ctrl all of
/// `all` move with it.
#[allow(clippy::too_many_arguments)] // A fader and a meter.
pub fn fader(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &FloatParam,
    all: &[&FloatParam],
    level: Level,
    colour: Color32,
    hint: &str,
) {
    let text_height = 16.0;
    let body = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - text_height));
    let meter_width = (rect.width() * 0.28).clamp(6.0, 12.0);
    let place = Rect::from_min_max(pos2(body.right() - meter_width, body.top()), body.max);
    let track = Rect::from_min_max(body.min, pos2(place.left() - 4.0, body.bottom()));
    meter::vertical(ui, place, level, colour);

    let id = ui.scope_id().with(("fader", param.name()));
    let response = ui.interact(track, id, Sense::click_and_drag());
    let knob = vec2((track.width() - 2.0).min(30.0), 12.0);
    let travel = (track.height() - knob.y).max(1.0);
    edit(
        ui,
        &response,
        setter,
        param,
        all,
        -response.drag_delta().y / travel,
    );

    let value = param.unmodulated_normalized_value();
    let painter = ui.painter_at(rect);
    let x = track.center().x;
    let y = |fraction: f32| track.bottom() - knob.y / 2.0 - travel * fraction;
    let groove = Rect::from_center_size(track.center(), vec2(4.0, track.height()));
    painter.rect_filled(groove, 2, theme::GROOVE);
    let filled = Rect::from_min_max(pos2(x - 2.0, y(value)), pos2(x + 2.0, track.bottom()));
    painter.rect_filled(filled, 2, theme::faded(colour, 0.7));
    let unity = y(param.default_normalized_value());
    painter.hline(
        track.left()..=track.right(),
        unity,
        egui::Stroke::new(1.0, theme::LINE),
    );
    let handle = Rect::from_center_size(pos2(x, y(value)), knob);
    let fill = if response.hovered() || response.dragged() {
        theme::TEXT
    } else {
        Color32::from_rgb(0xc3, 0xc8, 0xd1)
    };
    painter.rect_filled(handle, theme::SMALL_ROUND, fill);
    painter.hline(
        handle.left() + 4.0..=handle.right() - 4.0,
        handle.center().y,
        egui::Stroke::new(1.5, theme::BACKGROUND),
    );
    painter.text(
        pos2(rect.center().x, rect.bottom()),
        Align2::CENTER_BOTTOM,
        param.normalized_value_to_string(value, true),
        theme::font(11.0),
        theme::TEXT,
    );
    response
        .on_hover_cursor(egui::CursorIcon::ResizeVertical)
        .on_hover_text(format!(
            "{hint} The meter stays red at its end for a while after a peak above 0 dBFS.\n\n{}",
            gestures(!all.is_empty())
        ));
}
