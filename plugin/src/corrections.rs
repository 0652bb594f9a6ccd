//! What the user has corrected by hand: hits taken away, hits added, at places of the
//! song. Saved with the project, handed to the audio thread.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard};

use idm_engine::drum::{DRUM_COUNT, Drum};
pub use idm_engine::transcriber::MOMENT_S;
use idm_engine::transcriber::{Lesson, MOST_LESSONS};
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::handover::{Inbox, Outbox, handover};
use crate::lock::lock;

/// Most corrections of a project: a song of an hour with five a second.
const MOST: usize = 20_000;

/// Steps that can be undone.
const UNDO_STEPS: usize = 200;

/// A hit within this of a correction of the same drum is the one that is meant.
pub const SAME_HIT_S: f64 = 0.022;

/// One hit that the user knows better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    /// Its onset, in seconds from the start of the song.
    pub song_s: f64,
    /// Which drum.
    pub drum: Drum,
    /// Whether there is a hit here, or none.
    pub is_hit: bool,
    /// Whether a hit was placed by eye: it begins at the onset nearby.
    pub snaps: bool,
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
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    snaps: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lesson: Option<Value>,
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

    /// Goes back or forth to a step with this list, if there is one; the others stay on
    /// their side of it.
    fn step_to(&mut self, list: &CorrectionList) -> bool {
        let is_this = |other: &Arc<CorrectionList>| is_same_list(other, list);
        let (from, to) = (&mut self.before, &mut self.after);
        let (from, to, index) = match (from.iter().rposition(is_this), to.iter().rposition(is_this))
        {
            (Some(index), _) => (from, to, index),
            (None, Some(index)) => (to, from, index),
            (None, None) => return false,
        };
        let mut passed = from.split_off(index);
        to.push(self.list.clone());
        to.extend(passed.drain(1..).rev());
        self.publish(passed.swap_remove(0));
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
        lock(&self.0)
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

    /// Takes the last step back; answers which part of the song it changes.
    pub fn undo(&self) -> Option<RangeInclusive<f64>> {
        let mut slot = self.lock();
        let list = slot.before.pop()?;
        let present = slot.list.clone();
        let places = changed(&present, &list);
        slot.after.push(present);
        slot.edited(list);
        places
    }

    /// Whether there is a step that was taken back.
    pub fn can_redo(&self) -> bool {
        !self.lock().after.is_empty()
    }

    /// Takes the step again that was taken back last; answers which part of the song it
    /// changes.
    pub fn redo(&self) -> Option<RangeInclusive<f64>> {
        let mut slot = self.lock();
        let list = slot.after.pop()?;
        let present = slot.list.clone();
        let places = changed(&present, &list);
        slot.before.push(present);
        slot.edited(list);
        places
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
                snaps: correction.snaps,
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
            serde_json::from_str::<Vec<Value>>(text).unwrap_or_else(|error| {
                problem = format!("The project's corrected hits cannot be read ({error})");
                Vec::new()
            })
        };
        let count = saved.len();
        let list = saved.into_iter().filter_map(|saved| {
            let saved: Saved = serde_json::from_value(saved).ok()?;
            Some(Correction {
                song_s: saved.song_s,
                drum: Drum::from_file_stem(&saved.drum)?,
                is_hit: saved.hit,
                snaps: saved.snaps,
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
        // A host undoes by loading whole states, most of which change something else. What it
        // takes back is taken back here, too, and can be taken again.
        if is_same_list(&list, &slot.list) || slot.step_to(&list) {
            return;
        }
        if slot.list.is_empty() && slot.before.is_empty() {
            // A project that is opened: there is nothing to go back to.
            slot.after.clear();
            slot.publish(Arc::new(list));
        } else {
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

/// From the first place that differs to the last; none if all are the same.
fn changed(one: &CorrectionList, other: &CorrectionList) -> Option<RangeInclusive<f64>> {
    let least = one.len().min(other.len());
    let alike = (0..least).take_while(|&n| one[n] == other[n]).count();
    let (one, other) = (&one[alike..], &other[alike..]);
    let pairs = one.iter().rev().zip(other.iter().rev());
    let at_end = pairs.take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[..one.len() - at_end], &other[..other.len() - at_end]);
    let all = || one.iter().chain(other).map(|correction| correction.song_s);
    let first = all().min_by(f64::total_cmp)?;
    Some(first..=all().max_by(f64::total_cmp)?)
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
mod tests;
