//! What the window is told when the system takes what is dragged out of it.
//!
//! From then on the pointer's button is the system's, and its release never comes: without
//! word of it the window would believe the button to be down for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egui::{Context, Event, Modifiers, PointerButton, Pos2, RawInput};

/// Tells a window that the system has what is dragged out of it.
#[derive(Debug, Clone, Default)]
pub struct HandingOver(Arc<AtomicBool>);

impl HandingOver {
    /// For the window that is drawn with `context`.
    pub fn of(context: &Context) -> Self {
        let told = Self::default();
        context.add_plugin(Listener {
            told: told.clone(),
            at: Pos2::ZERO,
        });
        told
    }

    /// The system has it.
    pub fn is_done(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Stands between the system and the window.
#[derive(Debug)]
struct Listener {
    told: HandingOver,
    /// Where the pointer was last.
    at: Pos2,
}

impl egui::Plugin for Listener {
    fn debug_name(&self) -> &'static str {
        "what is dragged out"
    }

    fn input_hook(&mut self, _: &Context, input: &mut RawInput) {
        for event in &input.events {
            if let Event::PointerMoved(at) = event {
                self.at = *at;
            }
        }
        if self.told.0.swap(false, Ordering::Relaxed) {
            let released = Event::PointerButton {
                pos: self.at,
                button: PointerButton::Primary,
                pressed: false,
                modifiers: Modifiers::NONE,
            };
            input.events.extend([released, Event::PointerGone]);
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::{Rect, Response, Sense, pos2};

    use super::*;

    fn button(pos: Pos2, pressed: bool) -> Event {
        Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        }
    }

    /// A frame with one thing that can be dragged.
    fn frame(context: &Context, events: Vec<Event>) -> Response {
        let screen = Rect::from_min_max(Pos2::ZERO, pos2(100.0, 100.0));
        let input = RawInput {
            screen_rect: Some(screen),
            events,
            ..Default::default()
        };
        let mut response = None;
        let mut output = context.run_ui(input, |ui| {
            let rect = Rect::from_min_max(pos2(10.0, 10.0), pos2(30.0, 30.0));
            response = Some(ui.allocate_rect(rect, Sense::click_and_drag()));
        });
        // Nobody draws it.
        output.textures_delta.clear();
        response.expect("a frame")
    }

    #[test]
    fn the_button_is_up_once_the_system_has_it_and_nothing_was_clicked() {
        let context = Context::default();
        let told = HandingOver::of(&context);
        let (on_it, outside) = (pos2(20.0, 20.0), pos2(150.0, 20.0));
        let is_down = || context.input(|input| input.pointer.any_down());
        frame(&context, vec![]);
        frame(&context, vec![Event::PointerMoved(on_it)]);
        frame(&context, vec![button(on_it, true)]);
        let response = frame(&context, vec![Event::PointerMoved(outside)]);
        assert!(response.dragged() && is_down());
        told.is_done();
        let response = frame(&context, vec![]);
        assert!(!response.dragged() && !response.clicked() && !is_down());
        // The next click is one.
        frame(&context, vec![Event::PointerMoved(on_it)]);
        frame(&context, vec![button(on_it, true)]);
        assert!(is_down(), "it is handed over once");
        let response = frame(&context, vec![button(on_it, false)]);
        assert!(response.clicked() && !is_down());
    }
}
