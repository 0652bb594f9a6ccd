//! Samples of the user's own on the pads: saved with the project, handed to the
//! audio thread.

mod history;
mod saved;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::learner::as_kept;
use idm_engine::one_shots::{
    MOST_OWN_SAMPLES, OneShot, OwnKit, OwnKitPlan, OwnSet, OwnSounds, hardest, read_own_set,
};
use nice_plug::params::persist::PersistentField;

use self::history::History;
use crate::handover::{Inbox, Outbox, handover};
use crate::lock::lock;

/// What is on a pad: never nothing.
#[derive(Debug, Clone, PartialEq)]
struct Samples {
    name: String,
    /// In the form in which they are saved.
    one_shots: Vec<Arc<OneShot>>,
}

impl Samples {
    /// What the pad shows.
    fn title(&self) -> String {
        match self.one_shots.len() {
            0 | 1 => self.name.clone(),
            count => format!("{} ×{count}", self.name),
        }
    }
}

#[derive(Debug)]
struct Slot {
    samples: [Option<Samples>; DRUM_COUNT],
    history: History,
    /// The drums of the last change.
    last: Vec<Drum>,
    /// As they are saved, since they were saved: hosts save often, and it takes a while.
    encoded: Option<String>,
    /// How often the user has changed them.
    edits: u64,
    /// What could not be read, kept for who can until the user changes something.
    unread: Option<String>,
    problem: String,
    /// Rate of the running engine; 0 before there was one.
    sample_rate_hz: f64,
    outbox: Outbox<OwnSounds>,
    inbox: Option<OwnInbox>,
}

impl Default for Slot {
    fn default() -> Self {
        let (outbox, inbox) = handover();
        Self {
            samples: Default::default(),
            history: History::default(),
            last: Vec::new(),
            encoded: None,
            edits: 0,
            unread: None,
            problem: String::new(),
            sample_rate_hz: 0.0,
            outbox,
            inbox: Some(inbox),
        }
    }
}

impl Slot {
    /// Puts something else on pads.
    fn change(&mut self, changes: Vec<(Drum, Option<Samples>)>) {
        let drums = changes.iter().map(|(drum, _)| *drum).collect();
        let samples = &mut self.samples;
        let before = changes.into_iter().map(|(drum, new)| {
            let place = &mut samples[drum.index()];
            (drum, std::mem::replace(place, new))
        });
        self.history.note(before);
        self.is_changed(drums);
    }

    /// Something else is on the pads of `drums` by the user's wish.
    fn is_changed(&mut self, drums: Vec<Drum>) {
        self.last = drums;
        self.encoded = None;
        self.unread = None;
        self.problem.clear();
        self.edits += 1;
        self.publish();
    }

    /// What is on the pad of `drum` with `set` on it too, or alone; nothing if nothing of it
    /// can be used.
    fn with(
        &self,
        drum: Drum,
        name: &str,
        set: &OwnSet,
        placing: Placing,
        left_out: &mut Vec<String>,
    ) -> Option<Samples> {
        let present = match placing {
            Placing::Replace => None,
            Placing::Add => self.samples[drum.index()].clone(),
        };
        let mut samples = present.unwrap_or_else(|| Samples {
            name: name.to_owned(),
            one_shots: Vec::new(),
        });
        for one_shot in &set.one_shots {
            match as_kept(one_shot) {
                Ok(kept) if OwnSet::has_room(samples.one_shots.iter().map(Arc::as_ref), &kept) => {
                    samples.one_shots.push(Arc::new(kept));
                }
                Ok(_) => left_out.push(format!("no more room on the {} pad", drum.name())),
                Err(error) => left_out.push(error.to_string()),
            }
        }
        (!samples.one_shots.is_empty()).then_some(samples)
    }

    /// Converts all samples to the engine's rate.
    /// The samples of each drum that has some.
    fn sounds(&self) -> Vec<(Drum, Vec<Arc<OneShot>>)> {
        let samples = Drum::ALL.into_iter().zip(&self.samples);
        samples
            .filter_map(|(drum, samples)| Some((drum, samples.as_ref()?.one_shots.clone())))
            .collect()
    }

    fn convert(&mut self) -> OwnSounds {
        OwnSounds::new(&self.sounds(), self.sample_rate_hz).unwrap_or_else(|error| {
            self.problem = format!("Your samples cannot be played: {error}");
            OwnSounds::default()
        })
    }

