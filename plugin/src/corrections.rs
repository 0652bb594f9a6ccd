//! What the user has corrected by hand: hits taken away, hits added, at places of the
//! song. Saved with the project, handed to the audio thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::transcriber::{Lesson, MOST_LESSONS};
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

use crate::handover::{Inbox, Outbox, handover};

/// Most corrections of a project: a song of an hour with five a second.
const MOST: usize = 20_000;

/// Steps that can be undone.
const UNDO_STEPS: usize = 200;

/// A hit within this of a correction of the same drum is the one that is meant.
pub const SAME_HIT_S: f64 = 0.022;

/// Hits of one moment lie within this of each other, in seconds.
pub const MOMENT_S: f64 = 0.04;

/// One hit that the user knows better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    /// Its onset, in seconds from the start of the song.
    pub song_s: f64,
    /// Which drum.
    pub drum: Drum,
    /// Whether there is a hit here, or none.
    pub is_hit: bool,
    /// What it teaches about the rest of the song, if that is known: what the network said
    /// there, and what is played by the user's word.
    pub lesson: Option<Lesson>,
}

/// A correction as it is saved.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    song_s: f64,
    /// File stem of the drum.
    drum: String,
    hit: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lesson: Option<serde_json::Value>,
}

/// A lesson as it is saved.
#[derive(Debug, Serialize, Deserialize)]
struct SavedLesson {
    /// In hundredths.
    odds: [i16; DRUM_COUNT],
    /// File stems of the drums.
    played: Vec<String>,
}

impl SavedLesson {
    fn of(lesson: &Lesson) -> SavedLesson {
        let played = Drum::ALL.into_iter().filter(|d| lesson.played[d.index()]);
        SavedLesson {
            odds: lesson.odds.map(|odds| (100.0 * odds).round() as i16),
            played: played.map(|drum| drum.file_stem().to_owned()).collect(),
        }
    }

    fn lesson(&self) -> Lesson {
        let is_played = |drum: Drum| self.played.iter().any(|stem| stem == drum.file_stem());
        Lesson {
            odds: self.odds.map(|odds| f32::from(odds) / 100.0),
            played: Drum::ALL.map(is_played),
        }
    }
}

/// All corrections of a song, in order of time.
pub type CorrectionList = Vec<Correction>;

/// The audio thread's end.
pub type CorrectionInbox = Inbox<CorrectionList>;

#[derive(Debug)]
struct Slot {
    list: Arc<CorrectionList>,
    /// How often the user has changed it.
    edits: u64,
    /// What it was before, the newest last.
    before: Vec<Arc<CorrectionList>>,
    /// What was taken back since the last change, the newest last.
    after: Vec<Arc<CorrectionList>>,
    /// What could not be read, kept for who can until the user changes something.
    unread: Option<String>,
    problem: String,
    outbox: Outbox<CorrectionList>,
    inbox: Option<CorrectionInbox>,
}

impl Default for Slot {
    fn default() -> Self {
        let (outbox, inbox) = handover();
        Self {
            list: Arc::default(),
            edits: 0,
            before: Vec::new(),
            after: Vec::new(),
            unread: None,
            problem: String::new(),
            outbox,
            inbox: Some(inbox),
        }
    }
}

impl Slot {
    /// Another list, as one step that can be undone; false if it is no other.
    fn change(&mut self, list: CorrectionList) -> bool {
        if is_same_list(&list, &self.list) {
            return false;
        }
        self.before.push(self.list.clone());
        if self.before.len() > UNDO_STEPS {
            self.before.remove(0);
        }
        self.after.clear();
        self.publish(Arc::new(list));
        true
    }

    /// The user has changed something: what could not be read is given up.
    fn is_edited(&mut self) {
        self.edits += 1;
        self.unread = None;
        self.problem.clear();
    }

    /// Another list by the user's wish.
    fn edited(&mut self, list: Arc<CorrectionList>) {
        self.is_edited();
        self.publish(list);
    }

    fn publish(&mut self, list: Arc<CorrectionList>) {
        self.list = list.clone();
        self.outbox.send(list);
    }
}

