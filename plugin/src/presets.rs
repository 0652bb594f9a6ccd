//! Factory presets: complete states with a name and a word about their use.

use std::sync::OnceLock;

use nice_plug::plugin::PluginState;
use serde::{Deserialize, Serialize};

use crate::params::Values;

/// Settings that are the song's and the session's, and that no preset changes: main output,
/// bypass, quality, learning, where hits come from, notes.
const SESSION: [&str; 6] = ["main", "bypass", "qual", "learn", "hits", "note"];

/// A named state. Lists every setting, as a project does; of these [`Preset::settings`] are
/// set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preset {
    /// Name shown to users.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is about buses, and sets those too.
    #[serde(default)]
    pub routes: bool,
    /// Parameters and fields.
    #[serde(flatten)]
    pub state: PluginState,
}

impl Preset {
    /// Reads a preset from JSON. Allocates.
    ///
    /// # Errors
    /// If it is not JSON or lacks a part.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What it sets: how drums are heard and sound. Allocates.
    pub fn settings(&self) -> Values {
        let params = self.state.params.iter();
        let is_set = |id: &str| {
            let name = id.rsplit_once('_').map_or(id, |(name, _)| name);
            !SESSION.contains(&name) && (self.routes || name != "bus")
        };
        params
            .filter(|(id, _)| is_set(id))
            .map(|(id, value)| (id.clone(), value.clone()))
            .collect()
    }
}

/// The files in `presets/factory`, in the order of the menu.
const FILES: [&str; 7] = [
    include_str!("../../presets/factory/separate.json"),
    include_str!("../../presets/factory/resynthesise.json"),
    include_str!("../../presets/factory/tight_stems.json"),
    include_str!("../../presets/factory/rock_kit.json"),
    include_str!("../../presets/factory/five_groups.json"),
    include_str!("../../presets/factory/ghost_notes.json"),
    include_str!("../../presets/factory/kick_and_snare_replacement.json"),
];

/// The presets that come with the plugin. Reads them on the first call.
pub fn factory() -> &'static [Preset] {
    static PRESETS: OnceLock<Vec<Preset>> = OnceLock::new();
    PRESETS.get_or_init(|| {
        // A test reads each of them, so none is lost here.
        FILES
            .iter()
            .filter_map(|text| Preset::parse(text).ok())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::params::IdmParams;
    use crate::state;

    #[test]
    fn every_file_is_complete_and_in_range() {
        let ids: BTreeSet<String> = IdmParams::default().values().into_keys().collect();
        for text in FILES {
            let preset = Preset::parse(text).expect("a factory preset is valid JSON");
            assert!(!preset.name.is_empty() && !preset.description.is_empty());
            let found: BTreeSet<String> = preset.state.params.keys().cloned().collect();
            assert_eq!(found, ids, "{}", preset.name);
            // Upgrading repairs or drops what is wrong: nothing may change.
            let mut upgraded = preset.state.clone();
            state::repair(&mut upgraded);
            assert_eq!(
                serde_json::to_value(&upgraded).unwrap(),
                serde_json::to_value(&preset.state).unwrap(),
                "{}",
                preset.name
            );
        }
        assert_eq!(factory().len(), FILES.len());
    }

    #[test]
    fn presets_leave_the_session_alone_and_only_two_route() {
        for preset in factory() {
            let settings = preset.settings();
            for id in ["main", "bypass", "qual", "learn", "hits", "note_3"] {
                assert!(!settings.contains_key(id), "{}: {id}", preset.name);
            }
            let routes = ["Separate", "Five groups"].contains(&preset.name.as_str());
            assert_eq!(settings.contains_key("bus_4"), routes, "{}", preset.name);
            assert!(settings.contains_key("level_9") && settings.contains_key("mask"));
        }
    }

    #[test]
    fn the_first_preset_is_the_default() {
        use nice_plug::plugin::ParamValue;

        use crate::params::{BusChoice, MainOutput, QualityChoice};
        let state = &factory()[0].state;
        let params = IdmParams::default();
        let float = |id: &str| match state.params[id] {
            ParamValue::F32(value) => value,
            ref other => panic!("{id}: {other:?}"),
        };
        assert_eq!(params.main_output.value(), MainOutput::Mix);
        assert!(matches!(&state.params["main"], ParamValue::String(id) if id == "mix"));
        assert_eq!(params.quality.value(), QualityChoice::Standard);
        assert!(matches!(&state.params["qual"], ParamValue::String(id) if id == "standard"));
        assert_eq!(float("mask"), params.mask_exponent.value());
        for (index, drum) in params.drums.iter().enumerate() {
            let id = |name: &str| format!("{name}_{}", index + 1);
            assert_eq!(float(&id("level")), drum.level_db.value());
            assert_eq!(float(&id("sens")), drum.sensitivity.value());
            assert_eq!(float(&id("gap")), drum.min_gap_ms.value());
            assert_eq!(float(&id("iso")), drum.isolation.value());
            assert_eq!(float(&id("blend")), drum.blend.value());
            assert_eq!(float(&id("dyn")), drum.dynamics.value());
            assert_eq!(float(&id("tune")), drum.tune_semitones.value());
            assert_eq!(float(&id("decay")), drum.decay.value());
            assert!(
                matches!(state.params[&id("note")], ParamValue::I32(note) if note == drum.note.value())
            );
            assert_eq!(drum.bus.value(), BusChoice::Own);
        }
    }
}
