//! The line at the top: name, model, sample rate, latency, state, zoom.

use egui::{Align2, Color32, Popup, Rect, Ui, pos2, vec2};
use idm_engine::note_map::NoteMap;
use nice_plug::prelude::ParamSetter;

use super::before_preset::sets;
use super::controls::{button, drop_down, set, switch};
use super::notice::Notice;
use super::theme;
use crate::link::{Shared, Status, Texts};
use crate::params::{HitChoice, IdmParams};
use crate::presets::{self, Preset};
use crate::state::EditorState;

/// Height in points.
pub const HEIGHT: f32 = 46.0;

/// Zoom steps that the buttons go through.
const ZOOMS: [f32; 7] = [0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0];

/// The way back from a preset.
const UNDO_PRESET: &str = "Back to my settings";

/// What the header needs to know.
#[derive(Debug)]
pub struct Header<'a> {
    /// All parameters.
    pub params: &'a IdmParams,
    /// Numbers from the audio side.
    pub shared: &'a Shared,
    /// Words from the audio side.
    pub texts: &'a Texts,
    /// Zoom of the window.
    pub zoom: f32,
    /// What became of the last thing that was done.
    pub notice: Option<&'a Notice>,
    /// What of the project could not be read; empty most of the time.
    pub problem: &'a str,
    /// Whether there are settings from before a preset.
    pub can_undo_preset: bool,
    /// Whether sound has come in for a while without any hit.
    pub hears_nothing: bool,
}

/// What the user wants of the header.
#[derive(Debug, Clone, Copy)]
pub enum HeaderWish {
    /// Another zoom.
    Zoom(f32),
    /// All settings of a preset.
    Preset(&'static Preset),
    /// Those from before the last one.
    UndoPreset,
    /// Another drum model, to be looked for.
    ChooseModel,
    /// The built-in drum model.
    BuiltInModel,
    /// The folder that the notice speaks of.
    OpenFolder,
    /// No notice.
    Dismiss,
}

impl Header<'_> {
    /// Draws the header. Returns what the user wants that others do.
    pub fn show(&self, ui: &mut Ui, rect: Rect, setter: &ParamSetter<'_>) -> Option<HeaderWish> {
        let middle = rect.center().y;
        paint_logo(ui, pos2(rect.left() + 15.0, middle));
        let painter = ui.painter_at(rect);
        let name = painter.text(
            pos2(rect.left() + 36.0, middle - 7.0),
            Align2::LEFT_CENTER,
            "Inverse Drum Machine",
            theme::font(16.0),
            theme::TEXT,
        );
        let line = pos2(rect.left() + 36.0, middle + 11.0);
        let (model, mut wish) = show_model(ui, line, self.params, self.texts);
        let facts = painter.text(
            pos2(model.map_or(line.x, |model| model.right()), line.y),
            Align2::LEFT_CENTER,
            self.facts(model.is_some()),
            theme::font(11.0),
            theme::DIM,
        );

        let id = ui.scope_id().with("title");
        // The model is a menu of its own.
        let title = ui.interact(name, id, egui::Sense::hover());
        title.on_hover_text(concat!(
            "Version ",
            env!("CARGO_PKG_VERSION"),
            ". The host is told the latency and makes up for it. Everything here says what it \
             does while the mouse rests on it."
        ));

        let mut right = rect.right();
        let mut place = |width: f32| {
            let place = Rect::from_min_max(
                pos2(right - width, middle - 12.0),
                pos2(right, middle + 12.0),
            );
            right -= width + theme::GAP;
            place
        };
        let bypass = place(64.0);
        let larger = place(24.0);
        let percent = place(46.0);
        let smaller = place(24.0);
        let presets = place(128.0);
        let notes = place(158.0);

        switch(
            ui,
            bypass,
            setter,
            &self.params.bypass,
            &[],
            "Bypass",
            theme::WARNING,
            "Main carries the input, only delayed; all drum buses are silent.",
        );
        let mut zoom = None;
        if button(ui, larger, "+", "Larger").clicked() {
            zoom = ZOOMS.into_iter().find(|step| *step > self.zoom + 0.01);
        }
        ui.painter_at(percent).text(
            percent.center(),
            Align2::CENTER_CENTER,
            format!("{:.0} %", self.zoom * 100.0),
            theme::font(11.0),
            theme::DIM,
        );
        if button(ui, smaller, "−", "Smaller").clicked() {
            zoom = ZOOMS
                .into_iter()
                .rev()
                .find(|step| *step < self.zoom - 0.01);
        }
        let clamp = |zoom: f32| zoom.clamp(EditorState::ZOOM.0, EditorState::ZOOM.1);
        wish = zoom.map(|zoom| HeaderWish::Zoom(clamp(zoom))).or(wish);
        wish = wish.or(show_presets(ui, presets, self.params, self.can_undo_preset));
        show_note_maps(ui, notes, setter, self.params);

        let (colour, text) = self.status();
        let left = name.right().max(facts.right()) + 22.0;
        let room = Rect::from_min_max(
            pos2(left, rect.top()),
            pos2(notes.left() - theme::GAP, rect.bottom()),
        );
        let pill = paint_status(ui, room, colour, &text);
        if let Some(pill) = pill {
            let id = ui.scope_id().with("notice");
            let response = ui.interact(pill, id, egui::Sense::click());
            let (click, hint) = match self.notice {
                Some(notice) if notice.folder.is_some() => {
                    (Some(HeaderWish::OpenFolder), "Click to open the folder.")
                }
                Some(notice) if !notice.is_good => (Some(HeaderWish::Dismiss), "Click to close."),
                _ => (None, ""),
            };
            if response.clicked() {
                wish = click.or(wish);
            }
            // The whole text: there may be no room for it.
            let response = response.on_hover_text(format!("{text}\n{hint}").trim_end());
            if click.is_some() {
                response.on_hover_cursor(egui::CursorIcon::PointingHand);
            }
        }
        wish
    }

