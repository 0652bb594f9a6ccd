//! A channel strip: one drum, or the residual.

use egui::{Align2, Rect, Ui, pos2};
use idm_engine::drum::{Drum, RESIDUAL, STEM_COUNT};
use nice_plug::prelude::*;

use super::controls::{choice, panel, solo_switch, switch};
use super::fader::fader;
use super::pad::{PadAnswer, pad};
use super::theme;
use super::value_bar::{ALL_DRUMS, Look, value_bar};
use crate::heard::Monitor;
use crate::link::Shared;
use crate::params::{DrumParams, IdmParams};

/// Narrowest strip in points.
pub const MIN_WIDTH: f32 = 92.0;

const SOLO: &str = "Solo: hear only what has a lit S. With Alt or Ctrl: this alone; once more: \
                    no solo.";

const PAD_HEIGHT: f32 = 54.0;
const ROW_HEIGHT: f32 = 22.0;
const ROW_GAP: f32 = 4.0;
/// Seven bars, the note and the bus.
const ROWS: f32 = 9.0;

/// Cuts `height` off the top of `rest`, and a gap after it.
fn take(rest: &mut Rect, height: f32) -> Rect {
    let taken = Rect::from_min_max(rest.min, pos2(rest.right(), rest.top() + height));
    rest.min.y += height + ROW_GAP;
    taken
}

/// The `index`th of `count` equal parts of a row.
fn part(row: Rect, index: usize, count: usize) -> Rect {
    let width = (row.width() - ROW_GAP * (count - 1) as f32) / count as f32;
    let left = row.left() + (width + ROW_GAP) * index as f32;
    Rect::from_min_max(pos2(left, row.top()), pos2(left + width, row.bottom()))
}

