//! Which audio files of a folder are recordings, and which annotation belongs
//! to which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use idm_engine::drum::{DRUM_COUNT, Drum, GROUP_COUNT, Group, STEM_COUNT};

use super::Annotation;
use crate::kits::{Sound, Split, has_extension, lossy_remark};

/// A recording and its annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The mixture.
    pub audio: PathBuf,
    /// Its hits: a CSV or MIDI file.
    pub annotation: PathBuf,
    /// The stems in frozen order, the residual last, as far as there are any.
    /// Only read when asked for.
    pub stems: [Option<PathBuf>; STEM_COUNT],
    /// Stems that hold whole groups of drums (`toms.wav`), by [`Group::index`].
    pub group_stems: [Option<PathBuf>; GROUP_COUNT],
    /// Side of the training/validation border: validation below a folder
    /// called `valid`, `validation` or `test`, else training.
    pub split: Split,
}

/// Names of an annotation that belongs to the only mixture of its folder.
const FOLDER_ANNOTATIONS: [&str; 3] = ["onsets.csv", "onsets.mid", "onsets.midi"];

/// Finds the recordings below `folder`. An audio file (WAV or FLAC) is one if
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
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    let present: BTreeSet<&PathBuf> = files.iter().collect();
    let audio: Vec<&PathBuf> = files.iter().filter(|path| is_audio(path)).collect();
    let mut mixtures_of: BTreeMap<&Path, usize> = BTreeMap::new();
    for path in audio.iter().filter(|path| stem_kind(path).is_none()) {
        *mixtures_of.entry(parent(path)).or_default() += 1;
    }
    let scores = ScoreIndex::new(&files);
    let mut recordings = Vec::new();
    for path in &audio {
        let beside = ["csv", "mid", "midi", "CSV", "MID"].map(|end| path.with_extension(end));
        let mut annotation = beside.into_iter().find(|path| present.contains(path));
        if annotation.is_none() && stem_kind(path).is_none() {
            if mixtures_of.get(parent(path)) == Some(&1) {
                let shared = FOLDER_ANNOTATIONS.map(|name| parent(path).join(name));
                annotation = shared.into_iter().find(|path| present.contains(path));
            }
            if annotation.is_none() {
                annotation = scores.best_for(path)?;
            }
        }
        if let Some(annotation) = annotation {
            let (stems, group_stems) = stems_of(path, &audio);
            recordings.push(Recording {
                stems,
                group_stems,
                split: split_of(path.strip_prefix(folder).unwrap_or(path)),
                audio: (*path).clone(),
                annotation,
            });
        }
    }
    ensure!(
        !recordings.is_empty(),
        "{}: expected WAV or FLAC files with a .csv or .mid file of the same name, found {} audio files without annotation{}",
        folder.display(),
        audio.len(),
        lossy_remark(folder)
    );
    Ok(recordings)
}

/// All files below `folder`, sorted.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut children: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    children.sort();
    for child in children {
        if child.is_dir() {
            walk(&child, files)?;
        } else {
            files.push(child);
        }
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn stem_name(path: &Path) -> String {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.unwrap_or_default().to_lowercase()
}

fn is_audio(path: &Path) -> bool {
    has_extension(path, &["wav", "flac"])
}

impl Recording {
    /// Whether any stem lies beside the mixture.
    pub fn has_stems(&self) -> bool {
        self.stems.iter().any(Option::is_some) || self.group_stems.iter().any(Option::is_some)
    }

    /// The stems to read, by position; every drum that is hit in `annotations` has one.
    /// That of a group is the stem of the one drum of the group that is hit.
    ///
    /// # Errors
    /// If there are no stems, or a drum with hits has none.
    pub fn stems_for(&self, annotations: &[Annotation]) -> Result<[Option<&Path>; STEM_COUNT]> {
        ensure!(
            self.has_stems(),
            "{}: expected stems beside it (kick.wav, …, residual.wav), found none",
            self.audio.display()
        );
        let mut played = [false; DRUM_COUNT];
        for drum in annotations.iter().filter_map(|stroke| stroke.sound.drum()) {
            played[drum.index()] = true;
        }
        let mut stems = self.stems.each_ref().map(Option::as_deref);
        let mut shared = Vec::new();
        for group in Group::ALL {
            let Some(path) = &self.group_stems[group.index()] else {
                continue;
            };
            let members = || Drum::ALL.into_iter().filter(|drum| drum.group() == group);
            let mut heard = members().filter(|drum| played[drum.index()]);
            let owner = match (heard.next(), heard.next()) {
                (Some(_), Some(_)) => {
                    shared.push(path.file_name().unwrap_or_default().to_string_lossy());
                    continue;
                }
                (Some(only), None) => Some(only),
                _ => members().next(),
            };
            if let Some(owner) = owner {
                stems[owner.index()].get_or_insert(path);
            }
        }
        let missing: Vec<&str> = Drum::ALL
            .into_iter()
            .filter(|drum| played[drum.index()] && stems[drum.index()].is_none())
            .map(Drum::name)
            .collect();
        let why = if shared.is_empty() {
            String::new()
        } else {
            format!(" ({} holds several drums with hits)", shared.join(", "))
        };
        ensure!(
            missing.is_empty(),
            "{}: expected a stem for every drum with hits, found none for {}{why}",
            self.audio.display(),
            missing.join(", ")
        );
        Ok(stems)
    }
}

/// What a stem holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StemKind {
    /// A drum or the residual, by position.
    One(usize),
    /// All drums of a group.
    Group(Group),
}

