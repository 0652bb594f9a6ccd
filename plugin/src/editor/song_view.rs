//! The song by place: hits are removed, added and moved to other drums here.

use std::ops::RangeInclusive;

use egui::{
    Align2, Key, Painter, PointerButton, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2,
    vec2,
};
use idm_engine::controls::HitSource;
use idm_engine::engine::Verdict;
use idm_engine::midi_file::Beat;

use super::controls::{button, panel};
use super::lanes::{Lanes, hit_body, paint_hit, paint_wave_bar, reason};
use super::theme;
use crate::corrections::{Corrections, MOMENT_S};
use crate::heard::Take;
use crate::heard::marks::{self, Mark, Origin};
use crate::heard::teaching::{self, Place};

/// Shortest and longest part of the song that is shown, in seconds.
const SPAN_S: (f64, f64) = (0.5, 60.0);

/// Distance in points within which a mark is meant.
const REACH: f32 = 7.0;

/// Way in points that a mark has to be dragged along the song before it moves, and how much
/// more for each point that it is dragged across the lanes.
const DEAD_ZONE: f32 = 7.0;
const DEAD_SLOPE: f32 = 0.25;

/// Where in the view the playhead is after a page was turned.
const PAGE_START: f64 = 0.08;

/// Room in points for a line of a beat, and for the number of a bar.
const BEAT_ROOM: f64 = 9.0;
const BAR_ROOM: f64 = 36.0;

/// What the user wants beyond the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SongWish {
    /// Back to what is heard now.
    Done,
    /// The song's hits in a file.
    SaveMidi,
}

/// A mark that is dragged.
#[derive(Debug, Clone, Copy)]
struct Held {
    mark: Mark,
    /// Where the button went down.
    origin: Pos2,
}

impl Held {
    /// Where it is put in time if it is let go at `pointer`; none if that is where it is.
    fn place(&self, pointer: Pos2, scale: Scale, is_exact: bool) -> Option<Place> {
        let way = pointer - self.origin;
        let is_meant = way.x.abs() > DEAD_ZONE + DEAD_SLOPE * way.y.abs();
        is_meant.then(|| Place {
            song_s: self.mark.song_s + f64::from(way.x) / scale.points_per_s,
            snaps: !is_exact,
        })
    }
}

/// What part of the song is shown, and what the pointer holds.
#[derive(Debug)]
pub struct SongView {
    start_s: f64,
    span_s: f64,
    /// Whether pages are turned with the playhead.
    follows: bool,
    held: Option<Held>,
    /// The moment that is asked about.
    asked_s: Option<f64>,
    /// Those that the user could not tell.
    passed_s: Vec<f64>,
    /// Whether there was nothing left to ask about.
    has_no_doubt: bool,
}

impl SongView {
    /// The part of the song that was heard last, or its beginning.
    pub fn new(take: &Take) -> Self {
        let span_s = 4.0;
        let beginning_s = -PAGE_START * span_s;
        let recent_s = take.recent_s().unwrap_or(0.0);
        let is_begun = recent_s > beginning_s + span_s;
        Self {
            start_s: if is_begun {
                recent_s - 0.5 * span_s
            } else {
                beginning_s
            },
            span_s,
            follows: true,
            held: None,
            asked_s: None,
            passed_s: Vec::new(),
            has_no_doubt: false,
        }
    }
}

/// Seconds to points.
#[derive(Clone, Copy)]
struct Scale {
    plot: Rect,
    start_s: f64,
    points_per_s: f64,
}

impl Scale {
    fn x(self, song_s: f64) -> f32 {
        self.plot.left() + ((song_s - self.start_s) * self.points_per_s) as f32
    }

    fn song_s(self, x: f32) -> f64 {
        self.start_s + f64::from(x - self.plot.left()) / self.points_per_s
    }

    fn reach_s(self) -> f64 {
        f64::from(REACH) / self.points_per_s
    }
}

