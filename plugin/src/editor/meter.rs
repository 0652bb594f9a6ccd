//! Level meters, linear in dB.

use egui::{Color32, Rect, Ui, pos2, vec2};

use super::theme;
use crate::heard::Level;

/// Lowest level that meters show, in dB.
const METER_FLOOR_DB: f32 = -60.0;
/// Highest level that meters show, in dB.
const METER_TOP_DB: f32 = 6.0;

/// A meter of `level` up `rect`, with a line at full scale; what is above that is red, and
/// stays so for a while.
pub fn vertical(ui: &Ui, rect: Rect, level: Level, colour: Color32) {
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2, theme::GROOVE);
    let filled = fraction(level.peak);
    if filled > 0.0 {
        let top = rect.bottom() - rect.height() * filled;
        let bar = Rect::from_min_max(pos2(rect.left(), top), rect.max);
        painter.rect_filled(bar, 2, colour_of(level.peak, colour));
    }
    let full_scale = rect.bottom() - rect.height() * fraction(1.0);
    if level.is_over() {
        let over = Rect::from_min_max(rect.min, pos2(rect.right(), full_scale));
        painter.rect_filled(over, 2, theme::BAD);
    }
    painter.hline(
        rect.left()..=rect.right(),
        full_scale,
        egui::Stroke::new(1.0, theme::LINE),
    );
}

/// A meter of `level` across `rect`, thinner than it.
pub fn horizontal(ui: &Ui, rect: Rect, level: Level) {
    let rect = rect.shrink2(vec2(0.0, 7.0));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2, theme::GROOVE);
    let x = |level: f32| rect.left() + rect.width() * fraction(level);
    let bar = Rect::from_min_max(rect.min, pos2(x(level.peak), rect.bottom()));
    painter.rect_filled(bar, 2, colour_of(level.peak, theme::GOOD));
    if level.is_over() {
        let over = Rect::from_min_max(pos2(x(1.0), rect.top()), rect.max);
        painter.rect_filled(over, 2, theme::BAD);
    }
}

fn colour_of(peak: f32, colour: Color32) -> Color32 {
    if peak > 1.0 { theme::BAD } else { colour }
}

/// Position of a level on a meter, 0..1.
fn fraction(level: f32) -> f32 {
    let level_db = 20.0 * level.max(1e-9).log10();
    ((level_db - METER_FLOOR_DB) / (METER_TOP_DB - METER_FLOOR_DB)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::fraction;

    #[test]
    fn the_meter_is_linear_in_db() {
        assert_eq!(fraction(0.0), 0.0);
        assert!((fraction(1.0) - 60.0 / 66.0).abs() < 1e-6);
        assert!((fraction(0.1) - 40.0 / 66.0).abs() < 1e-6);
        assert_eq!(fraction(100.0), 1.0);
    }
}
