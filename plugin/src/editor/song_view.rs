//! The song by place: hits are removed, added and moved to other drums here.

use std::ops::RangeInclusive;

use egui::{InputState, Key, Modifiers, PointerButton, Pos2, Rect, Response, Sense, Stroke, Ui};
use idm_engine::controls::HitSource;
use idm_engine::midi_file::Grid;

use super::controls::panel;
use super::drag_drop::Taken;
use super::lanes::{Lanes, paint_number};
use super::theme;
use super::value_bar::all_drums;
use crate::corrections::{Correction, Corrections};
use crate::heard::marks::{self, Mark};
use crate::heard::teaching::{self, Place};
use crate::heard::{Questions, Take};
use crate::midi_export::Bars;

mod buttons;
mod paint;

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

/// What the user wants beyond the view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SongWish {
    /// Back to what is heard now.
    Done,
    /// The song's hits in a file.
    SaveMidi,
    /// Those of some bars.
    SaveBars(Bars),
    /// The button of one of these was pressed, and can be dragged out.
    Hold(Taken),
    /// Nothing that was heard.
    ListenAnew,
}

/// A mark that is dragged.
#[derive(Debug, Clone, Copy)]
struct Held {
    mark: Mark,
    /// Where the button went down.
    origin: Pos2,
    /// Place of the song there: the view may be magnified meanwhile.
    origin_s: f64,
}

