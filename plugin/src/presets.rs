//! Factory presets: how drums are heard and sound, with a name and a word about its use.

use std::sync::OnceLock;

use nice_plug::plugin::PluginState;
use serde::{Deserialize, Serialize};

use crate::params::Values;

/// A named state. Settings that are the song's and the session's are not in it: main output,
/// bypass, quality, learning, where hits come from, notes, mute, solo and names; buses, and which
/// drums there are, only if it is about them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preset {
    /// Name shown to users.
    pub name: String,
    /// What it is for.
    pub description: String,
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

    /// What it sets.
    pub fn settings(&self) -> &Values {
        &self.state.params
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

    use idm_engine::drum::DRUM_COUNT;

    use super::*;
    use crate::params::IdmParams;
    use crate::state;

    /// What the name of a parameter begins with, whichever drum's it is.
    fn name(id: &str) -> &str {
        id.rsplit_once('_').map_or(id, |(name, _)| name)
    }

    #[test]
    fn every_file_is_complete_and_in_range() {
        let session = [
            "main", "bypass", "qual", "learn", "hits", "note", "bus", "mute", "solo", "play", "as",
        ];
        let ids = IdmParams::default().values().into_keys();
        let ids: BTreeSet<String> = ids.filter(|id| !session.contains(&name(id))).collect();
        for text in FILES {
            let preset = Preset::parse(text).expect("a factory preset is valid JSON");
            assert!(!preset.name.is_empty() && !preset.description.is_empty());
            let found: BTreeSet<String> = preset.settings().keys().cloned().collect();
            let count = |what| found.iter().filter(|id| name(id) == what).count();
            for what in ["bus", "play"] {
                assert!([0, DRUM_COUNT].contains(&count(what)), "{}", preset.name);
            }
            let others = |id: &&String| !["bus", "play"].contains(&name(id));
            assert!(found.iter().filter(others).eq(&ids), "{}", preset.name);
            // Repairing changes or drops what is wrong: nothing may change.
            let mut repaired = preset.state.clone();
            state::repair(&mut repaired);
            assert_eq!(
                serde_json::to_value(&repaired).unwrap(),
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
            for id in [
                "main", "bypass", "qual", "learn", "hits", "note_3", "mute_1", "solo_9", "as_4",
            ] {
                assert!(!settings.contains_key(id), "{}: {id}", preset.name);
            }
            let routes = ["Separate", "Five groups"].contains(&preset.name.as_str());
            assert_eq!(settings.contains_key("bus_4"), routes, "{}", preset.name);
            let chooses = settings.contains_key("play_4");
            let is_about_drums = ["Separate", "Kick, snare, hats"].contains(&preset.name.as_str());
            assert_eq!(chooses, is_about_drums, "{}", preset.name);
            assert!(settings.contains_key("level_9") && settings.contains_key("mask"));
        }
    }

    #[test]
    fn the_first_preset_is_the_default() {
        let settings = factory()[0].settings();
        let mut defaults = IdmParams::default().values();
        defaults.retain(|id, _| settings.contains_key(id));
        assert_eq!(
            serde_json::to_value(settings).unwrap(),
            serde_json::to_value(defaults).unwrap()
        );
    }
}