    /// Sample rate and latency, after a model or not.
    fn facts(&self, follows: bool) -> String {
        let rate_hz = self.shared.sample_rate_hz();
        let dot = if follows { "  ·  " } else { "" };
        if rate_hz <= 0.0 {
            return format!("{dot}version {}", env!("CARGO_PKG_VERSION"));
        }
        let latency_ms = f64::from(self.shared.latency_samples()) / rate_hz * 1000.0;
        format!(
            "{dot}{} kHz  ·  {latency_ms:.1} ms latency",
            rate_hz / 1000.0
        )
    }

    fn status(&self) -> (Color32, String) {
        let wanted = self.params.quality.value().engine();
        if let Some(notice) = self.notice {
            let colour = if notice.is_good {
                theme::GOOD
            } else {
                theme::WARNING
            };
            return (colour, notice.text.clone());
        }
        match self.shared.status() {
            Status::PassThrough => (theme::BAD, format!("Input passes: {}", self.texts.problem)),
            Status::Idle if self.problem.is_empty() => (theme::DIM, "Waiting for the host".into()),
            Status::Running if self.params.bypass.value() => (theme::WARNING, "Bypassed".into()),
            Status::Running if wanted != self.shared.quality() => (
                theme::WARNING,
                format!(
                    "{} quality runs until the plugin is restarted: switch it off and on, or \
                     save and open the project",
                    self.shared.quality().name()
                ),
            ),
            Status::Running if self.params.model.changes() != self.texts.model_changes => (
                theme::WARNING,
                format!(
                    "The model {} runs until the plugin is restarted: switch it off and on, or \
                     save and open the project",
                    self.texts.model
                ),
            ),
            _ if !self.problem.is_empty() => (theme::WARNING, self.problem.to_owned()),
            Status::Running if self.params.hits.value() != HitChoice::Listening => self.notes_in(),
            Status::Running | Status::Idle => (theme::GOOD, "Running".into()),
        }
    }
}

impl Header<'_> {
    /// Whether notes come in where they are the only hits.
    fn notes_in(&self) -> (Color32, String) {
        match (self.hears_nothing, self.shared.strange_key()) {
            (false, _) => (theme::GOOD, "Running; hits come from MIDI in".into()),
            (true, Some(key)) => (
                theme::WARNING,
                format!(
                    "All drums are silent: notes come in, such as {key}, that are on no strip. \
                     Choose their instrument in the menu of notes"
                ),
            ),
            (true, None) => (
                theme::WARNING,
                "All drums are silent: no notes have come in. Send the MIDI track to this \
                 plugin, or set Hits to Listening"
                    .into(),
            ),
        }
    }
}

/// Draws a line about what goes on; answers where, if there was room.
fn paint_status(ui: &Ui, room: Rect, colour: Color32, text: &str) -> Option<Rect> {
    if room.width() < 30.0 {
        return None;
    }
    let painter = ui.painter_at(room);
    let mut job = egui::text::LayoutJob::simple(
        text.to_owned(),
        theme::font(11.0),
        theme::TEXT,
        room.width() - 34.0,
    );
    job.wrap.max_rows = 2;
    let galley = painter.layout_job(job);
    let size = vec2(galley.size().x + 30.0, galley.size().y + 8.0);
    let pill = Rect::from_min_size(pos2(room.left(), room.center().y - size.y / 2.0), size);
    painter.rect_filled(pill, 11, theme::faded(colour, 0.16));
    painter.circle_filled(pos2(pill.left() + 12.0, pill.center().y), 4.0, colour);
    painter.galley(
        pos2(pill.left() + 22.0, pill.top() + 4.0),
        galley,
        theme::TEXT,
    );
    Some(pill)
}

