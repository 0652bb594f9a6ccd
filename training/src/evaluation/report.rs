//! Tables for people, JSON for programs, a picture of the confusions.

use std::{fmt::Write, path::Path};

use anyhow::{Context, Result};
use idm_engine::drum::{Drum, Group};
use serde::Serialize;

use super::{
    breakdown::Breakdown,
    diagnosis::Diagnosis,
    intervals::{Interval, Intervals},
    onsets::OnsetScore,
    picture::draw_confusion,
    score::{PointScore, Separation, SystemScore, TOLERANCES_S, Transcription},
    velocities::VelocityScore,
};
use crate::console::figure;

/// A whole evaluation.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Report {
    /// What was evaluated on.
    pub material: String,
    /// One score per row of the table.
    pub systems: Vec<SystemScore>,
    /// Where the engine's hits differ from its network's, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// The engine's scores per kit and style.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Breakdown>,
}

fn onset_cell(score: &OnsetScore) -> String {
    [score.precision(), score.recall(), score.f_measure()]
        .map(|value| figure(value, 2))
        .join(" / ")
}

fn decibels(value: Option<f64>) -> String {
    figure(value, 1)
}

/// `value`, and the interval that it may lie in.
fn with_ends(value: Option<f64>, ends: Option<Interval>, digits: usize) -> String {
    let value = figure(value, digits);
    match ends {
        Some([low, high]) => format!("{value} / {low:.digits$} to {high:.digits$}"),
        None => format!("{value} / –"),
    }
}

