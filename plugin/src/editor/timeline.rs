//! The last seconds: the input above, a lane of hits per drum below.

use egui::{Align2, Painter, Rect, Sense, Stroke, Ui, pos2};
use idm_engine::controls::HitSource;
use idm_engine::drum::Drum;
use idm_engine::engine::Verdict;
use idm_engine::transcriber::{HitEvidence, lesson_of};

use super::controls::{button, panel};
use super::lanes::{
    Lanes, hit_body, paint_hit, paint_number, paint_wave_bar, paint_words, reason, ruled_out,
};
use super::theme;
use crate::heard::{HISTORY_SECONDS, Monitor, velocity_as_set, verdict_as_set};
use crate::link::HitMark;

/// So much sound without a hit is worth a word, in seconds.
pub const NOTHING_HEARD_S: f64 = 4.0;

/// Draws the timeline in `rect`, where so many `corrections` are in effect; `hits` says where
/// hits come from, if an engine runs. True if the user wants to correct hits.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    monitor: &Monitor,
    corrections: usize,
    hits: Option<HitSource>,
    is_side_chained: bool,
) -> bool {
    panel(ui, rect);
    let lanes = Lanes::of(rect);
    let plot = lanes.plot;
    let painter = ui.painter_at(rect);
    lanes.paint(&painter);
    paint_grid(&painter, plot);
    paint_wave(&painter.with_clip_rect(lanes.wave), lanes.wave, monitor);
    paint_ages(&painter, &lanes);
    let clipped = painter.with_clip_rect(lanes.all());
    for hit in &monitor.hits {
        let lane = lanes.lane(hit.drum);
        let centre = pos2(
            time_to_x(plot, monitor.age_s(hit.position)),
            lane.center().y,
        );
        let velocity = velocity_as_set(hit, &monitor.take.by_hand);
        let body = hit_body(centre, lane.height(), velocity);
        let verdict = verdict_as_set(hit, &monitor.take.by_hand);
        paint_hit(&clipped, body, hit.drum, verdict);
    }
    if let Some(words) = hits.and_then(|hits| nothing_heard(monitor, hits)) {
        paint_words(&painter, lanes.all().center(), words, 1.0);
    } else if monitor.hits.is_empty() && monitor.is_silent() {
        let words = if is_side_chained {
            "Send the drum track to the side-chain and play it: every hit appears here"
        } else {
            "Play the drum track: every hit appears here"
        };
        painter.text(
            lanes.all().center(),
            Align2::CENTER_CENTER,
            words,
            theme::font(13.0),
            theme::DIM,
        );
    }
    explain(ui, &lanes, monitor);
    let hint = "Correct hits by hand, at their places in the song. Separation, one-shots and \
                MIDI follow.";
    let label = match corrections {
        0 => "Edit hits".to_owned(),
        1..100 => format!("Edit hits ({corrections})"),
        _ => format!("Edits ({corrections})"),
    };
    button(ui, lanes.view_button(), &label, hint).clicked()
}

/// What to do where sound comes in and no drum is heard in it.
fn nothing_heard(monitor: &Monitor, hits: HitSource) -> Option<&'static str> {
    let is_accepted =
        |hit: &HitMark| verdict_as_set(hit, &monitor.take.by_hand) == Verdict::Accepted;
    let is_long = monitor.sound_since_accepted_s >= NOTHING_HEARD_S && !monitor.is_silent();
    if !is_long || monitor.hits.iter().any(is_accepted) {
        return None;
    }
    Some(match hits {
        HitSource::Heard if monitor.hits.is_empty() => {
            "No drum is heard in this sound: is this the drum bus? Else raise Sensitivity"
        }
        HitSource::Heard => "No hit is sure enough: raise Sensitivity. Is this the drum bus?",
        HitSource::Given => {
            "No hits: send notes to this plugin's MIDI input, or set Hits to Listening"
        }
    })
}

/// Horizontal place of something `age_s` seconds ago.
fn time_to_x(plot: Rect, age_s: f64) -> f32 {
    plot.right() - (age_s / HISTORY_SECONDS) as f32 * plot.width()
}

fn paint_grid(painter: &Painter, plot: Rect) {
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

/// How long ago it was, at the foot of the waveform.
fn paint_ages(painter: &Painter, lanes: &Lanes) {
    for seconds in 1..HISTORY_SECONDS as usize {
        let x = time_to_x(lanes.plot, seconds as f64);
        let at = pos2(x + 3.0, lanes.wave.bottom() - 6.0);
        paint_number(painter, at, format!("−{seconds} s"));
    }
}

fn paint_wave(painter: &Painter, rect: Rect, monitor: &Monitor) {
    let x = |position: u64| time_to_x(rect, monitor.age_s(position));
    let points = monitor.wave.iter();
    for (from, to) in points.clone().zip(points.skip(1)) {
        paint_wave_bar(painter, rect, x(from.position), x(to.position), to.peak);
    }
}

/// Tells about the hit under the pointer.
fn explain(ui: &mut Ui, lanes: &Lanes, monitor: &Monitor) {
    let response = ui.interact(lanes.plot, ui.scope_id().with("timeline"), Sense::hover());
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let in_lane = |drum: Drum| lanes.lane(drum).y_range().contains(pointer.y);
    let nearest = monitor
        .hits
        .iter()
        .filter(|hit| in_lane(hit.drum))
        .map(|hit| (time_to_x(lanes.plot, monitor.age_s(hit.position)), hit))
        .map(|(x, hit)| ((x - pointer.x).abs(), hit))
        .filter(|(distance, _)| *distance < 8.0)
        .min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, hit)) = nearest {
        let by_hand = &monitor.take.by_hand;
        let is_off = !monitor.take.drums[hit.drum.index()].enabled;
        let verdict = verdict_as_set(hit, by_hand);
        let why = if HitEvidence::is_ruled_out(hit.margin) && verdict == Verdict::BelowThreshold {
            ruled_out(hit.drum)
        } else {
            reason(verdict, lesson_of(hit.taught), is_off)
        };
        response.on_hover_text_at_pointer(format!(
            "{}: velocity {:.0}, {:.0} % sure\n{}",
            hit.drum.name(),
            (velocity_as_set(hit, by_hand) * 127.0).round(),
            hit.confidence * 100.0,
            why,
        ));
    }
}