/// A drum seen from above, run backwards.
fn paint_logo(ui: &Ui, centre: egui::Pos2) {
    let painter = ui.painter();
    painter.circle_filled(centre, 13.0, theme::BRAND);
    painter.circle_filled(centre, 9.5, theme::BACKGROUND);
    let arrow = |x: f32| {
        vec![
            centre + vec2(x + 3.5, -4.5),
            centre + vec2(x - 3.0, 0.0),
            centre + vec2(x + 3.5, 4.5),
        ]
    };
    for x in [-2.6, 3.0] {
        painter.add(egui::Shape::convex_polygon(
            arrow(x),
            theme::BRAND,
            egui::Stroke::NONE,
        ));
    }
}

/// The drum model that runs, with a menu of others; answers where it is, if one has run.
fn show_model(
    ui: &Ui,
    place: egui::Pos2,
    params: &IdmParams,
    texts: &Texts,
) -> (Option<Rect>, Option<HeaderWish>) {
    if texts.model.is_empty() {
        return (None, None);
    }
    let id = ui.scope_id().with("model");
    let text = format!("model {}", texts.model);
    let painter = ui.painter();
    let galley = painter.layout_no_wrap(text, theme::font(11.0), theme::DIM);
    let top = pos2(place.x, place.y - galley.size().y / 2.0);
    let words = Rect::from_min_size(top, galley.size());
    let rect = words.with_max_x(words.right() + 12.0);
    let response = ui.interact(rect, id, egui::Sense::click());
    let colour = if response.hovered() {
        theme::TEXT
    } else {
        theme::DIM
    };
    painter.galley_with_override_text_color(top, galley, colour);
    let tip = pos2(words.right() + 8.0, place.y + 2.5);
    let corners = vec![tip, tip + vec2(-3.5, -4.5), tip + vec2(3.5, -4.5)];
    painter.add(egui::Shape::convex_polygon(
        corners,
        colour,
        egui::Stroke::NONE,
    ));
    let mut wish = None;
    Popup::menu(&response).show(|ui| {
        let is_built_in = params.model.is_built_in();
        if ui.selectable_label(is_built_in, "Built-in model").clicked() && !is_built_in {
            wish = Some(HeaderWish::BuiltInModel);
        }
        let other = match params.model.folder() {
            Some(folder) => format!("{} …", folder.display()),
            None => "Another model …".to_owned(),
        };
        if ui.selectable_label(!is_built_in, other).clicked() {
            wish = Some(HeaderWish::ChooseModel);
        }
    });
    response
        .on_hover_cursor(egui::CursorIcon::PointingHand)
        .on_hover_text(
            "The drum model: what the plugin hears drums with. Click for another one, such as one \
         that idm-train made from your own takes. The project remembers its folder.",
        );
    (Some(rect), wish)
}

fn show_presets(ui: &mut Ui, rect: Rect, params: &IdmParams, can_undo: bool) -> Option<HeaderWish> {
    let hint = "Settings to start from: how drums are heard and how they sound. Main output, \
                quality, notes, mute and solo, kit, samples and corrected hits stay; faders, and \
                how samples of your own play, but for Separate; buses but for Separate and Five \
                groups; drums that are off but for Separate and Kick, snare, hats.";
    let mut wish = None;
    drop_down(ui, rect, "presets", "Presets", hint, |ui| {
        if can_undo && ui.selectable_label(false, UNDO_PRESET).clicked() {
            wish = Some(HeaderWish::UndoPreset);
        }
        let present = params.values();
        let has_sample = params.own_samples.names().map(|name| name.is_some());
        for preset in presets::factory() {
            let settings = preset.settings_beside(&has_sample);
            let response = ui
                .selectable_label(sets(&settings, &present), &preset.name)
                .on_hover_text(&preset.description);
            if response.clicked() {
                wish = Some(HeaderWish::Preset(preset));
            }
        }
    });
    wish
}

/// Notes of all drums at once, as other instruments have them.
fn show_note_maps(ui: &mut Ui, rect: Rect, setter: &ParamSetter<'_>, params: &IdmParams) {
    let present = params.notes();
    let map = NoteMap::ALL.iter().find(|map| map.notes == present);
    let name = format!("Notes: {}", map.map_or("your own", |map| map.name));
    let hint = "MIDI notes of all drums, as another instrument has them; each can be changed \
                at the foot of its strip.";
    drop_down(ui, rect, "notes", &name, hint, |ui| {
        for map in &NoteMap::ALL {
            let is_chosen = map.notes == present;
            if ui.selectable_label(is_chosen, map.name).clicked() {
                for (drum, note) in params.drums.iter().zip(map.notes) {
                    if drum.note_number() != note {
                        set(setter, &drum.note, i32::from(note));
                    }
                }
            }
        }
    });
}
