//! Factory presets: how drums are heard and sound, with a name and a word about its use.

use std::sync::OnceLock;

use idm_engine::drum::DRUM_COUNT;
use nice_plug::plugin::PluginState;
use serde::{Deserialize, Serialize};

use crate::params::Values;

/// A named state. Settings that are the song's and the session's are not in it: main output,
/// bypass, quality, learning, where hits come from, notes, mute, solo and names; faders, buses, and
/// which drums there are, only if it is about them.
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

    /// What it sets where some drums (`has_sample`, by [`Drum::index`]) play samples of the
    /// user's own: a preset is no reason to fall silent for these. The one that cuts every drum
    /// out of the recording means them, too.
    ///
    /// [`Drum::index`]: idm_engine::drum::Drum::index
    pub fn settings_beside(&self, has_sample: &[bool; DRUM_COUNT]) -> Values {
        let mut settings = self.settings().clone();
        if self.name == SEPARATE {
            return settings;
        }
        for (drum, _) in has_sample.iter().enumerate().filter(|(_, has)| **has) {
            for what in OF_THE_SOUND {
                settings.remove(&format!("{what}_{}", drum + 1));
            }
        }
        settings
    }
}

/// The preset with which all begins.
const SEPARATE: &str = "Separate";

/// Parameters of how a sound plays.
const OF_THE_SOUND: [&str; 4] = ["blend", "dyn", "tune", "decay"];

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
            let special = ["bus", "level", "play"];
            for what in special {
                assert!([0, DRUM_COUNT].contains(&count(what)), "{}", preset.name);
            }
            let others = |id: &&String| !special.contains(&name(id));
            let (found, all) = (found.iter().filter(others), ids.iter().filter(others));
            assert!(found.eq(all), "{}", preset.name);
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
            let balances = preset.name == SEPARATE;
            assert_eq!(
                settings.contains_key("level_9"),
                balances,
                "{}",
                preset.name
            );
            assert!(settings.contains_key("mask"));
        }
    }

    #[test]
    fn samples_of_the_user_go_on_playing() {
        let mut has_sample = [false; DRUM_COUNT];
        has_sample[1] = true;
        for preset in factory() {
            let settings = preset.settings_beside(&has_sample);
            let is_separate = preset.name == SEPARATE;
            for what in OF_THE_SOUND {
                assert!(settings.contains_key(&format!("{what}_1")));
                let id = format!("{what}_2");
                assert_eq!(settings.contains_key(&id), is_separate, "{id}");
            }
            assert!(settings.contains_key("sens_2") && settings.contains_key("iso_2"));
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
