//! The buttons of the song, and its words.

use std::ops::RangeInclusive;

use egui::{Rect, Ui, pos2, vec2};
use idm_engine::controls::HitSource;
use idm_engine::midi_file::Grid;

use super::super::controls::{button, button_if, sure_button};
use super::super::drag_drop::{self, Taken};
use super::super::keys::{REDO_KEY, UNDO_KEY, keys_of_steps};
use super::super::lanes::Lanes;
use super::{SongView, SongWish};
use crate::corrections::{Corrections, SAME_HIT_S};
use crate::heard::{Questions, Take, teaching};
use crate::midi_export::Bars;

impl SongView {
    pub(super) fn buttons(
        &mut self,
        ui: &mut Ui,
        lanes: &Lanes,
        take: &Take,
        grid: &Grid,
        questions: &mut Questions,
        corrections: &Corrections,
    ) -> Option<SongWish> {
        let mut right = lanes.plot.right() - 4.0;
        let mut place = |width: f32| {
            let min = pos2(right - width, lanes.plot.top() + 3.0);
            right -= width + 4.0;
            Rect::from_min_size(min, vec2(width, 18.0))
        };
        // First, so that they stay where they are while one answers.
        self.ask(ui, &mut place, take, questions, corrections);
        self.steps(ui, &mut place, corrections);
        if !corrections.current().is_empty() {
            let hint = "Take all corrections of this song back (can be undone).";
            if button(ui, place(60.0), "Clear all", hint).clicked() {
                corrections.edit(Vec::clear);
            }
        }
        let page_s = self.start_s..self.start_s + self.span_s;
        if take.playhead_s().is_some() {
            let hint = "Turn pages with the playhead.";
            if !self.follows && button(ui, place(52.0), "Follow", hint).clicked() {
                self.follows = true;
            }
        } else if let Some(recent_s) = take.recent_s().filter(|place| !page_s.contains(place)) {
            let hint = "Back to what was heard last.";
            if button(ui, place(52.0), "Back", hint).clicked() {
                self.start_s = recent_s - 0.5 * self.span_s;
            }
        }
        let mut wish = None;
        let hint = "Write the hits of the song, as heard and corrected, into a MIDI file in \
                    Music/Inverse Drum Machine: with the notes of the strips and the song's \
                    tempo and its changes, from the song's beginning on.";
        let mut save = |ui: &mut Ui, place, label, hint: &str, taken, saved| {
            let hint = drag_drop::hint(hint, "Or drag it from here to a track.");
            let response = button(ui, place, label, &hint);
            if response.clicked() {
                wish = Some(saved);
            } else if let Some(taken) = Taken::if_pressed(taken, &response) {
                wish = Some(SongWish::Hold(taken));
            }
        };
        if !take.is_empty() {
            let (place, taken) = (place(68.0), Taken::Midi(None));
            save(ui, place, "Save MIDI", hint, taken, SongWish::SaveMidi);
        }
        let end_s = self.start_s + self.span_s;
        if let Some(bars) = Bars::shown(grid, self.start_s, end_s).filter(|_| !take.is_empty()) {
            let hint = format!(
                "Write the hits of what is shown, rounded to {bars}, into a MIDI file that \
                 begins with the first of them: a loop for the host."
            );
            let (place, taken) = (place(92.0), Taken::Midi(Some(bars)));
            let saved = SongWish::SaveBars(bars);
            save(ui, place, "Save these bars", &hint, taken, saved);
        }
        let hint = "Forget what was heard of the song, where another one stands now or parts of \
                    it were moved. Corrections and what they teach stay. Click twice.";
        if !take.is_empty() && sure_button(ui, place(78.0), "Listen anew", hint) {
            // What was asked about is not known any more.
            self.asked_s = None;
            wish = Some(SongWish::ListenAnew);
        }
        self.lead_to_unheard(ui, &mut place, take, corrections);
        let hint = "Back to what is heard now. Corrections stay in effect.";
        if button(ui, lanes.view_button(), "Done", hint).clicked() {
            wish = Some(SongWish::Done);
        }
        wish
    }

