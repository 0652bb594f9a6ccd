//! `model.toml`: what a model says about itself.
//!
//! A network is only right together with the front end that it was trained on.
//! Every number of the front end is therefore stored with the weights and
//! compared with the engine's own.

use serde::{Deserialize, Serialize};

use super::ModelError;
use crate::{
    controls::Quality,
    drum::{DRUM_COUNT, Drum},
    front_end::{BAND_COUNT, Framing, LOG_FLOOR_POWER, LOG_OFFSET, LOG_SCALE, LOW_BAND_COUNT},
    transcriber::EvidenceWeights,
};

/// Name of the file, used in errors.
pub(super) const FILE: &str = "model.toml";

/// Version of the contract between models and the engine.
pub const MODEL_FORMAT: u32 = 1;

/// Longest one-shot that a model may make: ten seconds at 44.1 kHz.
const MAX_ONE_SHOT_SAMPLES: usize = 441_000;

/// Largest weight of a piece of evidence: certainty, whatever the network says.
const MOST_WEIGHT: f32 = 20.0;

/// Longest embedding that a model may have; the audio thread keeps a mean of that size.
pub const MAX_EMBEDDING: usize = 256;

/// The contents of `model.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelMeta {
    /// Version of the contract: [`MODEL_FORMAT`].
    pub format: u32,
    /// Name shown to users.
    pub name: String,
    /// Version of the weights.
    pub version: String,
    /// Licence of the weights.
    pub licence: String,
    /// Identifies the configuration of the training run.
    pub training_config_hash: String,
    /// One line per source of training data.
    pub data_licences: Vec<String>,
    /// File stems of the drum classes in the order of the outputs.
    pub classes: Vec<String>,
    /// The features that the network reads.
    pub front_end: FrontEndMeta,
    /// Delay of each head.
    pub look_ahead_frames: LookAheadFrames,
    /// Onset probabilities above which a hit counts.
    pub thresholds: Thresholds,
    /// Those of the low-latency head, if they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds_low: Option<Thresholds>,
    /// Those of the head of high quality, if they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds_high: Option<Thresholds>,
    /// What else counts for a hit in standard quality, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceWeights>,
    /// The same in low latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_low: Option<EvidenceWeights>,
    /// The same in high quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_high: Option<EvidenceWeights>,
    /// The one-shot network.
    pub one_shots: OneShotMeta,
}

/// Constants of the front end that a network was trained with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FrontEndMeta {
    /// Hop in samples at 44.1 kHz.
    pub hop_at_44100: usize,
    /// Window in samples at 44.1 kHz.
    pub window_at_44100: usize,
    /// Window of the low bands in samples at 44.1 kHz.
    pub long_window_at_44100: usize,
    /// Number of bands.
    pub bands: usize,
    /// Number of low bands.
    pub low_bands: usize,
    /// Power added before the logarithm.
    pub log_floor_power: f64,
    /// Factor on the natural logarithm.
    pub log_scale: f64,
    /// Offset after the factor.
    pub log_offset: f64,
}

impl FrontEndMeta {
    /// The constants of this engine.
    pub fn of_engine() -> FrontEndMeta {
        // 44.1 kHz lies within the supported range, so there always is a framing.
        let (hop, window, long_window) = Framing::for_rate(44_100.0)
            .map(|f| (f.hop_samples, f.window_samples, f.long_window_samples))
            .unwrap_or_default();
        FrontEndMeta {
            hop_at_44100: hop,
            window_at_44100: window,
            long_window_at_44100: long_window,
            bands: BAND_COUNT,
            low_bands: LOW_BAND_COUNT,
            log_floor_power: f64::from(LOG_FLOOR_POWER),
            log_scale: f64::from(LOG_SCALE),
            log_offset: f64::from(LOG_OFFSET),
        }
    }
}

/// Frames by which the outputs of each head lag behind the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAheadFrames {
    /// Low latency.
    pub low: usize,
    /// Standard.
    pub standard: usize,
    /// High quality.
    pub high: usize,
}

