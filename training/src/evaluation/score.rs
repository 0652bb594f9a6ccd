//! Scores of one system over all excerpts.

use idm_engine::drum::{Drum, GROUP_COUNT, Group};
use rayon::prelude::*;
use serde::Serialize;

use super::{
    intervals::{Intervals, Observed},
    metrics::{level_at_silence_db, log_spectral_distance_db, pre_echo_db, sdr_db, si_sdr_db},
    onsets::{self, Confusion, OnsetScore},
    stft::Stft,
    systems::{Estimate, OperatingPoint},
    velocities::{self, VelocityScore},
};
use crate::render::{Hit, Piece};

/// Tolerances of onset scores.
pub const TOLERANCES_S: [f64; 2] = [0.05, 0.03];
/// Hits of one group closer than this are one hit of the group: a crash that is
/// taken for crash and ride at once is no extra cymbal.
pub(super) const GROUP_MERGE_S: f64 = 0.03;

/// Mean scores of a class or group; `None` where it never applies.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Separation {
    /// Mean over the excerpts in which the drum is played.
    pub si_sdr_db: Option<f64>,
    /// The same, not scale-invariant.
    pub sdr_db: Option<f64>,
    /// Mean log-spectral distance over these excerpts.
    pub lsd_db: Option<f64>,
    /// Mean level in the excerpts in which the drum is not played, relative to
    /// the mixture.
    pub silent_db: Option<f64>,
    /// Mean level just before hits out of silence, relative to the hit.
    pub pre_echo_db: Option<f64>,
}

/// Everything measured of one system.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SystemScore {
    /// Row of the table.
    pub name: String,
    /// Per group, in the frozen order.
    pub groups: Vec<Separation>,
    /// Per class, in the frozen order.
    pub classes: Vec<Separation>,
    /// For systems that transcribe.
    pub transcription: Option<Transcription>,
    /// How far figures are a matter of which excerpts were drawn, for systems that transcribe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
}

/// How well hits were found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transcription {
    /// The accepted hits.
    pub strict: PointScore,
    /// All hits that separation reckons with.
    pub recall: PointScore,
    /// Played against accepted within the first tolerance.
    pub confusion: Confusion,
    /// Per class, of the accepted hits found within the first tolerance.
    pub velocities: Vec<VelocityScore>,
}

/// Onset scores at one operating point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointScore {
    /// Per tolerance: per group, at last all groups pooled. Hits of one group
    /// less than 30 ms apart are one.
    pub groups: Vec<Vec<OnsetScore>>,
    /// Per tolerance: per class.
    pub classes: Vec<Vec<OnsetScore>>,
}

impl Separation {
    /// The means of `separations`, each of one excerpt.
    fn joined(separations: &[&Separation]) -> Separation {
        type Value = fn(&Separation) -> Option<f64>;
        let of = |value: Value| mean(separations.iter().filter_map(|one| value(one)));
        Separation {
            si_sdr_db: of(|one| one.si_sdr_db),
            sdr_db: of(|one| one.sdr_db),
            lsd_db: of(|one| one.lsd_db),
            silent_db: of(|one| one.silent_db),
            pre_echo_db: of(|one| one.pre_echo_db),
        }
    }
}

impl PointScore {
    fn add(&mut self, other: &PointScore) {
        let sums = self.groups.iter_mut().chain(&mut self.classes);
        let others = other.groups.iter().chain(&other.classes);
        for (sums, others) in sums.zip(others) {
            for (sum, other) in sums.iter_mut().zip(others) {
                sum.add(other);
            }
        }
    }
}

impl Transcription {
    fn add(&mut self, other: &Transcription) {
        self.strict.add(&other.strict);
        self.recall.add(&other.recall);
        let counts = self.confusion.iter_mut().flatten();
        for (sum, count) in counts.zip(other.confusion.iter().flatten()) {
            *sum += count;
        }
        for (sum, score) in self.velocities.iter_mut().zip(&other.velocities) {
            sum.add(score);
        }
    }
}

impl SystemScore {
    /// The score of all excerpts from the scores of each; there must be one. Allocates.
    pub fn joined(scores: &[&SystemScore]) -> SystemScore {
        let separations = |of: fn(&SystemScore) -> &Vec<Separation>| {
            let places = 0..of(scores[0]).len();
            let joined = places.map(|place| {
                let one: Vec<&Separation> = scores.iter().map(|score| &of(score)[place]).collect();
                Separation::joined(&one)
            });
            joined.collect()
        };
        let mut transcription = scores[0].transcription.clone();
        for score in &scores[1..] {
            if let (Some(sum), Some(other)) = (&mut transcription, &score.transcription) {
                sum.add(other);
            }
        }
        let observed: Option<Vec<Observed>> = scores.iter().map(|score| score.observed()).collect();
        SystemScore {
            name: scores[0].name.clone(),
            groups: separations(|score| &score.groups),
            classes: separations(|score| &score.classes),
            transcription,
            intervals: observed.map(|observed| Intervals::new(&observed)),
        }
    }

