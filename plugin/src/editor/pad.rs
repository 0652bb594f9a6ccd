//! A pad: the drum's lamp, and its one-shot at a click.

use egui::{Align2, Color32, Painter, Rect, Sense, Stroke, StrokeKind, Ui, pos2};
use idm_engine::drum::Drum;

use super::drag_drop::{self, Taken};
use super::theme;
use crate::heard::Monitor;
use crate::link::Shared;

/// Seconds for which the words of a verdict stay readable.
const VERDICT_SECONDS: f64 = 1.5;

/// Size of the corner that opens the list of samples.
const CORNER: f32 = 18.0;
/// Most characters of a sample's name.
const NAME_LENGTH: usize = 15;

/// What the user does with a pad.
#[derive(Debug, Clone, Copy)]
pub struct PadAnswer {
    /// Where it is.
    pub rect: Rect,
    /// Whether a sample is to be chosen for it.
    pub wants_sample: bool,
    /// What was pressed in this frame and can be dragged out.
    pub pressed: Option<Taken>,
}

/// Draws the pad of `drum` and plays it when clicked: the nearer to the top,
/// the louder. `own` is the user's sample on it.
pub fn pad(
    ui: &mut Ui,
    rect: Rect,
    drum: Drum,
    is_enabled: bool,
    own: Option<&str>,
    monitor: &Monitor,
    shared: &Shared,
) -> PadAnswer {
    let id = ui.scope_id().with(("pad", drum.index()));
    let response = ui.interact(rect, id, drag_drop::sense());
    if response.is_pointer_button_down_on()
        && ui.input(|input| input.pointer.primary_pressed())
        && let Some(pointer) = ui.input(|input| input.pointer.interact_pos())
    {
        let height = 1.0 - (pointer.y - rect.top()) / rect.height().max(1.0);
        shared.audition(drum, (0.25 + 0.75 * height).clamp(0.05, 1.0));
    }

    let corner = Rect::from_min_max(
        pos2(rect.right() - CORNER, rect.top()),
        pos2(rect.right(), rect.top() + CORNER),
    );
    let corner = ui.interact(corner, id.with("sample"), Sense::click());
    let wants_sample = corner.clicked() || response.secondary_clicked();

    let accent = theme::accent(drum);
    let glow = monitor.glow(drum);
    let last = monitor.last_hits[drum.index()];
    let colour = last.map_or(accent, |hit| theme::verdict_colour(drum, hit.verdict));
    let painter = ui.painter_at(rect);
    let base = if response.is_pointer_button_down_on() {
        0.5
    } else if response.hovered() {
        0.26
    } else {
        0.15
    };
    let opacity = if is_enabled { 1.0 } else { 0.35 };
    painter.rect_filled(rect, theme::ROUND, theme::GROOVE);
    painter.rect_filled(rect, theme::ROUND, theme::faded(accent, base * opacity));
    painter.rect_filled(rect, theme::ROUND, theme::faded(colour, glow));
    painter.rect_stroke(
        rect,
        theme::ROUND,
        Stroke::new(1.0, theme::faded(accent, 0.75 * opacity)),
        StrokeKind::Inside,
    );
    let name_colour = if glow > 0.5 {
        theme::BACKGROUND
    } else {
        theme::faded(theme::TEXT, 0.4 + 0.6 * opacity)
    };
    // The dots in the corner need room beside the longest name.
    let size = (rect.width() / 7.6).clamp(10.5, 13.0);
    painter.text(
        pos2(rect.center().x, rect.top() + 17.0),
        Align2::CENTER_CENTER,
        drum.name(),
        theme::font(size),
        name_colour,
    );

    let evidence = shared.evidence(drum);
    let bar = Rect::from_min_max(
        pos2(rect.left() + 4.0, rect.bottom() - 5.0),
        pos2(
            rect.left() + 4.0 + (rect.width() - 8.0) * evidence.confidence.clamp(0.0, 1.0),
            rect.bottom() - 2.5,
        ),
    );
    painter.rect_filled(bar, 1, theme::faded(theme::GOOD, opacity));
    if evidence.hits > 0 {
        place(
            &painter,
            rect,
            evidence.pan,
            theme::faded(theme::TEXT, opacity),
        );
    }

    // Before a glow as after it.
    let legible = |colour: Color32| match glow {
        bright if bright > 0.5 => theme::BACKGROUND,
        medium if medium > 0.12 => theme::TEXT,
        _ => colour,
    };
    // A fresh hit is a little ahead of what is shown, which moves smoothly.
    let recent = last.filter(|hit| monitor.age_s(hit.position).max(0.0) < VERDICT_SECONDS);
    if let Some(hit) = recent {
        let text = format!(
            "{} {:.0}",
            theme::verdict_text(hit.verdict),
            (hit.velocity * 127.0).round()
        );
        painter.text(
            pos2(rect.center().x, rect.bottom() - 13.0),
            Align2::CENTER_CENTER,
            text,
            theme::font(10.5),
            legible(colour),
        );
    } else {
        let text = match (own, evidence.hits) {
            (Some(name), _) => shortened(name),
            (None, 0) => "not learnt".to_owned(),
            (None, 1) => format!("1 hit  {:.0} %", 100.0 * evidence.confidence),
            (None, hits) => format!("{hits} hits  {:.0} %", 100.0 * evidence.confidence),
        };
        painter.text(
            pos2(rect.center().x, rect.bottom() - 13.0),
            Align2::CENTER_CENTER,
            text,
            theme::font(10.5),
            legible(theme::faded(
                if own.is_some() {
                    theme::TEXT
                } else {
                    theme::DIM
                },
                opacity,
            )),
        );
    }
    let dots = if corner.hovered() {
        theme::TEXT
    } else {
        theme::faded(theme::TEXT, 0.8 * opacity)
    };
    painter.text(
        corner.rect.center() + egui::vec2(2.0, -2.0),
        Align2::CENTER_CENTER,
        "…",
        theme::font(16.0),
        dots,
    );
    let hint = format!(
        "Put samples of your own on the {} pad, or take them off. Heard as far as Blend \
         is up, at the level of the hits.",
        drum.name().to_lowercase()
    );
    corner.on_hover_text(drag_drop::hint(&hint, "Or drop files on the pad."));
    let pressed = Taken::Sound(drum).if_pressed(&response);
    let click = format!(
        "Click to hear the one-shot of the {}; higher is louder.",
        drum.name().to_lowercase()
    );
    let drag = "Drag it out of the window to have it as WAV file; drop files or a folder here \
                to play them in its place.";
    let click = drag_drop::hint(&click, drag);
    response.on_hover_text(format!(
        "{click}\n\n\
         Below the name: from how many hits the one-shot was learnt, and how sure \
         it is that they are this drum alone. Not learnt: the model's own sounds. \
         The dot above the name: where the drum stands between left and right.\n\n\
         The pad lights up at every hit, with its MIDI velocity:\n\
         in colour – accepted; grey – too unsure (raise Sensitivity); \
         amber – too soon after the last one (lower Gap); \
         red – the drum is not in this piece."
    ));
    PadAnswer {
        rect,
        wants_sample,
        pressed,
    }
}

/// Marks where the drum stands between left and right along the pad's upper edge.
fn place(painter: &Painter, rect: Rect, pan: f32, colour: Color32) {
    let (left, right) = (rect.left() + 8.0, rect.right() - CORNER);
    let y = rect.top() + 5.0;
    let middle = 0.5 * (left + right);
    let x = middle + 0.5 * (right - left) * pan.clamp(-1.0, 1.0);
    painter.hline(
        left..=right,
        y,
        Stroke::new(1.0, colour.gamma_multiply(0.3)),
    );
    painter.vline(
        middle,
        y - 1.5..=y + 1.5,
        Stroke::new(1.0, colour.gamma_multiply(0.3)),
    );
    painter.circle_filled(pos2(x, y), 2.2, colour);
}

/// `name` as far as it fits.
fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_LENGTH {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_LENGTH - 1).collect();
    format!("{kept}…")
}
