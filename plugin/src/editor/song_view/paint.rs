//! How the song is drawn.

use egui::{CursorIcon, Painter, Pos2, Rect, Response, Stroke, StrokeKind, Ui, pos2, vec2};
use idm_engine::engine::Verdict;
use idm_engine::midi_file::Beat;

use super::super::lanes::{
    Lanes, hit_body, paint_hit, paint_number, paint_wave_bar, paint_words, reason, ruled_out,
};
use super::super::theme;
use super::{Held, Scale};
use crate::corrections::MOMENT_S;
use crate::heard::Take;
use crate::heard::marks::{self, Mark, Origin};

/// Time in which advice makes way, in seconds.
const FADE_S: f32 = 0.3;

/// Room in points for a line of a beat, and for the number of a bar.
const BEAT_ROOM: f64 = 9.0;
const BAR_ROOM: f64 = 36.0;

/// The waveform of what is shown.
pub(super) fn paint_wave(painter: &Painter, lanes: &Lanes, scale: Scale, take: &Take) {
    for x in lanes.plot.left() as i32..lanes.plot.right() as i32 {
        let (from, to) = (x as f32, x as f32 + 1.0);
        let peak = take.peak(scale.song_s(from), scale.song_s(to));
        if peak > 0.0 {
            paint_wave_bar(painter, lanes.wave, from, to, peak);
        }
    }
}

/// The moment that is asked about, and where in the song it is.
pub(super) fn paint_asked(
    painter: &Painter,
    lanes: &Lanes,
    scale: Scale,
    asked_s: f64,
    at: String,
) {
    let (from, to) = (scale.x(asked_s - MOMENT_S), scale.x(asked_s + MOMENT_S));
    let band = Rect::from_x_y_ranges(
        from.min(to - 9.0)..=to.max(from + 9.0),
        lanes.plot.y_range(),
    );
    painter.rect_filled(band, 2, theme::faded(theme::BRAND, 0.18));
    match lanes.wave_foot() {
        Some(foot) => paint_number(painter, pos2(band.right() + 5.0, foot), at),
        // Buttons are above the mark, none at the left end.
        None => {
            let place = pos2(lanes.plot.left() + 5.0, lanes.wave.bottom() - 7.0);
            paint_number(painter, place, format!("marked: {at}"));
        }
    }
}

/// The mark that is dragged, where it would be put.
pub(super) fn paint_held(
    painter: &Painter,
    held: &Held,
    pointer: Pos2,
    lanes: &Lanes,
    scale: Scale,
) {
    let (mark, place) = (held.mark, held.place(pointer, scale, false));
    if let Some(drum) = lanes.drum_at(pointer.y) {
        let lane = lanes.lane(drum);
        painter.rect_filled(lane, 2, theme::faded(theme::accent(drum), 0.12));
        let song_s = place.map_or(mark.song_s, |place| place.song_s);
        let centre = pos2(scale.x(song_s), lane.center().y);
        let body = hit_body(centre, lane.height(), mark.velocity);
        painter.rect_filled(body.expand(1.0), 2, theme::accent(drum));
    }
}

/// Room in points for the place that is asked about, beside its mark.
const ASKED_ROOM: f32 = 90.0;

/// A line of words: at the left foot of the waveform, or at the foot of the lanes if what is
/// asked about is marked there, at `asked_x`; in the lanes it makes way for the pointer.
pub(super) fn paint_advice(
    ui: &Ui,
    lanes: &Lanes,
    asked_x: Option<f32>,
    is_near: bool,
    text: &str,
) {
    let painter = ui.painter_at(lanes.plot);
    let id = ui.scope_id().with("advice");
    let opacity = 1.0 - ui.ctx().animate_bool_with_time(id, is_near, FADE_S);
    let width = painter
        .layout_no_wrap(text.to_owned(), theme::font(12.0), theme::TEXT)
        .size()
        .x;
    let left = lanes.plot.left() + 12.0;
    let taken = left - ASKED_ROOM..left + width + 24.0;
    let is_free = asked_x.is_none_or(|x| !taken.contains(&x));
    match lanes.wave_foot().filter(|_| is_free) {
        Some(foot) => {
            let at = pos2(left + 0.5 * width, foot - 2.0);
            paint_words(&painter, at, text, 1.0);
        }
        None if opacity > 0.0 => {
            let at = pos2(lanes.plot.center().x, lanes.all().bottom() - 10.0);
            paint_words(&painter, at, text, opacity);
        }
        None => {}
    }
}

