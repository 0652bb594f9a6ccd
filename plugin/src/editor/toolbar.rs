//! What concerns all drums: main output, quality, learning, bleed.

use egui::{Align2, Rect, Ui, pos2};
use nice_plug::prelude::ParamSetter;

use super::controls::{button, button_of, choice, panel, sure_button, switch};
use super::drag_drop::{self, Place, Taken, Zone};
use super::value_bar::{Look, value_bar};
use super::{meter, theme};
use crate::file_work::Purpose;
use crate::heard::Level;
use crate::params::IdmParams;

/// Height in points.
pub const HEIGHT: f32 = 40.0;

/// Width of everything at its narrowest, with gaps and margins.
const FIXED_WIDTH: f32 = 956.0;

/// What *Save MIDI* takes more, where there is so much.
const MIDI_WIDTH: f32 = 66.0;

/// *Stems*, which goes before *Save MIDI* does.
const STEMS_WIDTH: f32 = 46.0;

/// The button that begins to learn from a file, and ends it.
const FILE_WIDTH: f32 = 62.0;

/// The same of the word before the first control, which is the first to go.
const LABEL_WIDTH: f32 = 66.0;

/// Height of the line that grows while a file is heard.
const PROGRESS_HEIGHT: f32 = 3.0;

/// What the user wants that others do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ToolbarWish {
    /// Back to the model's own one-shots.
    ForgetKit,
    /// The kit that is played in a file.
    LearnKit,
    /// The stems of a file.
    WriteStems,
    /// No more of the file that is being heard.
    Cancel,
    /// The learnt kit as WAV and SFZ.
    SaveKit,
    /// Samples of the user's own in place of all of it.
    LoadKit,
    /// The song's hits in a file.
    SaveMidi,
    /// It was pressed, and can be dragged out.
    Hold(Taken),
}

/// What is known of files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Files {
    /// What one is heard for and how much of it was, while one is.
    pub heard: Option<(Purpose, f32)>,
    /// Whether there are stems that can be dragged out.
    pub has_stems: bool,
}

impl Files {
    fn share(&self, purpose: Purpose) -> Option<f32> {
        let heard = self.heard.filter(|heard| heard.0 == purpose);
        heard.map(|(_, share)| share)
    }
}

/// What came of the toolbar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tools {
    /// What the user wants.
    pub wish: Option<ToolbarWish>,
    /// Where a recording can be dropped.
    pub zone: Option<Zone>,
}

