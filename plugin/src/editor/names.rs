//! The names of the lanes. A menu on each says what the drum as heard is, where the plugin
//! takes it for another.

use egui::{Align2, Popup, Rect, Sense, Ui, pos2};
use idm_engine::drum::Drum;
use nice_plug::prelude::{Enum, ParamSetter};

use super::controls::set;
use super::lanes::Lanes;
use super::theme;
use crate::params::{IdmParams, NameChoice};

/// Draws the names in the panel `rect` of the lanes.
pub fn show(ui: &Ui, rect: Rect, setter: &ParamSetter<'_>, params: &IdmParams) {
    let lanes = Lanes::of(rect);
    for drum in Drum::ALL {
        let param = &params.names[drum.index()].heard_as;
        let is = param.value().drum().filter(|is| *is != drum);
        let place = lanes.name(drum);
        let id = ui.scope_id().with(("name", drum.index()));
        let response = ui.interact(place, id, Sense::click());
        paint(ui, place, drum, is, response.hovered());
        Popup::menu(&response).show(|ui| {
            ui.set_min_width(110.0);
            let heading = format!("What is heard as {} is", drum.name());
            ui.label(egui::RichText::new(heading).color(theme::DIM).size(11.0));
            for choice in (0..NameChoice::variants().len()).map(NameChoice::from_index) {
                let name = match choice.drum() {
                    None => format!("{} (as heard)", drum.name()),
                    Some(other) if other == drum => continue,
                    Some(other) => other.name().to_owned(),
                };
                let is_chosen = choice.drum() == is;
                if ui.selectable_label(is_chosen, name).clicked() && !is_chosen {
                    set(setter, param, choice);
                }
            }
        });
        let name = drum.name();
        let hint = match is {
            None => format!(
                "Click if what is heard as {name} is another drum: all of it, from then on. Play \
                 the song again."
            ),
            Some(is) => format!("What is heard as {name} is {}. Click to change.", is.name()),
        };
        response.on_hover_text(hint);
    }
}

/// A drum's name, or that of the drum that it is.
fn paint(ui: &Ui, place: Rect, drum: Drum, is: Option<Drum>, is_hovered: bool) {
    let painter = ui.painter_at(place);
    let middle = place.center().y;
    painter.circle_filled(pos2(place.left() + 4.0, middle), 3.0, theme::accent(drum));
    let size = (place.height() * 0.9).clamp(7.0, 11.0);
    let (text, colour) = match is {
        None if is_hovered => (drum.name().to_owned(), theme::BRAND),
        None => (drum.name().to_owned(), theme::TEXT),
        Some(is) => (format!("→ {}", is.name()), theme::accent(is)),
    };
    painter.text(
        pos2(place.left() + 13.0, middle),
        Align2::LEFT_CENTER,
        text,
        theme::font(size),
        colour,
    );
}
