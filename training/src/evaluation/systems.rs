//! The systems in the table, from the mixture itself to the ideal mask.

use idm_engine::{
    drum::DRUM_COUNT,
    transcriber::{HitEvidence, Verdict},
};

use super::{
    material::frames_of,
    nmfd::{Analysis, Nmfd, Template},
    stft::Stft,
};
use crate::render::{Hit, Piece};

/// What a system makes of a piece's mixture.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// One signal per class, or none for systems that only transcribe.
    pub stems: Vec<Vec<f32>>,
    /// What was detected, for systems that transcribe.
    pub detections: Option<Vec<Detection>>,
}

/// Something that may be a hit.
#[derive(Debug, Clone, Copy)]
pub struct Detection {
    /// The hit, if it is one.
    pub hit: Hit,
    /// How sure the system is, 0 to 1.
    pub confidence: f32,
    /// Of our engine: the network's probability and the evidence beside it.
    pub evidence: Option<(f32, HitEvidence)>,
    /// Whether it counts.
    pub verdict: Verdict,
}

/// Which detections count as hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatingPoint {
    /// The accepted: notes and lights.
    Strict,
    /// All that separation reckons with.
    Recall,
}

impl Estimate {
    /// The hits at `point`, for systems that transcribe. Allocates.
    pub fn hits(&self, point: OperatingPoint) -> Option<Vec<Hit>> {
        let counts = |detection: &&Detection| match detection.verdict {
            Verdict::Accepted => true,
            Verdict::BelowThreshold => point == OperatingPoint::Recall,
            Verdict::TooSoon | Verdict::Disabled | Verdict::Removed => false,
        };
        let detections = self.detections.as_ref()?.iter();
        Some(detections.filter(counts).map(|found| found.hit).collect())
    }
}

/// The mixture as the estimate of every class: what doing nothing scores.
pub fn mixture(piece: &Piece) -> Estimate {
    Estimate {
        stems: vec![piece.mix.clone(); DRUM_COUNT],
        detections: None,
    }
}

/// Masks from the true stems' power: the ceiling of masks on the mixture's
/// phase.
pub fn ideal_mask(piece: &Piece) -> Estimate {
    let mut stft = Stft::new(1024, 256);
    let powers: Vec<Vec<f32>> = piece
        .stems
        .iter()
        .map(|stem| stft.analyse(stem).power())
        .collect();
    let mixture = stft.analyse(&piece.mix);
    let mut sum = vec![1e-20_f32; mixture.values.len()];
    for power in &powers {
        for (sum, power) in sum.iter_mut().zip(power) {
            *sum += power;
        }
    }
    let stems = powers[..DRUM_COUNT]
        .iter()
        .map(|power| {
            let mask = power.iter().zip(&sum).map(|(power, sum)| power / sum);
            stft.synthesise(&mixture.masked(mask))
        })
        .collect();
    Estimate {
        stems,
        detections: None,
    }
}

/// Blind factorisation of the whole excerpt; templates begin at `templates` and
/// adapt.
pub fn blind_nmfd(piece: &Piece, templates: &[Template]) -> Estimate {
    factorise(piece, templates, None, true)
}

/// The true hits and unchanged `templates`: only the gains are fitted.
pub fn oracle_onsets(piece: &Piece, templates: &[Template]) -> Estimate {
    let mut onsets = vec![Vec::new(); DRUM_COUNT];
    for hit in &piece.hits {
        for channel in 0..piece.channels {
            let sample = channel * piece.length() + hit.sample;
            onsets[hit.drum.index()].extend(frames_of(sample));
        }
    }
    factorise(piece, templates, Some(&onsets), false)
}

fn factorise(
    piece: &Piece,
    templates: &[Template],
    onsets: Option<&[Vec<usize>]>,
    adapt: bool,
) -> Estimate {
    let mut analysis = Analysis::new();
    let (mixture, magnitudes) = analysis.analyse(&piece.mix);
    let models = Nmfd::new(magnitudes, templates, onsets, adapt).run();
    Estimate {
        stems: analysis.separate(&mixture, &models),
        detections: None,
    }
}
