//! The stems beside a recording: whose they are, and which are read.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use idm_engine::drum::{DRUM_COUNT, Drum, GROUP_COUNT, Group, STEM_COUNT};

use super::Annotation;
use crate::kits::Sound;

/// The stems beside a mixture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stems {
    /// In frozen order, the residual last.
    of_one: [Option<PathBuf>; STEM_COUNT],
    /// Those that hold whole groups of drums (`toms.wav`), by [`Group::index`].
    of_groups: [Option<PathBuf>; GROUP_COUNT],
}

impl Stems {
    /// The stems of the mixture at `path`: those of `audio` in its folder, named like a drum (or
    /// a group of drums) alone or like the mixture and a drum.
    pub fn beside(path: &Path, audio: &[&PathBuf]) -> Stems {
        let mixture = stem_name(path);
        // `song_MIX.wav` has the stems of `song`, too.
        let short = mixture.strip_suffix("mix").unwrap_or_default();
        let trimmed = short.trim_end_matches(SEPARATORS);
        let song = if trimmed.len() < short.len() {
            trimmed
        } else {
            ""
        };
        let mut stems = Stems::default();
        for other in audio
            .iter()
            .filter(|other| **other != path && parent(other) == parent(path))
        {
            let name = stem_name(other);
            let alone = name == "residual"
                || Sound::from_name(&name).is_some()
                || ["toms", "hihat", "hi_hat", "cymbals"].contains(&&*name);
            let own = kind_in(&mixture, &name).or_else(|| kind_in(song, &name));
            let Some(kind) = own.or_else(|| stem_kind(other).filter(|_| alone)) else {
                continue;
            };
            let place = match kind {
                StemKind::One(index) => &mut stems.of_one[index],
                StemKind::Group(group) => &mut stems.of_groups[group.index()],
            };
            // One that names the mixture is surely of it.
            if own.is_some() || place.is_none() {
                *place = Some((*other).clone());
            }
        }
        stems
    }

    /// The stem at position `index` of the frozen order, the residual last.
    pub fn of(&self, index: usize) -> Option<&Path> {
        self.of_one.get(index)?.as_deref()
    }

    /// The stem of all drums of `group` together.
    pub fn of_group(&self, group: Group) -> Option<&Path> {
        self.of_groups[group.index()].as_deref()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.of_one
            .iter()
            .chain(&self.of_groups)
            .all(Option::is_none)
    }

    /// The stems to read, by position; every drum that is hit in `annotations` has one.
    /// That of a group is the stem of the one drum of the group that is hit.
    ///
    /// # Errors
    /// If there are no stems, or a drum with hits has none.
    pub fn to_read(&self, annotations: &[Annotation]) -> Result<[Option<&Path>; STEM_COUNT]> {
        ensure!(
            !self.is_empty(),
            "expected stems beside it (kick.wav, …, residual.wav), found none"
        );
        let mut played = [false; DRUM_COUNT];
        for drum in annotations.iter().filter_map(|stroke| stroke.sound.drum()) {
            played[drum.index()] = true;
        }
        let mut stems = self.of_one.each_ref().map(Option::as_deref);
        let mut shared = Vec::new();
        for group in Group::ALL {
            let Some(path) = &self.of_groups[group.index()] else {
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
            "expected a stem for every drum with hits, found none for {}{why}",
            missing.join(", ")
        );
        Ok(stems)
    }
}

/// What divides the parts of names.
pub const SEPARATORS: [char; 3] = ['_', '-', ' '];

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
    kind_called(&name).or_else(|| {
        let parts = name.match_indices(SEPARATORS);
        parts.map(|(at, _)| &name[at + 1..]).find_map(kind_called)
    })
}

/// What is called `text`: a drum, a group of drums or the residual.
fn kind_called(text: &str) -> Option<StemKind> {
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
}

