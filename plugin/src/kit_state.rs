//! The learnt kit in the project: saved with it, restored to the bit.

use std::collections::VecDeque;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idm_engine::drum::Drum;
use idm_engine::kit_files::{KitFiles, KitFilesError};
use idm_engine::learner::{KitShelf, LearntKit, decode_kit, encode_kit};
use nice_plug::params::persist::PersistentField;
use triple_buffer::{Input, Output, TripleBuffer};

use crate::lock::lock;

/// Longest text of a kit that is read: far above any that is written.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// Saved states that are remembered: more steps than hosts undo.
const MOST_SAVED: usize = 512;

/// A kit that was loaded while the engine runs, on its way there.
type Loaded = Option<Box<LearntKit>>;

#[derive(Debug)]
struct Slot {
    /// Where the running engine's kits lie.
    shelf: Option<Arc<KitShelf>>,
    /// The kit of the project until it is heard.
    loaded: Option<Arc<LearntKit>>,
    /// Whether the running engine has it, which takes a second until it is heard.
    is_taken: Arc<AtomicBool>,
    outbox: Input<Loaded>,
    inbox: Option<KitInbox>,
    /// The kit that was saved last, as text: hosts save often, and it takes a while.
    encoded: Option<(Arc<LearntKit>, String)>,
    /// The kits that were saved of the one that is being learnt, as it grew.
    saved: VecDeque<u64>,
    /// The engine's kit from before the last change, of which it may not know yet.
    stale: Option<Arc<LearntKit>>,
    /// The kit from before one was learnt from a file or it was forgotten, until another one
    /// is loaded.
    before: Option<Arc<LearntKit>>,
    /// Kits that took another one's place, by whoever's wish.
    changes: u64,
    /// What could not be read, kept for who can until there is a kit.
    unread: Option<String>,
    problem: String,
}

impl Default for Slot {
    fn default() -> Self {
        let (outbox, inbox) = TripleBuffer::default().split();
        let is_taken = Arc::new(AtomicBool::new(false));
        Self {
            shelf: None,
            loaded: None,
            is_taken: is_taken.clone(),
            outbox,
            inbox: Some(KitInbox { inbox, is_taken }),
            encoded: None,
            saved: VecDeque::new(),
            stale: None,
            before: None,
            changes: 0,
            unread: None,
            problem: String::new(),
        }
    }
}

impl Slot {
    /// What is loaded and not heard yet.
    fn waiting(&self) -> Option<&Arc<LearntKit>> {
        let is_heard = || !self.engines().is_empty();
        let loaded = self.loaded.as_ref()?;
        let is_over = self.is_taken.load(Ordering::Acquire) && is_heard();
        (!is_over).then_some(loaded)
    }

    /// The engine's kit; none while that is one of before.
    fn engines(&self) -> Arc<LearntKit> {
        let kit = self.shelf.as_ref().map(|shelf| shelf.current());
        let is_stale =
            |kit: &Arc<LearntKit>| self.stale.as_ref().is_some_and(|s| Arc::ptr_eq(s, kit));
        kit.filter(|kit| !is_stale(kit)).unwrap_or_default()
    }

    /// The kit that is heard, or will be.
    fn current(&self) -> Arc<LearntKit> {
        self.waiting().cloned().unwrap_or_else(|| self.engines())
    }

    /// Whether a state with this kit is one of now: hosts load whole states when a fader
    /// is undone, and then what was learnt and heard since is to stay.
    fn is_of_now(&self, kit: &LearntKit, text: &str, learns: bool) -> bool {
        let current = self.current();
        let has_grown = || learns && !current.is_empty() && self.saved.contains(&hash(text));
        *current == *kit || has_grown()
    }

