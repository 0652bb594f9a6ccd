//! The strips side by side.

use egui::{Rect, Ui, pos2, vec2};
use idm_engine::drum::{Drum, STEM_COUNT};
use nice_plug::prelude::ParamSetter;

use super::IdmApp;
use crate::editor::drag_drop::{Place, Taken, Zone};
use crate::editor::{strip, theme};
use crate::heard::Monitor;

/// What the user does with the pads.
#[derive(Default)]
pub(super) struct PadsAnswer {
    /// The drum for which a sample is to be chosen.
    pub wants_sample: Option<Drum>,
    /// What was pressed and can be dragged out.
    pub pressed: Option<Taken>,
    /// Where they are.
    pub zones: Vec<Zone>,
}

impl IdmApp {
    /// Draws the strips; answers what the user does with the pads.
    pub(super) fn show_strips(
        &self,
        ui: &mut Ui,
        rect: Rect,
        setter: &ParamSetter<'_>,
        monitor: &Monitor,
    ) -> PadsAnswer {
        let own = self.params.own_samples.names();
        let mut answer = PadsAnswer::default();
        let count = STEM_COUNT as f32;
        let gaps = theme::GAP * (count - 1.0);
        let width = ((rect.width() - gaps) / count).max(strip::MIN_WIDTH);
        let total = width * count + gaps;
        // Leave room for the scroll bar when the strips do not fit.
        let height = if total > rect.width() + 0.5 {
            rect.height() - 12.0
        } else {
            rect.height()
        };
        let builder = egui::UiBuilder::new().max_rect(rect).id_salt("strips");
        ui.scope_builder(builder, |ui| {
            egui::ScrollArea::horizontal()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    let (area, _) =
                        ui.allocate_exact_size(vec2(total, height), egui::Sense::hover());
                    let place = |index: usize| {
                        let left = area.left() + (width + theme::GAP) * index as f32;
                        Rect::from_min_size(pos2(left, area.top()), vec2(width, height))
                    };
                    for drum in Drum::ALL {
                        let pad = strip::drum_strip(
                            ui,
                            place(drum.index()),
                            setter,
                            drum,
                            &self.params,
                            own[drum.index()].as_deref(),
                            monitor,
                            &self.shared,
                        );
                        if pad.wants_sample {
                            answer.wants_sample = Some(drum);
                        }
                        answer.pressed = pad.pressed.or(answer.pressed);
                        answer.zones.push(Zone {
                            place: Place::Pad(drum),
                            rect: pad.rect.intersect(ui.clip_rect()),
                        });
                    }
                    let last = place(STEM_COUNT - 1);
                    strip::residual_strip(ui, last, setter, &self.params, monitor);
                });
        });
        answer
    }
}