impl Held {
    /// Where it is put in time if it is let go at `pointer`; none if that is where it is.
    fn place(&self, pointer: Pos2, scale: Scale, is_exact: bool) -> Option<Place> {
        let way = pointer - self.origin;
        let is_meant = way.x.abs() > DEAD_ZONE + DEAD_SLOPE * way.y.abs();
        is_meant.then(|| Place {
            song_s: self.mark.song_s + scale.song_s(pointer.x) - self.origin_s,
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
    /// Where all corrections were taken hold of, in the view and in the song.
    all_held: Option<(f32, f64)>,
    /// Whether Escape has let go of what was held: the drag means nothing more.
    is_dropped: bool,
    /// The moment that is asked about.
    asked_s: Option<f64>,
    /// Whether keys are meant for the song.
    pub has_keys: bool,
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
            all_held: None,
            is_dropped: false,
            asked_s: None,
            has_keys: true,
        }
    }

    /// Another state was loaded: what was asked about is not asked of it.
    pub fn forget_question(&mut self) {
        self.asked_s = None;
    }

    /// Whether the pointer holds a mark or all corrections.
    fn is_holding(&self) -> bool {
        self.held.is_some() || self.all_held.is_some()
    }

    /// Place of the song at which the view begins, in seconds.
    #[cfg(test)]
    pub(super) fn start_s(&self) -> f64 {
        self.start_s
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
        questions: &mut Questions,
        corrections: &Corrections,
        hits: HitSource,
    ) -> Option<SongWish> {
        panel(ui, rect);
        let lanes = Lanes::of(rect);
        let id = ui.scope_id().with("song");
        let response = ui.interact(lanes.plot, id, Sense::click_and_drag());
        // What is pressed must be there when it is let go.
        let is_pressed =
            response.is_pointer_button_down_on() || response.clicked() || response.drag_stopped();
        if !is_pressed {
            self.follow(take);
        }
        let list = corrections.current();
        self.take_hold(&response, &lanes, take, &list);
        self.move_view(ui, &response, lanes.plot, extent_s(take, &list));
        let scale = self.scale(lanes.plot);
        let shift_s = self.shift_s(&response, scale);
        let shown = shift_s.map(|by_s| teaching::shifted(&list, by_s));
        let end_s = self.start_s + self.span_s;
        let shown = shown.as_ref().unwrap_or(&list);
        let marks = marks::marks(take, shown, self.start_s, end_s);
        self.edit(&response, &lanes, scale, &marks, take, corrections);

        let grid = take.grid();
        let painter = ui.painter_at(rect);
        lanes.paint(&painter);
        let clipped = painter.with_clip_rect(lanes.plot);
        paint::paint_wave(&clipped, &lanes, scale, take);
        let beats = grid.beats(self.start_s, end_s);
        if beats.is_empty() {
            paint::paint_seconds(&clipped, scale, self.span_s);
        } else {
            paint::paint_bars(&clipped, scale, &beats);
        }
        if let Some(asked_s) = self.asked_s {
            let place = in_words(&grid, asked_s);
            paint::paint_asked(&clipped, &lanes, scale, asked_s, place);
        }
        for mark in &marks {
            paint::paint_mark(&clipped, &lanes, scale, mark);
        }
        if let Some(playhead_s) = take.playhead_s() {
            let line = Stroke::new(1.0, theme::BRAND);
            clipped.vline(scale.x(playhead_s), lanes.plot.y_range(), line);
        }
        let pointer = response.interact_pointer_pos();
        if let Some((held, pointer)) = self.held.as_ref().zip(pointer) {
            paint::paint_held(&clipped, held, pointer, &lanes, scale);
        }
        if let Some((by_s, pointer)) = shift_s.zip(pointer) {
            let text = format!("all corrections {by_s:+.3} s");
            paint_number(&clipped, pointer + egui::vec2(10.0, 0.0), text);
        }
        let is_new = list.is_empty();
        if let Some(text) = self.advice(ui, take, questions, corrections, hits, is_new) {
            let is_near = response
                .hover_pos()
                .is_some_and(|pointer| lanes.all().contains(pointer));
            let asked_x = self.asked_s.map(|asked_s| scale.x(asked_s));
            paint::paint_advice(ui, &lanes, asked_x, is_near, text);
        }
        paint::explain(response, &lanes, scale, &marks);
        self.buttons(ui, &lanes, take, &grid, questions, corrections)
    }

    fn scale(&self, plot: Rect) -> Scale {
        Scale {
            plot,
            start_s: self.start_s,
            points_per_s: f64::from(plot.width()) / self.span_s,
        }
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

    /// The wheel moves along the song; with Ctrl it magnifies. What is no mark can be
    /// dragged.
    fn move_view(
        &mut self,
        ui: &Ui,
        response: &Response,
        plot: Rect,
        extent_s: RangeInclusive<f64>,
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
        if response.dragged() && !self.is_holding() && !self.is_dropped {
            self.start_s -= f64::from(response.drag_delta().x) / points_per_s;
            self.follows = false;
        }
        // Nobody is to be lost where there is nothing.
        let first_s = extent_s.start() - 0.5 * self.span_s;
        let last_s = extent_s.end() - PAGE_START * self.span_s;
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
            teaching::click(corrections, take, marks, drum, song_s, scale.reach_s());
        }
        let is_given_up = |input: &mut InputState| input.consume_key(Modifiers::NONE, Key::Escape);
        if (self.is_holding() || response.dragged()) && response.ctx.input_mut(is_given_up) {
            self.held = None;
            self.all_held = None;
            self.is_dropped = true;
        }
        if response.drag_stopped() {
            if let Some(by_s) = self.shift_s(response, scale) {
                teaching::shift(corrections, by_s);
            }
            self.all_held = None;
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

    /// A drag takes hold of the mark under it, or with Alt or Ctrl on the waveform of all
    /// corrections.
    fn take_hold(&mut self, response: &Response, lanes: &Lanes, take: &Take, list: &[Correction]) {
        if response.drag_started() {
            self.is_dropped = false;
        }
        if !response.drag_started_by(PointerButton::Primary) {
            return;
        }
        // Where the button went down, not where the drag was noticed.
        let (origin, modifiers) = response
            .ctx
            .input(|input| (input.pointer.press_origin(), input.modifiers));
        (self.held, self.all_held) = (None, None);
        let Some(origin) = origin else {
            return;
        };
        let scale = self.scale(lanes.plot);
        if lanes.wave.contains(origin) {
            let is_meant = all_drums(modifiers) && !list.is_empty();
            self.all_held = is_meant.then(|| (origin.x, scale.song_s(origin.x)));
        } else if let Some(drum) = lanes.drum_at(origin.y) {
            let (song_s, reach_s) = (scale.song_s(origin.x), scale.reach_s());
            let marks = marks::marks(take, list, song_s - reach_s, song_s + reach_s);
            let mark = marks::mark_at(&marks, drum, song_s, reach_s).copied();
            self.held = mark.map(|mark| Held {
                mark,
                origin,
                origin_s: song_s,
            });
        }
    }

    /// How far all corrections are dragged, in seconds; none if that is nowhere.
    fn shift_s(&self, response: &Response, scale: Scale) -> Option<f64> {
        let ((from_x, from_s), pointer) = self.all_held.zip(response.interact_pointer_pos())?;
        let is_meant = (pointer.x - from_x).abs() >= 1.0;
        is_meant.then(|| scale.song_s(pointer.x) - from_s)
    }
}

/// The part of the song in which there is something to see: what was heard, and corrections.
fn extent_s(take: &Take, list: &[Correction]) -> RangeInclusive<f64> {
    let heard_s = take.span_s();
    let places = [list.first(), list.last()].into_iter().flatten();
    places.fold(heard_s, |extent_s, correction| {
        let song_s = correction.song_s;
        extent_s.start().min(song_s)..=extent_s.end().max(song_s)
    })
}

/// A place of the song as hosts show it: hits come a little before their beat, too.
pub(super) fn in_words(grid: &Grid, song_s: f64) -> String {
    const EARLY_S: f64 = 0.03;
    /// The longest beat of a grid: a whole note at 4 quarters per minute.
    const LONGEST_BEAT_S: f64 = 60.0;
    let beats = grid.beats(song_s - LONGEST_BEAT_S - EARLY_S, song_s + EARLY_S);
    match beats.last() {
        Some(beat) => format!("bar {}, beat {}", beat.bar, beat.beat),
        None => format!("{}:{:06.3}", (song_s / 60.0) as i64, song_s.max(0.0) % 60.0),
    }
}
