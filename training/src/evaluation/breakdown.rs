//! One system's scores per kit and per style.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    material::Excerpt,
    report::{header, row},
    score::score,
    systems::Estimate,
};

/// Scores of the excerpts that share a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The kit or style.
    pub label: String,
    /// Number of excerpts.
    pub excerpts: usize,
    /// Mean SI-SDR over the groups.
    pub si_sdr_db: Option<f64>,
    /// Mean log-spectral distance over the groups.
    pub lsd_db: Option<f64>,
    /// Mean level over the groups where they are not played.
    pub silent_db: Option<f64>,
    /// Onset F of all groups pooled, strict, within 50 ms.
    pub onset_f: Option<f64>,
}

/// Scores of one system, taken apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// The system.
    pub system: String,
    /// In the order of the names.
    pub kits: Vec<Part>,
    /// In the order of the names.
    pub styles: Vec<Part>,
}

impl Breakdown {
    /// Scores `estimates` of `system` by the labels of `excerpts`. Allocates.
    pub fn new(system: &str, excerpts: &[Excerpt], estimates: &[Estimate]) -> Breakdown {
        let by = |label: &dyn Fn(&Excerpt) -> &str| {
            let mut parts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (index, excerpt) in excerpts.iter().enumerate() {
                parts.entry(label(excerpt)).or_default().push(index);
            }
            parts
                .into_iter()
                .map(|(label, members)| {
                    let pieces: Vec<_> = members.iter().map(|&n| &excerpts[n].piece).collect();
                    let estimates: Vec<_> = members.iter().map(|&n| &estimates[n]).collect();
                    let score = score(system, &pieces, &estimates);
                    Part {
                        label: label.to_owned(),
                        excerpts: members.len(),
                        si_sdr_db: score.macro_si_sdr_db(),
                        lsd_db: score.macro_lsd_db(),
                        silent_db: score.macro_silent_db(),
                        onset_f: score.pooled_f(),
                    }
                })
                .collect()
        };
        Breakdown {
            system: system.to_owned(),
            kits: by(&|excerpt| &excerpt.labels.kit),
            styles: by(&|excerpt| &excerpt.labels.style),
        }
    }

    /// Appends both tables in Markdown to `text`.
    pub fn tables(&self, text: &mut String) {
        for (what, parts) in [("kit", &self.kits), ("style", &self.styles)] {
            let columns = ["excerpts", "SI-SDR, dB", "LSD, dB", "silent, dB", "onset F"];
            header(text, &format!("{}, per {what}", self.system), &columns, &[]);
            for part in parts {
                let number = |value: Option<f64>, digits: usize| {
                    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
                };
                let cells = [
                    part.excerpts.to_string(),
                    number(part.si_sdr_db, 1),
                    number(part.lsd_db, 1),
                    number(part.silent_db, 1),
                    number(part.onset_f, 2),
                ];
                row(text, &part.label, cells.into_iter());
            }
            text.push('\n');
        }
    }
}
