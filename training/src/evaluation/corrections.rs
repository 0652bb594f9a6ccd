//! A user who corrects the beginning of a song, and what the rest gains by it.

mod renames;
mod user;

use std::sync::Arc;

use anyhow::Result;
use idm_engine::{
    controls::{Controls, HitSource, Quality},
    experiment::Experiment,
    model::Model,
};
use rayon::prelude::*;

use super::{
    material::Excerpt,
    report::Report,
    score::score,
    streaming::{new_engine, pass, pass_corrected},
    systems::{Estimate, OperatingPoint},
};
use crate::{
    kits::SAMPLE_RATE_HZ,
    render::{Hit, Piece, channels},
};
pub use renames::table_of_names;
pub use user::{Correction, corrections};
use user::{lessons, settled};

/// What the user does about what was heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Care {
    /// Nothing.
    None,
    /// Corrects everything before this sample.
    Until(usize),
    /// Settles so many of the moments that are most in doubt, one after the other.
    Doubtful(usize),
}

/// `excerpt` as it is heard a second time, after the user took `care` of what was heard the
/// first time, which teaches or does not. Allocates.
///
/// # Errors
/// When the engine cannot be made from `model`.
pub fn corrected(
    excerpt: &Excerpt,
    model: &Arc<Model>,
    quality: Quality,
    care: Care,
    teaches: bool,
) -> Result<Estimate> {
    let piece = &excerpt.piece;
    let engine = || new_engine(SAMPLE_RATE_HZ, quality, model, Experiment::default());
    let heard = pass(&mut engine()?, piece.mix_channels(), &[]);
    let accepted = heard.hits(OperatingPoint::Strict).unwrap_or_default();
    let heard = heard.detections.unwrap_or_default();
    let all = corrections(&piece.hits, &accepted, usize::MAX);
    let (corrections, lessons) = match care {
        Care::None => (Vec::new(), Vec::new()),
        Care::Until(until) => {
            let early: Vec<Correction> = all.into_iter().filter(|c| c.sample < until).collect();
            let lessons = lessons(&piece.hits, &heard, &early);
            (early, lessons)
        }
        Care::Doubtful(count) => settled(&piece.hits, &heard, &all, count),
    };
    let mut engine = engine()?;
    if teaches {
        engine.teach(lessons.into_iter());
    }
    Ok(pass_corrected(
        &mut engine,
        piece.mix_channels(),
        &corrections,
    ))
}

/// `excerpt` as it is heard by an engine that is told all hits of its first `until` samples.
fn told(excerpt: &Excerpt, model: &Arc<Model>, until: usize) -> Result<Estimate> {
    let piece = &excerpt.piece;
    let mut engine = new_engine(
        SAMPLE_RATE_HZ,
        Quality::Standard,
        model,
        Experiment::default(),
    )?;
    engine.set_controls(&Controls {
        hits: HitSource::Given,
        ..Controls::default()
    });
    engine.listen_from(Some(until as u64));
    let first = piece.hits.partition_point(|hit| hit.sample < until);
    Ok(pass(
        &mut engine,
        piece.mix_channels(),
        &piece.hits[..first],
    ))
}

