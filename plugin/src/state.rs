//! What a project remembers, and how what is loaded is repaired.
//!
//! The host stores one JSON object: the plugin version, every parameter by id,
//! and a few fields. Anything in it may be missing, of the wrong type or out of
//! range, because people edit presets and hosts truncate files: bad entries are
//! repaired or left out, the rest is loaded. What is missing then is what a new project has.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use nice_plug::params::persist::PersistentField;
use nice_plug::plugin::PluginState;
use serde::{Deserialize, Serialize};

use crate::params::values;

/// Format of the state that this version writes.
pub const FORMAT: u32 = 1;

/// Fields with what a project has made: each a text.
const TEXTS: [&str; 4] = ["kit", "samples", "corrections", "model"];

/// Saved as the number [`FORMAT`]; what is loaded does not change it, but is counted.
#[derive(Debug, Default)]
pub struct FormatStamp {
    loads: AtomicU64,
    /// Whether the last one was of a newer format.
    is_newer: AtomicBool,
}

impl FormatStamp {
    /// How many states were loaded.
    pub fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    /// What is lost of the project; empty if nothing is.
    pub fn problem(&self) -> String {
        if self.is_newer.load(Ordering::Relaxed) {
            "The project was saved by a newer version; what this one does not know is lost when \
             it is saved"
                .to_owned()
        } else {
            String::new()
        }
    }
}

impl PersistentField<'_, u32> for FormatStamp {
    fn set(&self, format: u32) {
        self.is_newer.store(format > FORMAT, Ordering::Relaxed);
        self.loads.fetch_add(1, Ordering::Relaxed);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&u32) -> R,
    {
        f(&FORMAT)
    }
}

/// How the editor looks: part of the project, not automatable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditorState {
    /// Width of the window in logical pixels at zoom 1.
    pub width: f32,
    /// Height of the window in logical pixels at zoom 1.
    pub height: f32,
    /// Magnification on top of the system's.
    pub zoom: f32,
}

impl EditorState {
    /// Smallest window in logical pixels.
    pub const MIN_SIZE: (f32, f32) = (1000.0, 680.0);
    /// Largest window in logical pixels.
    pub const MAX_SIZE: (f32, f32) = (3840.0, 2160.0);
    /// Smallest and largest zoom.
    pub const ZOOM: (f32, f32) = (0.5, 3.0);

    /// The same state with every number forced into its range; numbers that
    /// are not finite become the default.
    pub fn sanitised(self) -> Self {
        let default = Self::default();
        let force = |value: f32, low: f32, high: f32, default: f32| {
            if value.is_finite() {
                value.clamp(low, high)
            } else {
                default
            }
        };
        Self {
            width: force(
                self.width,
                Self::MIN_SIZE.0,
                Self::MAX_SIZE.0,
                default.width,
            ),
            height: force(
                self.height,
                Self::MIN_SIZE.1,
                Self::MAX_SIZE.1,
                default.height,
            ),
            zoom: force(self.zoom, Self::ZOOM.0, Self::ZOOM.1, default.zoom),
        }
    }
}

impl Default for EditorState {
    fn default() -> Self {
        Self {
            width: 1180.0,
            height: 800.0,
            zoom: 1.0,
        }
    }
}

/// How the editor looks, as the project has it until there is a window. From then on it is the
/// window's: hosts load whole states for every undo and preset, and none of these is about it.
#[derive(Debug, Default)]
pub struct EditorView {
    state: RwLock<EditorState>,
    /// Whether there has been a window.
    is_shown: AtomicBool,
}

impl EditorView {
    /// The size and zoom of the window that is open, or of the next one.
    pub fn get(&self) -> EditorState {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.sanitised()
    }

    /// Changes size or zoom.
    pub fn update(&self, update: impl FnOnce(&mut EditorState)) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        update(&mut state);
        *state = state.sanitised();
    }

    /// There is a window.
    pub fn show(&self) {
        self.is_shown.store(true, Ordering::Relaxed);
    }
}

impl PersistentField<'_, EditorState> for EditorView {
    fn set(&self, loaded: EditorState) {
        if !self.is_shown.load(Ordering::Relaxed) {
            self.update(|state| *state = loaded);
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&EditorState) -> R,
    {
        f(&self.get())
    }
}

/// Makes a whole state of a project out of what a host has loaded. Runs before every load.
pub fn load(state: &mut PluginState) {
    repair(state);
    complete(state);
}

/// What is missing would stay as it is, and belong to another song.
fn complete(state: &mut PluginState) {
    values::complete(&mut state.params);
    let fields = &mut state.fields;
    // Every load is counted, of whatever format.
    let format = fields.entry("format".to_owned()).or_default();
    if serde_json::from_str::<u32>(format).is_err() {
        *format = "0".to_owned();
    }
    for key in TEXTS {
        let field = fields.entry(key.to_owned()).or_insert(r#""""#.to_owned());
        if serde_json::from_str::<String>(field).is_err() {
            // Who reads it says that it cannot be read, and keeps it.
            *field = serde_json::Value::String(std::mem::take(field)).to_string();
        }
    }
}

/// Repairs what there is of a state.
pub fn repair(state: &mut PluginState) {
    values::repair(&mut state.params);
    repair_fields(&mut state.fields);
}

fn repair_fields(fields: &mut BTreeMap<String, String>) {
    if let Some(text) = fields.get_mut("editor") {
        let editor: EditorState = serde_json::from_str(text).unwrap_or_default();
        if let Ok(repaired) = serde_json::to_string(&editor.sanitised()) {
            *text = repaired;
        }
    }
}

#[cfg(test)]
mod tests;
