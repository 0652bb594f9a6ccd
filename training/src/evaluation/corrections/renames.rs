//! A user who sees that all of a drum is taken for another, and says so.

use std::sync::Arc;

use anyhow::Result;
use idm_engine::{
    controls::{Controls, Quality},
    drum::Drum,
    experiment::Experiment,
    model::Model,
};
use rayon::prelude::*;

use crate::{
    evaluation::{
        material::Excerpt,
        onsets::{match_times, times},
        report::Report,
        score::{TOLERANCES_S, score},
        streaming::{new_engine, pass},
        systems::{Estimate, OperatingPoint},
    },
    kits::SAMPLE_RATE_HZ,
    render::{Hit, Piece},
};

/// How much better the hits of all drums fit those that were played, as an F-measure, for a
/// user to see it.
const SEEN: f64 = 0.05;
/// Hits of a drum that are closer are one.
const ONE_HIT_S: f64 = 0.03;

/// What the user calls the drum that is heard as the first of the two.
type Rename = (Drum, Drum);

/// F-measure over all drums of `heard` hits, renamed, against those that were `played`.
fn f_measure(played: &[Hit], heard: &[Hit], renames: &[Rename]) -> f64 {
    let (mut right, mut found, mut all) = (0, 0, 0);
    for drum in Drum::ALL {
        let played = times(played, 0.0, |other| other == drum);
        let is_called = |other| name(other, renames) == drum;
        let heard = times(heard, ONE_HIT_S, is_called);
        right += match_times(&played, &heard, TOLERANCES_S[0]).len();
        found += heard.len();
        all += played.len();
    }
    2.0 * right as f64 / ((found + all) as f64).max(1.0)
}

/// What a drum that is heard is called after `renames`.
fn name(heard: Drum, renames: &[Rename]) -> Drum {
    let rename = renames.iter().find(|(drum, _)| *drum == heard);
    rename.map_or(heard, |(_, is)| *is)
}

/// The `count` drums that the user renames, fewer if no other is worth it. Allocates.
fn renames(played: &[Hit], heard: &[Hit], count: usize) -> Vec<Rename> {
    let mut renames: Vec<Rename> = Vec::new();
    for _ in 0..count {
        let now = f_measure(played, heard, &renames);
        let known = |drum: &Drum| renames.iter().any(|(renamed, _)| renamed == drum);
        let others = Drum::ALL.into_iter().filter(|drum| !known(drum));
        let pairs = others.flat_map(|drum| Drum::ALL.map(|is| (drum, is)));
        let with = |pair: Rename| {
            let all = [&renames[..], &[pair]].concat();
            (f_measure(played, heard, &all), pair)
        };
        let best = pairs.map(with).max_by(|a, b| a.0.total_cmp(&b.0));
        match best {
            Some((f_measure, pair)) if f_measure >= now + SEEN => renames.push(pair),
            _ => break,
        }
    }
    renames
}

/// `excerpt` as it is heard when the user has renamed up to `count` drums, and how many were.
fn renamed(excerpt: &Excerpt, model: &Arc<Model>, count: usize) -> Result<(Estimate, usize)> {
    let piece = &excerpt.piece;
    let quality = Quality::Standard;
    let engine = || new_engine(SAMPLE_RATE_HZ, quality, model, Experiment::default());
    let heard = pass(&mut engine()?, piece.mix_channels(), &[]);
    let accepted = heard.hits(OperatingPoint::Strict).unwrap_or_default();
    let renames = renames(&piece.hits, &accepted, count);
    if renames.is_empty() {
        return Ok((heard, 0));
    }
    let mut controls = Controls::default();
    for (drum, is) in &renames {
        controls.drums[drum.index()].heard_as = Some(*is);
    }
    let mut engine = engine()?;
    engine.set_controls(&controls);
    let estimate = pass(&mut engine, piece.mix_channels(), &[]);
    Ok((estimate, renames.len()))
}

/// The table of `excerpts` in which the user renames up to `count` drums each: as heard, and
/// with one to `count` of them. Allocates; uses all threads.
///
/// # Errors
/// When the engine cannot be made from `model`.
pub fn table_of_names(
    material: &str,
    excerpts: &[Excerpt],
    model: &Arc<Model>,
    count: usize,
) -> Result<Report> {
    let mut report = Report {
        material: format!("{material}; up to {count} drums each renamed by hand"),
        ..Report::default()
    };
    let pieces: Vec<&Piece> = excerpts.iter().map(|excerpt| &excerpt.piece).collect();
    for count in 0..=count {
        let results: Vec<(Estimate, usize)> = excerpts
            .par_iter()
            .map(|excerpt| renamed(excerpt, model, count))
            .collect::<Result<_>>()?;
        let drums: usize = results.iter().map(|(_, renamed)| renamed).sum();
        let estimates: Vec<&Estimate> = results.iter().map(|(estimate, _)| estimate).collect();
        let name = match count {
            0 => "ours, nothing renamed".to_owned(),
            _ => format!("ours, up to {count} renamed ({drums})"),
        };
        report.systems.push(score(&name, &pieces, &estimates));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::held_out_plain;

    fn hits(drums: &[Drum]) -> Vec<Hit> {
        let hits = drums.iter().enumerate();
        let hit = |(n, drum): (usize, &Drum)| Hit {
            sample: 22_050 * (n + 1),
            drum: *drum,
            velocity: 0.5,
        };
        hits.map(hit).collect()
    }

    #[test]
    fn what_is_taken_for_another_is_renamed_and_nothing_else() {
        use Drum::{Crash, FloorTom, Kick, OpenHat, Ride, Snare};
        let played = hits(&[Kick, OpenHat, Snare, OpenHat, Kick, OpenHat, Snare, OpenHat]);
        let heard = hits(&[FloorTom, Crash, Snare, Crash, FloorTom, Crash, Snare, Ride]);
        assert_eq!(renames(&played, &heard, 0), []);
        assert_eq!(renames(&played, &heard, 1), [(Crash, OpenHat)]);
        let all = [(Crash, OpenHat), (FloorTom, Kick), (Ride, OpenHat)];
        assert_eq!(renames(&played, &heard, 9), all);
        assert_eq!(f_measure(&played, &heard, &all), 1.0);
        assert_eq!(renames(&played, &played, 9), []);
    }

    #[test]
    fn the_table_has_a_row_for_every_number_of_drums() {
        let model = Model::embedded().unwrap();
        let excerpts = held_out_plain(None, 1, 3.0).unwrap();
        let report = table_of_names("plain", &excerpts, &model, 2).unwrap();
        assert_eq!(report.systems.len(), 3);
    }
}