impl SongView {
    /// Draws the view in `rect` and does what the user does there; answers what is left to
    /// others.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        take: &Take,
        corrections: &Corrections,
        hits: HitSource,
    ) -> Option<SongWish> {
        panel(ui, rect);
        let lanes = Lanes::of(rect);
        let id = ui.scope_id().with("song");
        let response = ui.interact(lanes.plot, id, Sense::click_and_drag());
        // What is pressed must be there when it is let go.
        let is_held =
            response.is_pointer_button_down_on() || response.clicked() || response.drag_stopped();
        if !is_held {
            self.follow(take);
        }
        self.move_view(ui, &response, lanes.plot, take.span_s());
        let scale = Scale {
            plot: lanes.plot,
            start_s: self.start_s,
            points_per_s: f64::from(lanes.plot.width()) / self.span_s,
        };
        let list = corrections.current();
        let end_s = self.start_s + self.span_s;
        let marks = marks::marks(take, &list, self.start_s, end_s);
        self.edit(&response, &lanes, scale, &marks, take, corrections);

        let painter = ui.painter_at(rect);
        lanes.paint(&painter);
        let clipped = painter.with_clip_rect(lanes.plot);
        for x in lanes.plot.left() as i32..lanes.plot.right() as i32 {
            let (from, to) = (x as f32, x as f32 + 1.0);
            let peak = take.peak(scale.song_s(from), scale.song_s(to));
            if peak > 0.0 {
                paint_wave_bar(&clipped, lanes.wave, from, to, peak);
            }
        }
        let beats = take.grid().beats(self.start_s, end_s);
        if beats.is_empty() {
            paint_seconds(&clipped, scale, self.span_s);
        } else {
            paint_bars(&clipped, scale, &beats);
        }
        if let Some(asked_s) = self.asked_s {
            let (from, to) = (scale.x(asked_s - MOMENT_S), scale.x(asked_s + MOMENT_S));
            let band = Rect::from_x_y_ranges(
                from.min(to - 9.0)..=to.max(from + 9.0),
                lanes.plot.y_range(),
            );
            clipped.rect_filled(band, 2, theme::faded(theme::BRAND, 0.18));
        }
        for mark in &marks {
            paint_mark(&clipped, &lanes, scale, mark);
        }
        if let Some(playhead_s) = take.playhead_s() {
            let line = Stroke::new(1.0, theme::BRAND);
            clipped.vline(scale.x(playhead_s), lanes.plot.y_range(), line);
        }
        self.paint_held(&clipped, &response, &lanes, scale);
        if let Some(text) = self.advice(take, hits, list.is_empty()) {
            let at = pos2(lanes.plot.center().x, lanes.all().bottom() - 10.0);
            let font = theme::font(12.0);
            let back = Rect::from_center_size(at, vec2(520.0, 18.0));
            painter.rect_filled(back, 4, theme::faded(theme::BACKGROUND, 0.85));
            painter.text(at, Align2::CENTER_CENTER, text, font, theme::TEXT);
        }
        explain(response, &lanes, scale, &marks);
        self.buttons(ui, &lanes, take, corrections)
    }

    /// Turns the page when the playhead leaves it.
    fn follow(&mut self, take: &Take) {
        let Some(playhead_s) = take.playhead_s().filter(|_| self.follows) else {
            return;
        };
        if !(self.start_s..self.start_s + self.span_s).contains(&playhead_s) {
            self.start_s = playhead_s - PAGE_START * self.span_s;
        }
    }

    /// The wheel moves along the song; with Ctrl it magnifies. The waveform can be
    /// dragged.
    fn move_view(
        &mut self,
        ui: &Ui,
        response: &Response,
        plot: Rect,
        heard_s: RangeInclusive<f64>,
    ) {
        let points_per_s = f64::from(plot.width()) / self.span_s;
        if let Some(pointer) = response.hover_pos() {
            let (scroll, zoom) =
                ui.input(|input| (input.smooth_scroll_delta, f64::from(input.zoom_delta())));
            if zoom != 1.0 && zoom > 0.0 {
                let share = f64::from((pointer.x - plot.left()) / plot.width());
                let fixed_s = self.start_s + share * self.span_s;
                self.span_s = (self.span_s / zoom).clamp(SPAN_S.0, SPAN_S.1);
                self.start_s = fixed_s - share * self.span_s;
                self.follows = false;
            } else if scroll.x + scroll.y != 0.0 {
                self.start_s -= f64::from(scroll.x + scroll.y) / points_per_s;
                self.follows = false;
            }
        }
        if response.dragged() && self.held.is_none() {
            self.start_s -= f64::from(response.drag_delta().x) / points_per_s;
            self.follows = false;
        }
        // Nobody is to be lost where there is nothing.
        let first_s = heard_s.start() - 0.5 * self.span_s;
        let last_s = heard_s.end() - PAGE_START * self.span_s;
        self.start_s = self.start_s.clamp(first_s, last_s.max(first_s));
    }

    fn edit(
        &mut self,
        response: &Response,
        lanes: &Lanes,
        scale: Scale,
        marks: &[Mark],
        take: &Take,
        corrections: &Corrections,
    ) {
        let under = |pointer: Pos2| {
            let drum = lanes.drum_at(pointer.y)?;
            Some((drum, scale.song_s(pointer.x)))
        };
        let pointer = response.interact_pointer_pos();
        if response.clicked()
            && let Some((drum, song_s)) = pointer.and_then(under)
        {
            self.has_no_doubt = false;
            teaching::click(corrections, take, marks, drum, song_s, scale.reach_s());
        }
        if response.drag_started_by(PointerButton::Primary) {
            // Where the button went down, not where the drag was noticed.
            let origin = response.ctx.input(|input| input.pointer.press_origin());
            self.held = origin.and_then(|origin| {
                let (drum, song_s) = under(origin)?;
                let mark = *marks::mark_at(marks, drum, song_s, scale.reach_s())?;
                Some(Held { mark, origin })
            });
        }
        if response.ctx.input(|input| input.key_pressed(Key::Escape)) {
            self.held = None;
        }
        if response.drag_stopped()
            && let Some(held) = self.held.take()
            && let Some(pointer) = pointer
            && let Some((drum, _)) = under(pointer)
        {
            let is_exact = response.ctx.input(|input| input.modifiers.shift);
            let place = held.place(pointer, scale, is_exact);
            teaching::move_to(corrections, take, &held.mark, drum, place);
        }
    }

    fn paint_held(&self, painter: &Painter, response: &Response, lanes: &Lanes, scale: Scale) {
        let (Some(held), Some(pointer)) = (self.held, response.interact_pointer_pos()) else {
            return;
        };
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

    fn buttons(
        &mut self,
        ui: &mut Ui,
        lanes: &Lanes,
        take: &Take,
        corrections: &Corrections,
    ) -> Option<SongWish> {
        let mut right = lanes.plot.right() - 4.0;
        let mut place = |width: f32| {
            let min = pos2(right - width, lanes.plot.top() + 3.0);
            right -= width + 4.0;
            Rect::from_min_size(min, vec2(width, 18.0))
        };
        // First, so that they stay where they are while one answers.
        self.ask(ui, &mut place, take, corrections);
        if !corrections.current().is_empty() {
            let hint = "Take all corrections of this song back (can be undone).";
            if button(ui, place(60.0), "Clear all", hint).clicked() {
                corrections.edit(Vec::clear);
            }
        }
        if corrections.can_undo()
            && button(ui, place(44.0), "Undo", "Take the last step back.").clicked()
        {
            corrections.undo();
        }
        if corrections.can_redo()
            && button(ui, place(44.0), "Redo", "Take that step again.").clicked()
        {
            corrections.redo();
        }
        let page_s = self.start_s..self.start_s + self.span_s;
        if take.playhead_s().is_some() {
            let hint = "Turn pages with the playhead.";
            if !self.follows && button(ui, place(52.0), "Follow", hint).clicked() {
                self.follows = true;
            }
        } else if let Some(recent_s) = take.recent_s().filter(|place| !page_s.contains(place)) {
            let hint = "Back to what was heard last.";
            if button(ui, place(52.0), "Back", hint).clicked() {
                self.start_s = recent_s - 0.5 * self.span_s;
            }
        }
        let mut wish = None;
        let hint = "Write the hits of the song, as heard and corrected, into a MIDI file in \
                    Music/Inverse Drum Machine: with the notes of the strips and the song's \
                    tempo and its changes, from the song's beginning on.";
        if !take.is_empty() && button(ui, place(68.0), "Save MIDI", hint).clicked() {
            wish = Some(SongWish::SaveMidi);
        }
        let hint = "Back to what is heard now. Corrections stay in effect.";
        if button(ui, lanes.view_button(), "Done", hint).clicked() {
            wish = Some(SongWish::Done);
        }
        wish
    }
}

