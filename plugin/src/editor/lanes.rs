//! Waveform above, a lane of hits per drum below: what both views of time share.

use egui::{Align2, Color32, Painter, Pos2, Rect, Stroke, pos2, vec2};
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::engine::Verdict;

use super::theme;

const LABEL_WIDTH: f32 = 84.0;

/// Height from the top that the buttons of the song take, and that of a line below them.
const BUTTONS_HEIGHT: f32 = 21.0;
const FOOT_HEIGHT: f32 = 17.0;

/// Share of the height that the waveform takes.
const WAVE_SHARE: f32 = 0.22;

/// Places of the parts.
#[derive(Debug, Clone, Copy)]
pub struct Lanes {
    /// Names.
    pub labels: Rect,
    /// Everything that has a time.
    pub plot: Rect,
    /// The waveform.
    pub wave: Rect,
    lanes: Rect,
}

impl Lanes {
    /// The parts of the panel `rect`.
    pub fn of(rect: Rect) -> Self {
        let inner = rect.shrink2(vec2(8.0, 6.0));
        let plot = Rect::from_min_max(pos2(inner.left() + LABEL_WIDTH, inner.top()), inner.max);
        let wave_height = plot.height() * WAVE_SHARE;
        let wave = Rect::from_min_size(plot.min, vec2(plot.width(), wave_height));
        Self {
            labels: Rect::from_min_max(inner.min, pos2(plot.left(), inner.bottom())),
            plot,
            wave,
            lanes: Rect::from_min_max(pos2(plot.left(), wave.bottom() + 3.0), plot.max),
        }
    }

    /// All lanes together.
    pub fn all(&self) -> Rect {
        self.lanes
    }

    /// The lane of a drum.
    pub fn lane(&self, drum: Drum) -> Rect {
        let height = self.lanes.height() / DRUM_COUNT as f32;
        let top = self.lanes.top() + height * drum.index() as f32;
        Rect::from_min_size(
            pos2(self.lanes.left(), top),
            vec2(self.lanes.width(), height),
        )
    }

    /// Where the name of a drum stands.
    pub fn name(&self, drum: Drum) -> Rect {
        Rect::from_x_y_ranges(self.labels.x_range(), self.lane(drum).y_range())
    }

    /// The drum in whose lane a height lies.
    pub fn drum_at(&self, y: f32) -> Option<Drum> {
        let found = |drum: &Drum| self.lane(*drum).y_range().contains(y);
        Drum::ALL.into_iter().find(found)
    }

    /// Paints the ground and the lines.
    pub fn paint(&self, painter: &Painter) {
        painter.rect_filled(self.plot, theme::SMALL_ROUND, theme::GROOVE);
        let input = pos2(self.labels.left(), self.wave.top() + 7.0);
        // In low windows the button takes all the room.
        if input.y + 7.0 < self.view_button().top() {
            label(painter, input, 11.0, "Input", theme::DIM);
        }
        for drum in Drum::ALL {
            let (lane, accent) = (self.lane(drum), theme::accent(drum));
            painter.hline(
                lane.x_range(),
                lane.center().y,
                Stroke::new(1.0, theme::faded(accent, 0.22)),
            );
        }
    }

    /// Height of the lowest line of words in the waveform that no button covers, if there is
    /// room below these.
    pub fn wave_foot(&self) -> Option<f32> {
        (self.wave.height() >= BUTTONS_HEIGHT + FOOT_HEIGHT).then(|| self.wave.bottom() - 8.0)
    }

    /// Where the button lies that leads from one view to the other.
    pub fn view_button(&self) -> Rect {
        // Not far from each other in views of other heights.
        let top = self.wave.top() + (self.wave.height() - 20.0).min(18.0);
        Rect::from_min_size(pos2(self.labels.left(), top), vec2(LABEL_WIDTH - 6.0, 18.0))
    }
}

fn label(painter: &Painter, at: Pos2, size: f32, text: &str, colour: Color32) {
    painter.text(at, Align2::LEFT_CENTER, text, theme::font(size), colour);
}