/// Draws the toolbar in `rect`.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    params: &IdmParams,
    main_level: Level,
    files: &Files,
) -> Tools {
    panel(ui, rect);
    let (top, bottom) = (rect.top() + 8.0, rect.bottom() - 8.0);
    let mut left = rect.left() + 10.0;
    let mut place = |width: f32| {
        let place = Rect::from_min_max(pos2(left, top), pos2(left + width, bottom));
        left += width + theme::GAP;
        place
    };
    let mut needed = FIXED_WIDTH;
    let mut has_room = |width: f32| {
        let wider = needed + width + theme::GAP;
        let has_room = rect.width() >= wider;
        if has_room {
            needed = wider;
        }
        has_room
    };
    let has_stems = has_room(STEMS_WIDTH);
    let has_midi = has_room(MIDI_WIDTH);
    let has_label = has_room(LABEL_WIDTH);
    // What is left of the row goes to the wide controls.
    let spare = ((rect.width() - needed) / 3.0).max(0.0);

    if has_label {
        label(ui, place(LABEL_WIDTH), "Main output");
    }
    choice(
        ui,
        place(110.0 + spare),
        setter,
        &params.main_output,
        "What you hear on the main output. In hosts without extra outputs, \
         put one instance on a track per drum and choose the drum here. Choose Nothing \
         if every drum has a track of its own, or all are heard twice.",
    );
    meter::horizontal(ui, place(36.0 + spare), main_level);
    place(6.0);
    label(ui, place(40.0), "Quality");
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
        place(132.0 + spare),
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
        place(56.0),
        setter,
        &params.learning,
        &[],
        "Learn",
        theme::GOOD,
        "On: the one-shots are learnt from the kit that is playing. \
         Off: frozen, exactly as they are. Saved with the project.",
    );
    let mut wish = match files.share(Purpose::Kit) {
        Some(share) => {
            let hint = "Hear no more of the file. The kit stays as it is.";
            cancel(ui, place(FILE_WIDTH), share, hint)
        }
        None => {
            let hint = "Learn the one-shots from a recording now, before anything is played: this \
                        song's drum bus as a file, another song of the session, a soundcheck.";
            let hint = drag_drop::hint(hint, "Or drop it on this window.");
            let button = button(ui, place(FILE_WIDTH), "From file", &hint);
            button.clicked().then_some(ToolbarWish::LearnKit)
        }
    };
    let hint = "Back to the model's own one-shots: click twice. Undo in the list of From file \
                brings back what was learnt.";
    if sure_button(ui, place(54.0), "Forget", hint) {
        wish = Some(ToolbarWish::ForgetKit);
    }
    let hint = "Write the learnt one-shots as WAV and SFZ to Music/Inverse Drum Machine.";
    if button(ui, place(58.0), "Save kit", hint).clicked() {
        wish = Some(ToolbarWish::SaveKit);
    }
    let hint = "Play a folder of samples in place of the learnt one-shots: a kit that was saved \
                from another song, or any whose files are named after drums.";
    let hint = drag_drop::hint(hint, "Or drop it on this window.");
    if button(ui, place(58.0), "Load kit", &hint).clicked() {
        wish = Some(ToolbarWish::LoadKit);
    }
    let zone = has_stems.then(|| {
        let rect = place(STEMS_WIDTH);
        wish = stems(ui, rect, files).or(wish);
        let place = Place::Stems;
        Zone { place, rect }
    });
    let hint = "Write the hits of the song as far as it was heard, with your corrections, into \
                a MIDI file in Music/Inverse Drum Machine, from the song's beginning on.";
    if has_midi {
        let hint = drag_drop::hint(hint, "Or drag it from here to a track.");
        let response = button_of("toolbar", ui, place(MIDI_WIDTH), "Save MIDI", &hint);
        if response.clicked() {
            wish = Some(ToolbarWish::SaveMidi);
        }
        let pressed = Taken::Midi(None).if_pressed(&response);
        wish = pressed.map(ToolbarWish::Hold).or(wish);
    }
    Tools { wish, zone }
}

/// Writes the stems of a file; those of the last one can be dragged out.
fn stems(ui: &mut Ui, rect: Rect, files: &Files) -> Option<ToolbarWish> {
    if let Some(share) = files.share(Purpose::Stems) {
        let hint = "Hear no more of the file. No stems are written.";
        return cancel(ui, rect, share, hint);
    }
    let hint = "Write a WAV of each drum of a recording, such as this song's drum bus as a \
                file: no buses to route. Kit, samples and settings are those of now, faders \
                aside.";
    let drag = match files.has_stems {
        true => "Drag those of the last one from here to tracks.",
        false => "Or drop it here.",
    };
    let hint = drag_drop::hint(hint, drag);
    let response = button_of("toolbar", ui, rect, "Stems", &hint);
    let pressed = Taken::Stems.if_pressed(&response);
    match pressed.filter(|_| files.has_stems) {
        Some(pressed) => Some(ToolbarWish::Hold(pressed)),
        None => response.clicked().then_some(ToolbarWish::WriteStems),
    }
}

/// In place of the button with which it began; the line is as long as `share` is done.
fn cancel(ui: &mut Ui, rect: Rect, share: f32, hint: &str) -> Option<ToolbarWish> {
    let response = button(ui, rect, "Cancel", hint);
    let line = Rect::from_min_max(
        pos2(rect.left(), rect.bottom() - PROGRESS_HEIGHT),
        pos2(
            rect.left() + rect.width() * share.clamp(0.0, 1.0),
            rect.bottom(),
        ),
    );
    ui.painter_at(rect).rect_filled(line, 0, theme::GOOD);
    response.clicked().then_some(ToolbarWish::Cancel)
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