    fn load(&mut self, kit: Option<LearntKit>) {
        self.changes += 1;
        self.before = None;
        self.saved.clear();
        self.stale = self.shelf.as_ref().map(|shelf| shelf.current());
        self.is_taken.store(false, Ordering::Release);
        self.outbox.write(kit.clone().map(Box::new));
        self.loaded = kit.map(Arc::new);
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The audio thread's end.
#[derive(Debug)]
pub struct KitInbox {
    inbox: Output<Loaded>,
    is_taken: Arc<AtomicBool>,
}

impl KitInbox {
    /// Offers the kit that was loaded last until `take` has taken it. Real-time safe.
    pub fn offer(&mut self, take: impl FnOnce(Box<LearntKit>) -> Result<(), Box<LearntKit>>) {
        self.inbox.update();
        let place = self.inbox.output_buffer_mut();
        let Some(kit) = place.take() else {
            return;
        };
        match take(kit) {
            Ok(()) => self.is_taken.store(true, Ordering::Release),
            Err(kit) => *place = Some(kit),
        }
    }

    /// Frees what waits: the engine was given it otherwise. Not for the audio thread.
    pub fn clear(&mut self) {
        self.inbox.update();
        *self.inbox.output_buffer_mut() = None;
    }
}

/// The kit of a project: that of the running engine, or the one that was
/// loaded and is not heard yet. None of this is for the audio thread, which has
/// [`KitInbox`].
#[derive(Debug, Default, Clone)]
pub struct KitState {
    slot: Arc<Mutex<Slot>>,
    /// Whether the kit goes on being learnt.
    learns: Arc<AtomicBool>,
}

impl KitState {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        lock(&self.slot)
    }

    /// The kit that is heard, or will be. Allocates.
    pub fn current(&self) -> Arc<LearntKit> {
        self.lock().current()
    }

    /// Says whether the kit goes on being learnt. Real-time safe.
    pub fn set_learns(&self, learns: bool) {
        self.learns.store(learns, Ordering::Relaxed);
    }

    /// A kit that was loaded since the last call and that no engine has.
    pub fn take_loaded(&self) -> Option<Arc<LearntKit>> {
        let mut slot = self.lock();
        if slot.is_taken.load(Ordering::Acquire) {
            if slot.waiting().is_none() {
                slot.loaded = None;
            }
            return None;
        }
        slot.loaded.take()
    }

    /// The user wants none: what is loaded and not heard yet is not wanted either.
    pub fn forget(&self) {
        let mut slot = self.lock();
        let (current, before) = (slot.current(), slot.before.take());
        slot.load(None);
        // Nothing is nothing to go back to.
        slot.before = if current.is_empty() {
            before
        } else {
            Some(current)
        };
        slot.unread = None;
        slot.problem.clear();
    }

    /// How many kits have taken another one's place: that of a project, one from a file, none.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// Takes a kit that was learnt from a file, with the drums that only the kit of now has,
    /// unless another one was loaded since there were so many `changes`. Answers which drums
    /// stay as they were.
    pub fn take_learnt(&self, kit: LearntKit, changes: u64) -> Option<Vec<Drum>> {
        let mut slot = self.lock();
        if slot.changes != changes {
            return None;
        }
        let before = slot.current();
        let is_kept = |drum: &Drum| kit.drum(*drum).is_none();
        let kept = before.drums.iter().map(|learnt| learnt.drum);
        let kept = kept.filter(is_kept).collect();
        slot.load(Some(kit.completed_by(&before)));
        slot.before = Some(before);
        slot.unread = None;
        slot.problem.clear();
        Some(kept)
    }

    /// Whether there is a kit to go back to.
    pub fn can_undo(&self) -> bool {
        self.lock().before.is_some()
    }

    /// Goes back to the kit from before one was learnt from a file or forgotten; false if that is not
    /// known any more.
    pub fn undo(&self) -> bool {
        let mut slot = self.lock();
        let Some(before) = slot.before.take() else {
            return false;
        };
        slot.load(Some((*before).clone()));
        true
    }

    /// The audio thread's end; there is one.
    pub fn take_inbox(&self) -> Option<KitInbox> {
        self.lock().inbox.take()
    }

    /// Follows a new engine.
    pub fn follow(&self, shelf: Arc<KitShelf>) {
        let mut slot = self.lock();
        (slot.shelf, slot.stale) = (Some(shelf), None);
    }

    /// What was wrong with the kit of the project; empty if nothing was.
    pub fn problem(&self) -> String {
        self.lock().problem.clone()
    }

    /// The kit as text: base64, empty for the model's own. One that could not be read is
    /// saved again as it came.
    fn text(&self) -> String {
        let mut slot = self.lock();
        let kit = slot.current();
        if kit.is_empty()
            && let Some(unread) = &slot.unread
        {
            return unread.clone();
        }
        let known = slot.encoded.as_ref();
        let known = known.filter(|(encoded, _)| Arc::ptr_eq(encoded, &kit));
        let text = known.map_or_else(
            || STANDARD.encode(encode_kit(&kit)),
            |(_, text)| text.clone(),
        );
        slot.encoded = Some((kit, text.clone()));
        let hash = hash(&text);
        if !slot.saved.contains(&hash) {
            if slot.saved.len() >= MOST_SAVED {
                slot.saved.pop_front();
            }
            slot.saved.push_back(hash);
        }
        text
    }

    /// Takes a kit from text; a bad one is the model's, with a word about it.
    fn load(&self, text: &str) {
        let kit = if text.len() > MAX_TEXT_BYTES {
            Err(format!(
                "expected at most {MAX_TEXT_BYTES} bytes, found {}",
                text.len()
            ))
        } else {
            STANDARD
                .decode(text)
                .map_err(|error| format!("not base64: {error}"))
                .and_then(|bytes| decode_kit(&bytes).map_err(|error| error.to_string()))
        };
        let mut slot = self.lock();
        slot.unread = None;
        match kit {
            Ok(kit) => {
                slot.problem.clear();
                let learns = self.learns.load(Ordering::Relaxed);
                if !slot.is_of_now(&kit, text, learns) {
                    slot.load(Some(kit));
                }
            }
            Err(error) => {
                slot.load(Some(LearntKit::default()));
                slot.unread = (text.len() <= MAX_TEXT_BYTES).then(|| text.to_owned());
                slot.problem =
                    format!("The project's learnt kit cannot be used ({error}); the default plays");
            }
        }
    }

    /// Writes the kit as WAV and SFZ into a new folder in `parent`; gives that folder, and
    /// what was left out.
    ///
    /// # Errors
    /// Nothing learnt yet, or what the file system refuses.
    pub fn write_files(&self, parent: &Path) -> Result<(PathBuf, Vec<String>), KitFilesError> {
        let kit = self.current();
        if KitFiles::of("Kit", &kit).samples.is_empty() {
            return Err(KitFilesError::Empty);
        }
        let (name, folder) = new_folder(parent)?;
        let files = KitFiles::of(&name, &kit);
        write_or_remove(&files, &folder)?;
        Ok((folder, files.left_out))
    }
}

/// Writes a kit into a folder that was made for it; if that fails, nothing of it stays.
fn write_or_remove(files: &KitFiles, folder: &Path) -> Result<(), KitFilesError> {
    files.write(folder).inspect_err(|_| {
        for name in files.names() {
            let _ = fs::remove_file(folder.join(name));
        }
        // Only if nothing else is in it.
        let _ = fs::remove_dir(folder);
    })
}

/// A new folder for a kit in `parent`, with its name: made before anything is written, for
/// another instance may save at the same time.
fn new_folder(parent: &Path) -> Result<(String, PathBuf), KitFilesError> {
    let failed = |path: &Path, source| KitFilesError::File {
        path: path.display().to_string(),
        source,
    };
    fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
    let mut number = 1_u64;
    loop {
        let name = format!("Kit {number}");
        let folder = parent.join(&name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok((name, folder)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(failed(&folder, error)),
        }
    }
}

impl PersistentField<'_, String> for KitState {
    fn set(&self, text: String) {
        self.load(&text);
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