/// The table of the rest of `excerpts` after their first `seconds`: as heard, with these
/// seconds corrected but nothing learnt from that, with what is learnt, and told all hits
/// of these seconds. Allocates; uses all threads.
///
/// # Errors
/// When the engine cannot be made from `model`.
pub fn table(
    material: &str,
    excerpts: &[Excerpt],
    model: &Arc<Model>,
    seconds: f64,
) -> Result<Report> {
    let until = (seconds * SAMPLE_RATE_HZ) as usize;
    let mut report = Report {
        material: format!("{material}; what comes after the first {seconds} s"),
        ..Report::default()
    };
    let quality = Quality::Standard;
    type Run<'a> = &'a (dyn Fn(&Excerpt) -> Result<Estimate> + Sync);
    let rows: [(&str, Run<'_>); 4] = [
        ("ours, nothing corrected", &|excerpt| {
            corrected(excerpt, model, quality, Care::None, false)
        }),
        ("ours, corrected, nothing learnt", &|excerpt| {
            corrected(excerpt, model, quality, Care::Until(until), false)
        }),
        ("ours, corrected", &|excerpt| {
            corrected(excerpt, model, quality, Care::Until(until), true)
        }),
        ("ours, told all hits", &|excerpt| {
            told(excerpt, model, until)
        }),
    ];
    for (name, run) in rows {
        let results: Vec<(Piece, Estimate)> = excerpts
            .par_iter()
            .map(|excerpt| Ok(rest(&excerpt.piece, &run(excerpt)?, until)))
            .collect::<Result<_>>()?;
        let (pieces, estimates): (Vec<_>, Vec<_>) = results.iter().map(|(p, e)| (p, e)).unzip();
        report.systems.push(score(name, &pieces, &estimates));
    }
    Ok(report)
}

/// The table of whole `excerpts` of which the user settled `count` moments, those that were
/// most in doubt: as heard, with nothing learnt from that, and with what is learnt.
/// Allocates; uses all threads.
///
/// # Errors
/// When the engine cannot be made from `model`.
pub fn table_of_doubt(
    material: &str,
    excerpts: &[Excerpt],
    model: &Arc<Model>,
    count: usize,
) -> Result<Report> {
    let mut report = Report {
        material: format!("{material}; {count} moments each settled by hand"),
        ..Report::default()
    };
    for (name, care, teaches) in [
        ("ours, nothing settled", Care::None, false),
        (
            "ours, settled, nothing learnt",
            Care::Doubtful(count),
            false,
        ),
        ("ours, settled", Care::Doubtful(count), true),
    ] {
        let estimates: Vec<Estimate> = excerpts
            .par_iter()
            .map(|excerpt| corrected(excerpt, model, Quality::Standard, care, teaches))
            .collect::<Result<_>>()?;
        let pieces: Vec<&Piece> = excerpts.iter().map(|excerpt| &excerpt.piece).collect();
        let estimates: Vec<&Estimate> = estimates.iter().collect();
        report.systems.push(score(name, &pieces, &estimates));
    }
    Ok(report)
}

/// `piece` and what was made of it, from sample `from` on.
fn rest(piece: &Piece, estimate: &Estimate, from: usize) -> (Piece, Estimate) {
    let crop = |signal: &Vec<f32>| -> Vec<f32> {
        let [left, right] = channels(signal, piece.channels);
        let kept = [left, right].map(|channel| &channel[from.min(channel.len())..]);
        kept[..piece.channels.clamp(1, 2)].concat()
    };
    let later = |mut hit: Hit| {
        hit.sample = hit.sample.checked_sub(from)?;
        Some(hit)
    };
    let detections = estimate.detections.as_ref().map(|detections| {
        let kept = detections.iter().filter_map(|detection| {
            let mut detection = *detection;
            detection.hit = later(detection.hit)?;
            Some(detection)
        });
        kept.collect()
    });
    let rest = Piece {
        channels: piece.channels,
        mix: crop(&piece.mix),
        stems: std::array::from_fn(|stem| crop(&piece.stems[stem])),
        hits: piece.hits.iter().copied().filter_map(later).collect(),
        kit: piece.kit,
    };
    let made = Estimate {
        stems: estimate.stems.iter().map(crop).collect(),
        detections,
    };
    (rest, made)
}

#[cfg(test)]
mod tests {
    use idm_engine::drum::Drum;

    use super::*;
    use crate::evaluation::held_out_plain;

    fn hit(sample: usize, drum: Drum) -> Hit {
        Hit {
            sample,
            drum,
            velocity: 0.5,
        }
    }

    #[test]
    fn corrections_are_heard_where_they_are_said_and_the_table_has_its_rows() {
        let model = Model::embedded().unwrap();
        let excerpts = held_out_plain(None, 1, 4.0).unwrap();
        let report = table("plain", &excerpts, &model, 2.0).unwrap();
        assert_eq!(report.systems.len(), 4);
        let care = Care::Until(excerpts[0].piece.length());
        let heard = |teaches| corrected(&excerpts[0], &model, Quality::Low, care, teaches).unwrap();
        for teaches in [false, true] {
            let hits = heard(teaches).hits(OperatingPoint::Strict).unwrap();
            let left = corrections(&excerpts[0].piece.hits, &hits, usize::MAX);
            let played = excerpts[0].piece.hits.len();
            assert!(
                10 * left.len() <= played,
                "{} of {played}: {left:?}",
                left.len()
            );
        }
        let report = table_of_doubt("plain", &excerpts, &model, 3).unwrap();
        assert_eq!(report.systems.len(), 3);
    }

    #[test]
    fn the_rest_begins_where_corrections_end() {
        let ramp: Vec<f32> = (0..2_000).map(|n| n as f32).collect();
        let piece = Piece {
            channels: 2,
            mix: ramp.clone(),
            stems: std::array::from_fn(|_| ramp.clone()),
            hits: vec![hit(100, Drum::Kick), hit(700, Drum::Ride)],
            kit: 0,
        };
        let estimate = Estimate {
            stems: vec![ramp],
            detections: None,
        };
        let (rest, made) = rest(&piece, &estimate, 600);
        assert_eq!(
            (rest.length(), rest.mix[0], rest.mix[400]),
            (400, 600.0, 1_600.0)
        );
        assert_eq!(rest.hits, [hit(100, Drum::Ride)]);
        assert_eq!(made.stems[0], rest.stems[3]);
    }
}