impl SongView {
    /// What the user should know before editing makes sense.
    fn advice(&self, take: &Take, hits: HitSource, is_new: bool) -> Option<&'static str> {
        if hits == HitSource::Given {
            Some("Hits come from MIDI: set Hits to Listening to correct what is heard")
        } else if take.is_empty() {
            Some("Play the song: its hits appear here (the host must tell where the song is)")
        } else if self.has_no_doubt {
            Some("Nothing is in doubt that you have not settled or passed")
        } else if is_new {
            Some(
                "Click a hit to remove it, an empty place to add one, drag it to its drum or time: the song learns from it",
            )
        } else {
            None
        }
    }

    /// Leads to what is most in doubt, and takes that it is right.
    fn ask(
        &mut self,
        ui: &mut Ui,
        place: &mut impl FnMut(f32) -> Rect,
        take: &Take,
        corrections: &Corrections,
    ) {
        if take.is_empty() {
            return;
        }
        let hint = "Show the moment that is most in doubt and unlike those that you settled: \
                    correct it, or say that it is right. The rest of the song is then judged \
                    by it. Click again to pass.";
        let mut is_wanted = button(ui, place(58.0), "Ask me", hint).clicked();
        let hint = "What is shown at the marked moment is right, hits and refused ones: that \
                    teaches, too. Leads to the next.";
        if let Some(asked_s) = self.asked_s
            && button(ui, place(80.0), "That's right", hint).clicked()
        {
            teaching::settle(corrections, take, asked_s);
            is_wanted = true;
        }
        if is_wanted {
            self.passed_s.extend(self.asked_s);
            let list = corrections.current();
            self.asked_s = teaching::most_doubtful(take, &list, &self.passed_s);
            self.has_no_doubt = self.asked_s.is_none();
            if let Some(asked_s) = self.asked_s {
                self.start_s = asked_s - 0.5 * self.span_s;
                self.follows = false;
            }
        }
    }
}

