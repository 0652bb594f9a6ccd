//! Finds the weights of the evidence beside the network, on training kits.
//!
//! The engine plays excerpts of the training side and reports of every candidate what spoke
//! for it and against it. Logistic regression tells true candidates from false ones. The
//! line between them is drawn where as many are accepted as by the network's word alone,
//! whose thresholds were chosen on kits that it does not know: on training kits, where it
//! is seldom wrong, a line of their own would be too low, and so would constants per drum.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use idm_engine::{
    controls::Quality,
    drum::DRUM_COUNT,
    experiment::Experiment,
    model::{Model, ModelMeta},
    transcriber::{EVIDENCE_COUNT, EXPECTED_COUNT, EvidenceWeights, TAUGHT_COUNT, Verdict},
};
use rayon::prelude::*;

use super::{
    corrections::{Care, corrected},
    material::{Excerpt, hard, plain_of},
    score::TOLERANCES_S,
    streaming::{new_engine, pass},
    systems::Detection,
};
use crate::export::write_atomically;
use crate::kits::{SAMPLE_RATE_HZ, Split};

/// What is fitted: the network's word, a constant, the evidence.
const COUNT: usize = 2 + EVIDENCE_COUNT;
/// Rounds over all coefficients.
const SWEEPS: usize = 300;
/// Share of an excerpt that is corrected, to find what that says about the rest.
const CORRECTED: f64 = 1.0 / 3.0;
/// Pull towards no weight at all, in candidates.
const PRIOR: f64 = 4.0;

/// Options of `idm-train weigh`.
#[derive(Debug, Clone, Args)]
pub struct WeighArgs {
    /// Folder with drums/ and grooves/; without it the excerpts are procedural
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the model; its model.toml is rewritten
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Number of excerpts, plain and hard each
    #[arg(long, default_value_t = 100)]
    pub excerpts: usize,
    /// Length of an excerpt in seconds
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Rounds: what is accepted changes what speaks for the next hits
    #[arg(long, default_value_t = 2)]
    pub rounds: usize,
    /// Keep the weights of what is heard, find only those of what the rhythm and what
    /// corrections say
    #[arg(long)]
    pub keep_heard: bool,
    /// Share of the weights that the model had before, as with `export --blend`: two fits
    /// on different excerpts or kits lean less on either
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub blend_share: f32,
}

/// A candidate of the engine, and whether the drum was played there.
struct Case {
    pieces: [f64; COUNT],
    /// What the rhythm and what corrections say.
    expected: [f64; EXPECTED_COUNT],
    taught: [f64; TAUGHT_COUNT],
    sample: usize,
    is_true: bool,
    is_accepted: bool,
}

