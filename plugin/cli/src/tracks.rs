//! Which WAV files a separation has: one per drum or group and the residual, or some of them.

use idm_engine::drum::{Drum, Group, RESIDUAL};

use crate::drums::DrumSet;

/// Name of the track that is no drum's.
const RESIDUAL_NAME: &str = "residual";

/// A WAV file to be: its name and the stems that are summed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackPlan {
    /// Name of a drum or a group, or `residual`.
    pub name: &'static str,
    /// Which of the engine's stems.
    pub stems: Vec<usize>,
}

impl TrackPlan {
    /// Name of the file.
    pub fn file(&self) -> String {
        format!("{}.wav", self.name)
    }
}

/// One track per drum, and the residual.
fn drum_tracks() -> Vec<TrackPlan> {
    let drums = Drum::ALL.into_iter().map(|drum| TrackPlan {
        name: drum.file_stem(),
        stems: vec![drum.index()],
    });
    drums.chain([residual_track()]).collect()
}

/// One track per group, and the residual.
fn group_tracks() -> Vec<TrackPlan> {
    let groups = Group::ALL.into_iter().map(|group| TrackPlan {
        name: group.file_stem(),
        stems: Drum::ALL
            .into_iter()
            .filter(|drum| drum.group() == group)
            .map(Drum::index)
            .collect(),
    });
    groups.chain([residual_track()]).collect()
}

fn residual_track() -> TrackPlan {
    TrackPlan {
        name: RESIDUAL_NAME,
        stems: vec![RESIDUAL],
    }
}

/// The files that any separation may have.
pub fn possible_files() -> impl Iterator<Item = String> {
    let plans = drum_tracks().into_iter().chain(group_tracks());
    plans.map(|plan| plan.file())
}

/// Some of the tracks, by a name of theirs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackSet {
    name: String,
    /// None is the residual.
    drums: Option<DrumSet>,
}

impl TrackSet {
    /// Reads the name of a drum or a group, `all` (of these) or `residual`.
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(name: &str) -> Result<TrackSet, String> {
        let drums = match name {
            RESIDUAL_NAME => None,
            _ => Some(DrumSet::parse(name).map_err(|_| {
                let names = DrumSet::names().join(", ");
                format!("expected one of {names}, {RESIDUAL_NAME}, found {name:?}")
            })?),
        };
        Ok(TrackSet {
            name: name.to_owned(),
            drums,
        })
    }

    fn has(&self, track: &TrackPlan) -> bool {
        match self.drums {
            Some(drums) => drums.covers(&track.stems),
            None => track.stems == [RESIDUAL],
        }
    }
}

/// The tracks of drums, or of `groups`, and the residual: those that `only` names, if it names
/// any.
///
/// # Errors
/// A name of none of them: a drum, where there are groups.
pub fn planned(groups: bool, only: &[TrackSet]) -> Result<Vec<TrackPlan>, String> {
    let tracks = if groups {
        group_tracks()
    } else {
        drum_tracks()
    };
    if let Some(set) = only
        .iter()
        .find(|set| !tracks.iter().any(|track| set.has(track)))
    {
        let names: Vec<&str> = tracks.iter().map(|track| track.name).collect();
        let (names, found) = (names.join(", "), &set.name);
        return Err(format!(
            "--only: expected one of {names}, all with --groups, found {found:?}"
        ));
    }
    let is_wanted = |track: &TrackPlan| only.is_empty() || only.iter().any(|set| set.has(track));
    Ok(tracks.into_iter().filter(is_wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::drum::STEM_COUNT;

    fn names(groups: bool, only: &[&str]) -> Result<Vec<&'static str>, String> {
        let only = only.iter().map(|name| TrackSet::parse(name));
        let only: Vec<TrackSet> = only.collect::<Result<_, String>>()?;
        let tracks = planned(groups, &only)?;
        Ok(tracks.iter().map(|track| track.name).collect())
    }

    #[test]
    fn only_the_named_tracks_are_planned_each_once_and_in_order() {
        let named = |groups, only: &[&str]| names(groups, only).expect("tracks");
        assert_eq!(named(false, &[]).len(), STEM_COUNT);
        assert_eq!(
            named(false, &["residual", "snare", "kick", "kick"]),
            ["kick", "snare", "residual"]
        );
        assert_eq!(named(false, &["hihat"]), ["closed_hat", "open_hat"]);
        assert_eq!(named(false, &["all"]).len(), STEM_COUNT - 1);
        assert_eq!(named(true, &["hihat", "kick"]), ["kick", "hihat"]);
        assert_eq!(named(true, &["residual"]), ["residual"]);
        assert_eq!(
            named(true, &["all"]),
            ["kick", "snare", "toms", "hihat", "cymbals"]
        );
    }

    #[test]
    fn names_of_no_track_are_refused() {
        let error = names(true, &["kick", "crash"]).expect_err("no group");
        let expected = "--only: expected one of kick, snare, toms, hihat, cymbals, residual, all \
                        with --groups, found \"crash\"";
        assert_eq!(error, expected);
        for name in ["gong", ""] {
            let error = names(false, &[name]).expect_err("no track");
            let expected = format!("cymbals, all, residual, found {name:?}");
            assert!(error.ends_with(&expected), "{error}");
        }
    }

    #[test]
    fn every_stem_is_in_exactly_one_track() {
        for plans in [drum_tracks(), group_tracks()] {
            let mut stems: Vec<usize> = plans.iter().flat_map(|plan| plan.stems.clone()).collect();
            stems.sort_unstable();
            assert_eq!(stems, (0..STEM_COUNT).collect::<Vec<_>>());
        }
        let names: Vec<_> = group_tracks().iter().map(|plan| plan.name).collect();
        assert_eq!(
            names,
            ["kick", "snare", "toms", "hihat", "cymbals", "residual"]
        );
    }
}
