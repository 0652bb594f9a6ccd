//! What concerns all drums: main output, quality, learning, bleed.

use egui::{Align2, Rect, Ui, pos2};
use nice_plug::prelude::ParamSetter;

use super::controls::{button, choice, panel, switch};
use super::value_bar::{Look, value_bar};
use super::{meter, theme};
use crate::params::IdmParams;

/// Height in points.
pub const HEIGHT: f32 = 40.0;

/// Width of everything at its narrowest, with gaps and margins.
const FIXED_WIDTH: f32 = 978.0;

/// Time for which *Forget* waits for its second click.
const SURE_S: f64 = 3.0;

/// What the user wants done with the learnt kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KitWish {
    /// Back to the model's own one-shots.
    Forget,
    /// Write it as WAV and SFZ.
    Save,
    /// Samples of the user's own in place of all of it.
    Load,
}

/// Draws the toolbar in `rect`.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    params: &IdmParams,
    main_level: f32,
) -> Option<KitWish> {
    panel(ui, rect);
    let (top, bottom) = (rect.top() + 8.0, rect.bottom() - 8.0);
    let mut left = rect.left() + 10.0;
    let mut place = |width: f32| {
        let place = Rect::from_min_max(pos2(left, top), pos2(left + width, bottom));
        left += width + theme::GAP;
        place
    };
    // What is left of the row goes to the wide controls.
    let spare = ((rect.width() - FIXED_WIDTH) / 3.0).max(0.0);

    label(ui, place(68.0), "Main output");
    choice(
        ui,
        place(110.0 + spare),
        setter,
        &params.main_output,
        "What you hear on the main output. In hosts without extra outputs, \
         put one instance on a track per drum and choose the drum here. Choose Nothing \
         if every drum has a track of its own, or all are heard twice.",
    );
    meter::horizontal(ui, place(42.0 + spare), main_level);
    place(6.0);
    label(ui, place(42.0), "Quality");
    choice(
        ui,
        place(102.0),
        setter,
        &params.quality,
        "More latency lets the network hear more of a sound before it decides, \
         which cymbals need most. Takes effect when the host restarts the plugin.",
    );
    place(6.0);
    label(ui, place(24.0), "Hits");
    choice(
        ui,
        place(84.0),
        setter,
        &params.hits,
        "Listening: hits are found in the recording. MIDI in: the notes that come in are \
         the hits. Record the MIDI output, correct the take in the host and play it back \
         into this plugin: separation follows it.",
    );
    place(6.0);
    value_bar(
        ui,
        place(122.0 + spare),
        setter,
        &params.mask_exponent,
        &[],
        Look {
            label: "Bleed – duck",
            colour: theme::BRAND,
            is_bipolar: true,
            hint: "Left: drums keep more of what sounds with them. \
                   Right: other drums are pushed out harder, at the price of ducking.",
        },
    );
    place(6.0);
    switch(
        ui,
        place(64.0),
        setter,
        &params.learning,
        &[],
        "Learn",
        theme::GOOD,
        "On: the one-shots are learnt from the kit that is playing. \
         Off: frozen, exactly as they are. Saved with the project.",
    );
    let mut wish = None;
    if forget(ui, place(58.0)) {
        wish = Some(KitWish::Forget);
    }
    let hint = "Write the learnt one-shots as WAV and SFZ to Music/Inverse Drum Machine.";
    if button(ui, place(62.0), "Save kit", hint).clicked() {
        wish = Some(KitWish::Save);
    }
    let hint = "Play a folder of samples in place of the learnt one-shots: a kit that was saved \
                from another song, or any whose files are named after drums.";
    if button(ui, place(62.0), "Load kit", hint).clicked() {
        wish = Some(KitWish::Load);
    }
    wish
}

/// A button that has to be clicked twice, because nothing brings the kit back. True then.
fn forget(ui: &mut Ui, rect: Rect) -> bool {
    let id = ui.scope_id().with("forget");
    let now_s = ui.input(|input| input.time);
    let asked_s = ui.data(|data| data.get_temp::<f64>(id));
    let is_asked = asked_s.is_some_and(|asked_s| now_s - asked_s < SURE_S);
    let label = if is_asked { "Sure?" } else { "Forget" };
    let hint = "Back to the model's own one-shots. What was learnt is gone then: click twice.";
    if !button(ui, rect, label, hint).clicked() {
        return false;
    }
    ui.data_mut(|data| {
        if is_asked {
            data.remove::<f64>(id);
        } else {
            data.insert_temp(id, now_s);
        }
    });
    is_asked
}

fn label(ui: &Ui, rect: Rect, text: &str) {
    ui.painter_at(rect).text(
        pos2(rect.left(), rect.center().y),
        Align2::LEFT_CENTER,
        text,
        theme::font(11.0),
        theme::DIM,
    );
}
