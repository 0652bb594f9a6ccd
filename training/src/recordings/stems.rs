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
        let mixture = mixture
            .trim_end_matches("mix")
            .trim_end_matches(['_', '-', ' ']);
        let mut stems = Stems::default();
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
                    StemKind::One(index) => &mut stems.of_one[index],
                    StemKind::Group(group) => &mut stems.of_groups[group.index()],
                };
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

/// Whether the file at `path` is named like a stem.
pub fn is_stem(path: &Path) -> bool {
    stem_kind(path).is_some()
}

/// The folder of `path`.
pub fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Its name without the ending, in small letters.
pub fn stem_name(path: &Path) -> String {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

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