/// A number that is legible before the waveform.
fn paint_number(painter: &Painter, at: Pos2, text: String) {
    let galley = painter.layout_no_wrap(text, theme::font(9.0), theme::TEXT);
    let place = Align2::LEFT_CENTER.anchor_size(at, galley.size());
    let back = theme::faded(theme::BACKGROUND, 0.75);
    painter.rect_filled(place.expand2(vec2(2.0, 0.0)), 2, back);
    painter.galley(place.min, galley, theme::TEXT);
}

/// Lines for beats and numbers for bars, as many as there is room for.
fn paint_bars(painter: &Painter, scale: Scale, beats: &[Beat]) {
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
fn paint_seconds(painter: &Painter, scale: Scale, span_s: f64) {
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

fn paint_mark(painter: &Painter, lanes: &Lanes, scale: Scale, mark: &Mark) {
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

/// Tells about the mark under the pointer.
fn explain(response: Response, lanes: &Lanes, scale: Scale, marks: &[Mark]) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let Some(mark) = lanes
        .drum_at(pointer.y)
        .and_then(|drum| marks::mark_at(marks, drum, scale.song_s(pointer.x), scale.reach_s()))
    else {
        return;
    };
    let name = mark.drum.name();
    response.on_hover_text_at_pointer(match mark.origin {
        Origin::Heard {
            verdict,
            confidence,
            taught,
        } => format!(
            "{name}: velocity {:.0}, {:.0} % sure\n{}",
            (mark.velocity * 127.0).round(),
            confidence * 100.0,
            reason(verdict, taught, mark.is_off)
        ),
        Origin::Added if mark.is_off => format!(
            "{name}: added by hand, but the drum is not in this piece; click to take that back"
        ),
        Origin::Added => format!("{name}: added by hand; click to take that back"),
        Origin::Removed => format!("{name}: removed by hand; click to take that back"),
    });
}
