//! What a project remembers, and how older projects are brought up to date.
//!
//! The host stores one JSON object: the plugin version, every parameter by id,
//! and a few fields. Anything in it may be missing, of the wrong type or out of
//! range, because people edit presets and hosts truncate files: bad entries are
//! repaired or left out, the rest is loaded.

use std::collections::BTreeMap;

use idm_engine::drum::DRUM_COUNT;
use nice_plug::params::persist::PersistentField;
use nice_plug::plugin::{ParamValue, PluginState};
use nice_plug::prelude::Enum;
use serde::{Deserialize, Serialize};

use crate::params::{
    BusChoice, DECAY, DYNAMICS, HitChoice, ISOLATION, LEVEL_MAX_DB, LEVEL_MIN_DB, MASK_EXPONENT,
    MIN_GAP_MS, MOST_REVISIONS, MainOutput, QualityChoice, TUNE_SEMITONES,
};

/// Format of the state that this version writes.
pub const FORMAT: u32 = 1;

/// Key of the format among the saved fields.
const FORMAT_FIELD: &str = "format";

/// One step of the migration: turns the state of one format into the next.
pub type Migration = fn(&mut PluginState);

/// Step `n` turns format `n` into format `n + 1`.
///
/// Format 0 is a state without a format: a preset written by hand. It means
/// the same as format 1, so there is nothing to turn.
const MIGRATIONS: [Migration; FORMAT as usize] = [|_| {}];

/// Saved as the number [`FORMAT`]; what is loaded does not change it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FormatStamp;

impl PersistentField<'_, u32> for FormatStamp {
    fn set(&self, _: u32) {}

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

/// What values a parameter takes in a saved state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A number in a range.
    Float(f32, f32),
    /// A whole number in a range.
    Int(i32, i32),
    /// A switch.
    Bool,
    /// One of these identifiers.
    Choice(&'static [&'static str]),
}

/// What values the parameter `id` takes, or `None` if there is none.
pub fn kind(id: &str) -> Option<Kind> {
    let choice = |ids: Option<&'static [&'static str]>| Kind::Choice(ids.unwrap_or(&[]));
    Some(match id {
        "main" => choice(MainOutput::ids()),
        "qual" => choice(QualityChoice::ids()),
        "hits" => choice(HitChoice::ids()),
        "bypass" | "learn" => Kind::Bool,
        "rev" => Kind::Int(0, MOST_REVISIONS),
        "mask" => Kind::Float(MASK_EXPONENT.0, MASK_EXPONENT.1),
        "resid" => Kind::Float(LEVEL_MIN_DB, LEVEL_MAX_DB),
        _ => {
            let (name, number) = id.rsplit_once('_')?;
            let number: usize = number.parse().ok()?;
            if !(1..=DRUM_COUNT).contains(&number) {
                return None;
            }
            match name {
                "level" => Kind::Float(LEVEL_MIN_DB, LEVEL_MAX_DB),
                "mute" | "solo" | "play" => Kind::Bool,
                "sens" | "blend" => Kind::Float(0.0, 1.0),
                "gap" => Kind::Float(MIN_GAP_MS.0, MIN_GAP_MS.1),
                "tune" => Kind::Float(TUNE_SEMITONES.0, TUNE_SEMITONES.1),
                "decay" => Kind::Float(DECAY.0, DECAY.1),
                "dyn" => Kind::Float(DYNAMICS.0, DYNAMICS.1),
                "iso" => Kind::Float(ISOLATION.0, ISOLATION.1),
                "note" => Kind::Int(0, 127),
                "bus" => choice(BusChoice::ids()),
                _ => return None,
            }
        }
    })
}

impl Kind {
    /// `value` as this kind, forced into range; `None` if it makes no sense.
    fn repair(self, value: &ParamValue) -> Option<ParamValue> {
        let number = match value {
            ParamValue::F32(number) => Some(*number),
            ParamValue::I32(number) => Some(*number as f32),
            ParamValue::Bool(_) | ParamValue::String(_) => None,
        }
        .filter(|number| number.is_finite());
        match (self, value) {
            (Kind::Float(low, high), _) => Some(ParamValue::F32(number?.clamp(low, high))),
            (Kind::Int(low, high), _) => {
                Some(ParamValue::I32((number?.round() as i32).clamp(low, high)))
            }
            (Kind::Bool, ParamValue::Bool(on)) => Some(ParamValue::Bool(*on)),
            (Kind::Choice(ids), ParamValue::String(id)) => ids
                .contains(&id.as_str())
                .then(|| ParamValue::String(id.clone())),
            (Kind::Choice(ids), ParamValue::I32(index)) => usize::try_from(*index)
                .ok()
                .and_then(|index| ids.get(index))
                .map(|id| ParamValue::String((*id).to_owned())),
            _ => None,
        }
    }
}

/// Brings a loaded state up to date and repairs it. Runs before every load.
pub fn upgrade(state: &mut PluginState) {
    migrate(state, &MIGRATIONS);
    repair_params(&mut state.params);
    repair_fields(&mut state.fields);
}

/// Applies the migrations from the state's format on.
///
/// A state of a newer format than `migrations` reach is left as it is: what
/// this version understands of it is loaded.
fn migrate(state: &mut PluginState, migrations: &[Migration]) {
    let format = state
        .fields
        .get(FORMAT_FIELD)
        .and_then(|text| serde_json::from_str::<u32>(text).ok())
        .unwrap_or(0) as usize;
    for migration in migrations.iter().skip(format) {
        migration(state);
    }
    if format < migrations.len() {
        state
            .fields
            .insert(FORMAT_FIELD.into(), migrations.len().to_string());
    }
}

fn repair_params(params: &mut BTreeMap<String, ParamValue>) {
    params.retain(|id, value| match kind(id).map(|kind| kind.repair(value)) {
        Some(Some(repaired)) => {
            *value = repaired;
            true
        }
        _ => false,
    });
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
