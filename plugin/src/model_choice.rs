//! The drum model of a project: the built-in one, or one from a folder.
//!
//! A project remembers the folder, not the model, which is large. Where the model is not to be
//! had the built-in one plays, and the folder stays in the project.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use idm_engine::model::{Model, ModelError};
use nice_plug::params::persist::PersistentField;

use crate::lock::lock;

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
        let model = Model::load(folder).map_err(|error| format!("{text}: {error}"))?;
        let name = title(&model);
        self.take(text.to_owned(), Some(Arc::new(model)));
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
        let slot = &mut *self.lock();
        let changes = self.changes();
        if !slot.folder.is_empty() && slot.model.is_none() {
            match Model::load(Path::new(&slot.folder)) {
                Ok(model) => {
                    slot.model = Some(Arc::new(model));
                    slot.problem.clear();
                }
                Err(error) => {
                    slot.problem = format!(
                        "The built-in model plays; that of the project, {}, cannot be used: {error}",
                        slot.folder
                    );
                }
            }
        }
        let model = match &slot.model {
            Some(model) => model.clone(),
            None => Model::embedded()?,
        };
        Ok(ChosenModel { model, changes })
    }
}

/// Name and version, as they are shown.
pub fn title(model: &Model) -> String {
    format!("{} {}", model.meta().name, model.meta().version)
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
