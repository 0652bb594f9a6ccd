//! One system's scores per kit and per style.

use std::{collections::BTreeMap, ops::Range};

use idm_engine::drum::Group;
use serde::Serialize;

use super::{
    material::Excerpt,
    onsets::{self, OnsetScore},
    report::{header, row},
    score::{GROUP_MERGE_S, TOLERANCES_S, score},
    systems::{Estimate, OperatingPoint},
};
use crate::{console::figure, kits::SAMPLE_RATE_HZ, render::Hit};

/// Ends of the parts of an excerpt, in seconds, whose hits are scored apart: how a
/// system does once it has listened for a while.
const LISTENED_S: [f64; 4] = [10.0, 30.0, 60.0, 120.0];

/// Scores of the excerpts that share a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// The kit, kind or style.
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
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Breakdown {
    /// The system.
    pub system: String,
    /// In the order of the names.
    pub kits: Vec<Part>,
    /// Acoustic, electronic, procedural, in the order of the names.
    pub kinds: Vec<Part>,
    /// In the order of the names.
    pub styles: Vec<Part>,
    /// Recordings of the user's own, in the order of the names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<Part>,
    /// By the seconds listened before; empty if excerpts are short.
    pub times: Vec<Listened>,
}

/// Hits in one part of all excerpts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listened {
    /// Seconds from the start of the excerpts.
    pub seconds: Range<f64>,
    /// Strict, all groups pooled, within 50 ms.
    pub hits: OnsetScore,
}

/// Hits of all groups by the time listened before. Allocates.
fn by_time(excerpts: &[Excerpt], estimates: &[Estimate]) -> Vec<Listened> {
    let longest = excerpts.iter().map(|excerpt| excerpt.piece.length()).max();
    let longest_s = longest.unwrap_or(0) as f64 / SAMPLE_RATE_HZ;
    let starts = std::iter::once(0.0).chain(LISTENED_S);
    let parts = starts.zip(LISTENED_S).filter(|part| part.0 < longest_s);
    let listened = |(start, end): (f64, f64)| {
        let seconds = start..end;
        let inside = |hits: &[Hit]| -> Vec<Hit> {
            let during = |hit: &&Hit| seconds.contains(&(hit.sample as f64 / SAMPLE_RATE_HZ));
            hits.iter().filter(during).copied().collect()
        };
        let mut sum = OnsetScore::default();
        for (excerpt, estimate) in excerpts.iter().zip(estimates) {
            let Some(detected) = estimate.hits(OperatingPoint::Strict) else {
                continue;
            };
            let (played, detected) = (inside(&excerpt.piece.hits), inside(&detected));
            for group in Group::ALL {
                let times = |hits| onsets::times(hits, GROUP_MERGE_S, |drum| drum.group() == group);
                let (played, detected) = (times(&played), times(&detected));
                sum.add(&onsets::score(&played, &detected, TOLERANCES_S[0]));
            }
        }
        Listened { seconds, hits: sum }
    };
    let parts: Vec<Listened> = parts.map(listened).collect();
    if parts.len() > 1 { parts } else { Vec::new() }
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
            kinds: by(&|excerpt| &excerpt.labels.kind),
            styles: by(&|excerpt| &excerpt.labels.style),
            recordings: Vec::new(),
            times: by_time(excerpts, estimates),
        }
    }

    /// Appends the tables in Markdown to `text`.
    pub fn tables(&self, text: &mut String) {
        let tables = [
            ("kit", &self.kits),
            ("kind of kit", &self.kinds),
            ("style", &self.styles),
            ("recording", &self.recordings),
        ];
        for (what, parts) in tables.into_iter().filter(|(_, parts)| !parts.is_empty()) {
            let columns = ["excerpts", "SI-SDR, dB", "LSD, dB", "silent, dB", "onset F"];
            header(text, &format!("{}, per {what}", self.system), &columns, &[]);
            for part in parts {
                let cells = [
                    part.excerpts.to_string(),
                    figure(part.si_sdr_db, 1),
                    figure(part.lsd_db, 1),
                    figure(part.silent_db, 1),
                    figure(part.onset_f, 2),
                ];
                row(text, &part.label, cells.into_iter());
            }
            text.push('\n');
        }
        if self.times.is_empty() {
            return;
        }
        let columns = ["P", "R", "F", "error, ms"];
        let what = format!("{}, per time listened", self.system);
        header(text, &what, &columns, &[]);
        for Listened { seconds, hits } in &self.times {
            let cells = [
                figure(hits.precision(), 2),
                figure(hits.recall(), 2),
                figure(hits.f_measure(), 2),
                format!("{:.1}", hits.mean_error_ms()),
            ];
            let label = format!("{} to {} s", seconds.start, seconds.end);
            row(text, &label, cells.into_iter());
        }
        text.push('\n');
    }
}