/// Fits and writes the weights of all qualities.
///
/// # Errors
/// When material or model cannot be loaded, or `model.toml` cannot be written.
pub fn run(args: &WeighArgs) -> Result<()> {
    let data = args.data.as_deref();
    ensure!(
        args.seconds.is_finite() && args.seconds >= 2.0,
        "expected at least 2 s per excerpt, found {}",
        args.seconds
    );
    ensure!(
        (0.0..=1.0).contains(&args.blend_share),
        "expected a share of 0 to 1, found {}",
        args.blend_share
    );
    let mut excerpts = plain_of(Split::Train, data, args.excerpts, args.seconds)?;
    excerpts.extend(hard(Split::Train, data, args.excerpts, args.seconds)?);
    let played: usize = excerpts.iter().map(|e| e.piece.hits.len()).sum();
    say!("{} excerpts with {played} hits", excerpts.len());
    let mut meta = Model::load(&args.model)?.meta().clone();
    let long_s = CORRECTED.recip() * args.seconds;
    let few = args.excerpts.div_ceil(2);
    let mut long = plain_of(Split::Train, data, few, long_s)?;
    long.extend(hard(Split::Train, data, few, long_s)?);
    for quality in Quality::ALL {
        let before = *weights_of(&mut meta, quality);
        let is_kept = args.keep_heard && before.is_some();
        if !is_kept {
            *weights_of(&mut meta, quality) = None;
        }
        let rounds = if is_kept { 0 } else { args.rounds.max(1) };
        for round in 0..rounds {
            let cases = cases(&args.model, &meta, quality, &excerpts)?;
            let f_before = f_measure(&cases, played, |case| case.is_accepted);
            let (weights, after) = fit(&cases, played)
                .with_context(|| format!("{}: too few candidates to fit", quality.name()))?;
            say!(
                "{}, round {}: F {f_before:.3} as accepted, {after:.3} weighed anew",
                quality.name(),
                round + 1
            );
            *weights_of(&mut meta, quality) = Some(weights);
        }
        let mut weights = (*weights_of(&mut meta, quality)).unwrap_or_default();
        let too_few = || format!("{}: too few candidates to fit", quality.name());
        weights.expected = [0.0; EXPECTED_COUNT];
        weights.taught = [0.0; TAUGHT_COUNT];
        *weights_of(&mut meta, quality) = Some(weights);
        let heard = cases(&args.model, &meta, quality, &long)?;
        let (constant, expected) = fit_expected(&heard, &weights).with_context(too_few)?;
        (weights.constant, weights.expected) = (constant, expected);
        *weights_of(&mut meta, quality) = Some(weights);
        let taught = taught_cases(&args.model, &meta, quality, &long)?;
        weights.taught = fit_taught(&taught, &weights).with_context(too_few)?;
        *weights_of(&mut meta, quality) = Some(weights);
        say!(
            "{}: the rhythm counts {:.2} now and {:.2} anywhere, corrections {:.2} for a hit and {:.2} against it",
            quality.name(),
            weights.expected[0],
            weights.expected[1],
            weights.taught[0],
            -weights.taught[1]
        );
        if let (Some(before), Some(weights)) = (before, weights_of(&mut meta, quality)) {
            *weights = blend(weights, &before, args.blend_share);
        }
    }
    let path = args.model.join("model.toml");
    let text = toml::to_string(&meta).context("model.toml cannot be written")?;
    ModelMeta::parse(&text)?;
    write_atomically(&path, text.as_bytes())
}

/// `share` of `before`, the rest of `weights`.
fn blend(weights: &EvidenceWeights, before: &EvidenceWeights, share: f32) -> EvidenceWeights {
    let mix = |now: f32, before: f32| now + share * (before - now);
    EvidenceWeights {
        constant: mix(weights.constant, before.constant),
        weights: std::array::from_fn(|index| mix(weights.weights[index], before.weights[index])),
        expected: std::array::from_fn(|index| mix(weights.expected[index], before.expected[index])),
        taught: std::array::from_fn(|index| mix(weights.taught[index], before.taught[index])),
    }
}

fn weights_of(meta: &mut ModelMeta, quality: Quality) -> &mut Option<EvidenceWeights> {
    match quality {
        Quality::Low => &mut meta.evidence_low,
        Quality::Standard => &mut meta.evidence,
        Quality::High => &mut meta.evidence_high,
    }
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

/// What follows the corrected beginning of each excerpt.
fn taught_cases(
    folder: &Path,
    meta: &ModelMeta,
    quality: Quality,
    excerpts: &[Excerpt],
) -> Result<Vec<Case>> {
    let model = described(folder, meta)?;
    let strict = meta.thresholds_of(quality).strict;
    let found: Vec<Vec<Case>> = excerpts
        .par_iter()
        .map(|excerpt| {
            let until = (CORRECTED * excerpt.piece.length() as f64) as usize;
            let heard = corrected(excerpt, &model, quality, Care::Until(until), true)?;
            let detections = heard.detections.unwrap_or_default();
            let cases = detections.iter().filter_map(|d| case(d, excerpt, &strict));
            Ok(cases.filter(|case| case.sample >= until).collect())
        })
        .collect::<Result<_>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Plays all excerpts to the model in `folder` as `meta` describes it.
fn cases(
    folder: &Path,
    meta: &ModelMeta,
    quality: Quality,
    excerpts: &[Excerpt],
) -> Result<Vec<Case>> {
    let model = described(folder, meta)?;
    let strict = meta.thresholds_of(quality).strict;
    let found: Vec<Vec<Case>> = excerpts
        .par_iter()
        .map(|excerpt| {
            let mut engine = new_engine(SAMPLE_RATE_HZ, quality, &model, Experiment::default())?;
            let piece = &excerpt.piece;
            let heard = pass(&mut engine, piece.mix_channels(), &[]);
            let detections = heard.detections.unwrap_or_default();
            let case = |detection: &Detection| case(detection, excerpt, &strict);
            Ok(detections.iter().filter_map(case).collect())
        })
        .collect::<Result<_>>()?;
    Ok(found.into_iter().flatten().collect())
}

fn case(detection: &Detection, excerpt: &Excerpt, strict: &[f32; DRUM_COUNT]) -> Option<Case> {
    let (network, evidence) = detection.evidence?;
    if !matches!(
        detection.verdict,
        Verdict::Accepted | Verdict::BelowThreshold
    ) {
        return None;
    }
    let hit = &detection.hit;
    let reach = (TOLERANCES_S[0] * SAMPLE_RATE_HZ) as usize;
    let is_true = excerpt
        .piece
        .hits
        .iter()
        .any(|played| played.drum == hit.drum && played.sample.abs_diff(hit.sample) <= reach);
    let drum = hit.drum.index();
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
        sample: hit.sample,
        is_true,
        is_accepted: detection.verdict == Verdict::Accepted,
    })
}

