//! The held-out excerpts, and templates from the training side for baselines.

use std::path::Path;

use anyhow::{Result, ensure};
use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
};
use rayon::prelude::*;

use super::nmfd::{Analysis, HOP, TEMPLATE_FRAMES, Template};
use crate::{
    kits::{self, Kit, SAMPLE_RATE_HZ, Sample, Sound, Split},
    render::{Piece, RenderConfig, Renderer},
    synth,
};

/// Names the excerpts; changing it changes every figure.
const SEED: u64 = 0x1d3;
/// Strength of the random changes: milder than in training.
const WILDNESS: f32 = 0.4;
/// Procedural kits for templates where there are no sampled ones.
const TEMPLATE_KITS: u64 = 24;

/// Folders that may lie in the data folder: kits, kits for validation only,
/// grooves.
const KITS: [&str; 2] = ["drums", "drums_validation"];
const GROOVES: &str = "grooves";

/// Renders the held-out set: kits and grooves of the validation side in `data`,
/// mildly processed; without `data`, procedural kits that training never
/// draws. The same for the same arguments. Allocates; uses all threads.
///
/// # Errors
/// When `data` holds no kits or they cannot be loaded.
pub fn held_out(data: Option<&Path>, excerpts: usize, excerpt_s: f64) -> Result<Vec<Piece>> {
    let mut config = RenderConfig {
        split: Split::Valid,
        procedural_kits: 64,
        procedural_share: 1.0,
        groove_share: 0.8,
        layered_share: 0.0,
        wildness: WILDNESS,
        piece_s: excerpt_s,
        seed: SEED,
        ..RenderConfig::default()
    };
    if let Some(data) = data {
        config.kit_folders = KITS
            .iter()
            .map(|name| data.join(name))
            .filter(|path| path.is_dir())
            .collect();
        ensure!(
            !config.kit_folders.is_empty(),
            "{}: expected a folder with drums/ inside",
            data.display()
        );
        config.procedural_share = 0.0;
        let grooves = data.join(GROOVES);
        config.groove_folder = grooves.is_dir().then_some(grooves);
    }
    let renderer = Renderer::new(&config)?;
    Ok((0..excerpts as u64)
        .into_par_iter()
        .map(|index| renderer.piece(index))
        .collect())
}

/// One template per class: the mean over the training kits of `data` (else over
/// procedural ones) of the band magnitudes of a hit. Allocates.
///
/// # Errors
/// When the kits cannot be loaded.
pub fn generic_templates(data: Option<&Path>) -> Result<Vec<Template>> {
    let mut kits: Vec<Kit> = Vec::new();
    if let Some(data) = data {
        let drums = data.join(KITS[0]);
        if drums.is_dir() {
            kits = kits::load_folder(&drums)?;
            kits.retain(|kit| kit.split == Split::Train);
        }
    }
    let hits: Vec<Vec<Sample>> = Drum::ALL
        .into_par_iter()
        .map(|drum| {
            let sound = Sound::of_drum(drum);
            let loudest_of = |samples: &[Sample]| samples.last().cloned();
            let mut hits: Vec<Sample> = kits
                .iter()
                .filter_map(|kit| loudest_of(&kit.sounds[sound.index()]))
                .collect();
            if hits.is_empty() {
                hits = (0..TEMPLATE_KITS)
                    .filter_map(|seed| loudest_of(&synth::samples(seed, sound)))
                    .collect();
            }
            hits
        })
        .collect();
    debug_assert_eq!(hits.len(), DRUM_COUNT);
    Ok(hits.par_iter().map(|hits| mean_template(hits)).collect())
}

/// Mean magnitudes of hits that begin in the centre of frame 0, each of unit
/// energy.
fn mean_template(hits: &[Sample]) -> Template {
    let mut analysis = Analysis::new();
    let mut mean = vec![0.0; TEMPLATE_FRAMES * BAND_COUNT];
    for hit in hits {
        let onset = (hit.onset as usize).min(hit.audio.len());
        let mut signal = hit.audio[onset..].to_vec();
        signal.resize(HOP * TEMPLATE_FRAMES, 0.0);
        let (_, magnitudes) = analysis.analyse(&signal);
        let energy: f32 = magnitudes.iter().map(|m| m * m).sum();
        let scale = 1.0 / (energy.sqrt().max(1e-9) * hits.len() as f32);
        for (mean, value) in mean.iter_mut().zip(&magnitudes) {
            *mean += scale * value;
        }
    }
    Template(mean)
}

/// The two template frames nearest to a hit at `sample`.
pub fn frames_of(sample: usize) -> [usize; 2] {
    [sample / HOP, sample / HOP + 1]
}

/// Length of `piece` in seconds.
pub fn duration_s(piece: &Piece) -> f64 {
    piece.mix.len() as f64 / SAMPLE_RATE_HZ
}