/// What the file called `name` holds if it is a stem of `mixture`: called like that, a
/// separator and nothing but what it holds.
fn kind_in(mixture: &str, name: &str) -> Option<StemKind> {
    let rest = name.strip_prefix(mixture).filter(|_| !mixture.is_empty())?;
    let held = rest.trim_start_matches(SEPARATORS);
    kind_called(held).filter(|_| held.len() < rest.len())
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

/// Whether the file at `path` is named like a stem.
pub fn is_stem(path: &Path) -> bool {
    stem_kind(path).is_some()
}

/// The folder of `path`.
pub fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Its name without the ending, in small letters. What is no text in it is spelt out: names
/// that differ in that alone stay different.
pub fn stem_name(path: &Path) -> String {
    let bytes = path.file_stem().unwrap_or_default().as_encoded_bytes();
    let mut name = String::new();
    for chunk in bytes.utf8_chunks() {
        name.push_str(&chunk.valid().to_lowercase());
        for byte in chunk.invalid() {
            name.push_str(&format!("\\x{byte:02x}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_those_of_the_mixture_of_the_whole_name() {
        let stems = |mixture: &str, names: &[&str]| -> Vec<String> {
            let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
            let paths: Vec<&PathBuf> = paths.iter().collect();
            let stems = Stems::beside(Path::new(mixture), &paths);
            let ones = stems.of_one.iter().chain(&stems.of_groups);
            ones.flatten()
                .map(|path| path.display().to_string())
                .collect()
        };
        let takes = [
            "Take 1 kick.wav",
            "Take 1.wav",
            "Take 10 kick.wav",
            "Take 10 snare.wav",
            "Take 10.wav",
        ];
        assert_eq!(stems("Take 1.wav", &takes), ["Take 1 kick.wav"]);
        assert_eq!(
            stems("Take 10.wav", &takes),
            ["Take 10 kick.wav", "Take 10 snare.wav"]
        );
        let takes = ["Take 1.wav", "Take 1-b kick.wav", "Take 1-b.wav"];
        assert_eq!(stems("Take 1.wav", &takes), [""; 0]);
        let gmd = ["1_funk_MIX.wav", "1_funk_HH_CHH.wav", "1_funk_2_KD.wav"];
        assert_eq!(stems("1_funk_MIX.wav", &gmd), ["1_funk_HH_CHH.wav"]);
        let named = ["a remix.wav", "a remix - Toms.wav", "a re kick.wav"];
        assert_eq!(stems("a remix.wav", &named), ["a remix - Toms.wav"]);
        // What names the mixture is surely of it.
        let both = ["a.wav", "a_kick.wav", "kick.wav", "snare.wav"];
        assert_eq!(stems("a.wav", &both), ["a_kick.wav", "snare.wav"]);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_stay_different() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let name = |bytes: &[u8]| stem_name(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(name(b"Caf\xe9.wav"), "caf\\xe9");
        assert_ne!(name(b"caf\xe9.wav"), name(b"caf\xe8.mid"));
        assert_eq!(name("Café.wav".as_bytes()), "café");
    }

    #[test]
    fn drums_with_hits_need_stems_of_their_own() {
        let audio = ["mix.wav", "kick.wav", "toms.wav"].map(PathBuf::from);
        let take = Stems::beside(&audio[0], &audio.each_ref());
        let hits = |sounds: &[Sound]| -> Vec<Annotation> {
            let hit = |sound: &Sound| Annotation {
                time_s: 0.0,
                sound: *sound,
                velocity: None,
            };
            sounds.iter().map(hit).collect()
        };
        let stems = take
            .to_read(&hits(&[Sound::Kick, Sound::MidTom, Sound::Cowbell]))
            .unwrap();
        assert!(stems[Drum::Kick.index()].is_some());
        assert!(stems[Drum::MidTom.index()].unwrap().ends_with("toms.wav"));
        assert_eq!(stems.iter().flatten().count(), 2);
        let error = take
            .to_read(&hits(&[Sound::Kick, Sound::Snare]))
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("found none for Snare"), "{error}");
        let error = take
            .to_read(&hits(&[Sound::HighTom, Sound::FloorTom]))
            .unwrap_err()
            .to_string();
        let both = format!("{}, {}", Drum::HighTom.name(), Drum::FloorTom.name());
        assert!(
            error.contains(&both) && error.contains("toms.wav holds several"),
            "{error}"
        );
    }
}
