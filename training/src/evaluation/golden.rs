//! Golden figures: a small evaluation that a test repeats, so that no change
//! makes the engine worse unseen.
//!
//! The material is procedural, built in and the same everywhere; the figures
//! belong to the shipped model and are made again with it.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use idm_engine::model::Model;
use serde::{Deserialize, Serialize};

use super::{material::Material, rows::System, score::SystemScore, score::score};

/// Excerpts of each material and their length.
const EXCERPTS: usize = 3;
const EXCERPT_S: f64 = 5.0;
const SYSTEMS: [System; 3] = [System::Network, System::Ours, System::OursTrueHits];
/// Tolerances of a new file.
const TOLERANCE_DB: f64 = 0.5;
const TOLERANCE_F: f64 = 0.03;
const TOLERANCE_VELOCITY: f64 = 1.0;

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Material, system and what was measured.
    pub name: String,
    /// The value.
    pub value: f64,
    /// How far a repetition may lie from it, either way: better figures are
    /// made golden, not left to be lost again.
    pub tolerance: f64,
}

/// The committed figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Golden {
    /// Name and version of the model.
    pub model: String,
    /// In the order of measurement.
    pub figures: Vec<Figure>,
}

impl Golden {
    /// Measures `model` on built-in material. Allocates; takes seconds.
    ///
    /// # Errors
    /// When the engine cannot be made from `model`.
    pub fn measure(model: &Arc<Model>) -> Result<Golden> {
        let mut figures = Vec::new();
        for material in [Material::Plain, Material::Hard, Material::Stereo] {
            let excerpts = material.excerpts(None, EXCERPTS, EXCERPT_S)?;
            let pieces: Vec<_> = excerpts.iter().map(|excerpt| &excerpt.piece).collect();
            for system in SYSTEMS {
                let estimates = excerpts
                    .iter()
                    .map(|excerpt| system.run(excerpt, Some(model), &[]))
                    .collect::<Result<Vec<_>>>()?;
                let estimates: Vec<_> = estimates.iter().collect();
                let scores = score(system.label(), &pieces, &estimates);
                let measured = [
                    ("SI-SDR, dB", scores.macro_si_sdr_db(), TOLERANCE_DB),
                    ("silent, dB", scores.macro_silent_db(), 4.0 * TOLERANCE_DB),
                    ("onset F", scores.pooled_f(), TOLERANCE_F),
                    (
                        "recall of candidates",
                        candidate_recall(system, &scores),
                        TOLERANCE_F,
                    ),
                    (
                        "velocity error apart from scale, of 127",
                        scores.velocity_error_apart(),
                        TOLERANCE_VELOCITY,
                    ),
                ];
                for (what, value, tolerance) in measured {
                    figures.extend(value.map(|value| Figure {
                        name: format!("{material}, {}: {what}", system.label()),
                        value: (value * 1e3).round() / 1e3,
                        tolerance,
                    }));
                }
            }
        }
        let meta = model.meta();
        Ok(Golden {
            model: format!(
                "{} {} {}",
                meta.name, meta.version, meta.training_config_hash
            ),
            figures,
        })
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read or holds no figures.
    pub fn read(path: &Path) -> Result<Golden> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{}: cannot be read", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{}: no golden figures", path.display()))
    }

    /// Writes the file at `path`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// Compares `found` with these figures.
    ///
    /// # Errors
    /// Names every figure that is missing or beyond its tolerance, expected and
    /// found, and another model.
    pub fn check(&self, found: &Golden) -> Result<()> {
        if self.model != found.model {
            bail!(
                "golden figures of the model {:?}, found {:?}: make them again",
                self.model,
                found.model
            );
        }
        let mut wrong = Vec::new();
        for expected in &self.figures {
            let mut same = found.figures.iter();
            match same.find(|figure| figure.name == expected.name) {
                None => wrong.push(format!("{}: not measured", expected.name)),
                Some(figure) if !expected.admits(figure.value) => wrong.push(format!(
                    "{}: expected {} ± {}, found {}",
                    expected.name, expected.value, expected.tolerance, figure.value
                )),
                Some(_) => {}
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            bail!("golden figures: {}", wrong.join("; "))
        }
    }
}

impl Figure {
    fn admits(&self, value: f64) -> bool {
        (value - self.value).abs() <= self.tolerance
    }
}

/// Told hits are no candidates of anybody's.
fn candidate_recall(system: System, scores: &SystemScore) -> Option<f64> {
    let finds = system != System::OursTrueHits;
    finds.then(|| scores.pooled_candidate_recall()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_beyond_their_tolerance_are_named() {
        let golden = |value| Golden {
            model: "m".to_owned(),
            figures: vec![Figure {
                name: "onset F".to_owned(),
                value,
                tolerance: 0.03,
            }],
        };
        assert!(golden(0.7).check(&golden(0.72)).is_ok());
        for other in [0.6, 0.8, f64::NAN] {
            let error = golden(0.7).check(&golden(other)).unwrap_err().to_string();
            assert!(error.contains("expected 0.7 ± 0.03"), "{error}");
        }
        let mut renamed = golden(0.7);
        renamed.model = "n".to_owned();
        assert!(golden(0.7).check(&renamed).is_err());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("golden.json");
        golden(0.7).write(&path).unwrap();
        assert_eq!(Golden::read(&path).unwrap(), golden(0.7));
    }
}
