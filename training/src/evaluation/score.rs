//! Scores of one system over all excerpts.

use idm_engine::drum::{Drum, GROUP_COUNT, Group};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    metrics::{level_at_silence_db, log_spectral_distance_db, sdr_db, si_sdr_db},
    onsets::{self, Confusion, OnsetScore},
    stft::Stft,
    systems::Estimate,
};
use crate::render::Piece;

/// Tolerances of onset scores.
pub const TOLERANCES_S: [f64; 2] = [0.05, 0.03];

/// Mean scores of a class or group; `None` where it never applies.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
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
}

/// Everything measured of one system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemScore {
    /// Row of the table.
    pub name: String,
    /// Per group, in the frozen order.
    pub groups: Vec<Separation>,
    /// Per class, in the frozen order.
    pub classes: Vec<Separation>,
    /// Hits per tolerance, per group and at last of all groups pooled; empty
    /// for systems that do not transcribe.
    pub group_onsets: Vec<Vec<OnsetScore>>,
    /// Hits per tolerance, per class.
    pub class_onsets: Vec<Vec<OnsetScore>>,
    /// Played against detected within the first tolerance.
    pub confusion: Option<Confusion>,
}

impl SystemScore {
    /// Mean SI-SDR over the groups.
    pub fn macro_si_sdr_db(&self) -> Option<f64> {
        mean(self.groups.iter().filter_map(|group| group.si_sdr_db))
    }

    /// Mean level at silence over the groups.
    pub fn macro_silent_db(&self) -> Option<f64> {
        mean(self.groups.iter().filter_map(|group| group.silent_db))
    }

    /// Onset F of all groups pooled, within the first tolerance.
    pub fn pooled_f(&self) -> Option<f64> {
        self.group_onsets.first()?.last().map(OnsetScore::f_measure)
    }
}

/// Mean of `values`, `None` if there are none.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// Scores `estimates` (one per piece) of the system called `name`.
pub fn score(name: &str, pieces: &[Piece], estimates: &[Estimate]) -> SystemScore {
    let group_of = |group: Group| move |drum: Drum| drum.group() == group;
    let groups: Vec<Separation> = Group::ALL
        .into_par_iter()
        .map(|group| separation(pieces, estimates, group_of(group)))
        .collect();
    let classes: Vec<Separation> = Drum::ALL
        .into_par_iter()
        .map(|class| separation(pieces, estimates, move |drum| drum == class))
        .collect();
    let transcribes = estimates.iter().all(|estimate| estimate.hits.is_some());
    let (mut group_onsets, mut class_onsets, mut confusion) = (Vec::new(), Vec::new(), None);
    if transcribes {
        for tolerance_s in TOLERANCES_S {
            let mut groups: Vec<OnsetScore> = Group::ALL
                .iter()
                .map(|&group| onset_score(pieces, estimates, tolerance_s, group_of(group)))
                .collect();
            let mut pooled = OnsetScore::default();
            groups.iter().for_each(|group| pooled.add(group));
            groups.push(pooled);
            debug_assert_eq!(groups.len(), GROUP_COUNT + 1);
            group_onsets.push(groups);
            let classes = Drum::ALL.iter().map(|&class| {
                onset_score(pieces, estimates, tolerance_s, move |drum| drum == class)
            });
            class_onsets.push(classes.collect());
        }
        let mut matrix = Confusion::default();
        for (piece, estimate) in pieces.iter().zip(estimates) {
            let hits = estimate.hits.as_deref().unwrap_or_default();
            onsets::confuse(&mut matrix, &piece.hits, hits, TOLERANCES_S[0]);
        }
        confusion = Some(matrix);
    }
    SystemScore {
        name: name.to_owned(),
        groups,
        classes,
        group_onsets,
        class_onsets,
        confusion,
    }
}

fn onset_score(
    pieces: &[Piece],
    estimates: &[Estimate],
    tolerance_s: f64,
    belongs: impl Fn(Drum) -> bool + Copy,
) -> OnsetScore {
    let mut sum = OnsetScore::default();
    for (piece, estimate) in pieces.iter().zip(estimates) {
        let hits = estimate.hits.as_deref().unwrap_or_default();
        sum.add(&onsets::score(&piece.hits, hits, tolerance_s, belongs));
    }
    sum
}

fn separation(
    pieces: &[Piece],
    estimates: &[Estimate],
    belongs: impl Fn(Drum) -> bool,
) -> Separation {
    let mut stft = Stft::new(1024, 256);
    let (mut si_sdr, mut sdr, mut lsd, mut silent) = (vec![], vec![], vec![], vec![]);
    for (piece, estimate) in pieces.iter().zip(estimates) {
        let Some(estimated) = sum_of(&estimate.stems, &belongs) else {
            continue;
        };
        let reference = sum_of(&piece.stems, &belongs).unwrap_or_default();
        if !piece.hits.iter().any(|hit| belongs(hit.drum)) {
            silent.push(level_at_silence_db(&estimated, &piece.mix));
            continue;
        }
        si_sdr.extend(si_sdr_db(&reference, &estimated));
        sdr.extend(sdr_db(&reference, &estimated));
        lsd.extend(log_spectral_distance_db(&mut stft, &reference, &estimated));
    }
    Separation {
        si_sdr_db: mean(si_sdr.into_iter()),
        sdr_db: mean(sdr.into_iter()),
        lsd_db: mean(lsd.into_iter()),
        silent_db: mean(silent.into_iter()),
    }
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