/// The corrections of a project. None of this is for the audio thread, which has
/// [`CorrectionInbox`].
#[derive(Debug, Default, Clone)]
pub struct Corrections(Arc<Mutex<Slot>>);

impl Corrections {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, in order of time.
    pub fn current(&self) -> Arc<CorrectionList> {
        self.lock().list.clone()
    }

    /// Changes them as one step that can be undone. Bad places of the song, and what is
    /// too much for a project, are left out.
    pub fn edit(&self, change: impl FnOnce(&mut CorrectionList)) {
        let mut slot = self.lock();
        let mut list = (*slot.list).clone();
        change(&mut list);
        if slot.change(ordered(list)) {
            slot.is_edited();
        }
    }

    /// Says whether `drum` is hit at a place of the song, in place of what was said of
    /// it before.
    pub fn say(&self, correction: Correction) {
        self.edit(|list| {
            list.retain(|other| !is_same_hit(other, correction.song_s, correction.drum));
            list.push(correction);
        });
    }

    /// Whether there is a step to take back.
    pub fn can_undo(&self) -> bool {
        !self.lock().before.is_empty()
    }

    /// Takes the last step back.
    pub fn undo(&self) {
        let mut slot = self.lock();
        if let Some(list) = slot.before.pop() {
            let present = slot.list.clone();
            slot.after.push(present);
            slot.edited(list);
        }
    }

    /// Whether there is a step that was taken back.
    pub fn can_redo(&self) -> bool {
        !self.lock().after.is_empty()
    }

    /// Takes the step again that was taken back last.
    pub fn redo(&self) {
        let mut slot = self.lock();
        if let Some(list) = slot.after.pop() {
            let present = slot.list.clone();
            slot.before.push(present);
            slot.edited(list);
        }
    }

    /// How often the user has changed them since the plugin was made.
    pub fn edits(&self) -> u64 {
        self.lock().edits
    }

    /// What was wrong with the corrections of the project; empty if nothing was.
    pub fn problem(&self) -> String {
        self.lock().problem.clone()
    }

    /// All of them for the audio thread; later changes go through the inbox.
    pub fn hand_over(&self) -> Arc<CorrectionList> {
        let mut slot = self.lock();
        let list = slot.list.clone();
        slot.outbox.keep(list)
    }

    /// The audio thread's end; there is one.
    pub fn take_inbox(&self) -> Option<CorrectionInbox> {
        self.lock().inbox.take()
    }