    /// Sends all samples to the running engine, if there is one.
    fn publish(&mut self) {
        if self.sample_rate_hz > 0.0 {
            let own = self.convert();
            self.outbox.send(Arc::new(own));
        }
    }
}

/// What happens to the samples that are on the pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// They go.
    Replace,
    /// They stay, and the new ones join them.
    Add,
}

/// The samples of a project. None of this is for the audio thread, which has
/// [`OwnInbox`].
#[derive(Debug, Default, Clone)]
pub struct OwnSamples(Arc<Mutex<Slot>>);

impl OwnSamples {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        lock(&self.0)
    }

    /// Puts the sound in the audio file at `path`, or all those of a folder, on the pad of
    /// `drum`: in place of what is there, or beside it. Answers which files were left out
    /// and why, in words; nothing if none was.
    ///
    /// # Errors
    /// Why nothing can be used, in words; the pad then stays as it is.
    pub fn load(&self, drum: Drum, path: &Path, placing: Placing) -> Result<String, String> {
        self.load_all(drum, &[path], placing)
    }

    /// The same with several files or folders at once, which are called after the first.
    ///
    /// # Errors
    /// As there.
    pub fn load_all(
        &self,
        drum: Drum,
        paths: &[impl AsRef<Path>],
        placing: Placing,
    ) -> Result<String, String> {
        let (mut set, mut name) = (OwnSet::default(), None);
        for path in paths {
            let path = path.as_ref();
            // None is read in vain.
            if set.one_shots.len() >= MOST_OWN_SAMPLES {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let most = MOST_OWN_SAMPLES;
                set.left_out
                    .push(format!("{name}: a drum has at most {most} samples"));
                continue;
            }
            match read_own_set(path) {
                Ok(read) => {
                    let own = if path.is_dir() {
                        path.file_name()
                    } else {
                        path.file_stem()
                    };
                    let own = || own.unwrap_or_default().to_string_lossy().into_owned();
                    name.get_or_insert_with(own);
                    set.one_shots.extend(read.one_shots);
                    set.left_out.extend(read.left_out);
                }
                Err(error) => set.left_out.push(error.to_string()),
            }
        }
        let mut left_out = std::mem::take(&mut set.left_out);
        let Some(name) = name else {
            return Err(left_out.join("; "));
        };
        let mut slot = self.lock();
        match slot.with(drum, &name, &set, placing, &mut left_out) {
            Some(samples) => slot.change(vec![(drum, Some(samples))]),
            None => return Err(left_out.join("; ")),
        }
        Ok(in_words(&left_out))
    }

    /// Puts the samples of a whole kit on the pads of its drums, in place of what is there;
    /// other pads stay as they are. Answers which drums those are, and which files were left
    /// out and why, in words; nothing if none was.
    ///
    /// # Errors
    /// Why nothing can be used, in words; all pads then stay as they are.
    pub fn load_kit(&self, plan: &OwnKitPlan) -> Result<(Vec<Drum>, String), String> {
        let OwnKit { sets, mut left_out } = plan.read().map_err(|error| error.to_string())?;
        let mut slot = self.lock();
        let mut changes = Vec::new();
        for (drum, set) in &sets {
            let samples = slot.with(*drum, &plan.name, set, Placing::Replace, &mut left_out);
            changes.extend(samples.map(|samples| (*drum, Some(samples))));
        }
        if changes.is_empty() {
            return Err(left_out.join("; "));
        }
        slot.change(changes);
        Ok((slot.last.clone(), in_words(&left_out)))
    }

    /// Gives the pads of `drums` back to the kit.
    pub fn clear(&self, drums: &[Drum]) {
        let mut slot = self.lock();
        let with_samples = drums
            .iter()
            .filter(|drum| slot.samples[drum.index()].is_some());
        let changes: Vec<_> = with_samples.map(|drum| (*drum, None)).collect();
        if !changes.is_empty() {
            slot.change(changes);
        }
    }

    /// The drums of the last change.
    pub fn last_changed(&self) -> Vec<Drum> {
        self.lock().last.clone()
    }

    /// Whether the pad of `drum` has had something else before.
    pub fn can_undo(&self, drum: Drum) -> bool {
        self.lock().history.can_undo(drum)
    }

    /// Whether a change of the pad of `drum` was taken back.
    pub fn can_redo(&self, drum: Drum) -> bool {
        self.lock().history.can_redo(drum)
    }

    /// The drums of the last change that was not taken back.
    pub fn next_undo(&self) -> Vec<Drum> {
        self.lock().history.next_undo()
    }

    /// The drums of the change that was taken back last.
    pub fn next_redo(&self) -> Vec<Drum> {
        self.lock().history.next_redo()
    }

    /// Puts on the pads of `drums` what was there before their last change.
    pub fn undo(&self, drums: &[Drum]) {
        self.step(drums, History::undo);
    }

    /// Puts on the pads of `drums` what was there before the last step back.
    pub fn redo(&self, drums: &[Drum]) {
        self.step(drums, History::redo);
    }

    fn step(
        &self,
        drums: &[Drum],
        step: impl Fn(&mut History, Drum, &mut Option<Samples>) -> bool,
    ) {
        let slot = &mut *self.lock();
        let (history, samples) = (&mut slot.history, &mut slot.samples);
        history.begin_step();
        let is_changed = |drum: &Drum| step(history, *drum, &mut samples[drum.index()]);
        let drums: Vec<Drum> = drums.iter().copied().filter(is_changed).collect();
        if !drums.is_empty() {
            slot.is_changed(drums);
        }
    }

    /// What is on each pad that has samples: a name, and how many there are.
    pub fn names(&self) -> [Option<String>; DRUM_COUNT] {
        let slot = self.lock();
        Drum::ALL.map(|drum| Some(slot.samples[drum.index()].as_ref()?.title()))
    }

    /// The name and the one of the samples on the pad of `drum` that plays when it is hit hard.
    pub fn hardest(&self, drum: Drum) -> Option<(String, Arc<OneShot>)> {
        let slot = self.lock();
        let samples = slot.samples[drum.index()].as_ref()?;
        Some((samples.name.clone(), hardest(&samples.one_shots)?))
    }

    /// The samples of each drum that has some.
    pub fn sounds(&self) -> Vec<(Drum, Vec<Arc<OneShot>>)> {
        self.lock().sounds()
    }

    /// How often the user has changed them since the plugin was made.
    pub fn edits(&self) -> u64 {
        self.lock().edits
    }

    /// What was wrong with the samples of the project; empty if nothing was.
    pub fn problem(&self) -> String {
        self.lock().problem.clone()
    }

    /// The audio thread's end; there is one.
    pub fn take_inbox(&self) -> Option<OwnInbox> {
        self.lock().inbox.take()
    }

    /// All samples for an engine at `sample_rate_hz`; later changes go through the
    /// inbox. Allocates.
    pub fn prepare(&self, sample_rate_hz: f64) -> Arc<OwnSounds> {
        let mut slot = self.lock();
        slot.sample_rate_hz = sample_rate_hz;
        let own = slot.convert();
        slot.outbox.keep(Arc::new(own))
    }

    fn text(&self) -> String {
        let slot = &mut *self.lock();
        if let Some(unread) = &slot.unread {
            return unread.clone();
        }
        let encoded = &mut slot.encoded;
        let encoded = encoded.get_or_insert_with(|| saved::encode(&slot.samples));
        encoded.clone()
    }

    /// Takes samples from text; bad ones are left out, with a word about it.
    fn read(&self, text: &str) {
        let (samples, problem) = saved::decode(text);
        let mut slot = self.lock();
        let is_kept = !problem.is_empty() && text.len() <= saved::MAX_TEXT_BYTES;
        slot.unread = is_kept.then(|| text.to_owned());
        slot.problem = problem;
        if slot.samples != samples {
            let slot = &mut *slot;
            let old = std::mem::replace(&mut slot.samples, samples);
            slot.last.clear();
            // A host's undo loads a whole state: what it takes back is not lost. A project
            // that is opened takes nothing back.
            if old.iter().any(Option::is_some) || slot.history.has_steps() {
                let old = Drum::ALL.into_iter().zip(old);
                let changed = old.filter(|(drum, old)| *old != slot.samples[drum.index()]);
                let changed: Vec<_> = changed.collect();
                slot.last.extend(changed.iter().map(|(drum, _)| *drum));
                slot.history.note(changed);
            } else {
                slot.history = History::default();
            }
            slot.encoded = None;
            slot.publish();
        }
    }
}

/// Which files were left out.
fn in_words(left_out: &[String]) -> String {
    match left_out {
        [] => String::new(),
        [one] => format!("Left out: {one}"),
        [first, ..] => format!("Left out {} files: {first}; …", left_out.len()),
    }
}

impl PersistentField<'_, String> for OwnSamples {
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

/// The audio thread's end.
pub type OwnInbox = Inbox<OwnSounds>;

#[cfg(test)]
mod tests;
