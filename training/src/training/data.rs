//! Where material lies, and batches of examples.

use std::{borrow::Borrow, path::PathBuf};

use anyhow::{Result, bail};
use idm_engine::{
    drum::DRUM_COUNT,
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};
use rayon::prelude::*;

use crate::{
    config::{Config, DataConfig},
    kits::{Split, lossy_remark},
    losses::{EventTargets, UNDECIDED, soften_onsets},
    network::{Input, MASK_OUTPUTS, TIMBRE_BANDS, TIMBRE_OUTPUTS},
    render::{RenderConfig, Renderer, TrainingExample},
};

/// What is said where sampled kits are given and none of them is held out.
pub const NO_VALIDATION_KITS: &str = "no validation kits in the data folder (put some into drums/valid/, or see kits.csv's column split)";

/// What is said where material is given and none of the kits is for training.
pub const NO_TRAINING_KITS: &str =
    "no training kits in the data folder (all are in drums/valid/, or see kits.csv's column split)";

/// Where recorded material lies; none is needed.
#[derive(Debug, Clone, Default)]
pub struct DataFolders {
    /// Folders of kits, each with a `kits.csv`.
    pub kits: Vec<PathBuf>,
    /// Folder of performances with a `grooves.csv`.
    pub grooves: Option<PathBuf>,
}

impl DataFolders {
    /// The folders `drums` and `grooves` inside `folder`, as far as they exist.
    ///
    /// # Errors
    /// If neither exists.
    pub fn inside(folder: &std::path::Path) -> Result<DataFolders> {
        let drums = folder.join("drums");
        let grooves = folder.join("grooves");
        let found = DataFolders {
            kits: if drums.is_dir() {
                vec![drums]
            } else {
                Vec::new()
            },
            grooves: grooves.is_dir().then_some(grooves),
        };
        if found.kits.is_empty() && found.grooves.is_none() {
            bail!(
                "{}: expected a folder with drums/ or grooves/ inside",
                folder.display()
            );
        }
        for kits in &found.kits {
            let remark = lossy_remark(kits);
            if !remark.is_empty() {
                complain!("{}: {}", kits.display(), remark.trim_start_matches("; "));
            }
        }
        Ok(found)
    }
}

/// Refuses `folders` of which `renderer` has neither kits nor performances of its side: it
/// would play procedural ones, as if nothing had been given.
///
/// # Errors
/// It has none.
pub fn ensure_some(folders: &DataFolders, renderer: &Renderer, split: Split) -> Result<()> {
    let given = folders.kits.first().or(folders.grooves.as_ref());
    if let Some(folder) = given.and_then(|folder| folder.parent())
        && renderer.material() == (0, 0)
    {
        bail!(
            "{}: expected {} kits or performances, found none; those in folders called valid, \
             and those of which the column split of kits.csv and grooves.csv says so, are held out",
            folder.display(),
            split.word()
        );
    }
    Ok(())
}

/// Of validation pieces: strength of random changes, and share of human performances.
const VALIDATION_WILDNESS: f32 = 0.6;
const VALIDATION_GROOVE_SHARE: f32 = 0.8;

/// The renderer of one side of the split.
///
/// # Errors
/// Material that cannot be loaded.
pub fn renderer(config: &Config, folders: &DataFolders, split: Split) -> Result<Renderer> {
    let data = match split {
        Split::Train => config.data.clone(),
        // Validation stays the same whatever training prefers: sampled kits where there
        // are some.
        Split::Valid => DataConfig {
            procedural_kits: config.data.procedural_kits,
            procedural_share: 0.0,
            groove_share: VALIDATION_GROOVE_SHARE,
            layered_share: 0.0,
            wildness: VALIDATION_WILDNESS,
            piece_s: config.data.validation_piece_s,
            ..DataConfig::default()
        },
    };
    Renderer::new(&RenderConfig {
        kit_folders: folders.kits.clone(),
        groove_folder: folders.grooves.clone(),
        split,
        seed: config.seed,
        data,
    })
}

/// Everything one step needs, time-major where it goes into the loss.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The network's input.
    pub input: Input,
    /// Onset and velocity targets.
    pub events: EventTargets,
    /// `[frames, batch, STEM_COUNT, BAND_COUNT]`.
    pub ratio: Vec<u8>,
    /// `[frames, batch, BAND_COUNT]`.
    pub mix_power: Vec<f32>,
    /// Coarse spectrum of each drum, `[batch, TIMBRE_OUTPUTS]`; NaN if not
    /// played.
    pub timbre: Vec<f32>,
}

