//! Which audio files of a folder are recordings, and which annotation belongs
//! to which.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, bail, ensure};
use idm_engine::{audio_file::is_called_audio, drum::STEM_COUNT};

use super::{
    Annotation,
    stems::{Stems, is_stem, parent, stem_name},
};
use crate::kits::{Split, files_below, has_extension, is_audio, lossy_remark};

/// A recording and its annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The mixture.
    pub audio: PathBuf,
    /// Its hits: a CSV or MIDI file.
    pub annotation: PathBuf,
    /// Its stems; only read when asked for.
    pub stems: Stems,
    /// Side of the training/validation border: validation in and below a folder
    /// called `valid`, `validation` or `test`, the searched one too, else training.
    pub split: Split,
}

/// Names of an annotation that belongs to the only mixture of its folder.
const FOLDER_ANNOTATIONS: [&str; 3] = ["onsets.csv", "onsets.mid", "onsets.midi"];

/// Finds the recordings below `folder` that training can use. An audio file in which nothing is
/// left out (WAV, AIFF, FLAC, M4A and CAF without AAC) is one if
///
/// * a `.csv`, `.mid` or `.midi` file of the same name lies beside it, or
/// * it is the only file of its folder that is not named like a stem, and an
///   `onsets.csv` or `onsets.mid` lies beside it (what `idm-train render` and
///   `idm` write), or
/// * its name begins with the name of a MIDI file anywhere below `folder`
///   (StemGMD: mixtures per kit next to the Groove MIDI dataset). If several
///   do, the longest name counts, then the one with most folders in common.
///
/// Stems (files named like a drum, or with a drum or its StemGMD code as the
/// last part of the name) are no recordings. In the order of their paths.
/// Allocates.
///
/// # Errors
/// When the folder cannot be read, nothing in it is annotated, or two
/// annotations suit a mixture equally well.
pub fn find_recordings(folder: &Path) -> Result<Vec<Recording>> {
    find(folder, is_audio)
}

/// The same of all files that can be read, MP3 and its like too. Allocates.
///
/// # Errors
/// As [`find_recordings`].
pub fn find_all_recordings(folder: &Path) -> Result<Vec<Recording>> {
    find(folder, is_called_audio)
}

fn find(folder: &Path, is_audio: fn(&Path) -> bool) -> Result<Vec<Recording>> {
    let files = files_below(folder)?;
    let present: BTreeSet<&PathBuf> = files.iter().collect();
    let audio: Vec<&PathBuf> = files.iter().filter(|path| is_audio(path)).collect();
    let mut mixtures_of: BTreeMap<&Path, usize> = BTreeMap::new();
    for path in audio.iter().filter(|path| !is_stem(path)) {
        *mixtures_of.entry(parent(path)).or_default() += 1;
    }
    let scores = ScoreIndex::new(&files);
    let mut recordings = Vec::new();
    for path in &audio {
        let beside = ["csv", "mid", "midi", "CSV", "MID"].map(|end| path.with_extension(end));
        let mut annotation = beside.into_iter().find(|path| present.contains(path));
        if annotation.is_none() && !is_stem(path) {
            if mixtures_of.get(parent(path)) == Some(&1) {
                let shared = FOLDER_ANNOTATIONS.map(|name| parent(path).join(name));
                annotation = shared.into_iter().find(|path| present.contains(path));
            }
            if annotation.is_none() {
                annotation = scores.best_for(path)?;
            }
        }
        if let Some(annotation) = annotation {
            recordings.push(Recording {
                stems: Stems::beside(path, &audio),
                split: split_of(path, folder),
                audio: (*path).clone(),
                annotation,
            });
        }
    }
    ensure!(
        !recordings.is_empty(),
        "{}: expected audio files (WAV, AIFF, FLAC) with a .csv or .mid file of the same name, found {} audio files without annotation{}",
        folder.display(),
        audio.len(),
        lossy_remark(folder)
    );
    Ok(recordings)
}

/// The side of the recording at `path`, by the folders from `root` on: what lies above is
/// not of the recordings.
fn split_of(path: &Path, root: &Path) -> Split {
    let below = path.strip_prefix(root).unwrap_or(path);
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let mut folders = below.ancestors().skip(1).chain([&*root]);
    if folders.any(Split::holds_out) {
        Split::Valid
    } else {
        Split::Train
    }
}

impl Recording {
    /// The stems to read, by position, as [`Stems::to_read`].
    ///
    /// # Errors
    /// If there are no stems, or a drum with hits has none.
    pub fn stems_for(&self, annotations: &[Annotation]) -> Result<[Option<&Path>; STEM_COUNT]> {
        let stems = self.stems.to_read(annotations);
        stems.map_err(|error| anyhow!("{}: {error}", self.audio.display()))
    }
}

/// MIDI files by name.
struct ScoreIndex<'a> {
    by_name: BTreeMap<String, Vec<&'a PathBuf>>,
}

