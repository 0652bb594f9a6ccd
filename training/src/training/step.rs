//! One training step: losses of a batch and their gradient.

use std::thread;

use anyhow::Result;

use crate::{
    losses::{EventLoss, LossConfig, MaskTargets, event_loss, mask_loss, timbre_loss},
    network::{
        Compute, Gradients, Head, LogitGradients, MASK_OUTPUTS, MaskRequest, Network, Weights,
    },
    random::Random,
    training::{Batch, gpu::GpuNetwork},
};
use idm_engine::front_end::BAND_COUNT;

/// Frames per piece at which the embedding is trained.
const EMBEDDING_STEPS: usize = 6;

/// Losses of one step.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepLosses {
    /// Weighted sum of everything.
    pub total: f64,
    /// Onset cross-entropy of the standard head.
    pub onset: f64,
    /// Squared velocity error of the standard head.
    pub velocity: f64,
    /// Mask cross-entropy of the head that was drawn.
    pub mask: f64,
    /// Error of that head's masks relative to the stems, in dB.
    pub distortion_db: f64,
    /// Level of silent stems relative to the mixture, in dB.
    pub leakage_db: f64,
    /// Squared timbre error.
    pub timbre: f64,
}

impl StepLosses {
    fn add(&mut self, other: &StepLosses, share: f64) {
        self.total += share * other.total;
        self.onset += share * other.onset;
        self.velocity += share * other.velocity;
        self.mask += share * other.mask;
        self.distortion_db += share * other.distortion_db;
        self.leakage_db += share * other.leakage_db;
        self.timbre += share * other.timbre;
    }
}

/// What computes the steps.
#[derive(Debug)]
pub enum Stepper {
    /// One network per thread.
    Cpu(Vec<Network>),
    /// A graphics processor does the whole step.
    Gpu(Box<GpuNetwork>),
}

impl Stepper {
    /// On `compute`, with `threads` threads where that is the central processor.
    ///
    /// # Errors
    /// A graphics processor that is not there or cannot be used.
    pub fn new(compute: Compute, threads: usize) -> Result<Stepper> {
        match compute {
            Compute::Cpu => Ok(Stepper::Cpu(
                (0..threads).map(|_| Network::default()).collect(),
            )),
            Compute::Gpu => {
                let network = GpuNetwork::new()?;
                say!("steps run on {}", network.name());
                Ok(Stepper::Gpu(Box::new(network)))
            }
        }
    }

    /// Parts into which a batch is cut.
    pub fn parts(&self) -> usize {
        match self {
            Stepper::Cpu(networks) => networks.len(),
            Stepper::Gpu(_) => 1,
        }
    }

    /// Losses of a batch, means over all its `parts`, and their gradient. `name` draws
    /// the head and the half of the frames whose masks are trained. Allocates.
    ///
    /// # Errors
    /// A graphics processor that fails.
    pub fn step(
        &mut self,
        weights: &Weights,
        parts: &[Batch],
        config: &LossConfig,
        other_head_share: f32,
        name: [u64; 3],
    ) -> Result<(StepLosses, Option<Gradients>)> {
        match self {
            Stepper::Cpu(networks) => Ok(train_step(
                networks,
                weights,
                parts,
                config,
                other_head_share,
                name,
            )),
            Stepper::Gpu(network) => {
                let [batch] = parts else {
                    anyhow::bail!("expected a batch in one part, found {}", parts.len());
                };
                let mut random = Random::new(&[name[0], name[1], name[2], 0]);
                let plan = StepPlan::draw(batch.input.frames, other_head_share, &mut random);
                let (losses, gradients) = network.step(weights, batch, config, &plan)?;
                Ok((losses, Some(gradients)))
            }
        }
    }
}