impl LookAheadFrames {
    /// Frames of the head that serves `quality`. Real-time safe.
    pub fn of(&self, quality: Quality) -> usize {
        match quality {
            Quality::Low => self.low,
            Quality::Standard => self.standard,
            Quality::High => self.high,
        }
    }
}

/// Onset probability per class above which a hit counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// For notes, lights and one-shot capture: few false hits.
    pub strict: [f32; DRUM_COUNT],
    /// For separation: few missed hits.
    pub recall: [f32; DRUM_COUNT],
}

impl Thresholds {
    fn validate(&self, file: &'static str, table: &str) -> Result<(), ModelError> {
        for (field, thresholds) in [("strict", &self.strict), ("recall", &self.recall)] {
            for (drum, &threshold) in Drum::ALL.into_iter().zip(thresholds) {
                // Written so that NaN fails too.
                let inside = threshold > 0.0 && threshold < 1.0;
                if !inside {
                    return Err(ModelError::mismatch(
                        file,
                        format!("{table}.{field}, {}", drum.file_stem()),
                        "a number between 0 and 1",
                        threshold,
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What the one-shot network makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneShotMeta {
    /// Sample rate of the one-shots: 44.1 kHz.
    pub sample_rate_hz: u32,
    /// Length of each one-shot in samples.
    pub samples: usize,
    /// Length of the embedding that describes the kit.
    pub embedding: usize,
}

impl ModelMeta {
    /// Reads and checks the text of a `model.toml`. Allocates.
    ///
    /// # Errors
    /// Text that is not TOML, lacks a field or has one of another type
    /// ([`ModelError::Syntax`]), and every value that breaks the contract or
    /// differs from this engine's front end ([`ModelError::Mismatch`]).
    pub fn parse(text: &str) -> Result<ModelMeta, ModelError> {
        ModelMeta::parse_from(text, FILE)
    }

    /// Thresholds of the head that serves `quality`. Real-time safe.
    pub fn thresholds_of(&self, quality: Quality) -> &Thresholds {
        let own = match quality {
            Quality::Low => self.thresholds_low.as_ref(),
            Quality::Standard => None,
            Quality::High => self.thresholds_high.as_ref(),
        };
        own.unwrap_or(&self.thresholds)
    }

    /// The same without weights of evidence. Allocates.
    pub fn without_evidence(&self) -> ModelMeta {
        ModelMeta {
            evidence: None,
            evidence_low: None,
            evidence_high: None,
            ..self.clone()
        }
    }

    /// Weights of evidence in `quality`, if there are any. Real-time safe.
    pub fn evidence_of(&self, quality: Quality) -> Option<&EvidenceWeights> {
        match quality {
            Quality::Low => self.evidence_low.as_ref(),
            Quality::Standard => self.evidence.as_ref(),
            Quality::High => self.evidence_high.as_ref(),
        }
    }

    /// The same, to be replaced.
    pub fn evidence_mut(&mut self, quality: Quality) -> &mut Option<EvidenceWeights> {
        match quality {
            Quality::Low => &mut self.evidence_low,
            Quality::Standard => &mut self.evidence,
            Quality::High => &mut self.evidence_high,
        }
    }

    /// [`ModelMeta::parse`], with the name of the file that holds the text.
    pub(super) fn parse_from(text: &str, file: &'static str) -> Result<ModelMeta, ModelError> {
        // The format is read first: a later format may have other fields.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let syntax = |error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text
                .bytes()
                .take(start)
                .filter(|&byte| byte == b'\n')
                .count();
            ModelError::Syntax {
                file,
                reason: format!("line {line}: {}", error.message().replace('\n', ", ")),
            }
        };
        let Format { format } = toml::from_str(text).map_err(syntax)?;
        expect(file, "format", MODEL_FORMAT, format)?;
        let meta: ModelMeta = toml::from_str(text).map_err(syntax)?;
        meta.validate(file)?;
        Ok(meta)
    }

    fn validate(&self, file: &'static str) -> Result<(), ModelError> {
        for (field, text) in [("name", &self.name), ("version", &self.version)] {
            if text.trim().is_empty() {
                return Err(ModelError::mismatch(file, field, "a text", "nothing"));
            }
        }
        let classes = Drum::ALL.map(Drum::file_stem);
        if self.classes != classes {
            return Err(ModelError::mismatch(
                file,
                "classes",
                classes.join(", "),
                self.classes.join(", "),
            ));
        }
        self.validate_front_end(file)?;
        for quality in Quality::ALL {
            expect(
                file,
                &format!("look_ahead_frames.{}", quality.id()),
                quality.look_ahead_frames(),
                self.look_ahead_frames.of(quality),
            )?;
        }
        for (table, thresholds) in [
            ("thresholds", Some(&self.thresholds)),
            ("thresholds_low", self.thresholds_low.as_ref()),
            ("thresholds_high", self.thresholds_high.as_ref()),
        ] {
            if let Some(thresholds) = thresholds {
                thresholds.validate(file, table)?;
            }
        }
        for quality in Quality::ALL {
            let table = format!("evidence{}", quality.head_suffix());
            let all = self.evidence_of(quality).into_iter().flat_map(|w| {
                let constant = [w.constant].into_iter();
                constant.chain(w.weights).chain(w.expected).chain(w.taught)
            });
            for weight in all {
                // Written so that NaN fails too.
                let inside = weight.abs() <= MOST_WEIGHT;
                if !inside {
                    let expected = format!("weights between -{MOST_WEIGHT} and {MOST_WEIGHT}");
                    return Err(ModelError::mismatch(file, table, expected, weight));
                }
            }
        }
        expect(
            file,
            "one_shots.sample_rate_hz",
            44_100,
            self.one_shots.sample_rate_hz,
        )?;
        for (field, value, most) in [
            (
                "one_shots.samples",
                self.one_shots.samples,
                MAX_ONE_SHOT_SAMPLES,
            ),
            (
                "one_shots.embedding",
                self.one_shots.embedding,
                MAX_EMBEDDING,
            ),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ModelError::mismatch(
                    file,
                    field,
                    format!("1 to {most}"),
                    value,
                ));
            }
        }
        Ok(())
    }

    fn validate_front_end(&self, file: &'static str) -> Result<(), ModelError> {
        let (ours, theirs) = (FrontEndMeta::of_engine(), &self.front_end);
        for (field, ours, theirs) in [
            (
                "front_end.hop_at_44100",
                ours.hop_at_44100,
                theirs.hop_at_44100,
            ),
            (
                "front_end.window_at_44100",
                ours.window_at_44100,
                theirs.window_at_44100,
            ),
            (
                "front_end.long_window_at_44100",
                ours.long_window_at_44100,
                theirs.long_window_at_44100,
            ),
            ("front_end.bands", ours.bands, theirs.bands),
            ("front_end.low_bands", ours.low_bands, theirs.low_bands),
        ] {
            expect(file, field, ours, theirs)?;
        }
        for (field, ours, theirs) in [
            (
                "front_end.log_floor_power",
                ours.log_floor_power,
                theirs.log_floor_power,
            ),
            ("front_end.log_scale", ours.log_scale, theirs.log_scale),
            ("front_end.log_offset", ours.log_offset, theirs.log_offset),
        ] {
            // Decimal text has fewer digits than a float.
            let equal = (theirs - ours).abs() <= ours.abs() * 1e-6;
            if !equal {
                return Err(ModelError::mismatch(file, field, ours, theirs));
            }
        }
        Ok(())
    }
}

fn expect<T: PartialEq + ToString>(
    file: &'static str,
    field: &str,
    expected: T,
    found: T,
) -> Result<(), ModelError> {
    if found == expected {
        Ok(())
    } else {
        Err(ModelError::mismatch(file, field, expected, found))
    }
}
