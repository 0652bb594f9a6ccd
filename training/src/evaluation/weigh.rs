//! Finds the weights of the evidence beside the network, on training kits.
//!
//! The engine plays excerpts of the training side and reports of every candidate what spoke
//! for it and against it. Logistic regression tells true candidates from false ones. The
//! line between them is drawn where as many are accepted as by the network's word alone,
//! whose thresholds were chosen on kits that it does not know: on training kits, where it
//! is seldom wrong, a line of their own would be too low, and so would constants per drum.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use idm_engine::{
    controls::Quality,
    model::{Model, ModelMeta},
    transcriber::{EXPECTED_COUNT, EvidenceWeights, TAUGHT_COUNT},
};

use super::material::{hard, plain_of};
use crate::{files::write_file, kits::Split};
use cases::{CORRECTED, heard_cases, taught_cases};
use fit::{f_measure, fit, fit_expected, fit_taught};

mod cases;
mod fit;

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
    // First: the excerpts take minutes.
    let mut meta = Model::load(&args.model)?.meta().clone();
    for quality in Quality::ALL {
        ensure!(
            meta.evidence_mut(quality).is_some() || !args.keep_heard && args.blend_share == 0.0,
            "{}: expected weights of the evidence in {} quality to keep or to mix with, found \
             none; find them without --keep-heard and --blend-share first",
            args.model.join("model.toml").display(),
            quality.name()
        );
    }
    let mut excerpts = plain_of(Split::Train, data, args.excerpts, args.seconds)?;
    excerpts.extend(hard(Split::Train, data, args.excerpts, args.seconds)?);
    let played: usize = excerpts.iter().map(|e| e.piece.hits.len()).sum();
    say!("{} excerpts with {played} hits", excerpts.len());
    let long_s = CORRECTED.recip() * args.seconds;
    let few = args.excerpts.div_ceil(2);
    let mut long = plain_of(Split::Train, data, few, long_s)?;
    long.extend(hard(Split::Train, data, few, long_s)?);
    for quality in Quality::ALL {
        let before = *meta.evidence_mut(quality);
        let is_kept = args.keep_heard && before.is_some();
        if !is_kept {
            *meta.evidence_mut(quality) = None;
        }
        let rounds = if is_kept { 0 } else { args.rounds.max(1) };
        for round in 0..rounds {
            let cases = heard_cases(&args.model, &meta, quality, &excerpts)?;
            let f_before = f_measure(&cases, played, |case| case.is_accepted);
            let (weights, after) = fit(&cases, played)
                .with_context(|| format!("{}: too few candidates to fit", quality.name()))?;
            say!(
                "{}, round {}: F {f_before:.3} as accepted, {after:.3} weighed anew",
                quality.name(),
                round + 1
            );
            *meta.evidence_mut(quality) = Some(weights);
        }
        let mut weights = (*meta.evidence_mut(quality)).unwrap_or_default();
        let too_few = || format!("{}: too few candidates to fit", quality.name());
        weights.expected = [0.0; EXPECTED_COUNT];
        weights.taught = [0.0; TAUGHT_COUNT];
        *meta.evidence_mut(quality) = Some(weights);
        let heard = heard_cases(&args.model, &meta, quality, &long)?;
        let (constant, expected) = fit_expected(&heard, &weights).with_context(too_few)?;
        (weights.constant, weights.expected) = (constant, expected);
        *meta.evidence_mut(quality) = Some(weights);
        let taught = taught_cases(&args.model, &meta, quality, &long)?;
        weights.taught = fit_taught(&taught, &weights).with_context(too_few)?;
        *meta.evidence_mut(quality) = Some(weights);
        say!(
            "{}: the rhythm counts {:.2} now and {:.2} anywhere, corrections {:.2} for a hit and {:.2} against it",
            quality.name(),
            weights.expected[0],
            weights.expected[1],
            weights.taught[0],
            -weights.taught[1]
        );
        if let (Some(before), Some(weights)) = (before, meta.evidence_mut(quality)) {
            *weights = blend(weights, &before, args.blend_share);
        }
    }
    let path = args.model.join("model.toml");
    let text = toml::to_string(&meta).context("model.toml cannot be written")?;
    ModelMeta::parse(&text)?;
    write_file(&path, text.as_bytes())
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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

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
        // Before the material is looked for, which is missing too.
        let nowhere = WeighArgs {
            model: folder.path().join("no_model"),
            data: Some(folder.path().join("no_data")),
            ..args.clone()
        };
        let error = format!("{:#}", run(&nowhere).unwrap_err());
        assert!(error.contains("no_model"), "{error}");
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
