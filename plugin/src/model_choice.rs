//! The drum model of a project: the built-in one, or one from a folder.
//!
//! A project remembers the folder, not the model, which is large. Where the model is not to be
//! had the built-in one plays, and the folder stays in the project.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use idm_engine::controls::Quality;
use idm_engine::engine::{Engine, EngineConfig, EngineError};
use idm_engine::model::{Model, ModelError};
use nice_plug::params::persist::PersistentField;

use crate::lock::lock;

/// Letters of a model's name and version that are shown.
const MOST_LETTERS: usize = 28;

#[derive(Debug, Default)]
struct Slot {
    /// The path of the folder; empty for the built-in model.
    folder: String,
    /// What was read there, once it was.
    model: Option<Arc<Model>>,
    problem: String,
    /// How often the user has chosen.
    edits: u64,
}

#[derive(Debug, Default)]
struct Inner {
    slot: Mutex<Slot>,
    changes: AtomicU64,
}

/// The model for a new engine.
#[derive(Debug, Clone)]
pub struct ChosenModel {
    /// It.
    pub model: Arc<Model>,
    /// [`ModelChoice::changes`] when it was chosen.
    pub changes: u64,
}

/// Which model a project has.
#[derive(Debug, Default, Clone)]
pub struct ModelChoice(Arc<Inner>);

impl ModelChoice {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        lock(&self.0.slot)
    }

    /// Takes the model in `folder` from the next activation on; answers its name. Reads it
    /// anew, also if it is the same folder.
    ///
    /// # Errors
    /// Why it cannot be used, in words; the choice then stays as it is.
    pub fn choose(&self, folder: &Path) -> Result<String, String> {
        let Some(text) = folder.to_str() else {
            let folder = folder.display();
            return Err(format!(
                "{folder}: a project can only keep a path that is text"
            ));
        };
        let model = usable(folder).map_err(|error| format!("{text}: {error}"))?;
        let name = title(&model);
        self.take(text.to_owned(), Some(model));
        Ok(name)
    }

    /// Takes the built-in model from the next activation on.
    pub fn choose_built_in(&self) {
        if !self.is_built_in() {
            self.take(String::new(), None);
        }
    }

    fn take(&self, folder: String, model: Option<Arc<Model>>) {
        let mut slot = self.lock();
        let edits = slot.edits + 1;
        *slot = Slot {
            folder,
            model,
            edits,
            ..Slot::default()
        };
        self.0.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the project has the built-in model.
    pub fn is_built_in(&self) -> bool {
        self.lock().folder.is_empty()
    }

    /// The folder of the model, if it is not the built-in one.
    pub fn folder(&self) -> Option<PathBuf> {
        let slot = self.lock();
        (!slot.folder.is_empty()).then(|| PathBuf::from(&slot.folder))
    }

    /// How often the project got another model. Real-time safe.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Relaxed)
    }

    /// How often the user has chosen since the plugin was made.
    pub fn edits(&self) -> u64 {
        self.lock().edits
    }

    /// Why the model of the project does not play; empty if it does.
    pub fn problem(&self) -> String {
        self.lock().problem.clone()
    }

    /// The model for a new engine: the built-in one where that of the project cannot be had.
    /// Reads files and allocates.
    ///
    /// # Errors
    /// If the built-in model cannot be used.
    pub fn current(&self) -> Result<ChosenModel, ModelError> {
        loop {
            let (folder, before) = {
                let slot = self.lock();
                let changes = self.changes();
                if slot.folder.is_empty() || slot.model.is_some() {
                    let model = slot.model.clone();
                    drop(slot);
                    let model = model.map_or_else(Model::embedded, Ok)?;
                    return Ok(ChosenModel { model, changes });
                }
                (slot.folder.clone(), changes)
            };
            // Unlocked, since a folder may be far away, and the window asks in each frame.
            let loaded = usable(Path::new(&folder));
            let slot = &mut *self.lock();
            if self.changes() != before || slot.model.is_some() {
                continue;
            }
            match loaded {
                Ok(model) => {
                    slot.model = Some(model);
                    if !std::mem::take(&mut slot.problem).is_empty() {
                        // The built-in model may run instead, and is to give way.
                        self.0.changes.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(error) => {
                    slot.problem = format!(
                        "The built-in model plays; that of the project, {folder}, cannot be used: \
                         {error}"
                    );
                    let model = Model::embedded()?;
                    let changes = before;
                    return Ok(ChosenModel { model, changes });
                }
            }
        }
    }
}

/// The model in `folder`, once an engine has been made of it. Allocates.
fn usable(folder: &Path) -> Result<Arc<Model>, EngineError> {
    let model = Arc::new(Model::load(folder)?);
    let config = EngineConfig {
        sample_rate_hz: 44_100.0,
        quality: Quality::Standard,
    };
    Engine::new(config, model.clone())?;
    Ok(model)
}

/// Name and version, as they are shown.
pub fn title(model: &Model) -> String {
    short(&format!("{} {}", model.meta().name, model.meta().version))
}

/// In one line, which is not long.
fn short(title: &str) -> String {
    let mut letters: String = title.chars().filter(|c| !c.is_control()).collect();
    if let Some((end, _)) = letters.char_indices().nth(MOST_LETTERS) {
        letters.truncate(end);
        letters.push('…');
    }
    letters
}

impl PersistentField<'_, String> for ModelChoice {
    fn set(&self, folder: String) {
        let mut slot = self.lock();
        if slot.folder != folder {
            let edits = slot.edits;
            *slot = Slot {
                folder,
                edits,
                ..Slot::default()
            };
            self.0.changes.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.lock().folder)
    }
}

#[cfg(test)]
pub(crate) mod tests;
