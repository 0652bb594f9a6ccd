//! The candidates that the engine reports while it plays.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use idm_engine::{
    controls::Quality,
    drum::{DRUM_COUNT, Drum},
    experiment::Experiment,
    model::{Model, ModelMeta},
    transcriber::Verdict,
};
use rayon::prelude::*;

use super::fit::{COUNT, Case};
use crate::{
    evaluation::{
        corrections::{Care, corrected},
        material::Excerpt,
        onsets::match_times,
        score::TOLERANCES_S,
        streaming::{new_engine, pass},
        systems::{Detection, Estimate},
    },
    kits::SAMPLE_RATE_HZ,
    render::Hit,
};

/// Share of an excerpt that is corrected, to find what that says about the rest.
pub(super) const CORRECTED: f64 = 1.0 / 3.0;

/// Plays all excerpts to the model in `folder` as `meta` describes it.
pub(super) fn heard_cases(
    folder: &Path,
    meta: &ModelMeta,
    quality: Quality,
    excerpts: &[Excerpt],
) -> Result<Vec<Case>> {
    cases(folder, meta, quality, excerpts, |excerpt, model| {
        let mut engine = new_engine(SAMPLE_RATE_HZ, quality, model, Experiment::default())?;
        Ok((pass(&mut engine, excerpt.piece.mix_channels(), &[]), 0))
    })
}

/// What follows the corrected beginning of each excerpt.
pub(super) fn taught_cases(
    folder: &Path,
    meta: &ModelMeta,
    quality: Quality,
    excerpts: &[Excerpt],
) -> Result<Vec<Case>> {
    cases(folder, meta, quality, excerpts, |excerpt, model| {
        let until = (CORRECTED * excerpt.piece.length() as f64) as usize;
        let heard = corrected(excerpt, model, quality, Care::Until(until), true)?;
        Ok((heard, until))
    })
}

/// The candidates in what `play` makes of each excerpt, from the sample on that it says.
fn cases(
    folder: &Path,
    meta: &ModelMeta,
    quality: Quality,
    excerpts: &[Excerpt],
    play: impl Fn(&Excerpt, &Arc<Model>) -> Result<(Estimate, usize)> + Sync,
) -> Result<Vec<Case>> {
    let model = described(folder, meta)?;
    let strict = meta.thresholds_of(quality).strict;
    let found: Vec<Vec<Case>> = excerpts
        .par_iter()
        .map(|excerpt| {
            let (heard, from) = play(excerpt, &model)?;
            let detections = heard.detections.unwrap_or_default();
            let candidates: Vec<&Detection> =
                detections.iter().filter(|one| is_candidate(one)).collect();
            let hits: Vec<Hit> = candidates.iter().map(|candidate| candidate.hit).collect();
            let cases = candidates
                .iter()
                .zip(played(&excerpt.piece.hits, &hits))
                .filter(|(candidate, _)| candidate.hit.sample >= from)
                .filter_map(|(candidate, is_true)| case(candidate, is_true, &strict));
            Ok(cases.collect())
        })
        .collect::<Result<_>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// The model in `folder` as `meta` describes it.
fn described(folder: &Path, meta: &ModelMeta) -> Result<Arc<Model>> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))
    };
    let text = toml::to_string(meta).context("the description cannot be written")?;
    let model = Model::from_parts(&text, &read("transcriber.onnx")?, read("one_shots.onnx")?)?;
    Ok(Arc::new(model))
}

fn is_candidate(detection: &Detection) -> bool {
    let counts = matches!(
        detection.verdict,
        Verdict::Accepted | Verdict::BelowThreshold
    );
    counts && detection.evidence.is_some()
}

/// Which of `candidates` are hits of `piece`; no hit is more than one of them.
fn played(piece: &[Hit], candidates: &[Hit]) -> Vec<bool> {
    let mut is_true = vec![false; candidates.len()];
    for drum in Drum::ALL {
        let of_drum = |hits: &[Hit]| -> Vec<(f64, usize)> {
            let hits = hits.iter().enumerate().filter(|(_, hit)| hit.drum == drum);
            let mut times: Vec<(f64, usize)> = hits
                .map(|(place, hit)| (hit.sample as f64 / SAMPLE_RATE_HZ, place))
                .collect();
            times.sort_by(|a, b| a.0.total_cmp(&b.0));
            times
        };
        let (piece, candidates) = (of_drum(piece), of_drum(candidates));
        let times = |hits: &[(f64, usize)]| hits.iter().map(|hit| hit.0).collect::<Vec<_>>();
        for (_, pair) in match_times(&times(&piece), &times(&candidates), TOLERANCES_S[0]) {
            is_true[candidates[pair].1] = true;
        }
    }
    is_true
}

fn case(detection: &Detection, is_true: bool, strict: &[f32; DRUM_COUNT]) -> Option<Case> {
    let (network, evidence) = detection.evidence?;
    let drum = detection.hit.drum.index();
    let mut pieces = [0.0; COUNT];
    pieces[0] = odds(network) - odds(strict[drum]);
    pieces[1] = 1.0;
    for (piece, evidence) in pieces[2..].iter_mut().zip(evidence.heard) {
        *piece = f64::from(evidence);
    }
    Some(Case {
        pieces,
        expected: evidence.expected.map(f64::from),
        taught: evidence.taught.map(f64::from),
        is_true,
        is_accepted: detection.verdict == Verdict::Accepted,
    })
}

fn odds(probability: f32) -> f64 {
    let probability = f64::from(probability).clamp(1e-4, 1.0 - 1e-4);
    (probability / (1.0 - probability)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hit_makes_one_candidate_true() {
        let hit = |time_s: f64, drum| Hit {
            sample: (time_s * SAMPLE_RATE_HZ) as usize,
            drum,
            velocity: 0.5,
        };
        let piece = [
            hit(1.0, Drum::Snare),
            hit(1.0, Drum::Kick),
            hit(2.0, Drum::Snare),
        ];
        let candidates = [
            hit(1.99, Drum::Snare),
            hit(1.01, Drum::Snare),
            hit(1.04, Drum::Snare),
            hit(1.0, Drum::Ride),
            hit(2.06, Drum::Snare),
        ];
        assert_eq!(
            played(&piece, &candidates),
            [true, true, false, false, false]
        );
    }
}