impl Report {
    /// All tables, in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("Evaluated on {}.\n\n", self.material);
        let group_names: Vec<&str> = Group::ALL.iter().map(|group| group.name()).collect();
        let class_names: Vec<&str> = Drum::ALL.iter().map(|drum| drum.name()).collect();
        self.separation_tables(&mut text, &group_names, |system| &system.groups);
        self.separation_tables(&mut text, &class_names, |system| &system.classes);
        self.onset_tables(&mut text, &group_names, &class_names);
        if let Some(diagnosis) = &self.diagnosis {
            diagnosis.table(&mut text);
        }
        if let Some(breakdown) = &self.breakdown {
            breakdown.tables(&mut text);
        }
        text
    }

    fn separation_tables(
        &self,
        text: &mut String,
        names: &[&str],
        scores: impl Fn(&SystemScore) -> &Vec<Separation>,
    ) {
        type Value = fn(&Separation) -> Option<f64>;
        let tables: [(&str, Value); 5] = [
            ("SI-SDR, dB", |s| s.si_sdr_db),
            ("SDR, dB", |s| s.sdr_db),
            ("Log-spectral distance, dB", |s| s.lsd_db),
            ("Level where the drum is not played, dB", |s| s.silent_db),
            ("Level in the 10 ms before hits out of silence, dB", |s| {
                s.pre_echo_db
            }),
        ];
        let is_measured = |value: Value| {
            let mut systems = self.systems.iter();
            systems.any(|system| scores(system).iter().any(|s| value(s).is_some()))
        };
        // Nothing of it can be told without stems.
        for (title, value) in tables.into_iter().filter(|(_, value)| is_measured(*value)) {
            header(text, title, names, &["mean"]);
            for system in &self.systems {
                let values: Vec<Option<f64>> = scores(system).iter().map(value).collect();
                let mean = super::score::mean(values.iter().flatten().copied());
                let cells = values.into_iter().chain([mean]).map(decibels);
                row(text, &system.name, cells);
            }
            text.push('\n');
        }
    }

    fn onset_tables(&self, text: &mut String, groups: &[&str], classes: &[&str]) {
        type Point = fn(&Transcription) -> &PointScore;
        let points: [(&str, Point); 2] = [
            ("Notes", |scores| &scores.strict),
            ("Candidates", |scores| &scores.recall),
        ];
        let rows: Vec<(&str, &Transcription)> = self
            .systems
            .iter()
            .filter_map(|system| Some((system.name.as_str(), system.transcription.as_ref()?)))
            .collect();
        if rows.is_empty() {
            return;
        }
        for (what, point) in points {
            for (index, tolerance_s) in TOLERANCES_S.iter().enumerate() {
                let title = format!("{what} within {:.0} ms: P / R / F", 1e3 * tolerance_s);
                header(
                    text,
                    &title,
                    groups,
                    &["pooled", "error, ms", "lateness, ms", "kick, snare, hats"],
                );
                for (name, transcription) in &rows {
                    let scores = &point(transcription).groups[index];
                    let times = scores.last().map_or([0.0; 2], |pooled| {
                        [pooled.mean_error_ms(), pooled.mean_lateness_ms()]
                    });
                    let times = times.map(|time_ms| format!("{time_ms:.1}"));
                    let mut three = OnsetScore::default();
                    for group in [Group::Kick, Group::Snare, Group::HiHat] {
                        three.add(&scores[group.index()]);
                    }
                    let cells = scores.iter().map(onset_cell).chain(times);
                    row(text, name, cells.chain([onset_cell(&three)]));
                }
                text.push('\n');
                header(text, &title, classes, &["mean F"]);
                for (name, transcription) in &rows {
                    let scores = &point(transcription).classes[index];
                    let mean = super::score::mean(scores.iter().filter_map(OnsetScore::f_measure));
                    let cells = scores.iter().map(onset_cell);
                    row(text, name, cells.chain([figure(mean, 2)]));
                }
                text.push('\n');
            }
        }
        velocity_table(text, &rows);
        self.interval_tables(text, groups, classes);
    }

    /// How many hits the classes have, and how far F and SI-SDR are a matter of chance.
    fn interval_tables(&self, text: &mut String, groups: &[&str], classes: &[&str]) {
        let rows = || {
            let systems = self.systems.iter();
            systems.filter_map(|system| Some((system, system.intervals.as_ref()?)))
        };
        header(
            text,
            "F per class: hits, F, 95 % interval",
            classes,
            &["mean F"],
        );
        for (system, intervals) in rows() {
            let strict = system.transcription.as_ref().map(|scores| &scores.strict);
            let classes = strict.and_then(|strict| strict.classes.first());
            let values: Vec<Option<f64>> = classes
                .into_iter()
                .flatten()
                .map(OnsetScore::f_measure)
                .collect();
            let mean = super::score::mean(values.iter().flatten().copied());
            let ends = intervals.class_f.iter();
            let cells = values.iter().zip(&intervals.class_hits).zip(ends);
            let cells = cells
                .map(|((value, hits), ends)| format!("{hits} / {}", with_ends(*value, *ends, 2)));
            row(
                text,
                &system.name,
                cells.chain([with_ends(mean, intervals.mean_f, 2)]),
            );
        }
        text.push('\n');
        let has_stems = |intervals: &Intervals| intervals.mean_si_sdr_db.is_some();
        if !rows().any(|(_, intervals)| has_stems(intervals)) {
            return;
        }
        header(
            text,
            "SI-SDR per group, dB: mean, 95 % interval",
            groups,
            &["mean"],
        );
        for (system, intervals) in rows().filter(|(_, intervals)| has_stems(intervals)) {
            let ends = intervals.group_si_sdr_db.iter();
            let cells = system.groups.iter().zip(ends);
            let cells = cells.map(|(group, ends)| with_ends(group.si_sdr_db, *ends, 1));
            let mean = with_ends(system.macro_si_sdr_db(), intervals.mean_si_sdr_db, 1);
            row(text, &system.name, cells.chain([mean]));
        }
        text.push('\n');
    }

    /// Writes `evaluation.md` and `evaluation.json` with all `reports` and, for
    /// every system that transcribes, a picture of its confusions.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_all(reports: &[Report], folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot be made", folder.display()))?;
        let write = |name: &str, content: String| {
            let path = folder.join(name);
            std::fs::write(&path, content)
                .with_context(|| format!("{}: cannot be written", path.display()))
        };
        let tables: Vec<String> = reports.iter().map(Report::markdown).collect();
        write("evaluation.md", tables.join("\n"))?;
        write("evaluation.json", serde_json::to_string_pretty(reports)?)?;
        for report in reports {
            let material = report.material.split(' ').next().unwrap_or_default();
            for system in &report.systems {
                if let Some(transcription) = &system.transcription {
                    let name = format!("{material} {}", system.name);
                    let file = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
                    let path = folder.join(format!("confusion-{file}.png"));
                    draw_confusion(&path, &name, &transcription.confusion)
                        .with_context(|| format!("{}: cannot be drawn", path.display()))?;
                }
            }
        }
        Ok(())
    }
}