impl<'a> ScoreIndex<'a> {
    fn new(files: &'a [PathBuf]) -> ScoreIndex<'a> {
        let mut by_name: BTreeMap<String, Vec<&PathBuf>> = BTreeMap::new();
        for path in files
            .iter()
            .filter(|path| has_extension(path, &["mid", "midi"]))
        {
            by_name.entry(stem_name(path)).or_default().push(path);
        }
        ScoreIndex { by_name }
    }

    /// The MIDI file whose name the name of `audio` begins with.
    fn best_for(&self, audio: &Path) -> Result<Option<PathBuf>> {
        let name = stem_name(audio);
        let mut ends = name
            .char_indices()
            .rev()
            .filter(|(_, c)| matches!(c, '_' | '-' | ' '))
            .map(|(at, _)| at);
        let longest = std::iter::once(name.len())
            .chain(&mut ends)
            .find_map(|end| self.by_name.get(&name[..end]));
        let Some(candidates) = longest else {
            return Ok(None);
        };
        let shared = |score: &Path| {
            let folders = |path: &Path| -> BTreeSet<String> {
                let parts = parent(path).components();
                parts
                    .map(|part| part.as_os_str().to_string_lossy().to_lowercase())
                    .collect()
            };
            folders(audio).intersection(&folders(score)).count()
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn touch(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            fs::create_dir_all(parent(&path)).unwrap();
            fs::write(path, b"").unwrap();
        }
    }

    fn found(root: &Path) -> Vec<(String, String)> {
        let relative = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        find_recordings(root)
            .unwrap()
            .iter()
            .map(|recording| (relative(&recording.audio), relative(&recording.annotation)))
            .collect()
    }

    #[test]
    fn same_names_and_rendered_folders_are_recordings() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        touch(
            root,
            &[
                "take.wav",
                "take.csv",
                "ride.flac",
                "ride.mid",
                "lonely.wav",
                "r/000000/mix.wav",
                "r/000000/kick.wav",
                "r/000000/residual.wav",
                "r/000000/onsets.csv",
                "r/000000/onsets.mid",
                "validation/take.wav",
                "validation/take.midi",
                "._take.wav",
                "._take.csv",
                ".trash/old.wav",
                ".trash/old.csv",
            ],
        );
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            found(root),
            [
                pair("r/000000/mix.wav", "r/000000/onsets.csv"),
                pair("ride.flac", "ride.mid"),
                pair("take.wav", "take.csv"),
                pair("validation/take.wav", "validation/take.midi"),
            ]
        );
        let all = find_recordings(root).unwrap();
        assert_eq!(all[0].stems_for(&[]).unwrap().iter().flatten().count(), 2);
        let splits: Vec<Split> = all.iter().map(|r| r.split).collect();
        assert_eq!(splits[2..], [Split::Train, Split::Valid]);
        // The folder that is given counts, those that it lies in do not.
        let held_out = root.join("validation");
        touch(&held_out, &["deep/x.wav", "deep/x.csv"]);
        let splits = |root: &Path| -> Vec<Split> {
            let all = find_recordings(root).unwrap();
            all.iter().map(|recording| recording.split).collect()
        };
        assert_eq!(splits(&held_out), [Split::Valid; 2]);
        assert_eq!(splits(&held_out.join("deep")), [Split::Train]);
    }

    #[test]
    fn stem_gmd_mixtures_find_their_groove() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        touch(
            root,
            &[
                "groove/drummer1/eval_session/1_funk_80_beat_4-4.mid",
                "groove/drummer5/eval_session/1_funk_80_beat_4-4.mid",
                "groove/drummer1/session1/2_rock.mid",
                "StemGMD/drummer5/eval_session/1_funk_80_beat_4-4/bluebird/1_funk_80_beat_4-4_bluebird_MIX.wav",
                "StemGMD/drummer5/eval_session/1_funk_80_beat_4-4/bluebird/1_funk_80_beat_4-4_bluebird_KD.wav",
                "StemGMD/drummer5/eval_session/1_funk_80_beat_4-4/bluebird/1_funk_80_beat_4-4_bluebird_HH_CHH.wav",
                "StemGMD/roots/2_rock_roots.wav",
            ],
        );
        let found = found(root);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(
            found[0].1,
            "groove/drummer5/eval_session/1_funk_80_beat_4-4.mid"
        );
        assert_eq!(found[1].1, "groove/drummer1/session1/2_rock.mid");
        let all = find_recordings(root).unwrap();
        assert_eq!(all[0].stems_for(&[]).unwrap().iter().flatten().count(), 2);

        touch(root, &["StemGMD/roots/1_funk_80_beat_4-4_roots.wav"]);
        let error = find_recordings(root).unwrap_err().to_string();
        assert!(
            error.contains("drummer1") && error.contains("drummer5"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_without_annotations_is_refused() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), &["a.wav", "b.wav"]);
        let error = find_recordings(root.path()).unwrap_err().to_string();
        assert!(
            error.contains("found 2 audio files without annotation"),
            "{error}"
        );
        assert!(find_recordings(&root.path().join("nowhere")).is_err());
    }
}
