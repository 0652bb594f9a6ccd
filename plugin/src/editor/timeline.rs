//! The last seconds: the input above, a lane of hits per drum below.

use egui::{Align2, Color32, Painter, Pos2, Rect, Sense, Stroke, Ui, pos2, vec2};
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::engine::Verdict;

use super::controls::panel;
use super::monitor::{HISTORY_SECONDS, Monitor};
use super::theme;
use crate::link::HitMark;

const LABEL_WIDTH: f32 = 78.0;

/// Share of the height that the waveform takes.
const WAVE_SHARE: f32 = 0.22;

/// Draws the timeline in `rect`.
pub fn show(ui: &mut Ui, rect: Rect, monitor: &Monitor) {
    panel(ui, rect);
    let inner = rect.shrink2(vec2(8.0, 6.0));
    let plot = Rect::from_min_max(pos2(inner.left() + LABEL_WIDTH, inner.top()), inner.max);
    let wave_height = plot.height() * WAVE_SHARE;
    let wave = Rect::from_min_size(plot.min, vec2(plot.width(), wave_height));
    let lanes = Rect::from_min_max(pos2(plot.left(), wave.bottom() + 3.0), plot.max);
    let painter = ui.painter_at(rect);

    paint_grid(&painter, plot);
    let input_label = pos2(inner.left(), wave.center().y);
    paint_label(&painter, input_label, 11.0, "Input", theme::DIM);
    paint_wave(&painter.with_clip_rect(wave), wave, monitor);
    for drum in Drum::ALL {
        paint_lane(&painter, lane_rect(lanes, drum), inner.left(), drum);
    }
    let clipped = painter.with_clip_rect(lanes);
    for hit in &monitor.hits {
        let centre = pos2(
            time_to_x(plot, monitor.age_s(hit.position)),
            lane_rect(lanes, hit.drum).center().y,
        );
        paint_hit(&clipped, centre, lane_rect(lanes, hit.drum).height(), hit);
    }
    if monitor.hits.is_empty() && monitor.wave.is_empty() {
        painter.text(
            lanes.center(),
            Align2::CENTER_CENTER,
            "Play the drum track: every hit appears here",
            theme::font(13.0),
            theme::DIM,
        );
    }
    explain(ui, plot, lanes, monitor);
}

/// Horizontal place of something `age_s` seconds ago.
fn time_to_x(plot: Rect, age_s: f64) -> f32 {
    plot.right() - (age_s / HISTORY_SECONDS) as f32 * plot.width()
}

fn lane_rect(lanes: Rect, drum: Drum) -> Rect {
    let height = lanes.height() / DRUM_COUNT as f32;
    let top = lanes.top() + height * drum.index() as f32;
    Rect::from_min_size(pos2(lanes.left(), top), vec2(lanes.width(), height))
}

fn paint_label(painter: &Painter, at: Pos2, size: f32, text: &str, colour: Color32) {
    painter.text(at, Align2::LEFT_CENTER, text, theme::font(size), colour);
}

fn paint_grid(painter: &Painter, plot: Rect) {
    painter.rect_filled(plot, theme::SMALL_ROUND, theme::GROOVE);
    for half_seconds in 1..(HISTORY_SECONDS * 2.0) as usize {
        let x = time_to_x(plot, half_seconds as f64 / 2.0);
        let opacity = if half_seconds % 2 == 0 { 0.9 } else { 0.35 };
        painter.vline(
            x,
            plot.y_range(),
            Stroke::new(1.0, theme::faded(theme::LINE, opacity)),
        );
    }
}

fn paint_wave(painter: &Painter, rect: Rect, monitor: &Monitor) {
    let middle = rect.center().y;
    let half = rect.height() / 2.0 - 1.0;
    let colour = theme::faded(theme::TEXT, 0.5);
    let x = |position: u64| time_to_x(rect, monitor.age_s(position));
    let points = monitor.wave.iter();
    for (from, to) in points.clone().zip(points.skip(1)) {
        // The square root keeps quiet passages visible.
        let height = (to.peak.min(1.0).sqrt() * half).max(0.5);
        let bar = Rect::from_min_max(
            pos2(x(from.position), middle - height),
            pos2(x(to.position), middle + height),
        );
        painter.rect_filled(bar, 0, colour);
    }
}

fn paint_lane(painter: &Painter, lane: Rect, left: f32, drum: Drum) {
    let accent = theme::accent(drum);
    let y = lane.center().y;
    painter.circle_filled(pos2(left + 4.0, y), 3.0, accent);
    let size = (lane.height() * 0.9).clamp(7.0, 11.0);
    paint_label(
        painter,
        pos2(left + 13.0, y),
        size,
        drum.name(),
        theme::TEXT,
    );
    painter.hline(
        lane.x_range(),
        y,
        Stroke::new(1.0, theme::faded(accent, 0.22)),
    );
}

fn paint_hit(painter: &Painter, centre: Pos2, lane_height: f32, hit: &HitMark) {
    let colour = theme::verdict_colour(hit.drum, hit.verdict);
    let half = (lane_height * 0.5 - 1.0) * (0.3 + 0.7 * hit.velocity);
    let body = Rect::from_center_size(centre, vec2(4.0, 2.0 * half));
    if hit.verdict == Verdict::Accepted {
        painter.rect_filled(body.expand(2.0), 3, theme::faded(colour, 0.25));
        painter.rect_filled(body, 2, colour);
    } else {
        // Refused hits are hollow, whatever their colour.
        painter.rect_stroke(
            body,
            2,
            Stroke::new(1.0, theme::faded(colour, 0.8)),
            egui::StrokeKind::Inside,
        );
    }
}

/// Tells about the hit under the pointer.
fn explain(ui: &mut Ui, plot: Rect, lanes: Rect, monitor: &Monitor) {
    let response = ui.interact(plot, ui.scope_id().with("timeline"), Sense::hover());
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let nearest = monitor
        .hits
        .iter()
        .filter(|hit| lane_rect(lanes, hit.drum).y_range().contains(pointer.y))
        .map(|hit| (time_to_x(plot, monitor.age_s(hit.position)), hit))
        .map(|(x, hit)| ((x - pointer.x).abs(), hit))
        .filter(|(distance, _)| *distance < 8.0)
        .min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, hit)) = nearest {
        let reason = match hit.verdict {
            Verdict::Accepted => "accepted",
            Verdict::BelowThreshold => "refused: too unsure. Raise Sensitivity to keep it",
            Verdict::TooSoon => "refused: too soon after the last one. Lower Gap to keep it",
            Verdict::Disabled => "refused: the drum is not in this piece",
            Verdict::Removed => "removed by hand",
        };
        response.on_hover_text_at_pointer(format!(
            "{}: velocity {:.0}, {:.0} % sure\n{reason}",
            hit.drum.name(),
            (hit.velocity * 127.0).round(),
            hit.confidence * 100.0,
        ));
    }
}