    /// What the score, if it is of one excerpt, says of others.
    fn observed(&self) -> Option<Observed> {
        let strict = &self.transcription.as_ref()?.strict;
        Some(Observed {
            hits: strict.classes.first()?.clone(),
            si_sdr_db: self.groups.iter().map(|group| group.si_sdr_db).collect(),
        })
    }

    /// Mean SI-SDR over the groups.
    pub fn macro_si_sdr_db(&self) -> Option<f64> {
        mean(self.groups.iter().filter_map(|group| group.si_sdr_db))
    }

    /// Mean level at silence over the groups.
    pub fn macro_silent_db(&self) -> Option<f64> {
        mean(self.groups.iter().filter_map(|group| group.silent_db))
    }

    /// Mean log-spectral distance over the groups.
    pub fn macro_lsd_db(&self) -> Option<f64> {
        mean(self.groups.iter().filter_map(|group| group.lsd_db))
    }

    /// Recall of the candidates of all groups pooled within the first
    /// tolerance: what separation can reckon with.
    pub fn pooled_candidate_recall(&self) -> Option<f64> {
        let groups = self.transcription.as_ref()?.recall.groups.first()?;
        groups.last().and_then(OnsetScore::recall)
    }

    /// Error of velocities apart from each drum's scale, all classes pooled, of 127.
    pub fn velocity_error_apart(&self) -> Option<f64> {
        let mut all = VelocityScore::default();
        let scores = self.transcription.as_ref()?.velocities.iter();
        scores.for_each(|score| all.add(score));
        all.error_apart()
    }

    /// Onset F of all groups pooled, strict, within the first tolerance.
    pub fn pooled_f(&self) -> Option<f64> {
        let groups = self.transcription.as_ref()?.strict.groups.first()?;
        groups.last().and_then(OnsetScore::f_measure)
    }
}

/// Mean of `values`, `None` if there are none.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// Scores `estimates` (one per piece) of the system called `name`.
pub fn score(name: &str, pieces: &[&Piece], estimates: &[&Estimate]) -> SystemScore {
    let group_of = |group: Group| move |drum: Drum| drum.group() == group;
    let (groups, si_sdr_db): (Vec<Separation>, Vec<Vec<Option<f64>>>) = Group::ALL
        .into_par_iter()
        .map(|group| separation(pieces, estimates, group_of(group)))
        .unzip();
    let classes: Vec<Separation> = Drum::ALL
        .into_par_iter()
        .map(|class| separation(pieces, estimates, move |drum| drum == class).0)
        .collect();
    SystemScore {
        name: name.to_owned(),
        groups,
        classes,
        transcription: transcription(pieces, estimates),
        intervals: intervals(pieces, estimates, &si_sdr_db),
    }
}

/// Intervals of a system that transcribes, `si_sdr_db` by group and piece.
fn intervals(
    pieces: &[&Piece],
    estimates: &[&Estimate],
    si_sdr_db: &[Vec<Option<f64>>],
) -> Option<Intervals> {
    let observed: Option<Vec<Observed>> = pieces
        .iter()
        .zip(estimates)
        .enumerate()
        .map(|(place, (piece, estimate))| {
            let detected = estimate.hits(OperatingPoint::Strict)?;
            Some(Observed {
                hits: Drum::ALL
                    .map(|class| class_score(&piece.hits, &detected, class))
                    .to_vec(),
                si_sdr_db: si_sdr_db.iter().map(|pieces| pieces[place]).collect(),
            })
        })
        .collect();
    observed.map(|observed| Intervals::new(&observed))
}

/// Hits of `class` within the first tolerance.
fn class_score(played: &[Hit], detected: &[Hit], class: Drum) -> OnsetScore {
    let times = |hits: &[Hit]| onsets::times(hits, 0.0, |drum| drum == class);
    onsets::score(&times(played), &times(detected), TOLERANCES_S[0])
}

