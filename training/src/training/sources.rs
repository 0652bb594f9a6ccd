//! What weights learnt from, and the licences of that.

use std::{
    fs,
    path::{Path, PathBuf},
};

use idm_engine::model::ModelMeta;
use serde::{Deserialize, Serialize};

use super::{Checkpoint, warm_start::model_folder};
use crate::config::short_name;

/// What is in every model.
const PROCEDURAL: &str = "Procedural drum kits: own synthesis, no third-party material";
/// What is said where an older checkpoint or bank does not tell.
const UNTOLD: &str = "Training data: not told by the checkpoint, the model or the bank";

/// A folder of the collection that the shipped model learnt from. Its manifest tells it
/// from others of the same name: credits of other people's kits would be false.
struct Shipped {
    part: &'static str,
    manifest: &'static str,
    /// [`short_name`] of the manifest.
    name: &'static str,
    licences: &'static [&'static str],
}

const SHIPPED: [Shipped; 2] = [
    Shipped {
        part: "grooves",
        manifest: "grooves.csv",
        name: "521b414b4b19d2c7",
        licences: &[
            "Groove MIDI Dataset (Gillick et al., ICML 2019), https://magenta.tensorflow.org/datasets/groove, CC-BY 4.0",
        ],
    },
    Shipped {
        part: "drums",
        manifest: "kits.csv",
        name: "b3237b5cbd75be2f",
        licences: &[
            "\"El Nacho Drumkit\" by copyc4t (Paolo D'Emilio), freesound.org pack 22277, CC-BY 4.0",
            "Pearl Master Studio Pack 1 by enoe, via oramics/sampled, CC-BY 3.0",
            "Web Audio drum samples (Shiny Drum Machine), Copyright Google Inc., Apache-2.0",
            "Scott McLean, Ludwig Oyster Blue Pearl Drum Kit v01, author's free-use grant",
            "LEL-DR8 and LEL PSR samples by Edward d-tech, public domain, credited with thanks",
            "About 100 further drum kits: CC0-1.0, Unlicense or public domain, listed in presets/README.md",
        ],
    },
];

impl Shipped {
    /// Whether `folder` is this one.
    fn is(&self, folder: &Path) -> bool {
        fs::read(folder.join(self.manifest)).is_ok_and(|bytes| short_name(&bytes) == self.name)
    }
}

/// Material besides our own synthesis that weights or one-shots learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sources {
    /// Folders with drums/ or grooves/ inside, absolute.
    pub data: Vec<PathBuf>,
    /// Folders of recordings, absolute.
    pub recordings: Vec<PathBuf>,
    /// Folders of both kinds that earlier runs learnt from, whose weights this one began
    /// with: data, then recordings.
    #[serde(default)]
    pub former: [Vec<PathBuf>; 2],
    /// The map of notes by which the recordings' MIDI files were read; older files do not tell.
    #[serde(default)]
    pub notes: Option<String>,
    /// Licence lines of models whose weights are in these.
    pub models: Vec<String>,
}

/// Appends those of `others` that are not among `items`.
fn join<T: PartialEq>(items: &mut Vec<T>, others: impl IntoIterator<Item = T>) {
    for other in others {
        if !items.contains(&other) {
            items.push(other);
        }
    }
}

impl Sources {
    /// Those of a command with `--data` and `--recordings`. Allocates.
    pub fn given(data: Option<&Path>, recordings: &[PathBuf]) -> Sources {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
        Sources {
            data: data.map(absolute).into_iter().collect(),
            recordings: recordings.iter().map(|path| absolute(path)).collect(),
            ..Sources::default()
        }
    }

    /// Those of weights that do not tell. Allocates.
    pub fn untold() -> Sources {
        Sources {
            models: vec![UNTOLD.to_owned()],
            ..Sources::default()
        }
    }

    /// Those of the checkpoint or model at `path`, if it tells. Allocates.
    pub fn of_weights(path: &Path) -> Option<Sources> {
        let Some(folder) = model_folder(path) else {
            return Checkpoint::load(path).ok()?.sources;
        };
        let text = fs::read_to_string(folder.join("model.toml")).ok()?;
        Some(Sources {
            models: ModelMeta::parse(&text).ok()?.data_licences,
            ..Sources::default()
        })
    }

    /// Adds `other`. Allocates.
    pub fn add(&mut self, other: Sources) {
        self.notes = self.notes.take().or(other.notes);
        join(&mut self.data, other.data);
        join(&mut self.recordings, other.recordings);
        join(&mut self.models, other.models);
        for (former, others) in self.former.iter_mut().zip(other.former) {
            join(former, others);
        }
    }

    /// Adds those of weights that a run begins with. Allocates.
    pub fn begin_with(&mut self, other: Sources) {
        join(&mut self.models, other.models);
        for (former, others) in self.former.iter_mut().zip([other.data, other.recordings]) {
            join(former, others);
        }
        for (former, others) in self.former.iter_mut().zip(other.former) {
            join(former, others);
        }
    }

