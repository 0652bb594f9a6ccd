//! What the network learns from: kits of the training side, each heard in a
//! mixture, with their one-shots.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use idm_engine::{
    controls::Quality,
    drum::{DRUM_COUNT, Drum},
    front_end::{FeatureFrame, Framing, FrontEnd, LevelFollower},
    model::Model,
};
use rayon::prelude::*;

use crate::{
    evaluation::{plain_excerpt, plain_kit},
    kits::{self, Kit, SAMPLE_RATE_HZ, Sound, Split},
    network::EMBEDDING,
    performance::{Groove, Pattern, generate, load_grooves},
    random::Random,
    synth,
};

/// Length of the mixtures of which the embedding is taken.
pub const HEARD_S: f64 = 12.0;

/// A kit as the transcriber describes it, and what it sounds like.
#[derive(Debug, Clone)]
pub struct KitExample {
    /// `[EMBEDDING]`.
    pub embedding: Vec<f32>,
    /// One sound per class from its onset on, mono, 44.1 kHz; empty where the
    /// kit has none.
    pub one_shots: [Vec<f32>; DRUM_COUNT],
}

/// How much is made, and of what.
#[derive(Debug, Clone, Copy)]
pub struct MaterialConfig {
    /// Mixtures; kits take turns.
    pub mixtures: usize,
    /// Kits of our own synthesiser beside the recorded ones.
    pub procedural_kits: u64,
    /// Names what is drawn.
    pub seed: u64,
    /// One-shots are cut here.
    pub samples: usize,
}

/// Mean embedding of the second half of the first [`HEARD_S`] seconds of `mix`
/// (mono, 44.1 kHz), as the choice of the bank is trained on: `[EMBEDDING]`.
/// Allocates.
///
/// # Errors
/// A mixture without two frames; a model with another embedding.
pub fn kit_embedding(model: &Model, mix: &[f32]) -> Result<Vec<f32>> {
    let framing = Framing::for_rate(SAMPLE_RATE_HZ)?;
    let (hop, long) = (framing.hop_samples, framing.long_window_samples);
    let mut front_end = FrontEnd::new(framing);
    let mut session = model.session(Quality::Standard);
    let mut features = FeatureFrame::default();
    let mut level = LevelFollower::new(hop as f64 / SAMPLE_RATE_HZ);
    let heard = &mix[..mix.len().min((HEARD_S * SAMPLE_RATE_HZ) as usize)];
    let frames = heard.len() / hop;
    let mut padded = vec![0.0; long - hop];
    padded.extend_from_slice(heard);
    let mut mean = vec![0.0; EMBEDDING];
    let counted = frames - frames / 2;
    ensure!(counted > 0, "expected a mixture, found {frames} frames");
    for frame in 0..frames {
        let samples = &padded[frame * hop..frame * hop + long];
        let gain = level.hear(&samples[long - hop..]);
        front_end.analyse_louder([samples, samples], gain, &mut features);
        session.step(&features.frame, &features.low);
        let embedding = session.embedding();
        ensure!(
            embedding.len() == EMBEDDING,
            "expected a model with an embedding of {EMBEDDING}, found {}",
            embedding.len()
        );
        if frame >= frames / 2 {
            for (mean, value) in mean.iter_mut().zip(embedding) {
                *mean += value / counted as f32;
            }
        }
    }
    Ok(mean)
}

/// `kit` with the drums that it lacks from others of `kits`.
fn completed(kit: &Kit, kits: &[Kit], random: &mut Random) -> Kit {
    let mut whole = kit.clone();
    for drum in Drum::ALL {
        let sound = Sound::of_drum(drum).index();
        if whole.sounds[sound].is_empty() {
            let lenders: Vec<&Kit> = kits
                .iter()
                .filter(|other| !other.sounds[sound].is_empty())
                .collect();
            if let Some(lender) = random.pick(&lenders) {
                whole.sounds[sound].clone_from(&lender.sounds[sound]);
            }
        }
    }
    whole
}

/// Human performances of the training side, or generated ones where there are
/// none.
fn grooves(data: Option<&Path>, seed: u64) -> Result<Vec<Groove>> {
    let folder = data.map(|data| data.join("grooves"));
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        let mut grooves = load_grooves(&folder)?;
        grooves.retain(|groove| groove.split == Split::Train);
        return Ok(grooves);
    }
    let patterns = Pattern::ALL.into_iter().enumerate();
    Ok(patterns
        .map(|(index, pattern)| Groove {
            name: format!("{index}_{pattern:?}_"),
            split: Split::Train,
            duration_s: HEARD_S,
            events: generate(
                pattern,
                HEARD_S,
                &mut Random::new(&[seed, index as u64, 0x6772_6f6f]),
            ),
        })
        .collect())
}

/// The training side of `data` (drums/ and grooves/) and procedural kits: every
/// kit in turn, completed from others, plays a human performance to `model`.
/// The same for the same arguments. Allocates; uses all threads of the pool,
/// for about half a minute per 100 mixtures.
///
/// # Errors
/// Kits or grooves that cannot be loaded; no kit at all.
pub fn kit_examples(
    data: Option<&Path>,
    model: &Model,
    config: MaterialConfig,
) -> Result<Vec<KitExample>> {
    let mut kits = Vec::new();
    if let Some(data) = data {
        let drums = data.join("drums");
        ensure!(
            drums.is_dir(),
            "{}: expected a folder with drums/ inside",
            data.display()
        );
        kits = kits::load_folder(&drums)?;
        kits.retain(|kit| kit.split == Split::Train);
    }
    kits.extend((0..config.procedural_kits).map(|kit| synth::kit(kit, Split::Train)));
    ensure!(
        !kits.is_empty() && config.mixtures > 0,
        "expected kits and mixtures to learn from, found {} and {}",
        kits.len(),
        config.mixtures
    );
    let grooves = grooves(data, config.seed)?;
    (0..config.mixtures as u64)
        .into_par_iter()
        .map(|index| {
            let random = &mut Random::new(&[config.seed, index, 0x6b69_7473]);
            let kit = completed(&kits[index as usize % kits.len()], &kits, random);
            let kit = plain_kit(&kit, config.seed, index);
            let excerpt = plain_excerpt(&kit, &grooves, config.seed, index, HEARD_S)
                .with_context(|| format!("no performance fills {HEARD_S} s"))?;
            let mut one_shots = excerpt.true_kit.unwrap_or_default();
            for one_shot in &mut one_shots {
                one_shot.truncate(config.samples);
                one_shot.shrink_to_fit();
            }
            Ok(KitExample {
                embedding: kit_embedding(model, &excerpt.piece.mix)?,
                one_shots,
            })
        })
        .collect()
}
