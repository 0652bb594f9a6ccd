//! Level meters, linear in dB.

use egui::{Color32, Rect, Ui, pos2, vec2};

use super::theme;

/// Lowest level that meters show, in dB.
const METER_FLOOR_DB: f32 = -60.0;
/// Highest level that meters show, in dB.
const METER_TOP_DB: f32 = 6.0;

/// A meter of `level` (linear) up `rect`, with a line at full scale.
pub fn vertical(ui: &Ui, rect: Rect, level: f32, colour: Color32) {
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2, theme::GROOVE);
    let filled = fraction(level);
    if filled > 0.0 {
        let top = rect.bottom() - rect.height() * filled;
        let bar = Rect::from_min_max(pos2(rect.left(), top), rect.max);
        let colour = if level > 1.0 { theme::BAD } else { colour };
        painter.rect_filled(bar, 2, colour);
    }
    let full_scale = rect.bottom() - rect.height() * fraction(1.0);
    painter.hline(
        rect.left()..=rect.right(),
        full_scale,
        egui::Stroke::new(1.0, theme::LINE),
    );
}

/// A meter of `level` (linear) across `rect`, thinner than it.
pub fn horizontal(ui: &Ui, rect: Rect, level: f32) {
    let rect = rect.shrink2(vec2(0.0, 7.0));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2, theme::GROOVE);
    let filled = fraction(level);
    let bar = Rect::from_min_max(
        rect.min,
        pos2(rect.left() + rect.width() * filled, rect.bottom()),
    );
    let colour = if level > 1.0 { theme::BAD } else { theme::GOOD };
    painter.rect_filled(bar, 2, colour);
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
