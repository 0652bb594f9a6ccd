//! A vertical fader with a level meter beside it.

use egui::{Align2, Color32, Rect, Sense, Ui, pos2, vec2};
use nice_plug::prelude::*;

use super::theme;
use super::value_bar::edit;

/// Lowest level that the meter shows, in dB.
const METER_FLOOR_DB: f32 = -60.0;
/// Highest level that the meter shows, in dB.
const METER_TOP_DB: f32 = 6.0;

/// Shows a fader for `param` and a meter for `level` (linear) in `rect`. With Alt all of
/// `all` follow.
#[allow(clippy::too_many_arguments)] // A fader and a meter.
pub fn fader(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &FloatParam,
    all: &[&FloatParam],
    level: f32,
    colour: Color32,
    hint: &str,
) {
    let text_height = 16.0;
    let body = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - text_height));
    let meter_width = (rect.width() * 0.28).clamp(6.0, 12.0);
    let meter = Rect::from_min_max(pos2(body.right() - meter_width, body.top()), body.max);
    let track = Rect::from_min_max(body.min, pos2(meter.left() - 4.0, body.bottom()));
    paint_meter(ui, meter, level, colour);

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
        .on_hover_text(hint);
}

/// Position of a level on the meter, 0..1.
pub fn meter_fraction(level: f32) -> f32 {
    let level_db = 20.0 * level.max(1e-9).log10();
    ((level_db - METER_FLOOR_DB) / (METER_TOP_DB - METER_FLOOR_DB)).clamp(0.0, 1.0)
}

fn paint_meter(ui: &Ui, rect: Rect, level: f32, colour: Color32) {
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2, theme::GROOVE);
    let fraction = meter_fraction(level);
    if fraction > 0.0 {
        let top = rect.bottom() - rect.height() * fraction;
        let bar = Rect::from_min_max(pos2(rect.left(), top), rect.max);
        let colour = if level > 1.0 { theme::BAD } else { colour };
        painter.rect_filled(bar, 2, colour);
    }
    let full_scale = rect.bottom() - rect.height() * meter_fraction(1.0);
    painter.hline(
        rect.left()..=rect.right(),
        full_scale,
        egui::Stroke::new(1.0, theme::LINE),
    );
}

#[cfg(test)]
mod tests {
    use super::meter_fraction;

    #[test]
    fn the_meter_is_linear_in_db() {
        assert_eq!(meter_fraction(0.0), 0.0);
        assert!((meter_fraction(1.0) - 60.0 / 66.0).abs() < 1e-6);
        assert!((meter_fraction(0.1) - 40.0 / 66.0).abs() < 1e-6);
        assert_eq!(meter_fraction(100.0), 1.0);
    }
}
