//! Drums and their settings as options: `toms`, `snare=50`.

use std::ops::RangeInclusive;

use idm_engine::controls::Controls;
use idm_engine::drum::{DRUM_COUNT, Drum, Group};

/// The drum of this name.
///
/// # Errors
/// Any other name.
pub fn drum_of(name: &str) -> Result<Drum, String> {
    Drum::from_file_stem(name).ok_or_else(|| {
        let names = Drum::ALL.map(Drum::file_stem).join(", ");
        format!("expected one of {names}, found {name:?}")
    })
}

/// Some of the nine drums, by a name of theirs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrumSet([bool; DRUM_COUNT]);

impl DrumSet {
    /// Reads the name of a drum or a group, or `all`.
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(name: &str) -> Result<DrumSet, String> {
        if name == "all" {
            return Ok(DrumSet([true; DRUM_COUNT]));
        }
        let drum = Drum::from_file_stem(name);
        let group = Group::ALL
            .into_iter()
            .find(|group| group.file_stem() == name);
        let set = Drum::ALL.map(|other| Some(other) == drum || Some(other.group()) == group);
        if set.contains(&true) {
            return Ok(DrumSet(set));
        }
        let names = DrumSet::names().join(", ");
        Err(format!("expected one of {names}, found {name:?}"))
    }

    /// What [`parse`](DrumSet::parse) reads.
    pub fn names() -> Vec<&'static str> {
        let groups = Group::ALL.map(Group::file_stem);
        let more = groups
            .into_iter()
            .filter(|name| Drum::from_file_stem(name).is_none());
        let drums = Drum::ALL.map(Drum::file_stem).into_iter();
        drums.chain(more).chain(["all"]).collect()
    }

    /// Whether all of these stems are drums of the set.
    pub fn covers(self, stems: &[usize]) -> bool {
        stems.iter().all(|stem| self.0.get(*stem) == Some(&true))
    }

    fn indices(self) -> impl Iterator<Item = usize> {
        (0..DRUM_COUNT).filter(move |&drum| self.0[drum])
    }
}

/// A setting of some drums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrumNumber {
    drums: DrumSet,
    number: f32,
}

impl DrumNumber {
    /// Reads `DRUM=PERCENT`, the percentage within `range`.
    ///
    /// # Errors
    /// Another form, no drum, another number.
    pub fn percent(text: &str, range: RangeInclusive<f32>) -> Result<DrumNumber, String> {
        DrumNumber::parse(text.strip_suffix('%').unwrap_or(text), "PERCENT", range)
    }

    /// Reads `DRUM=` and a number of this `unit` within `range`.
    ///
    /// # Errors
    /// Another form, no drum, another number.
    pub fn parse(text: &str, unit: &str, range: RangeInclusive<f32>) -> Result<DrumNumber, String> {
        let (name, number) = text
            .split_once('=')
            .ok_or_else(|| format!("expected DRUM={unit}, found {text:?}"))?;
        let drums = DrumSet::parse(name)?;
        let found = number.parse().ok().filter(|number| range.contains(number));
        let number = found.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            format!("expected {name}={least} to {name}={most}, found {number:?}")
        })?;
        Ok(DrumNumber { drums, number })
    }

    /// The drums with the number.
    pub fn numbers(self) -> impl Iterator<Item = (usize, f32)> {
        self.drums.indices().map(move |drum| (drum, self.number))
    }
}

/// A drum that is heard as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rename {
    heard: Drum,
    is: Drum,
}

impl Rename {
    /// Reads `DRUM=DRUM`: what is heard, and what it is.
    ///
    /// # Errors
    /// Another form, no drum.
    pub fn parse(text: &str) -> Result<Rename, String> {
        let (heard, is) = text
            .split_once('=')
            .ok_or_else(|| format!("expected DRUM=DRUM, found {text:?}"))?;
        Ok(Rename {
            heard: drum_of(heard)?,
            is: drum_of(is)?,
        })
    }
}