/// A line of words in the middle of a ground of its own, legible before hits.
pub fn paint_words(painter: &Painter, centre: Pos2, text: &str, opacity: f32) {
    let colour = theme::faded(theme::TEXT, opacity);
    let galley = painter.layout_no_wrap(text.to_owned(), theme::font(12.0), colour);
    let place = Align2::CENTER_CENTER.anchor_size(centre, galley.size());
    let back = place.expand2(vec2(8.0, 2.0));
    painter.rect_filled(back, 4, theme::faded(theme::BACKGROUND, 0.85 * opacity));
    painter.galley(place.min, galley, colour);
}

/// A number that is legible before the waveform.
pub fn paint_number(painter: &Painter, at: Pos2, text: String) {
    let galley = painter.layout_no_wrap(text, theme::font(9.0), theme::TEXT);
    let place = Align2::LEFT_CENTER.anchor_size(at, galley.size());
    let back = theme::faded(theme::BACKGROUND, 0.75);
    painter.rect_filled(place.expand2(vec2(2.0, 0.0)), 2, back);
    painter.galley(place.min, galley, theme::TEXT);
}

/// A bar of the waveform between two heights of time.
pub fn paint_wave_bar(painter: &Painter, wave: Rect, left: f32, right: f32, peak: f32) {
    let half = wave.height() / 2.0 - 1.0;
    // The square root keeps quiet passages visible.
    let height = (peak.min(1.0).sqrt() * half).max(0.5);
    let middle = wave.center().y;
    let bar = Rect::from_min_max(pos2(left, middle - height), pos2(right, middle + height));
    painter.rect_filled(bar, 0, theme::faded(theme::TEXT, 0.5));
}

/// The body of a hit of `velocity` in a lane of a height.
pub fn hit_body(centre: Pos2, lane_height: f32, velocity: f32) -> Rect {
    let half = (lane_height * 0.5 - 1.0) * (0.3 + 0.7 * velocity);
    Rect::from_center_size(centre, vec2(4.0, 2.0 * half))
}

/// Paints a hit as heard: refused ones are hollow, whatever their colour.
pub fn paint_hit(painter: &Painter, body: Rect, drum: Drum, verdict: Verdict) {
    let colour = theme::verdict_colour(drum, verdict);
    if verdict == Verdict::Accepted {
        painter.rect_filled(body.expand(2.0), 3, theme::faded(colour, 0.25));
        painter.rect_filled(body, 2, colour);
    } else {
        painter.rect_stroke(
            body,
            2,
            Stroke::new(1.0, theme::faded(colour, 0.8)),
            egui::StrokeKind::Inside,
        );
    }
}

/// Why a hit of `drum` is refused that cannot be one, however sure.
pub fn ruled_out(drum: Drum) -> &'static str {
    match drum {
        Drum::ClosedHat => {
            "refused: hats are struck one at a time. A click in Edit hits keeps it all the same"
        }
        Drum::OpenHat => {
            "refused: hats are struck one at a time, and an open one rings on. A click in Edit \
             hits keeps it all the same"
        }
        _ => "refused: a sound ends here, none begins. A click in Edit hits keeps it all the same",
    }
}

/// Why a hit is accepted or not; `taught` says whether corrections of others speak for it
/// or against it, `is_off` whether its drum is switched off now.
pub fn reason(verdict: Verdict, taught: Option<bool>, is_off: bool) -> &'static str {
    match verdict {
        Verdict::Accepted if taught == Some(true) => "accepted, as in moments that you corrected",
        Verdict::Accepted => "accepted",
        Verdict::BelowThreshold if taught == Some(false) => {
            "refused, as in moments that you corrected"
        }
        Verdict::BelowThreshold => "refused: too unsure. Raise Sensitivity to keep it",
        Verdict::TooSoon => "refused: too soon after the last one. Lower Gap to keep it",
        Verdict::Disabled if is_off => "refused: the drum is not in this piece",
        Verdict::Disabled => {
            "refused: the drum was switched off when it was heard. Play it again, or click"
        }
        Verdict::Removed => "removed by hand when it was heard",
    }
}