fn odds(probability: f32) -> f64 {
    let probability = f64::from(probability).clamp(1e-4, 1.0 - 1e-4);
    (probability / (1.0 - probability)).ln()
}

/// F over all candidates if those are hits that `is_hit` says.
fn f_measure(cases: &[Case], played: usize, is_hit: impl Fn(&Case) -> bool) -> f64 {
    let (mut found, mut extra) = (0_usize, 0_usize);
    for case in cases.iter().filter(|case| is_hit(case)) {
        if case.is_true {
            found += 1;
        } else {
            extra += 1;
        }
    }
    let missed = played.saturating_sub(found);
    2.0 * found as f64 / (2 * found + extra + missed).max(1) as f64
}

/// Coefficients with which the sum of `pieces` tells what `is_true`: logistic regression
/// that begins at `start`, by Newton's method, one coefficient after the other.
fn regress<const N: usize>(
    pieces: &[[f64; N]],
    is_true: impl Fn(usize) -> bool,
    start: [f64; N],
) -> [f64; N] {
    let mut weights = start;
    let sum_of = |pieces: &[f64; N]| -> f64 {
        let products = pieces.iter().zip(&start);
        products.map(|(piece, weight)| piece * weight).sum()
    };
    let mut sums: Vec<f64> = pieces.iter().map(sum_of).collect();
    for _ in 0..SWEEPS {
        for (index, weight) in weights.iter_mut().enumerate() {
            let (mut slope, mut curve) = (-PRIOR * *weight, PRIOR);
            for (case, (pieces, sum)) in pieces.iter().zip(&sums).enumerate() {
                let piece = pieces[index];
                if piece != 0.0 {
                    let chance = 1.0 / (1.0 + (-sum).exp());
                    slope += piece * (f64::from(u8::from(is_true(case))) - chance);
                    curve += piece * piece * chance * (1.0 - chance);
                }
            }
            let step = (slope / curve).clamp(-1.0, 1.0);
            *weight += step;
            for (pieces, sum) in pieces.iter().zip(&mut sums) {
                *sum += step * pieces[index];
            }
        }
    }
    weights
}

/// Weights that tell `cases` apart, and the F that they reach; none if the network's word
/// counts for nothing.
fn fit(cases: &[Case], played: usize) -> Option<(EvidenceWeights, f64)> {
    let pieces: Vec<[f64; COUNT]> = cases.iter().map(|case| case.pieces).collect();
    let mut start = [0.0; COUNT];
    start[0] = 1.0;
    let weights = regress(&pieces, |case| cases[case].is_true, start);
    let sum_of = |case: &Case| {
        let products = case.pieces.iter().zip(&weights);
        products.map(|(piece, weight)| piece * weight).sum::<f64>()
    };
    let mut sums: Vec<f64> = cases.iter().map(sum_of).collect();
    sums.sort_by(|a, b| b.total_cmp(a));
    let accepted = cases.iter().filter(|case| case.pieces[0] >= 0.0).count();
    let line = *sums.get(accepted.checked_sub(1)?)?;
    let scale = 1.0 / weights[0];
    if !(scale > 0.0 && scale.is_finite()) {
        return None;
    }
    let scaled = |weight: f64| (scale * weight) as f32;
    let evidence = EvidenceWeights {
        constant: scaled(weights[1] - line),
        weights: std::array::from_fn(|index| scaled(weights[2 + index])),
        ..EvidenceWeights::default()
    };
    let f = f_measure(cases, played, |case| sum_of(case) >= line);
    Some((evidence, f))
}

