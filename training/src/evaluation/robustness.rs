//! How figures change with what happens to a recording.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use idm_engine::{controls::Quality, experiment::Experiment, model::Model};
use rayon::prelude::*;
use serde::Serialize;

use super::{
    conditions::{Condition, resampled},
    material::Excerpt,
    report::{header, row},
    score::{SystemScore, score},
    streaming::{new_engine, pass},
    systems::Estimate,
};
use crate::{console::figure, kits::SAMPLE_RATE_HZ, render::Piece};

/// Scores of the engine per condition.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Robustness {
    /// What was evaluated on.
    pub material: String,
    /// One row per condition, the clean one first.
    pub conditions: Vec<SystemScore>,
}

impl Robustness {
    /// Streams `excerpts` through the engine in every condition. Allocates;
    /// uses all threads.
    ///
    /// # Errors
    /// When the engine cannot be made from `model`.
    pub fn new(material: &str, excerpts: &[Excerpt], model: &Arc<Model>) -> Result<Robustness> {
        let conditions = Condition::ALL
            .into_iter()
            .map(|condition| {
                let results: Vec<(Piece, Estimate)> = excerpts
                    .par_iter()
                    .enumerate()
                    .map(|(index, excerpt)| hear(condition, excerpt, index as u64, model))
                    .collect::<Result<_>>()?;
                let pieces: Vec<&Piece> = results.iter().map(|(piece, _)| piece).collect();
                let estimates: Vec<&Estimate> = results.iter().map(|(_, made)| made).collect();
                Ok(score(&condition.label(), &pieces, &estimates))
            })
            .collect::<Result<_>>()?;
        Ok(Robustness {
            material: material.to_owned(),
            conditions,
        })
    }

    /// The table in Markdown: figures, and their differences to the clean ones.
    pub fn markdown(&self) -> String {
        let mut text = format!("Robustness on {}.\n\n", self.material);
        let columns = [
            "onset F",
            "Δ",
            "candidates' recall",
            "Δ",
            "SI-SDR, dB",
            "Δ",
            "silent, dB",
            "Δ",
        ];
        header(&mut text, "Condition", &columns, &[]);
        let clean = self.conditions.first();
        for scores in &self.conditions {
            let figures: [(Figure, usize); 4] = [
                (SystemScore::pooled_f, 2),
                (SystemScore::pooled_candidate_recall, 2),
                (SystemScore::macro_si_sdr_db, 1),
                (SystemScore::macro_silent_db, 1),
            ];
            let cells = figures.iter().flat_map(|(measure, digits)| {
                let (value, base) = (measure(scores), clean.and_then(measure));
                let change = value.zip(base).map(|(value, base)| value - base);
                [
                    figure(value, *digits),
                    change.map_or_else(|| "–".to_owned(), |change| format!("{change:+.digits$}")),
                ]
            });
            row(&mut text, &scores.name, cells);
        }
        text
    }

    /// Writes `robustness-MATERIAL.md` and `.json`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot be made", folder.display()))?;
        let material = self.material.split(' ').next().unwrap_or_default();
        let contents = [
            ("md", self.markdown()),
            ("json", serde_json::to_string_pretty(self)?),
        ];
        for (extension, content) in contents {
            let path = folder.join(format!("robustness-{material}.{extension}"));
            std::fs::write(&path, content)
                .with_context(|| format!("{}: cannot be written", path.display()))?;
        }
        Ok(())
    }
}

type Figure = fn(&SystemScore) -> Option<f64>;

/// The excerpt in `condition` and what the engine makes of it, both at
/// 44.1 kHz.
fn hear(
    condition: Condition,
    excerpt: &Excerpt,
    index: u64,
    model: &Arc<Model>,
) -> Result<(Piece, Estimate)> {
    let rate_hz = condition.sample_rate_hz();
    let mut piece = condition.apply(&excerpt.piece, index)?;
    let mut engine = new_engine(rate_hz, Quality::Standard, model, Experiment::default())?;
    let mut estimate = pass(&mut engine, piece.mix_channels(), &[]);
    if rate_hz != SAMPLE_RATE_HZ {
        let length = excerpt.piece.mix.len();
        let signals = piece
            .stems
            .iter_mut()
            .chain([&mut piece.mix])
            .chain(&mut estimate.stems);
        for signal in signals {
            *signal = resampled(signal, rate_hz, SAMPLE_RATE_HZ)?;
            signal.resize(length, 0.0);
        }
        for detection in estimate.detections.iter_mut().flatten() {
            let time_s = detection.hit.sample as f64 / rate_hz;
            detection.hit.sample = (time_s * SAMPLE_RATE_HZ).round() as usize;
        }
    }
    Ok((piece, estimate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::held_out_plain;

    /// Level and rate must hardly matter: features are relative to neither, but
    /// the engine must not depend on them beyond its floor.
    #[test]
    fn level_and_rate_hardly_matter() {
        let excerpts = held_out_plain(None, 2, 4.0).unwrap();
        let model = Model::embedded().unwrap();
        let robustness = Robustness::new("plain test", &excerpts, &model).unwrap();
        let named = |name: &str| {
            let mut rows = robustness.conditions.iter();
            rows.find(|row| row.name == name).unwrap()
        };
        let clean = named("clean");
        for name in ["gain -10 dB", "48 kHz"] {
            let f = named(name).pooled_f().unwrap() - clean.pooled_f().unwrap();
            let db = named(name).macro_si_sdr_db().unwrap() - clean.macro_si_sdr_db().unwrap();
            assert!(f.abs() < 0.15, "{name}: F changes by {f}");
            assert!(db.abs() < 3.0, "{name}: SI-SDR changes by {db} dB");
        }
        let table = robustness.markdown();
        assert!(
            table.contains("| clean |") && table.contains("+0.00"),
            "{table}"
        );
        let folder = tempfile::tempdir().unwrap();
        robustness.write(folder.path()).unwrap();
        assert!(folder.path().join("robustness-plain.json").is_file());
    }
}