/// Lines for beats and numbers for bars, as many as there is room for.
pub(super) fn paint_bars(painter: &Painter, scale: Scale, beats: &[Beat]) {
    let first_bar = beats.first().map_or(1, |beat| beat.bar);
    let bars = beats.last().map_or(1, |beat| beat.bar) - first_bar + 1;
    let width = f64::from(scale.plot.width()).max(1.0);
    let shows_beats = width / beats.len() as f64 >= BEAT_ROOM;
    let mut step = 1;
    while width / bars as f64 * (step as f64) < BAR_ROOM {
        step *= 2;
    }
    for beat in beats {
        let is_numbered = beat.is_first() && (beat.bar - 1).is_multiple_of(step);
        if !is_numbered && !shows_beats {
            continue;
        }
        let x = scale.x(beat.time_s);
        let colour = if is_numbered {
            theme::faded(theme::DIM, 0.6)
        } else {
            theme::LINE
        };
        painter.vline(x, scale.plot.y_range(), Stroke::new(1.0, colour));
        if is_numbered {
            let at = pos2(x + 3.0, scale.plot.top() + 6.0);
            let text = beat.bar.to_string();
            paint_number(painter, at, text);
        }
    }
}

/// Lines and times, as many as there is room for.
pub(super) fn paint_seconds(painter: &Painter, scale: Scale, span_s: f64) {
    let steps = [0.1, 0.5, 1.0, 5.0, 10.0];
    let step_s = *steps
        .iter()
        .find(|step_s| span_s / **step_s <= 12.0)
        .unwrap_or(&steps[steps.len() - 1]);
    let first = (scale.start_s / step_s).floor() as i64;
    for number in first..=first + (span_s / step_s) as i64 + 1 {
        let song_s = number as f64 * step_s;
        let x = scale.x(song_s);
        painter.vline(x, scale.plot.y_range(), Stroke::new(1.0, theme::LINE));
        if song_s >= 0.0 {
            let (minutes, seconds) = ((song_s / 60.0) as i64, song_s % 60.0);
            let text = format!("{minutes}:{seconds:04.1}");
            let at = pos2(x + 3.0, scale.plot.top() + 6.0);
            paint_number(painter, at, text);
        }
    }
}

pub(super) fn paint_mark(painter: &Painter, lanes: &Lanes, scale: Scale, mark: &Mark) {
    let lane = lanes.lane(mark.drum);
    let centre = pos2(scale.x(mark.song_s), lane.center().y);
    let body = hit_body(centre, lane.height(), mark.velocity);
    let colour = theme::accent(mark.drum);
    match mark.origin {
        Origin::Heard { verdict, .. } => paint_hit(painter, body, mark.drum, verdict),
        Origin::Added => {
            if mark.is_off {
                paint_hit(painter, body, mark.drum, Verdict::Disabled);
            } else {
                painter.rect_filled(body, 2, colour);
            }
            let line = Stroke::new(1.0, theme::TEXT);
            painter.rect_stroke(body.expand(1.5), 2, line, StrokeKind::Outside);
        }
        Origin::Removed => {
            let line = Stroke::new(1.5, theme::faded(colour, 0.7));
            let arm = vec2(4.0, 4.0);
            painter.line_segment([centre - arm, centre + arm], line);
            let arm = vec2(4.0, -4.0);
            painter.line_segment([centre - arm, centre + arm], line);
        }
    }
}

/// What the waveform is good for.
const WAVE_HINT: &str = "Drag or wheel: along the song. Ctrl and wheel: magnify. Drag with Alt or \
                         Ctrl: all corrections move, as a clip that was moved.";

/// Tells about the mark under the pointer, or the waveform.
pub(super) fn explain(response: Response, lanes: &Lanes, scale: Scale, marks: &[Mark]) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    if lanes.wave.contains(pointer) && !response.dragged() {
        response.on_hover_text(WAVE_HINT);
        return;
    }
    let Some(mark) = lanes
        .drum_at(pointer.y)
        .and_then(|drum| marks::mark_at(marks, drum, scale.song_s(pointer.x), scale.reach_s()))
    else {
        return;
    };
    let name = mark.drum.name();
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    response.on_hover_text_at_pointer(match mark.origin {
        Origin::Heard {
            verdict,
            confidence,
            taught,
            is_ruled_out,
        } => format!(
            "{name}: velocity {:.0}, {:.0} % sure\n{}",
            (mark.velocity * 127.0).round(),
            confidence * 100.0,
            if is_ruled_out && verdict == Verdict::BelowThreshold {
                ruled_out(mark.drum)
            } else {
                reason(verdict, taught, mark.is_off)
            }
        ),
        Origin::Added if mark.is_off => format!(
            "{name}: added by hand, but the drum is not in this piece; click to take that back"
        ),
        Origin::Added => format!("{name}: added by hand; click to take that back"),
        Origin::Removed => format!("{name}: removed by hand; click to take that back"),
    });
}