/// What `weights` make of `case`: at 0 and above a hit.
fn sum_of(case: &Case, weights: &EvidenceWeights) -> f64 {
    let heard = case.pieces[2..].iter().zip(weights.weights);
    let heard = heard.map(|(piece, weight)| piece * f64::from(weight));
    let expected = case.expected.iter().zip(weights.expected);
    let expected = expected.map(|(piece, weight)| piece * f64::from(weight));
    case.pieces[0] + f64::from(weights.constant) + heard.chain(expected).sum::<f64>()
}

/// The constant, and how much the rhythm counts, beside all else as `weights` weigh it;
/// none if that counts for nothing. As many candidates are accepted as by the network's word.
fn fit_expected(cases: &[Case], weights: &EvidenceWeights) -> Option<(f32, [f32; EXPECTED_COUNT])> {
    let sums: Vec<f64> = cases.iter().map(|case| sum_of(case, weights)).collect();
    let pairs = cases.iter().zip(&sums);
    let pieces: Vec<[f64; 2 + EXPECTED_COUNT]> = pairs
        .map(|(case, sum)| [*sum, 1.0, case.expected[0], case.expected[1]])
        .collect();
    let found = regress(&pieces, |case| cases[case].is_true, [1.0, 0.0, 0.0, 0.0]);
    let expected = [found[2], found[3]].map(|weight| weight / found[0]);
    let sum_of = |p: &[f64; 2 + EXPECTED_COUNT]| p[0] + expected[0] * p[2] + expected[1] * p[3];
    let mut anew: Vec<f64> = pieces.iter().map(sum_of).collect();
    anew.sort_by(|a, b| b.total_cmp(a));
    let accepted = cases.iter().filter(|case| case.pieces[0] >= 0.0).count();
    let line = *anew.get(accepted.checked_sub(1)?)?;
    let constant = f64::from(weights.constant) - line;
    (found[0] > 0.0 && constant.is_finite())
        .then(|| (constant as f32, expected.map(|weight| weight as f32)))
}