    /// One entry per source: attributions that licences ask for, the text of a licence
    /// file in a folder, or whose data it is. Reads the folders. Allocates.
    pub fn licences(&self) -> Vec<String> {
        let mut lines = vec![PROCEDURAL.to_owned()];
        join(&mut lines, self.models.iter().cloned());
        let [former_data, former_recordings] = &self.former;
        for folder in self.data.iter().chain(former_data) {
            join(&mut lines, data_licences(folder));
        }
        for folder in self.recordings.iter().chain(former_recordings) {
            join(&mut lines, [licence_text(folder, folder)]);
        }
        lines
    }
}

/// The licences of a model made of `parts`, each of which tells its sources or does not.
/// What is not told counts as learnt from `data`, where that is given. Allocates.
pub fn licences_of(
    parts: impl IntoIterator<Item = Option<Sources>>,
    data: Option<&Path>,
) -> Vec<String> {
    let mut sources = Sources::default();
    let mut is_told = true;
    for part in parts {
        match part {
            Some(part) => sources.add(part),
            None => is_told = false,
        }
    }
    if !is_told {
        sources.add(data.map_or_else(Sources::untold, |data| Sources::given(Some(data), &[])));
    }
    sources.licences()
}

/// Entries for the folders in `data`.
fn data_licences(data: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for shipped in &SHIPPED {
        let folder = data.join(shipped.part);
        if shipped.is(&folder) {
            lines.extend(shipped.licences.iter().map(|&line| line.to_owned()));
        } else if folder.is_dir() {
            join(&mut lines, [licence_text(&folder, data)]);
        }
    }
    if lines.is_empty() {
        lines.push(licence_text(data, data));
    }
    lines
}

/// The text of the licence file in `folder`, else in `data` around it; else whose data
/// it is. Only the last part of the path is told: the rest is nobody else's business.
fn licence_text(folder: &Path, data: &Path) -> String {
    let name = data.file_name().unwrap_or(data.as_os_str()).display();
    [folder, data]
        .into_iter()
        .find_map(|place| fs::read_to_string(licence_file(place)?).ok())
        .filter(|text| !text.trim().is_empty())
        .map_or_else(
            || format!("data of the user: {name}"),
            |text| format!("{name}: {}", text.trim()),
        )
}

/// The first file of `folder` called LICENSE, LICENCES.md, licence.txt or the like.
fn licence_file(folder: &Path) -> Option<PathBuf> {
    let is_licence = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_name = ["license", "licence", "licenses", "licences"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        is_name && path.is_file()
    };
    let paths = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    paths.filter(is_licence).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_credited_for_data_of_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("mykit");
        fs::create_dir_all(data.join("drums")).unwrap();
        fs::create_dir_all(data.join("grooves")).unwrap();
        // The name of a manifest is not enough.
        fs::write(data.join("grooves/grooves.csv"), "file\n").unwrap();
        let sources = Sources::given(Some(&data), &[]);
        assert_eq!(sources.licences(), [PROCEDURAL, "data of the user: mykit"]);
        fs::write(data.join("drums/LICENSES.md"), "CC0, by me\n").unwrap();
        assert_eq!(
            sources.licences(),
            [PROCEDURAL, "data of the user: mykit", "mykit: CC0, by me"]
        );
        let takes = Sources::given(None, &[folder.path().join("takes")]);
        assert_eq!(takes.licences(), [PROCEDURAL, "data of the user: takes"]);
    }

    #[test]
    fn what_earlier_runs_learnt_from_is_told_and_not_asked_for_again() {
        let earlier = Sources::given(Some(Path::new("/kits")), &["/takes".into()]);
        let mut run = Sources::given(None, &[]);
        run.begin_with(earlier.clone());
        assert!(run.data.is_empty() && run.recordings.is_empty());
        assert_eq!(run.licences(), earlier.licences());
        let mut next = Sources::default();
        next.begin_with(run);
        assert_eq!(next.licences(), earlier.licences());
    }

    #[test]
    fn what_is_not_told_is_asked_for_and_never_made_up() {
        let told = || Some(Sources::default());
        assert_eq!(licences_of([told(), told()], None), [PROCEDURAL]);
        assert_eq!(licences_of([told(), None], None), [PROCEDURAL, UNTOLD]);
        let data = Path::new("/nowhere/kits");
        assert_eq!(
            licences_of([None, told()], Some(data)),
            [PROCEDURAL, "data of the user: kits"]
        );
        // Thresholds are no weights.
        assert_eq!(licences_of([told()], Some(data)), [PROCEDURAL]);
    }

    #[test]
    fn licences_of_a_model_are_handed_on() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default");
        let sources = Sources::of_weights(&folder).unwrap();
        let licences = licences_of([Some(sources)], None);
        let text = fs::read_to_string(folder.join("model.toml")).unwrap();
        assert_eq!(licences, ModelMeta::parse(&text).unwrap().data_licences);
        // It also learnt from kits that the collection no longer has.
        let shipped = SHIPPED.iter().flat_map(|part| part.licences);
        for line in shipped.chain(&[PROCEDURAL]) {
            assert!(licences.iter().any(|known| known == line), "{line}");
        }
    }
}
