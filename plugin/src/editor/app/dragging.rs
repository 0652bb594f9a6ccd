//! What is dragged onto the window and out of it.

use std::path::PathBuf;

use egui::{Context, CursorIcon, Id, LayerId, Order, Stroke, StrokeKind, Ui};
use nice_plug::prelude::ParamSetter;

use super::IdmApp;
use crate::editor::drag_drop::{Files, Meaning, Place, Taken, Zone, forecast, meaning};
use crate::editor::notice::Notice;
use crate::editor::sample_browser::Target;
use crate::editor::theme;
use crate::heard::Take;
use crate::lock::lock;
use crate::sound_export;

impl IdmApp {
    /// What will happen to what is dragged, if anything is.
    pub(super) fn drag_hint(&self, context: &Context) -> Option<Notice> {
        if let Some(carried) = &self.carried {
            let files = carried.files.as_deref();
            let text = forecast(carried.place, files);
            return Some(if is_welcome(carried.place, files) {
                Notice::done(text)
            } else {
                Notice::failed(text)
            });
        }
        let held = self.drag_drop.held(context)?;
        Some(Notice::done(held.in_words()))
    }

    /// Says where things can be dropped, takes what was, and drags out what has left the
    /// window.
    pub(super) fn follow_dragged(
        &mut self,
        ui: &Ui,
        places: Vec<Zone>,
        setter: &ParamSetter<'_>,
        take: &Take,
    ) {
        let context = ui.ctx();
        let list = lock(&self.samples).browser.as_ref().map(|browser| Zone {
            place: match browser.target() {
                Target::Pad(drum) => Place::List(drum),
                Target::Kit => Place::Kit,
                Target::Recording => Place::Recordings,
                Target::Stems => Place::Stems,
                Target::Model => Place::Models,
            },
            rect: browser.rect(),
        });
        let zones: Vec<Zone> = list.into_iter().chain(places).collect();
        self.paint_welcome(ui, &zones);
        let pixels_per_point = context.pixels_per_point();
        self.carried = self.drag_drop.lay_out(zones, pixels_per_point);
        for dropped in self.drag_drop.take_dropped() {
            let meaning = meaning(dropped.place, &dropped.files);
            let meaning = match meaning {
                Meaning::Learn(path) => {
                    self.learn_from(&path);
                    continue;
                }
                Meaning::Stems(path) => {
                    self.write_stems(&path);
                    continue;
                }
                Meaning::Model(folder) => {
                    self.take_model(&folder);
                    continue;
                }
                of_samples => of_samples,
            };
            let (params, shared) = (&self.params, &self.shared);
            let mut samples = lock(&self.samples);
            if dropped.place == Place::Stems && samples.browser.is_none() {
                // A folder that was dropped on the button.
                samples.open(Target::Stems);
            }
            let notice = samples.take_dropped(dropped.place, meaning, setter, params, shared);
            drop(samples);
            self.notice = notice.or(self.notice.take());
        }
        if self.drag_drop.held(context).is_some() {
            context.set_cursor_icon(CursorIcon::Grabbing);
        }
        if let Some(taken) = self.drag_drop.left_with(context) {
            let files = self.files_of(taken, take);
            if !files.is_empty() {
                self.drag_drop.drag_out(files);
            }
        }
        self.drag_drop.show_cursor(context);
    }

    /// Writes what leaves the window into a file; stems are written already.
    fn files_of(&mut self, taken: Taken, take: &Take) -> Vec<PathBuf> {
        let drum = match taken {
            Taken::Midi(bars) => {
                let saved = self.save_midi(take, bars.as_ref());
                return saved.into_iter().collect();
            }
            Taken::Stems => {
                let stems = self.file_work.last_stems();
                if stems.is_empty() {
                    let text = "The stems are not where they were written any more";
                    self.notice = Some(Notice::failed(text.to_owned()));
                }
                return stems;
            }
            Taken::Sound(drum) => drum,
        };
        let (own, kit) = (&self.params.own_samples, &self.params.kit);
        let set = self.params.drums[drum.index()].controls();
        let saved = sound_export::save(drum, &set, own, kit, &self.kits_folder);
        self.notice = Some(match &saved {
            Ok(path) => Notice::saved("Sound saved as", path),
            Err(error) => Notice::failed(format!("Sound not saved: {error}")),
        });
        saved.into_iter().collect()
    }

    /// Shows what takes what is carried, or that nothing does.
    fn paint_welcome(&self, ui: &Ui, zones: &[Zone]) {
        let Some(carried) = &self.carried else {
            return;
        };
        let (place, files) = (carried.place, carried.files.as_deref());
        let concerns_all = |meaning| {
            use Meaning::{Kit, Learn, Model};
            matches!(meaning, Kit(_) | Learn(_) | Model(_))
        };
        let concerns_all = files.is_some_and(|files| concerns_all(meaning(place, files)));
        let at_place = zones.iter().find(|zone| zone.place == place);
        let rect = match at_place {
            Some(zone) => zone.rect,
            None if concerns_all => ui.max_rect().shrink(2.0),
            None => return,
        };
        let colour = if is_welcome(place, files) {
            theme::TEXT
        } else {
            theme::WARNING
        };
        let layer = LayerId::new(Order::Foreground, Id::unique("carried"));
        let painter = ui.ctx().layer_painter(layer);
        painter.rect_filled(rect, theme::ROUND, theme::faded(colour, 0.12));
        let stroke = Stroke::new(2.5, colour);
        painter.rect_stroke(rect, theme::ROUND, stroke, StrokeKind::Inside);
    }
}

/// Whether something would happen to what is carried, as far as is known.
fn is_welcome(place: Place, files: Option<&Files>) -> bool {
    files.is_none_or(|files| meaning(place, files).is_taken())
}