/// What the engine is told of the drums: those that the recording lacks, how readily hits of
/// the others count and how close they may be, and which of them are heard as others; later
/// settings of a drum replace earlier ones.
pub fn controls(
    without: &[DrumSet],
    sensitivities: &[DrumNumber],
    gaps_ms: &[DrumNumber],
    renames: &[Rename],
) -> Controls {
    let mut controls = Controls::default();
    for rename in renames {
        controls.drums[rename.heard.index()].heard_as = Some(rename.is);
    }
    for drum in without.iter().flat_map(|set| set.indices()) {
        controls.drums[drum].enabled = false;
    }
    for (drum, percent) in sensitivities.iter().flat_map(|set| set.numbers()) {
        controls.drums[drum].sensitivity = percent / 100.0;
    }
    for (drum, gap_ms) in gaps_ms.iter().flat_map(|set| set.numbers()) {
        controls.drums[drum].min_gap_ms = gap_ms;
    }
    controls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drums_groups_and_all_have_names() {
        let indices = |name| DrumSet::parse(name).unwrap().indices().collect::<Vec<_>>();
        assert_eq!(indices("open_hat"), [3]);
        assert_eq!(indices("kick"), [0]);
        assert_eq!(indices("toms"), [4, 5, 6]);
        assert_eq!(indices("all").len(), DRUM_COUNT);
        let error = DrumSet::parse("gong").unwrap_err();
        assert!(
            error.contains("ride, toms, hihat, cymbals, all, found \"gong\""),
            "{error}"
        );
    }

    #[test]
    fn percentages_are_checked() {
        let settings = |text| {
            DrumNumber::percent(text, -100.0..=100.0)
                .unwrap()
                .numbers()
                .collect::<Vec<_>>()
        };
        assert_eq!(settings("snare=50"), [(1, 50.0)]);
        assert_eq!(settings("hihat=-25%"), [(2, -25.0), (3, -25.0)]);
        for (text, expected) in [
            ("snare", "expected DRUM=PERCENT"),
            ("snare=", "expected snare=-100 to snare=100, found \"\""),
            ("snare=101", "found \"101\""),
            ("snare=NaN", "found \"NaN\""),
            ("drum=1", "found \"drum\""),
        ] {
            let error = DrumNumber::percent(text, -100.0..=100.0).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(DrumNumber::percent("snare=-1", 0.0..=100.0).is_err());
    }

    #[test]
    fn renames_are_of_one_drum_to_one_drum() {
        for (text, expected) in [
            ("crash", "expected DRUM=DRUM, found \"crash\""),
            ("crash=", "crash, ride, found \"\""),
            ("hihat=ride", "found \"hihat\""),
            ("ride=toms", "found \"toms\""),
        ] {
            let error = Rename::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn later_settings_replace_earlier_ones() {
        let without = ["cymbals", "mid_tom"].map(|name| DrumSet::parse(name).unwrap());
        let readily =
            ["all=60", "kick=40"].map(|text| DrumNumber::percent(text, 0.0..=100.0).unwrap());
        let gaps = ["all=20", "snare=12.5"]
            .map(|text| DrumNumber::parse(text, "MS", 5.0..=250.0).unwrap());
        let renames = ["crash=ride", "crash=open_hat"].map(|text| Rename::parse(text).unwrap());
        let controls = controls(&without, &readily, &gaps, &renames);
        let names = controls.drums.map(|drum| drum.heard_as);
        assert_eq!(names[Drum::Crash.index()], Some(Drum::OpenHat));
        assert_eq!(names.iter().flatten().count(), 1);
        let enabled = controls.drums.map(|drum| drum.enabled);
        assert_eq!(
            enabled,
            [true, true, true, true, true, false, true, false, false]
        );
        assert_eq!(
            controls.drums.map(|drum| drum.min_gap_ms)[..2],
            [20.0, 12.5]
        );
        assert_eq!(controls.drums[0].sensitivity, 0.4);
        assert_eq!(controls.drums[8].sensitivity, 0.6);
    }
}
