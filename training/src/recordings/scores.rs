//! MIDI files that lie elsewhere than the mixtures that they are of.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use idm_engine::audio_file::is_called_audio;

use super::stems::{SEPARATORS, parent, stem_name};
use crate::kits::has_extension;

/// A MIDI file that may be of mixtures elsewhere.
struct Score<'a> {
    path: &'a PathBuf,
    /// Whether audio of the same name lies beside it.
    has_audio: bool,
}

/// MIDI files by name.
pub struct ScoreIndex<'a> {
    root: &'a Path,
    by_name: BTreeMap<String, Vec<Score<'a>>>,
}

/// The folders that `path` lies in, in small letters.
fn folders_of(path: &Path) -> Vec<String> {
    let parts = parent(path).components();
    parts
        .map(|part| part.as_os_str().to_string_lossy().to_lowercase())
        .collect()
}

impl<'a> ScoreIndex<'a> {
    /// Of `files`, which lie below `root`. Allocates.
    pub fn new(root: &'a Path, files: &'a [PathBuf]) -> ScoreIndex<'a> {
        let audio = files.iter().filter(|path| is_called_audio(path));
        let audio: BTreeSet<(&Path, String)> =
            audio.map(|path| (parent(path), stem_name(path))).collect();
        let mut by_name: BTreeMap<String, Vec<Score<'_>>> = BTreeMap::new();
        for path in files
            .iter()
            .filter(|path| has_extension(path, &["mid", "midi"]))
        {
            let name = stem_name(path);
            let has_audio = audio.contains(&(parent(path), name.clone()));
            by_name
                .entry(name)
                .or_default()
                .push(Score { path, has_audio });
        }
        ScoreIndex { root, by_name }
    }

    /// The MIDI files called `name` that may be of `audio`.
    fn called(&self, name: &str, audio: &Path) -> Option<Vec<&'a PathBuf>> {
        let folders = folders_of(audio.strip_prefix(self.root).unwrap_or(audio));
        // A folder of this name in one that is called like that of the MIDI file.
        let is_elsewhere = |score: &Path| {
            let folder = folders_of(score).pop();
            let mut pairs = folders.windows(2);
            let is_called = pairs.any(|pair| Some(&pair[0]) == folder.as_ref() && pair[1] == name);
            is_called && !audio.starts_with(parent(score))
        };
        let scores = self.by_name.get(name)?.iter();
        let paths: Vec<&PathBuf> = scores
            .filter(|score| !score.has_audio || is_elsewhere(score.path))
            .map(|score| score.path)
            .collect();
        (!paths.is_empty()).then_some(paths)
    }

    /// The MIDI file whose name the name of `audio` begins with, if there is one. Allocates.
    ///
    /// # Errors
    /// Two suit it equally well.
    pub fn best_for(&self, audio: &Path) -> Result<Option<PathBuf>> {
        let name = stem_name(audio);
        let ends = name.rmatch_indices(SEPARATORS).map(|(at, _)| at);
        let longest = std::iter::once(name.len())
            .chain(ends)
            .find_map(|end| self.called(&name[..end], audio));
        let Some(candidates) = longest else {
            return Ok(None);
        };
        let folders: BTreeSet<String> = folders_of(audio).into_iter().collect();
        let shared = |score: &Path| {
            let others: BTreeSet<String> = folders_of(score).into_iter().collect();
            folders.intersection(&others).count()
        };
        let most = candidates
            .iter()
            .map(|path| shared(path))
            .max()
            .unwrap_or(0);
        let mut best = candidates.iter().filter(|path| shared(path) == most);
        match (best.next(), best.next()) {
            (Some(only), None) => Ok(Some((*only).clone())),
            (Some(first), Some(second)) => bail!(
                "{}: expected one MIDI file of this name, found {} and {}; put the mixture into folders named like those of its MIDI file",
                audio.display(),
                first.display(),
                second.display()
            ),
            _ => Ok(None),
        }
    }
}