impl Batch {
    /// Joins equally long examples, on all threads: a large batch is a lot of memory
    /// to move. Allocates.
    pub fn new<E: Borrow<TrainingExample> + Sync>(examples: &[E], neighbour: f32) -> Batch {
        let examples: Vec<&TrainingExample> = examples.iter().map(Borrow::borrow).collect();
        let frames = examples
            .iter()
            .map(|example| example.frames)
            .min()
            .unwrap_or(0);
        let (onsets, timbres): (Vec<Vec<f32>>, Vec<Vec<f32>>) = examples
            .par_iter()
            .map(|example| {
                let mut onset = soften_onsets(&example.onset, neighbour);
                leave_inaudible_out(example, &mut onset);
                (onset, timbre(example))
            })
            .unzip();
        let mut frame = vec![0.0; examples.len() * frames * BAND_COUNT];
        frame
            .par_chunks_mut((frames * BAND_COUNT).max(1))
            .zip(&examples)
            .for_each(|(piece, example)| piece.copy_from_slice(&example.frame[..piece.len()]));
        let joined = |table: fn(&TrainingExample) -> &[f32], width| {
            let tables: Vec<&[f32]> = examples.iter().map(|example| table(example)).collect();
            time_major(&tables, frames, width)
        };
        let onsets: Vec<&[f32]> = onsets.iter().map(Vec::as_slice).collect();
        let ratios: Vec<&[u8]> = examples.iter().map(|example| &*example.ratio).collect();
        Batch {
            input: Input {
                batch: examples.len(),
                frames,
                frame,
                low: joined(|example| &example.low, LOW_BAND_COUNT),
            },
            events: EventTargets {
                onset: time_major(&onsets, frames, DRUM_COUNT),
                velocity: joined(|example| &example.velocity, DRUM_COUNT),
            },
            ratio: time_major(&ratios, frames, MASK_OUTPUTS),
            mix_power: joined(|example| &example.mix_power, BAND_COUNT),
            timbre: timbres.concat(),
        }
    }
}

/// Joins the first `frames` rows of `width` values of each table to
/// `[frames, batch, width]`.
fn time_major<T: Copy + Default + Send + Sync>(
    tables: &[&[T]],
    frames: usize,
    width: usize,
) -> Vec<T> {
    let mut joined = vec![T::default(); frames * tables.len() * width];
    joined
        .par_chunks_mut((tables.len() * width).max(1))
        .enumerate()
        .for_each(|(frame, row)| {
            for (cells, table) in row.chunks_exact_mut(width).zip(tables) {
                cells.copy_from_slice(&table[frame * width..][..width]);
            }
        });
    joined
}

/// Marks the targets of hits that drown in the mixture as undecided: in hardly a band
/// of the frames around them does their drum have a noticeable share, so that
/// neither finding nor missing them would be a mistake.
fn leave_inaudible_out(example: &TrainingExample, targets: &mut [f32]) {
    /// Least share of a band's power that is noticed, of 255, and in how many bands of
    /// these frames: spectra of cymbals fluctuate, so that almost anything shows in one.
    const NOTICED: u8 = 26;
    const LEAST_CELLS: usize = 5;
    const FRAMES: usize = 4;
    let onsets = example.onset.iter().enumerate();
    for (place, _) in onsets.filter(|(_, value)| **value >= 1.0) {
        let (frame, class) = (place / DRUM_COUNT, place % DRUM_COUNT);
        let noticed = |later: usize| {
            let shares = &example.ratio[later * MASK_OUTPUTS + class * BAND_COUNT..][..BAND_COUNT];
            shares.iter().filter(|&&share| share >= NOTICED).count()
        };
        let cells: usize = (frame..(frame + FRAMES).min(example.frames))
            .map(noticed)
            .sum();
        if cells < LEAST_CELLS {
            let around = frame.saturating_sub(1)..(frame + 2).min(example.frames);
            for near in around {
                targets[near * DRUM_COUNT + class] = UNDECIDED;
            }
        }
    }
}

/// Mean spectrum of each drum over the first frames of its hits, in coarse
/// bands: logarithm of power, loudness removed. NaN where a drum is silent.
fn timbre(example: &TrainingExample) -> Vec<f32> {
    const FRAMES: usize = 4;
    const WIDTH: usize = BAND_COUNT / TIMBRE_BANDS;
    let mut sums = [[0.0_f32; TIMBRE_BANDS]; DRUM_COUNT];
    let mut found = [false; DRUM_COUNT];
    for (place, &onset) in example.onset.iter().enumerate() {
        if onset < 1.0 {
            continue;
        }
        let (frame, class) = (place / DRUM_COUNT, place % DRUM_COUNT);
        found[class] = true;
        for later in frame..(frame + FRAMES).min(example.frames) {
            let ratio = &example.ratio[later * MASK_OUTPUTS + class * BAND_COUNT..][..BAND_COUNT];
            let power = &example.mix_power[later * BAND_COUNT..][..BAND_COUNT];
            for band in 0..BAND_COUNT {
                sums[class][band / WIDTH] += f32::from(ratio[band]) * power[band];
            }
        }
    }
    let mut timbre = vec![f32::NAN; TIMBRE_OUTPUTS];
    for (class, sums) in sums.iter().enumerate().filter(|(class, _)| found[*class]) {
        let total: f32 = sums.iter().sum();
        if total > 0.0 {
            let values = &mut timbre[class * TIMBRE_BANDS..][..TIMBRE_BANDS];
            for (value, sum) in values.iter_mut().zip(sums) {
                *value = (sum / total + 1e-5).ln() / 4.0 + 1.0;
            }
        }
    }
    timbre
}