/// Runs each of `networks` forward and backward on its part of the batch, side
/// by side; answers means over the whole batch. `name` draws the head and the
/// half of the frames whose masks are trained. Allocates.
///
/// # Panics
/// If there are fewer networks than parts.
pub fn train_step(
    networks: &mut [Network],
    weights: &Weights,
    parts: &[Batch],
    config: &LossConfig,
    other_head_share: f32,
    name: [u64; 3],
) -> (StepLosses, Option<Gradients>) {
    assert!(parts.len() <= networks.len(), "a network for each part");
    let size: usize = parts.iter().map(|part| part.input.batch).sum();
    let [seed, step, salt] = name;
    let run = |(index, (network, part)): (usize, (&mut Network, &Batch))| {
        let mut random = Random::new(&[seed, step, salt, index as u64]);
        let plan = StepPlan::draw(part.input.frames, other_head_share, &mut random);
        cpu_step(network, weights, part, config, &plan)
    };
    let mut jobs = networks.iter_mut().zip(parts).enumerate();
    let first = jobs.next();
    let results: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = jobs.map(|job| scope.spawn(move || run(job))).collect();
        let first = first.map(run);
        let others = others.into_iter().map(|thread| {
            let result = thread.join();
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        first.into_iter().chain(others).collect()
    });
    let mut losses = StepLosses::default();
    let mut sum: Option<Gradients> = None;
    for ((part_losses, gradients), part) in results.into_iter().zip(parts) {
        let share = part.input.batch as f64 / size as f64;
        losses.add(&part_losses, share);
        if let Some(gradients) = gradients {
            sum.get_or_insert_with(|| weights.zeros_like())
                .add_scaled(&gradients, share as f32);
        }
    }
    (losses, sum)
}

/// What one step trains besides events.
#[derive(Debug, Clone)]
pub struct StepPlan {
    /// Head and frames whose masks are trained.
    pub masks: MaskRequest,
    /// Frames at which the embedding is trained.
    pub embedding_steps: Vec<usize>,
}

impl StepPlan {
    /// Draws a head, half of the frames that it describes, and steps of the later half
    /// of the piece, once some drums have been heard.
    pub fn draw(frames: usize, other_head_share: f32, random: &mut Random) -> StepPlan {
        let draw = random.unit();
        let head = if draw < other_head_share {
            Head::Low
        } else if draw < 2.0 * other_head_share {
            Head::High
        } else {
            Head::Standard
        };
        let described = frames.saturating_sub(head.look_ahead_frames());
        let count = (frames / 2).min(described);
        let first_frame = random.below(described - count + 1);
        let embedding_steps = (0..EMBEDDING_STEPS)
            .map(|_| frames / 2 + random.below(frames - frames / 2))
            .collect();
        StepPlan {
            masks: MaskRequest {
                head,
                first_frame,
                frames: count,
            },
            embedding_steps,
        }
    }
}

/// One part of a batch on the central processor. Allocates.
pub fn cpu_step(
    network: &mut Network,
    weights: &Weights,
    batch: &Batch,
    config: &LossConfig,
    plan: &StepPlan,
) -> (StepLosses, Option<Gradients>) {
    let request = plan.masks;
    let size = batch.input.batch;
    let rows = request.first_frame * size..(request.first_frame + request.frames) * size;
    let targets = MaskTargets {
        batch: size,
        ratio: &batch.ratio[rows.start * MASK_OUTPUTS..rows.end * MASK_OUTPUTS],
        mix_power: &batch.mix_power[rows.start * BAND_COUNT..rows.end * BAND_COUNT],
    };
    let mut losses = StepLosses::default();
    let gradients = network.pass(
        weights,
        &batch.input,
        Some(request),
        &plan.embedding_steps,
        true,
        |outputs| {
            let mask = mask_loss(config, &outputs.masks, targets);
            let heads: [EventLoss; 3] = std::array::from_fn(|head| {
                event_loss(config, &outputs.heads[head].events, &batch.events)
            });
            let wanted = batch.timbre.repeat(plan.embedding_steps.len());
            let (timbre, timbre_gradient) = timbre_loss(config.timbre, &outputs.timbre, &wanted);
            let standard = &heads[Head::Standard.index()];
            losses = StepLosses {
                total: mask.total
                    + f64::from(config.timbre) * timbre
                    + heads
                        .iter()
                        .map(|head| {
                            f64::from(config.onset) * head.onset
                                + f64::from(config.velocity) * head.velocity
                        })
                        .sum::<f64>(),
                onset: standard.onset,
                velocity: standard.velocity,
                mask: mask.cross_entropy,
                distortion_db: mask.distortion_db,
                leakage_db: mask.leakage_db,
                timbre,
            };
            Some(LogitGradients {
                events: heads.map(|head| head.gradient),
                masks: mask.gradient,
                timbre: timbre_gradient,
            })
        },
    );
    (losses, gradients)
}
