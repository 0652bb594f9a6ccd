//! Which audio files of a folder are recordings, and which annotation belongs
//! to which.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, ensure};
use idm_engine::{audio_file::is_called_audio, drum::STEM_COUNT};

use super::{
    Annotation,
    scores::ScoreIndex,
    stems::{Stems, is_stem, parent, stem_name},
};
use crate::kits::{Split, files_below, is_audio, lossy_remark};

/// A recording and its annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The mixture.
    pub audio: PathBuf,
    /// Its hits: a CSV or MIDI file.
    pub annotation: PathBuf,
    /// Further files beside it that are called like its annotation, but for the ending.
    pub other_annotations: Vec<PathBuf>,
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
///   do, the longest name counts, then the one with most folders in common. A MIDI file
///   with audio of the same name beside it is of that, and of no other mixture but those
///   elsewhere whose folders are called like its folder and itself (StemGMD next to Groove with
///   its audio).
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
    let scores = ScoreIndex::new(folder, &files);
    let mut recordings = Vec::new();
    for path in &audio {
        let beside = ["csv", "mid", "midi", "CSV", "MID"].map(|end| path.with_extension(end));
        let mut annotations = beside.to_vec();
        annotations.retain(|path| present.contains(path));
        if annotations.is_empty() && !is_stem(path) {
            if mixtures_of.get(parent(path)) == Some(&1) {
                annotations.extend(FOLDER_ANNOTATIONS.map(|name| parent(path).join(name)));
                annotations.retain(|path| present.contains(path));
            }
            if annotations.is_empty() {
                annotations.extend(scores.best_for(path)?);
            }
        }
        let mut annotations = annotations.into_iter();
        if let Some(annotation) = annotations.next() {
            recordings.push(Recording {
                stems: Stems::beside(path, &audio),
                split: split_of(path, folder),
                audio: (*path).clone(),
                annotation,
                other_annotations: annotations.collect(),
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

/// Says which of `recordings` have their hits from files of another name or folder: a wrong one
/// teaches what is not played. Nothing if there are none. Allocates.
pub fn pairs_remark(recordings: &[Recording]) -> Option<String> {
    /// Lines that are read.
    const MOST: usize = 20;
    let is_far = |recording: &&Recording| {
        let (audio, annotation) = (&recording.audio, &recording.annotation);
        let is_shared = FOLDER_ANNOTATIONS
            .iter()
            .any(|name| annotation.ends_with(name));
        parent(audio) != parent(annotation)
            || !is_shared && stem_name(audio) != stem_name(annotation)
    };
    let far: Vec<&Recording> = recordings.iter().filter(is_far).collect();
    let pairs = far.iter().take(MOST).map(|recording| {
        let (audio, annotation) = (&recording.audio, &recording.annotation);
        format!("\n  {}: {}", audio.display(), annotation.display())
    });
    let more = far.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("\n  and {more} more"));
    (!far.is_empty()).then(|| {
        format!(
            "the hits of {} of {} recordings are from a file of another name or folder:{}",
            far.len(),
            recordings.len(),
            pairs.chain(more).collect::<String>()
        )
    })
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
    fn hits_of_another_take_are_not_taken() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        touch(
            root,
            &[
                "a/drums.wav",
                "a/drums.mid",
                "a/drums_2.wav",
                "b/drums.wav",
                // A folder of this name makes no difference beside the take.
                "drums/drums.flac",
                "drums/drums.mid",
                "drums/drums_2.wav",
                "drums/others/drums_3.wav",
            ],
        );
        let own = [
            pair("a/drums.wav", "a/drums.mid"),
            pair("drums/drums.flac", "drums/drums.mid"),
        ];
        assert_eq!(found(root), own);
        assert_eq!(pairs_remark(&find_recordings(root).unwrap()), None);
        // A MIDI file of its own folder is meant, and told.
        touch(root, &["midi/song.mid", "wav/song_live.wav"]);
        let far = pair("wav/song_live.wav", "midi/song.mid");
        assert_eq!(found(root)[2], far);
        let remark = pairs_remark(&find_recordings(root).unwrap()).unwrap();
        assert!(
            remark.starts_with("the hits of 1 of 3 recordings")
                && remark.contains("song_live.wav: ")
                && remark.ends_with("song.mid"),
            "{remark}"
        );
    }

    #[test]
    fn stem_gmd_finds_a_groove_that_has_its_audio() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        touch(
            root,
            &[
                "StemGMD/drummer1/session1/1_funk/bluebird/1_funk_bluebird_MIX.wav",
                "groove/drummer1/session1/1_funk.mid",
                "groove/drummer1/session1/1_funk.wav",
            ],
        );
        let found = found(root);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found
                .iter()
                .all(|(_, score)| score == "groove/drummer1/session1/1_funk.mid")
        );
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_are_no_pair() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let root = tempfile::tempdir().unwrap();
        let at = |name: &[u8]| root.path().join(OsStr::from_bytes(name));
        // Not every file system takes such names.
        if fs::write(at(b"caf\xe9.wav"), b"").is_ok() {
            fs::write(at(b"n\xf6.mid"), b"").unwrap();
            assert!(find_recordings(root.path()).is_err());
        }
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