fn transcription(pieces: &[&Piece], estimates: &[&Estimate]) -> Option<Transcription> {
    let detected = |point| -> Option<Vec<Vec<Hit>>> {
        let estimates = estimates.iter();
        estimates.map(|estimate| estimate.hits(point)).collect()
    };
    let strict = detected(OperatingPoint::Strict)?;
    let recall = detected(OperatingPoint::Recall)?;
    let mut confusion = Confusion::default();
    let mut velocities = vec![VelocityScore::default(); Drum::ALL.len()];
    for (piece, hits) in pieces.iter().zip(&strict) {
        onsets::confuse(&mut confusion, &piece.hits, hits, TOLERANCES_S[0]);
        let of_piece = velocities::score(&piece.hits, hits, TOLERANCES_S[0]);
        for (sum, score) in velocities.iter_mut().zip(&of_piece) {
            sum.add(score);
        }
    }
    Some(Transcription {
        strict: point_score(pieces, &strict),
        recall: point_score(pieces, &recall),
        confusion,
        velocities,
    })
}

fn point_score(pieces: &[&Piece], detected: &[Vec<Hit>]) -> PointScore {
    let sum = |tolerance_s, merge_s, belongs: &dyn Fn(Drum) -> bool| {
        let mut sum = OnsetScore::default();
        for (piece, hits) in pieces.iter().zip(detected) {
            let (played, detected) = (
                onsets::times(&piece.hits, merge_s, belongs),
                onsets::times(hits, merge_s, belongs),
            );
            sum.add(&onsets::score(&played, &detected, tolerance_s));
        }
        sum
    };
    let groups_within = |tolerance_s| {
        let mut groups: Vec<OnsetScore> = Group::ALL
            .iter()
            .map(|&group| sum(tolerance_s, GROUP_MERGE_S, &|drum| drum.group() == group))
            .collect();
        let mut pooled = OnsetScore::default();
        groups.iter().for_each(|group| pooled.add(group));
        groups.push(pooled);
        debug_assert_eq!(groups.len(), GROUP_COUNT + 1);
        groups
    };
    let classes_within = |tolerance_s| {
        let classes = Drum::ALL.iter();
        classes
            .map(|&class| sum(tolerance_s, 0.0, &|drum| drum == class))
            .collect()
    };
    PointScore {
        groups: TOLERANCES_S.map(groups_within).to_vec(),
        classes: TOLERANCES_S.map(classes_within).to_vec(),
    }
}

/// The means over all pieces, and the SI-SDR of each.
fn separation(
    pieces: &[&Piece],
    estimates: &[&Estimate],
    belongs: impl Fn(Drum) -> bool,
) -> (Separation, Vec<Option<f64>>) {
    let mut stft = Stft::new(1024, 256);
    let (mut si_sdr, mut sdr, mut lsd, mut silent) = (vec![], vec![], vec![], vec![]);
    let mut pre_echo = vec![];
    for (piece, estimate) in pieces.iter().zip(estimates) {
        let Some(estimated) = sum_of(&estimate.stems, &belongs) else {
            si_sdr.push(None);
            continue;
        };
        let reference = sum_of(&piece.stems, &belongs).unwrap_or_default();
        if !piece.hits.iter().any(|hit| belongs(hit.drum)) {
            silent.push(level_at_silence_db(&estimated, &piece.mix));
            si_sdr.push(None);
            continue;
        }
        si_sdr.push(si_sdr_db(&reference, &estimated));
        sdr.extend(sdr_db(&reference, &estimated));
        let hits = piece.hits.iter().filter(|hit| belongs(hit.drum));
        let onsets: Vec<usize> = hits.map(|hit| hit.sample).collect();
        pre_echo.extend(pre_echo_db(&reference, &estimated, &onsets));
        lsd.extend(log_spectral_distance_db(&mut stft, &reference, &estimated));
    }
    let means = Separation {
        si_sdr_db: mean(si_sdr.iter().flatten().copied()),
        sdr_db: mean(sdr.into_iter()),
        lsd_db: mean(lsd.into_iter()),
        silent_db: mean(silent.into_iter()),
        pre_echo_db: mean(pre_echo.into_iter()),
    };
    (means, si_sdr)
}

/// Sum of the classes' signals that `belongs` accepts. For the mixture as
/// estimate every class is the mixture, and so must its groups be: identical
/// signals count once.
fn sum_of(stems: &[Vec<f32>], belongs: impl Fn(Drum) -> bool) -> Option<Vec<f32>> {
    let mut chosen = Drum::ALL
        .into_iter()
        .filter(|drum| belongs(*drum))
        .filter_map(|drum| stems.get(drum.index()));
    let first = chosen.next()?;
    let mut sum = first.clone();
    for stem in chosen.filter(|stem| *stem != first) {
        for (sum, sample) in sum.iter_mut().zip(stem) {
            *sum += sample;
        }
    }
    Some(sum)
}