/// How much corrections count beside all else, as `weights` weigh it; none if that counts
/// for nothing.
fn fit_taught(cases: &[Case], weights: &EvidenceWeights) -> Option<[f32; TAUGHT_COUNT]> {
    let pieces: Vec<[f64; 2 + TAUGHT_COUNT]> = cases
        .iter()
        .map(|case| [sum_of(case, weights), 1.0, case.taught[0], case.taught[1]])
        .collect();
    let found = regress(&pieces, |case| cases[case].is_true, [1.0, 0.0, 0.0, 0.0]);
    let scale = 1.0 / found[0];
    (scale > 0.0 && scale.is_finite()).then(|| [found[2], found[3]].map(|w| (scale * w) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_that_tells_is_found_and_noise_is_not() {
        let cases: Vec<Case> = (0..2_000)
            .map(|n| {
                let mut pieces = [0.0; COUNT];
                pieces[0] = ((n * 37) % 41) as f64 / 10.0 - 2.0;
                pieces[1] = 1.0;
                let (telling, noise) = ((n * 17) % 23, (n * 29) % 31);
                pieces[4] = telling as f64 / 11.0 - 1.0;
                pieces[7] = noise as f64 / 15.0 - 1.0;
                let chance = (n * 7919 % 101) as f64 / 50.0 - 1.0;
                let sum = pieces[0] + 2.0 * pieces[4] + 1.5 * chance;
                Case {
                    pieces,
                    expected: [0.0; EXPECTED_COUNT],
                    taught: [0.0; TAUGHT_COUNT],
                    sample: 0,
                    is_true: sum > 0.0,
                    is_accepted: pieces[0] > 0.0,
                }
            })
            .collect();
        let played = cases.iter().filter(|case| case.is_true).count();
        let (weights, f) = fit(&cases, played).unwrap();
        assert!(f > 0.03 + f_measure(&cases, played, |case| case.is_accepted));
        assert!((1.5..2.5).contains(&weights.weights[2]), "{weights:?}");
        assert!(weights.weights[5].abs() < 0.3, "{weights:?}");
        assert!(weights.weights[0].abs() < 1e-3);
    }

    /// Cases of which one piece beside the network's word says for (`sign` 1) or against.
    fn telling(place: impl Fn(&mut Case, f64), sign: f64) -> Vec<Case> {
        let case = |n: usize| {
            let network = ((n * 37) % 41) as f64 / 10.0 - 2.0;
            let said = ((n * 17) % 23) as f64 / 22.0;
            let chance = (n * 7919 % 101) as f64 / 50.0 - 1.0;
            let mut pieces = [0.0; COUNT];
            (pieces[0], pieces[1]) = (network, 1.0);
            let mut case = Case {
                pieces,
                expected: [0.0; EXPECTED_COUNT],
                taught: [0.0; TAUGHT_COUNT],
                sample: 0,
                is_true: network + sign * 2.0 * (said - 0.5) + 1.5 * chance > 0.0,
                is_accepted: network > 0.0,
            };
            place(&mut case, said);
            case
        };
        (0..2_000).map(case).collect()
    }

    #[test]
    fn what_the_rhythm_says_is_found() {
        let weights = EvidenceWeights::default();
        for index in 0..EXPECTED_COUNT {
            for sign in [1.0, -1.0] {
                let cases = telling(|case, said| case.expected[index] = said, sign);
                let (constant, expected) = fit_expected(&cases, &weights).unwrap();
                let found = f64::from(expected[index]);
                assert!((1.5..2.5).contains(&(sign * found)), "{expected:?}");
                assert_eq!(expected[1 - index], 0.0);
                let weighed = EvidenceWeights {
                    constant,
                    expected,
                    ..weights
                };
                let accepted = |weights| cases.iter().filter(|c| sum_of(c, weights) >= 0.0).count();
                assert!(accepted(&weights).abs_diff(accepted(&weighed)) < 20);
            }
        }
    }

    #[test]
    fn what_corrections_say_is_found() {
        let weights = EvidenceWeights::default();
        for (index, sign) in [(0, 1.0), (1, -1.0)] {
            let cases = telling(|case, said| case.taught[index] = said, sign);
            let taught = fit_taught(&cases, &weights).unwrap();
            let found = f64::from(taught[index]);
            assert!((1.5..2.5).contains(&(sign * found)), "{taught:?}");
            assert_eq!(taught[1 - index], 0.0);
        }
    }

    #[test]
    fn the_weights_of_a_model_are_found_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default");
        for name in ["model.toml", "transcriber.onnx", "one_shots.onnx"] {
            fs::copy(source.join(name), folder.path().join(name)).unwrap();
        }
        let args = WeighArgs {
            data: None,
            model: folder.path().to_owned(),
            excerpts: 2,
            seconds: 3.0,
            rounds: 1,
            keep_heard: false,
            blend_share: 0.0,
        };
        run(&args).unwrap();
        let meta = Model::load(folder.path()).unwrap().meta().clone();
        assert!(meta.evidence.is_some() && meta.evidence_low.is_some());
        assert!(meta.evidence_high.is_some());
        let fitted = meta.evidence.unwrap();
        let blended = WeighArgs {
            blend_share: 1.0,
            ..args.clone()
        };
        run(&blended).unwrap();
        let kept = Model::load(folder.path()).unwrap().meta().evidence.unwrap();
        assert_eq!(kept, fitted);
        let half = blend(
            &fitted,
            &EvidenceWeights {
                constant: 0.0,
                ..fitted
            },
            0.5,
        );
        assert_eq!(
            (half.constant, half.weights),
            (0.5 * fitted.constant, fitted.weights)
        );
        for unusable in [
            WeighArgs {
                seconds: f64::NAN,
                ..args.clone()
            },
            WeighArgs {
                blend_share: 1.5,
                ..args
            },
        ] {
            assert!(run(&unusable).is_err());
        }
    }
}
