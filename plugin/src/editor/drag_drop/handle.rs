//! What can be dragged out of the window, and when it is.

use egui::{Context, Pos2, Response, Sense};
use idm_engine::drum::Drum;

use crate::midi_export::Bars;

/// Way in points after which a press is no click.
const DEAD_ZONE: f32 = 6.0;

/// What can be dragged out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Taken {
    /// The sound of a pad.
    Sound(Drum),
    /// The hits of the song, or of some of its bars.
    Midi(Option<Bars>),
    /// The stems that were written last.
    Stems,
}

impl Taken {
    /// The same if `response` is that of the thing being pressed.
    pub fn if_pressed(self, response: &Response) -> Option<Taken> {
        let is_pressed = response.is_pointer_button_down_on()
            && response.ctx.input(|input| input.pointer.primary_pressed());
        is_pressed.then_some(self)
    }

    /// What becomes of it, in words.
    pub fn in_words(&self) -> String {
        match self {
            Taken::Sound(drum) => {
                let name = drum.name().to_lowercase();
                format!("Drag the {name} out of this window to a track, sampler or folder")
            }
            Taken::Stems => "Drag the stems out of this window to tracks".to_owned(),
            Taken::Midi(None) => "Drag the MIDI out of this window to a track".to_owned(),
            Taken::Midi(Some(bars)) => format!("Drag {bars} out of this window to a track"),
        }
    }
}

/// What the pointer has of what can be dragged out, from the press on until it has left the
/// window: only then a file is written.
#[derive(Debug, Default)]
pub struct Grip(Option<Taken>);

impl Grip {
    /// Takes hold of something, if it was pressed.
    pub(super) fn press(&mut self, taken: Option<Taken>) {
        if taken.is_some() {
            self.0 = taken;
        }
    }

    /// What is held and has been moved.
    pub(super) fn held(&self, context: &Context) -> Option<Taken> {
        let taken = self.0?;
        let (_, is_moved) = pointer(context)?;
        is_moved.then_some(taken)
    }

    /// What has left the window just now.
    pub(super) fn left_with(&mut self, context: &Context) -> Option<Taken> {
        let Some((position, is_moved)) = pointer(context) else {
            self.0 = None;
            return None;
        };
        let is_outside = !context.content_rect().contains(position);
        let left = is_moved && is_outside;
        if left { self.0.take() } else { None }
    }
}

/// Where the pointer is while its button is down, and whether it was moved since.
fn pointer(context: &Context) -> Option<(Pos2, bool)> {
    context.input(|input| {
        let pointer = &input.pointer;
        let (origin, now) = (pointer.press_origin()?, pointer.interact_pos()?);
        let is_moved = origin.distance(now) > DEAD_ZONE;
        pointer.primary_down().then_some((now, is_moved))
    })
}

/// How a thing that can be dragged out answers the pointer.
pub fn sense() -> Sense {
    // Or what lies below it would be dragged.
    Sense::click_and_drag()
}
