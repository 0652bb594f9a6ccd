//! `idm-train speed`: how fast steps are.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use idm_engine::{
    drum::DRUM_COUNT,
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};

use rayon::{ThreadPoolBuilder, prelude::*};

use super::{Batch, DataFolders, Optimiser, Stepper, renderer};
use crate::{
    config::{Config, OptimiserConfig},
    kits::Split,
    losses::{EventTargets, LossConfig},
    network::{Compute, Input, MASK_OUTPUTS, TIMBRE_OUTPUTS, initial_weights},
    random::Random,
};

/// Frames per second of audio.
const FRAMES_PER_S: f64 = 44_100.0 / 256.0;

/// Measures training steps on random pieces, without rendering; or rendering, without
/// steps.
#[derive(Debug, Clone, Args)]
pub struct SpeedArgs {
    /// Where the steps run.
    #[arg(long, value_enum, default_value_t)]
    pub device: Compute,
    /// Pieces per step.
    #[arg(long, default_value_t = 6)]
    pub batch: usize,
    /// Length of a piece in seconds.
    #[arg(long, default_value_t = 12.0)]
    pub piece_s: f64,
    /// Threads of the central processor.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Steps to measure, after one to warm up.
    #[arg(long, default_value_t = 4)]
    pub steps: u64,
    /// Also list the time that each kernel of the graphics processor takes.
    #[arg(long)]
    pub profile: bool,
    /// Render pieces as this training configuration says, on `--threads` threads, instead
    /// of training.
    #[arg(long, value_name = "CONFIG")]
    pub render: Option<PathBuf>,
    /// Folder with drums/ and grooves/ to render from; without it, all is procedural.
    #[arg(long, requires = "render")]
    pub data: Option<PathBuf>,
}

/// Pieces that each thread renders.
const RENDERED_PER_THREAD: usize = 40;

/// Prints audio-seconds per second.
///
/// # Errors
/// Sizes of which nothing can be measured; a device or material that cannot be used.
pub fn speed(args: &SpeedArgs) -> Result<()> {
    match &args.render {
        Some(config) => rendering(args, &Config::read(config)?),
        None => steps(args),
    }
}

fn rendering(args: &SpeedArgs, config: &Config) -> Result<()> {
    let folders = match &args.data {
        Some(data) => DataFolders::inside(data)?,
        None => DataFolders::default(),
    };
    let renderer = renderer(config, &folders, Split::Train)?;
    let threads = ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build()
        .context("cannot start threads")?;
    let count = RENDERED_PER_THREAD * args.threads.max(1);
    let begin = Instant::now();
    threads.install(|| {
        (0..count as u64).into_par_iter().for_each(|piece| {
            std::hint::black_box(renderer.example(piece));
        });
    });
    let seconds = begin.elapsed().as_secs_f64();
    say!(
        "{count} pieces of {:.1} s on {} threads: {:.1} audio-s/s",
        config.data.piece_s,
        args.threads,
        count as f64 * config.data.piece_s / seconds
    );
    Ok(())
}

fn steps(args: &SpeedArgs) -> Result<()> {
    let frames = (args.piece_s * FRAMES_PER_S) as usize;
    ensure!(
        frames >= 60 && args.batch > 0 && args.threads > 0 && args.steps > 0,
        "expected at least one piece of 0.4 s, one thread and one step"
    );
    let mut stepper = Stepper::new(args.device, args.threads)?;
    let mut random = Random::new(&[5]);
    let part = args.batch.div_ceil(stepper.parts());
    let sizes = (0..args.batch).step_by(part);
    let parts: Vec<Batch> = sizes
        .map(|first| noise(part.min(args.batch - first), frames, &mut random))
        .collect();
    let mut weights = initial_weights(1);
    let mut optimiser = Optimiser::new(&weights);
    let mut run = |stepper: &mut Stepper, step: u64| -> Result<()> {
        let loss = LossConfig::default();
        let (_, gradients) = stepper.step(&weights, &parts, &loss, 0.2, [1, step, 2])?;
        if let Some(gradients) = gradients {
            optimiser.step(&OptimiserConfig::default(), 1e-4, &mut weights, &gradients);
        }
        Ok(())
    };
    run(&mut stepper, 0)?;
    let begin = Instant::now();
    for step in 1..=args.steps {
        run(&mut stepper, step)?;
    }
    let seconds = begin.elapsed().as_secs_f64() / args.steps as f64;
    say!(
        "{:.3} s per step of {} pieces of {:.1} s: {:.1} audio-s/s",
        seconds,
        args.batch,
        args.piece_s,
        args.batch as f64 * args.piece_s / seconds
    );
    if args.profile {
        list_kernels(&mut stepper, |stepper| run(stepper, 0))?;
    }
    Ok(())
}

fn list_kernels(
    stepper: &mut Stepper,
    mut run: impl FnMut(&mut Stepper) -> Result<()>,
) -> Result<()> {
    let Stepper::Gpu(network) = stepper else {
        bail!("the central processor has no kernels to list: expected --device gpu");
    };
    network.start_profile();
    run(stepper)?;
    if let Stepper::Gpu(network) = stepper {
        for (name, (seconds, count)) in network.start_profile() {
            say!("{:9.2} ms in {count:3} of {name}", 1e3 * seconds);
        }
    }
    Ok(())
}

/// Pieces of noise with random targets.
fn noise(batch: usize, frames: usize, random: &mut Random) -> Batch {
    let rows = batch * frames;
    let mut list = |count: usize, draw: &dyn Fn(&mut Random) -> f32| -> Vec<f32> {
        (0..count).map(|_| draw(random)).collect()
    };
    let frame = list(rows * BAND_COUNT, &|random| random.bipolar());
    let low = list(rows * LOW_BAND_COUNT, &|random| random.bipolar());
    let onset = list(rows * DRUM_COUNT, &|random| {
        f32::from(u8::from(random.chance(0.01)))
    });
    let velocity = list(rows * DRUM_COUNT, &|random| random.unit());
    let mix_power = list(rows * BAND_COUNT, &|random| random.log_range(1e-6, 1e-2));
    let timbre = list(batch * TIMBRE_OUTPUTS, &|random| random.bipolar());
    Batch {
        input: Input {
            batch,
            frames,
            frame,
            low,
        },
        events: EventTargets { onset, velocity },
        ratio: (0..rows * MASK_OUTPUTS)
            .map(|_| random.below(52) as u8)
            .collect(),
        mix_power,
        timbre,
    }
}