fn velocity_table(text: &mut String, rows: &[(&str, &Transcription)]) {
    let names: Vec<&str> = Drum::ALL.iter().map(|drum| drum.name()).collect();
    let title = "Velocities of found hits: correlation with those played";
    let more = ["all", "error, of 127", "scale set right", "rise"];
    header(text, title, &names, &more);
    for (name, transcription) in rows {
        let mut all = VelocityScore::default();
        transcription
            .velocities
            .iter()
            .for_each(|score| all.add(score));
        let of_class = |class: usize| transcription.velocities.get(class).copied();
        let scores = (0..names.len()).map(|class| of_class(class).unwrap_or_default());
        let correlations = scores
            .chain([all])
            .map(|score| figure(score.correlation(), 2));
        let errors = [all.error(), all.error_apart(), all.rise()];
        row(
            text,
            name,
            correlations.chain(errors.map(|error| figure(error, 1))),
        );
    }
    text.push('\n');
}

pub(crate) fn header(text: &mut String, title: &str, names: &[&str], more: &[&str]) {
    let columns: Vec<&str> = names.iter().chain(more).copied().collect();
    let _ = writeln!(text, "| {title} | {} |", columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(columns.len()));
}

pub(crate) fn row(text: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Confusion;

    fn silence() -> PointScore {
        PointScore {
            groups: vec![vec![OnsetScore::default(); 6]; 2],
            classes: vec![vec![OnsetScore::default(); 9]; 2],
        }
    }

    fn report(si_sdr_db: f64) -> Report {
        let separation = Separation {
            si_sdr_db: Some(si_sdr_db),
            ..Separation::default()
        };
        Report {
            material: "a test".to_owned(),
            systems: vec![SystemScore {
                name: "ours, streaming".to_owned(),
                groups: vec![separation; 5],
                classes: vec![separation; 9],
                transcription: Some(Transcription {
                    strict: silence(),
                    recall: silence(),
                    confusion: Confusion::default(),
                    velocities: Vec::new(),
                }),
                intervals: Some(Intervals {
                    class_hits: vec![12; 9],
                    class_f: vec![Some([0.25, 0.75]); 9],
                    mean_f: Some([0.25, 0.75]),
                    group_si_sdr_db: vec![Some([1.0, 6.04]), None, None, None, None],
                    mean_si_sdr_db: Some([1.5, 5.5]),
                }),
            }],
            diagnosis: None,
            breakdown: None,
        }
    }

    #[test]
    fn files_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let report = report(3.25);
        Report::write_all(std::slice::from_ref(&report), folder.path()).unwrap();
        let json = std::fs::read_to_string(folder.path().join("evaluation.json")).unwrap();
        let written: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(written, serde_json::to_value([&report]).unwrap());
        assert!(
            report.markdown().contains("| ours, streaming | 3.2 |"),
            "{}",
            report.markdown()
        );
        for expected in [
            "| 12 / – / 0.25 to 0.75 |",
            "| 3.2 / 1.0 to 6.0 | 3.2 / – |",
            "| 3.2 / 1.5 to 5.5 |",
        ] {
            assert!(report.markdown().contains(expected), "{expected}");
        }
        let ends = &written[0]["systems"][0]["intervals"]["mean_f"];
        assert_eq!(*ends, serde_json::json!([0.25, 0.75]));
        let picture = std::fs::read(folder.path().join("confusion-a-ours--streaming.png")).unwrap();
        assert_eq!(&picture[1..4], b"PNG");
    }
}