/// What the file at `path` holds if it is named like a stem: after a drum or a group of
/// drums, or with one or a StemGMD code as the last part.
fn stem_kind(path: &Path) -> Option<StemKind> {
    let name = stem_name(path);
    let named = |text: &str| {
        if text == "residual" || text == "other" {
            return Some(StemKind::One(STEM_COUNT - 1));
        }
        let group = match text {
            "toms" => Some(Group::Toms),
            "hihat" | "hi_hat" => Some(Group::HiHat),
            "cymbals" => Some(Group::Cymbals),
            _ => None,
        };
        let drum = || {
            Sound::from_name(text).and_then(Sound::drum).or_else(|| {
                let mut drums = Drum::ALL.into_iter();
                drums.find(|drum| stem_gmd_code(*drum).to_lowercase() == text)
            })
        };
        group
            .map(StemKind::Group)
            .or_else(|| drum().map(|drum| StemKind::One(drum.index())))
    };
    named(&name).or_else(|| {
        let parts = name
            .char_indices()
            .filter(|(_, c)| matches!(c, '_' | '-' | ' '));
        parts.map(|(at, _)| &name[at + 1..]).find_map(named)
    })
}

/// Code of the class in StemGMD and in the IDM paper's code.
const fn stem_gmd_code(drum: Drum) -> &'static str {
    match drum {
        Drum::Kick => "KD",
        Drum::Snare => "SD",
        Drum::ClosedHat => "HH_CHH",
        Drum::OpenHat => "HH_OHH",
        Drum::HighTom => "TT_HMT",
        Drum::MidTom => "TT_LMT",
        Drum::FloorTom => "TT_HFT",
        Drum::Crash => "CY_CR",
        Drum::Ride => "CY_RD",
    }
}

/// Stems by position, and those of groups.
type Stems = (
    [Option<PathBuf>; STEM_COUNT],
    [Option<PathBuf>; GROUP_COUNT],
);

/// The stems of the mixture at `path`: in its folder, named like a drum (or a group of
/// drums) alone or like the mixture and a drum.
fn stems_of(path: &Path, audio: &[&PathBuf]) -> Stems {
    let mixture = stem_name(path);
    let mixture = mixture
        .trim_end_matches("mix")
        .trim_end_matches(['_', '-', ' ']);
    let mut stems = [const { None }; STEM_COUNT];
    let mut groups = [const { None }; GROUP_COUNT];
    for other in audio
        .iter()
        .filter(|other| **other != path && parent(other) == parent(path))
    {
        let Some(kind) = stem_kind(other) else {
            continue;
        };
        let name = stem_name(other);
        let alone = name == "residual"
            || Sound::from_name(&name).is_some()
            || ["toms", "hihat", "hi_hat", "cymbals"].contains(&&*name);
        if alone || (!mixture.is_empty() && name.starts_with(mixture)) {
            let place = match kind {
                StemKind::One(index) => &mut stems[index],
                StemKind::Group(group) => &mut groups[group.index()],
            };
            *place = Some((*other).clone());
        }
    }
    (stems, groups)
}

fn split_of(path: &Path) -> Split {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let names = folders.filter_map(|part| part.as_os_str().to_str());
    let held_out = names
        .filter_map(|name| Split::from_name(&name.to_lowercase()))
        .any(|split| split == Split::Valid);
    if held_out { Split::Valid } else { Split::Train }
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
        assert_eq!(all[0].stems.iter().flatten().count(), 2);
        assert!(all[0].stems[Drum::Kick.index()].is_some());
        let splits: Vec<Split> = all.iter().map(|r| r.split).collect();
        assert_eq!(splits[2..], [Split::Train, Split::Valid]);
    }

    #[test]
    fn drums_with_hits_need_stems_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &["mix.wav", "onsets.csv", "kick.wav", "toms.wav"],
        );
        let take = &find_recordings(root.path()).unwrap()[0];
        let hits = |sounds: &[Sound]| -> Vec<Annotation> {
            let hit = |sound: &Sound| Annotation {
                time_s: 0.0,
                sound: *sound,
                velocity: None,
            };
            sounds.iter().map(hit).collect()
        };
        let stems = take
            .stems_for(&hits(&[Sound::Kick, Sound::MidTom, Sound::Cowbell]))
            .unwrap();
        assert!(stems[Drum::Kick.index()].is_some());
        assert!(stems[Drum::MidTom.index()].unwrap().ends_with("toms.wav"));
        assert_eq!(stems.iter().flatten().count(), 2);
        let error = take
            .stems_for(&hits(&[Sound::Kick, Sound::Snare]))
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("found none for Snare"), "{error}");
        let error = take
            .stems_for(&hits(&[Sound::HighTom, Sound::FloorTom]))
            .unwrap_err()
            .to_string();
        let both = format!("{}, {}", Drum::HighTom.name(), Drum::FloorTom.name());
        assert!(
            error.contains(&both) && error.contains("toms.wav holds several"),
            "{error}"
        );
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
        assert_eq!(all[0].stems.iter().flatten().count(), 2);

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