    fn text(&self) -> String {
        if let Some(unread) = &self.lock().unread {
            return unread.clone();
        }
        let saved: Vec<Saved> = self
            .current()
            .iter()
            .map(|correction| Saved {
                song_s: correction.song_s,
                drum: correction.drum.file_stem().to_owned(),
                hit: correction.is_hit,
                lesson: correction
                    .lesson
                    .and_then(|lesson| serde_json::to_value(SavedLesson::of(&lesson)).ok()),
            })
            .collect();
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Takes corrections from text; bad ones are left out, with a word about it.
    fn read(&self, text: &str) {
        let mut problem = String::new();
        let saved = if text.is_empty() {
            Vec::new()
        } else {
            serde_json::from_str::<Vec<Saved>>(text).unwrap_or_else(|error| {
                problem = format!("The project's corrected hits cannot be read ({error})");
                Vec::new()
            })
        };
        let count = saved.len();
        let list = saved.into_iter().filter_map(|saved| {
            Some(Correction {
                song_s: saved.song_s,
                drum: Drum::from_file_stem(&saved.drum)?,
                is_hit: saved.hit,
                // Without its lesson a correction still holds at its place.
                lesson: saved
                    .lesson
                    .and_then(|lesson| serde_json::from_value(lesson).ok())
                    .map(|lesson: SavedLesson| lesson.lesson()),
            })
        });
        let list = ordered(list.collect());
        if list.len() < count {
            problem = format!(
                "Of the project's {count} corrected hits {} cannot be used",
                count - list.len()
            );
        }
        let mut slot = self.lock();
        slot.unread = (!problem.is_empty()).then(|| text.to_owned());
        slot.problem = problem;
        if slot.list.is_empty() {
            slot.after.clear();
            slot.publish(Arc::new(list));
        } else {
            // A host's undo loads a whole state: what it takes back is not lost.
            slot.change(list);
        }
    }
}

/// The lessons of corrections in order of time, one for each moment; if there are more than
/// the engine remembers, as many of them as it does, from all over the song. Real-time safe.
pub fn lessons(corrections: &[Correction]) -> impl Iterator<Item = Lesson> {
    let all = moments(corrections).count();
    let kept = all.min(MOST_LESSONS);
    let moments = moments(corrections).enumerate();
    moments.filter_map(move |(index, lesson)| {
        let is_kept = index * kept / all != (index + 1) * kept / all;
        is_kept.then_some(lesson)
    })
}

/// The lessons of all moments.
fn moments(corrections: &[Correction]) -> impl Iterator<Item = Lesson> {
    let mut last_s = f64::NEG_INFINITY;
    corrections.iter().filter_map(move |correction| {
        let lesson = correction.lesson?;
        let is_new = correction.song_s > last_s + MOMENT_S;
        is_new.then(|| {
            last_s = correction.song_s;
            lesson
        })
    })
}

/// Whether `correction` speaks of the hit of `drum` at `song_s`.
pub fn is_same_hit(correction: &Correction, song_s: f64, drum: Drum) -> bool {
    correction.drum == drum && (correction.song_s - song_s).abs() < SAME_HIT_S
}

/// Whether both say the same: places that come back from text may be a bit off.
fn is_same_list(one: &CorrectionList, other: &CorrectionList) -> bool {
    let is_same = |(a, b): (&Correction, &Correction)| {
        let song_s = b.song_s;
        (a.song_s - song_s).abs() < 1e-9 && Correction { song_s, ..*a } == *b
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

/// In order of time, without places that no song has.
fn ordered(mut list: CorrectionList) -> CorrectionList {
    list.retain(|correction| correction.song_s.is_finite() && correction.song_s.abs() < 1e6);
    list.sort_by(|a, b| (a.song_s.total_cmp(&b.song_s)).then(a.drum.index().cmp(&b.drum.index())));
    list.truncate(MOST);
    list
}

impl PersistentField<'_, String> for Corrections {
    fn set(&self, text: String) {
        self.read(&text);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(song_s: f64, drum: Drum, is_hit: bool) -> Correction {
        Correction {
            song_s,
            drum,
            is_hit,
            lesson: None,
        }
    }

    #[test]
    fn lessons_survive_the_project_and_bad_ones_cost_no_correction() {
        let mut played = [false; DRUM_COUNT];
        played[Drum::Kick.index()] = true;
        let lesson = Lesson {
            odds: [1.25, -4.0, 4.0, 0.0, 0.5, -0.75, 2.0, -2.0, 0.01],
            played,
        };
        let corrections = Corrections::default();
        for drum in [Drum::MidTom, Drum::Ride] {
            corrections.say(Correction {
                lesson: Some(lesson),
                ..at(2.0, drum, false)
            });
        }
        let again = Corrections::default();
        again.set(corrections.map(Clone::clone));
        assert_eq!(again.current(), corrections.current());
        let taught: Vec<Lesson> = lessons(&again.current()).collect();
        assert_eq!(taught, [lesson], "one for the moment");
        corrections.edit(|list| {
            let places = (0..2_000).map(|n| f64::from(n * n) / 44_100.0);
            list.extend(places.map(|song_s| at(song_s, Drum::Kick, true)));
        });
        let again = Corrections::default();
        for _ in 0..2 {
            again.set(corrections.map(Clone::clone));
            assert!(is_same_list(&again.current(), &corrections.current()));
            assert!(!again.can_undo(), "the same again is no change");
        }
        corrections.undo();
        let many: Vec<Correction> = (0..1_000)
            .map(|n| Correction {
                lesson: Some(lesson),
                ..at(f64::from(n), Drum::Kick, true)
            })
            .collect();
        assert_eq!(lessons(&many).count(), MOST_LESSONS);
        assert_eq!(lessons(&many[..200]).count(), 200);
        again.set(String::new());
        assert_eq!(lessons(&again.current()).count(), 0);
        let text = r#"[{"song_s":1,"drum":"kick","hit":true,"lesson":{"odds":[1],"played":7}}]"#;
        again.read(text);
        assert_eq!(*again.current(), [at(1.0, Drum::Kick, true)]);
        assert!(again.problem().is_empty());
    }

    #[test]
    fn they_survive_the_project_in_order() {
        let corrections = Corrections::default();
        corrections.say(at(12.345_678_9, Drum::Ride, false));
        corrections.say(at(1.0 / 3.0, Drum::ClosedHat, true));
        let again = Corrections::default();
        again.set(corrections.map(Clone::clone));
        assert_eq!(again.current(), corrections.current());
        assert_eq!(again.current()[0].drum, Drum::ClosedHat);
        assert!(again.problem().is_empty() && !again.can_undo());
        again.set(String::new());
        assert!(again.current().is_empty());
        again.undo();
        assert_eq!(again.current(), corrections.current());
    }

    #[test]
    fn the_last_word_on_a_hit_counts_and_can_be_taken_back() {
        let corrections = Corrections::default();
        corrections.say(at(2.0, Drum::Ride, false));
        corrections.say(at(2.01, Drum::Ride, true));
        corrections.say(at(2.01, Drum::Crash, true));
        assert_eq!(
            *corrections.current(),
            [at(2.01, Drum::Crash, true), at(2.01, Drum::Ride, true)]
        );
        corrections.undo();
        corrections.undo();
        assert_eq!(*corrections.current(), [at(2.0, Drum::Ride, false)]);
        corrections.redo();
        assert_eq!(*corrections.current(), [at(2.01, Drum::Ride, true)]);
        assert!(corrections.can_redo());
        corrections.say(at(3.0, Drum::Kick, true));
        assert!(!corrections.can_redo(), "there is another way now");
        corrections.undo();
        corrections.undo();
        corrections.undo();
        corrections.undo();
        assert!(corrections.current().is_empty() && !corrections.can_undo());
        assert_eq!(corrections.edits(), 10);
        corrections.edit(|_| {});
        assert!(!corrections.can_undo(), "nothing was changed");
        assert_eq!(corrections.edits(), 10);
    }

    #[test]
    fn bad_ones_are_left_out_and_said_so() {
        let corrections = Corrections::default();
        corrections.read(
            r#"[{"song_s":1,"drum":"gong","hit":true},{"song_s":2,"drum":"kick","hit":true}]"#,
        );
        assert_eq!(*corrections.current(), [at(2.0, Drum::Kick, true)]);
        assert!(corrections.problem().starts_with("Of the project's 2"));
        corrections.read(r#"[{"song_s":1e300,"drum":"kick","hit":true}]"#);
        assert!(corrections.current().is_empty());
        corrections.read("no json");
        assert!(corrections.problem().contains("cannot be read"));
        // A newer version may be able to.
        assert_eq!(corrections.text(), "no json");
        corrections.say(at(f64::NAN, Drum::Kick, true));
        assert!(corrections.current().is_empty());
        assert_eq!(corrections.text(), "no json");
        corrections.say(at(1.0, Drum::Kick, true));
        assert!(corrections.text().contains("kick") && corrections.problem().is_empty());
    }

    #[test]
    fn the_audio_thread_gets_the_newest_and_frees_none() {
        let corrections = Corrections::default();
        let mut inbox = corrections.take_inbox().expect("the first");
        assert!(corrections.take_inbox().is_none());
        for n in 0..10 {
            corrections.say(at(f64::from(n), Drum::Snare, true));
        }
        let mut taken = None;
        inbox.offer(|list| {
            taken = Some(list.clone());
            true
        });
        assert_eq!(taken.expect("the newest").len(), 10);
        inbox.offer(|_| panic!("nothing waits"));
    }
}