/// Draws the strip of `drum`; `own` is the user's sample on its pad. Answers what the user
/// does with that.
#[allow(clippy::too_many_arguments)] // One drum's share of everything.
pub fn drum_strip(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    drum: Drum,
    all: &IdmParams,
    own: Option<&str>,
    monitor: &Monitor,
    shared: &Shared,
) -> PadAnswer {
    panel(ui, rect);
    let params = &all.drums[drum.index()];
    let solos = solos(all);
    let all = all.drums.each_ref();
    let mut rest = rect.shrink(6.0);
    let accent = theme::accent(drum);
    let is_enabled = params.enabled.value();
    let answer = pad(
        ui,
        take(&mut rest, PAD_HEIGHT),
        drum,
        is_enabled,
        own,
        monitor,
        shared,
    );

    let switches = take(&mut rest, ROW_HEIGHT);
    let name = drum.name().to_lowercase();
    let mut toggle = |index, of: fn(&DrumParams) -> &BoolParam, label, colour, hint: &str| {
        let (place, param) = (part(switches, index, 3), of(params));
        switch(ui, place, setter, param, &all.map(of), label, colour, hint);
    };
    toggle(
        0,
        |drum| &drum.mute,
        "M",
        theme::BAD,
        &format!("Mute the {name} on every output.{ALL_DRUMS}"),
    );
    toggle(
        2,
        |drum| &drum.enabled,
        "In",
        accent,
        &format!(
            "In this piece. Switch it off if there is no {name}: \
             its sounds then go to the other drums and the residual.{ALL_DRUMS}"
        ),
    );

    let place = part(switches, 1, 3);
    solo_switch(ui, place, setter, &params.solo, &solos, SOLO);

    let rows = ROWS * (ROW_HEIGHT + ROW_GAP);
    let fader_height = (rest.height() - rows).max(40.0);
    fader(
        ui,
        take(&mut rest, fader_height),
        setter,
        &params.level_db,
        &all.map(|drum| &drum.level_db),
        monitor.stem_levels[drum.index()],
        accent,
        &format!("Level of the {name} in its bus and in the mix."),
    );

    let colour = if is_enabled { accent } else { theme::DIM };
    // What cannot be heard yet does not shine.
    let one_shot_colour = if params.blend.value() > 0.0 {
        colour
    } else {
        theme::DIM
    };
    let is_narrow = rest.width() < 94.0;
    let look = |label, hint| Look {
        label,
        colour,
        is_bipolar: false,
        hint,
    };
    let mut bar = |of: fn(&DrumParams) -> &FloatParam, look| {
        let place = take(&mut rest, ROW_HEIGHT);
        value_bar(ui, place, setter, of(params), &all.map(of), look);
    };
    bar(
        |drum| &drum.sensitivity,
        look(
            if is_narrow { "Sens." } else { "Sensitivity" },
            "How unsure a hit may be and still count. Higher finds ghost notes, \
             lower refuses ghosts of other drums.",
        ),
    );
    bar(
        |drum| &drum.min_gap_ms,
        look(
            "Gap",
            "Shortest time between two hits. Higher stops double triggers, \
             lower lets rolls through.",
        ),
    );
    bar(
        |drum| &drum.isolation,
        Look {
            is_bipolar: true,
            ..look(
                "Isolate",
                "Higher keeps other drums out, though the drum is ducked where they are \
                 louder; lower keeps it whole, with their bleed.",
            )
        },
    );
    bar(
        |drum| &drum.blend,
        look(
            "Blend",
            "0 %: the drum as cut out of the recording. \
             100 %: played again from its one-shot, without any bleed.",
        ),
    );
    bar(
        |drum| &drum.dynamics,
        look(
            if is_narrow { "Dyn." } else { "Dynamics" },
            "How far the one-shot and the MIDI notes follow how hard the drum is hit. \
             0 %: every hit alike, 100 %: as heard, more: soft hits still softer.",
        ),
    );
    bar(
        |drum| &drum.tune_semitones,
        Look {
            is_bipolar: true,
            colour: one_shot_colour,
            ..look(
                "Tune",
                "Pitch of the one-shot. Heard as far as Blend is up.",
            )
        },
    );
    bar(
        |drum| &drum.decay,
        Look {
            colour: one_shot_colour,
            ..look(
                "Decay",
                "Length of the one-shot: 100 % as it is, 80 % dying away in 2.6 s, 50 % in 0.4 s, \
                 30 % in 0.1 s. Heard as far as Blend is up.",
            )
        },
    );
    value_bar(
        ui,
        take(&mut rest, ROW_HEIGHT),
        setter,
        &params.note,
        &[],
        look(
            "Note",
            "MIDI note sent for hits; the same note played in sounds the pad.",
        ),
    );
    choice(
        ui,
        take(&mut rest, ROW_HEIGHT),
        setter,
        &params.bus,
        "Output bus. Choose another drum's bus to group, for example both hats on one.",
    );
    answer
}

/// What can be heard alone.
fn solos(params: &IdmParams) -> [&BoolParam; STEM_COUNT] {
    std::array::from_fn(|stem| match params.drums.get(stem) {
        Some(drum) => &drum.solo,
        None => &params.residual_solo,
    })
}

/// Draws the strip of what no drum explains.
pub fn residual_strip(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    params: &IdmParams,
    monitor: &Monitor,
) {
    panel(ui, rect);
    let mut rest = rect.shrink(6.0);
    let head = take(&mut rest, PAD_HEIGHT);
    let painter = ui.painter_at(head);
    painter.rect_filled(head, theme::ROUND, theme::GROOVE);
    painter.text(
        pos2(head.center().x, head.center().y - 8.0),
        Align2::CENTER_CENTER,
        "Residual",
        theme::font(13.0),
        theme::TEXT,
    );
    painter.text(
        pos2(head.center().x, head.center().y + 9.0),
        Align2::CENTER_CENTER,
        "all the rest",
        theme::font(10.5),
        theme::DIM,
    );
    let switches = take(&mut rest, ROW_HEIGHT);
    switch(
        ui,
        part(switches, 0, 3),
        setter,
        &params.residual_mute,
        &[],
        "M",
        theme::BAD,
        "Mute the residual on every output.",
    );
    let (place, solo) = (part(switches, 1, 3), &params.residual_solo);
    solo_switch(ui, place, setter, solo, &solos(params), SOLO);
    fader(
        ui,
        rest,
        setter,
        &params.residual_level_db,
        &[],
        monitor.stem_levels[RESIDUAL],
        theme::residual_accent(),
        "Level of everything that is none of the nine drums: room, percussion, bleed.",
    );
}