    /// Back and forth through what the user did, by buttons that stay where they are and by keys.
    fn steps(
        &mut self,
        ui: &mut Ui,
        place: &mut impl FnMut(f32) -> Rect,
        corrections: &Corrections,
    ) {
        let (can_undo, can_redo) = (corrections.can_undo(), corrections.can_redo());
        if !can_undo && !can_redo {
            return;
        }
        let (undo_place, redo_place) = (place(44.0), place(44.0));
        let [undo, redo] = if self.has_keys {
            keys_of_steps(ui)
        } else {
            [false; 2]
        };
        let hint = format!("Take your last step here back ({UNDO_KEY}).");
        let is_back = button_if(can_undo, ui, undo_place, "Undo", &hint) || undo;
        let hint = format!("Take the step again that you took back ({REDO_KEY}).");
        let is_forth = button_if(can_redo, ui, redo_place, "Redo", &hint) || redo;
        let places = match (is_back, is_forth) {
            // What is dragged would be dropped on what is not there any more.
            _ if self.is_holding() => None,
            (true, _) => corrections.undo(),
            (false, true) => corrections.redo(),
            (false, false) => None,
        };
        if let Some(places) = places {
            self.show_places(places);
        }
    }

    /// Leads from one correction to the next of those that stand where nothing was heard.
    fn lead_to_unheard(
        &mut self,
        ui: &mut Ui,
        place: &mut impl FnMut(f32) -> Rect,
        take: &Take,
        corrections: &Corrections,
    ) {
        let list = corrections.current();
        let places = list.iter().map(|correction| correction.song_s);
        let mut places = places.filter(|song_s| !take.knows(*song_s)).peekable();
        let Some(&first_s) = places.peek() else {
            return;
        };
        let hint = "Show the next of the corrections where nothing was heard: that part of the \
                    song was not played yet, or is gone or was moved.";
        if button(ui, place(60.0), "Unheard", hint).clicked() {
            // A bit behind the last one, which is in the middle.
            let from_s = self.start_s + 0.5 * self.span_s + SAME_HIT_S;
            let next_s = places.find(|song_s| *song_s > from_s).unwrap_or(first_s);
            self.start_s = next_s - 0.5 * self.span_s;
            self.follows = false;
        }
    }

    /// Shows the beginning of a part of the song, if nothing of it is shown.
    fn show_places(&mut self, places: RangeInclusive<f64>) {
        let is_shown = *places.start() < self.start_s + self.span_s && *places.end() > self.start_s;
        if !is_shown {
            self.start_s = places.start() - 0.5 * self.span_s;
            self.follows = false;
        }
    }

    /// What the user should know before editing makes sense.
    pub(super) fn advice(
        &self,
        ui: &Ui,
        take: &Take,
        questions: &mut Questions,
        corrections: &Corrections,
        hits: HitSource,
        is_new: bool,
    ) -> Option<&'static str> {
        if hits == HitSource::Given {
            Some("Hits come from MIDI: set Hits to Listening to correct what is heard")
        } else if take.is_empty() {
            Some("Play the song: its hits appear here (the host must tell where the song is)")
        } else if questions.are_answered(take, corrections, ui.input(|input| input.time)) {
            Some("Nothing is in doubt that you have not settled or passed")
        } else if is_new && self.asked_s.is_some() {
            Some("Is what is marked right? Correct it, or press That's right")
        } else if take.has_dropped() {
            Some(
                "The song has more hits than are kept: those heard longest ago are forgotten. Listen anew to begin again",
            )
        } else if is_new {
            Some(
                "Click a hit to remove it, an empty place to add one, drag it to its drum or time: similar hits follow",
            )
        } else {
            None
        }
    }

    /// Leads to what is most in doubt, and takes that it is right.
    fn ask(
        &mut self,
        ui: &mut Ui,
        place: &mut impl FnMut(f32) -> Rect,
        take: &Take,
        questions: &mut Questions,
        corrections: &Corrections,
    ) {
        if take.is_empty() {
            return;
        }
        let hint = "Show the moment that is most in doubt and unlike those that you settled: \
                    correct it, or say that it is right. The rest of the song is then judged \
                    by it. Click again to pass.";
        let mut is_wanted = button(ui, place(58.0), "Ask me", hint).clicked();
        let hint = "What is shown at the marked moment is right, hits and refused ones: that \
                    teaches, too. Leads to the next.";
        if let Some(asked_s) = self.asked_s
            && button(ui, place(80.0), "That's right", hint).clicked()
        {
            teaching::settle(corrections, take, asked_s);
            is_wanted = true;
        }
        if is_wanted {
            if let Some(asked_s) = self.asked_s {
                questions.pass(asked_s);
            }
            self.asked_s = questions.next(take, corrections, ui.input(|input| input.time));
            if let Some(asked_s) = self.asked_s {
                self.start_s = asked_s - 0.5 * self.span_s;
                self.follows = false;
            }
        }
    }
}
