//! Batches, rendered in the background.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::PathBuf,
    sync::mpsc,
    thread,
};

use anyhow::{Result, bail};
use idm_engine::{
    drum::DRUM_COUNT,
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};

use super::{pieces::Pieces, reuse::vary};
use crate::{
    config::{Config, DataConfig},
    kits::Split,
    losses::{EventTargets, UNDECIDED, soften_onsets},
    network::{Input, MASK_OUTPUTS, TIMBRE_BANDS, TIMBRE_OUTPUTS},
    random::Random,
    render::{RenderConfig, Renderer, TrainingExample},
};

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
        Ok(found)
    }

    /// True if there is recorded material.
    pub fn any(&self) -> bool {
        !self.kits.is_empty() || self.grooves.is_some()
    }
}

/// The renderer of one side of the split.
///
/// # Errors
/// Material that cannot be loaded.
pub fn renderer(config: &Config, folders: &DataFolders, split: Split) -> Result<Renderer> {
    let data = &config.data;
    Renderer::new(&RenderConfig {
        kit_folders: folders.kits.clone(),
        groove_folder: folders.grooves.clone(),
        split,
        procedural_kits: data.procedural_kits,
        procedural_share: data.procedural_share,
        groove_share: data.groove_share,
        // Validation stays the same whatever training prefers.
        layered_share: match split {
            Split::Train => data.layered_share,
            Split::Valid => 0.0,
        },
        depth_preference: match split {
            Split::Train => data.depth_preference,
            Split::Valid => DataConfig::default().depth_preference,
        },
        least_loyalty: match split {
            Split::Train => data.least_loyalty,
            Split::Valid => DataConfig::default().least_loyalty,
        },
        wildness: data.wildness,
        tame_share: match split {
            Split::Train => data.tame_share,
            Split::Valid => DataConfig::default().tame_share,
        },
        piece_s: match split {
            Split::Train => data.piece_s,
            Split::Valid => data.validation_piece_s,
        },
        seed: config.seed,
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
    /// Joins equally long examples. Allocates.
    pub fn new(examples: &[TrainingExample], neighbour: f32) -> Batch {
        let batch = examples.len();
        let frames = examples
            .iter()
            .map(|example| example.frames)
            .min()
            .unwrap_or(0);
        let mut frame = Vec::with_capacity(batch * frames * BAND_COUNT);
        for example in examples {
            frame.extend_from_slice(&example.frame[..frames * BAND_COUNT]);
        }
        let onsets: Vec<Vec<f32>> = examples
            .iter()
            .map(|example| {
                let mut onset = soften_onsets(&example.onset, neighbour);
                leave_inaudible_out(example, &mut onset);
                onset
            })
            .collect();
        let timbre = examples.iter().flat_map(timbre).collect();
        let mut joined = Batch {
            input: Input {
                batch,
                frames,
                frame,
                low: Vec::new(),
            },
            events: EventTargets::default(),
            ratio: Vec::with_capacity(frames * batch * MASK_OUTPUTS),
            mix_power: Vec::with_capacity(frames * batch * BAND_COUNT),
            timbre,
        };
        for t in 0..frames {
            let row = |width: usize| t * width..(t + 1) * width;
            for (example, onset) in examples.iter().zip(&onsets) {
                joined
                    .input
                    .low
                    .extend_from_slice(&example.low[row(LOW_BAND_COUNT)]);
                joined
                    .events
                    .onset
                    .extend_from_slice(&onset[row(DRUM_COUNT)]);
                joined
                    .events
                    .velocity
                    .extend_from_slice(&example.velocity[row(DRUM_COUNT)]);
                joined
                    .ratio
                    .extend_from_slice(&example.ratio[row(MASK_OUTPUTS)]);
                joined
                    .mix_power
                    .extend_from_slice(&example.mix_power[row(BAND_COUNT)]);
            }
        }
        joined
    }
}

/// Marks the targets of hits that drown in the mixture as undecided: in no band
/// of the frames around them does their drum have a noticeable share, so that
/// neither finding nor missing them would be a mistake.
fn leave_inaudible_out(example: &TrainingExample, targets: &mut [f32]) {
    /// Least share of a band's power that is noticed, of 255.
    const NOTICED: u8 = 20;
    const FRAMES: usize = 4;
    let onsets = example.onset.iter().enumerate();
    for (place, _) in onsets.filter(|(_, value)| **value >= 1.0) {
        let (frame, class) = (place / DRUM_COUNT, place % DRUM_COUNT);
        let audible = (frame..(frame + FRAMES).min(example.frames)).any(|later| {
            let shares = &example.ratio[later * MASK_OUTPUTS + class * BAND_COUNT..][..BAND_COUNT];
            shares.iter().any(|&share| share >= NOTICED)
        });
        if !audible {
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

/// Which pieces a step uses: fresh ones, and recent ones again.
#[derive(Debug, Clone, Copy)]
pub struct BatchPlan {
    /// Names the sequence.
    pub seed: u64,
    /// Pieces per step.
    pub batch: usize,
    /// Average number of uses of a piece.
    pub uses: usize,
    /// Recent pieces to choose from.
    pub pool: usize,
}

impl BatchPlan {
    /// Piece numbers of step `step`, and whether each is used again. Depends
    /// on the step alone, so that a resumed run continues as it would have.
    pub fn pieces(&self, step: u64) -> Vec<(u64, bool)> {
        let fresh = self.batch.div_ceil(self.uses) as u64;
        let first = step * fresh;
        let mut random = Random::new(&[self.seed, step, 0x706f_6f6c]);
        let oldest = first.saturating_sub(self.pool as u64);
        let mut pieces: Vec<(u64, bool)> = (first..first + fresh).map(|n| (n, false)).collect();
        while pieces.len() < self.batch {
            let piece = if first == oldest {
                // Nothing to use again yet.
                (pieces[random.below(pieces.len())].0, true)
            } else {
                (
                    oldest + random.below((first - oldest) as usize) as u64,
                    true,
                )
            };
            pieces.push(piece);
        }
        pieces
    }
}

/// Renders batches on a thread of its own, a bounded number ahead.
#[derive(Debug)]
pub struct BatchSource {
    receiver: mpsc::Receiver<Result<Vec<Batch>>>,
}

impl BatchSource {
    /// Starts with the batch of step `first_step`; each comes in `parts`.
    pub fn start(config: &Config, pieces: Pieces, first_step: u64, parts: usize) -> BatchSource {
        let (sender, receiver) = mpsc::sync_channel(config.schedule.batches_ahead);
        let plan = BatchPlan {
            seed: config.seed,
            batch: config.data.batch,
            uses: config.data.uses,
            pool: config.data.pool,
        };
        let neighbour = config.loss.neighbour;
        let part = plan.batch.div_ceil(parts.max(1));
        let equaliser_db = config.data.reuse_equaliser_db;
        thread::spawn(move || {
            let mut recent: HashMap<u64, TrainingExample> = HashMap::new();
            let mut batch = |step: u64| -> Result<Vec<Batch>> {
                let planned = plan.pieces(step);
                let newest = planned.iter().map(|(piece, _)| *piece).max().unwrap_or(0);
                recent.retain(|&piece, _| piece + (plan.pool + plan.batch) as u64 > newest);
                let mut examples = Vec::with_capacity(planned.len());
                for (slot, (piece, again)) in planned.into_iter().enumerate() {
                    let mut example = match recent.entry(piece) {
                        Entry::Occupied(known) => known.get().clone(),
                        Entry::Vacant(place) => place.insert(pieces.example(piece)?).clone(),
                    };
                    // A recording comes by again and again: always varied.
                    if again || pieces.is_recorded(piece) {
                        let mut random = Random::new(&[plan.seed, step, slot as u64, 7]);
                        vary(&mut example, &mut random, equaliser_db);
                    }
                    examples.push(example);
                }
                let parts = examples.chunks(part);
                Ok(parts.map(|part| Batch::new(part, neighbour)).collect())
            };
            for step in first_step.. {
                let batch = batch(step);
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    // Training has ended, or cannot go on.
                    return;
                }
            }
        });
        BatchSource { receiver }
    }

    /// The next batch, a part for each thread of a step; waits for it.
    ///
    /// # Errors
    /// If a recording cannot be read, or rendering has stopped (it panicked).
    pub fn next_batch(&self) -> Result<Vec<Batch>> {
        match self.receiver.recv() {
            Ok(batch) => batch,
            Err(_) => bail!("the rendering thread has stopped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_uses_each_piece_as_often_as_asked_and_depends_on_the_step_alone() {
        let plan = BatchPlan {
            seed: 3,
            batch: 8,
            uses: 2,
            pool: 40,
        };
        let mut uses: HashMap<u64, usize> = HashMap::new();
        for step in 0..200 {
            let pieces = plan.pieces(step);
            assert_eq!(pieces, plan.pieces(step));
            assert_eq!(pieces.len(), 8);
            assert_eq!(pieces.iter().filter(|(_, again)| !again).count(), 4);
            for (piece, _) in pieces {
                assert!(piece < 4 * (step + 1) && piece + 40 >= 4 * step);
                *uses.entry(piece).or_default() += 1;
            }
        }
        let mean = uses.values().sum::<usize>() as f64 / uses.len() as f64;
        assert!((mean - 2.0).abs() < 0.01, "{mean}");
    }
}
