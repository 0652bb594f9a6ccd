//! A drum loop and helpers that several integration tests share.
#![allow(dead_code)]

use std::{ops::Range, sync::Arc};

use idm_engine::{
    controls::{Controls, Quality},
    drum::{DRUM_COUNT, STEM_COUNT},
    engine::{Engine, EngineConfig, Events, Hit, Stems},
    model::Model,
};

/// A small deterministic noise source.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15))
    }

    /// Uniform in −1..1.
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// Kick, snare and hats at 120 beats per minute; the stereo channels differ.
pub fn drum_loop(rate: f64, seconds: f64) -> [Vec<f32>; 2] {
    let samples = (rate * seconds) as usize;
    let mut channels = [vec![0.0; samples], vec![0.0; samples]];
    let mut noise = Noise::new(7);
    let step = rate * 0.125;
    let mut beat = 0;
    while ((beat as f64 + 1.0) * step) < samples as f64 {
        let start = (beat as f64 * step + 0.05 * rate) as usize;
        let length = ((0.3 * rate) as usize).min(samples.saturating_sub(start));
        for n in 0..length {
            let t = n as f64 / rate;
            let mut sample = 0.0;
            if beat % 4 == 0 {
                let sweep = 55.0 * t + 6.0 * (1.0 - (-t * 40.0).exp());
                sample += 0.7 * (std::f64::consts::TAU * sweep).sin() * (-t * 9.0).exp();
            }
            if beat % 8 == 4 {
                let body = (std::f64::consts::TAU * 190.0 * t).sin() * (-t * 18.0).exp();
                sample += 0.35 * body + 0.3 * f64::from(noise.next()) * (-t * 16.0).exp();
            }
            let hat = 0.12 * f64::from(noise.next()) * (-t * 60.0).exp();
            channels[0][start + n] += (sample + hat) as f32;
            channels[1][start + n] += (sample + 0.6 * hat) as f32;
        }
        beat += 1;
    }
    channels
}

pub fn model() -> Arc<Model> {
    Model::embedded().expect("the shipped model loads")
}

/// An engine whose results can be repeated.
pub fn engine(rate: f64, quality: Quality) -> Engine {
    let config = EngineConfig {
        sample_rate_hz: rate,
        quality,
    };
    let mut engine = Engine::new(config, model()).expect("the shipped model runs");
    engine.set_offline(true);
    engine
}

/// Everything an engine said over a whole signal.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Output {
    /// `[stem][channel]`.
    pub stems: Vec<[Vec<f32>; 2]>,
    pub dry: [Vec<f32>; 2],
    /// Hits with absolute output time in place of the block's offset.
    pub hits: Vec<(u64, Hit)>,
}

/// Runs `engine` over `input` in blocks of the given sizes, over and over.
pub fn run(engine: &mut Engine, input: &[Vec<f32>; 2], blocks: &[usize]) -> Output {
    run_telling(engine, input, blocks, |_, _| {})
}

/// [`run`], calling `tell` with the samples of each block before it.
pub fn run_telling(
    engine: &mut Engine,
    input: &[Vec<f32>; 2],
    blocks: &[usize],
    mut tell: impl FnMut(&mut Engine, Range<usize>),
) -> Output {
    let capacity = blocks.iter().copied().max().unwrap_or(1);
    let mut stems = Stems::new(capacity);
    let mut events = Events::new(capacity);
    let mut output = Output {
        stems: vec![Default::default(); STEM_COUNT],
        ..Output::default()
    };
    let total = input[0].len();
    let (mut done, mut block) = (0, 0);
    while done < total {
        let end = (done + blocks[block % blocks.len()]).min(total);
        tell(engine, done..end);
        engine.process(
            [&input[0][done..end], &input[1][done..end]],
            &mut stems,
            &mut events,
        );
        for (stem, channels) in output.stems.iter_mut().enumerate() {
            for (channel, out) in channels.iter_mut().enumerate() {
                out.extend_from_slice(stems.channel(stem, channel));
            }
        }
        for (channel, out) in output.dry.iter_mut().enumerate() {
            out.extend_from_slice(stems.dry(channel));
        }
        for hit in events.hits() {
            let at = done as u64 + u64::from(hit.offset);
            output.hits.push((at, Hit { offset: 0, ..*hit }));
        }
        done = end;
        block += 1;
    }
    output
}

pub fn level_db(samples: &[f32]) -> f64 {
    let energy: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
    10.0 * (energy / samples.len().max(1) as f64).max(1e-30).log10()
}

pub fn peak_db(samples: &[f32]) -> f64 {
    let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    20.0 * f64::from(peak).max(1e-15).log10()
}

/// Resynthesis on every drum.
pub fn resynthesis() -> Controls {
    let mut controls = Controls::default();
    for drum in &mut controls.drums {
        drum.blend = 1.0;
    }
    controls
}

/// Largest difference between the sum of all stems and the delayed input.
pub fn null_db(output: &Output) -> f64 {
    let mut worst = 0.0_f32;
    for channel in 0..2 {
        for n in 0..output.dry[channel].len() {
            let sum: f32 = (0..=DRUM_COUNT)
                .map(|stem| output.stems[stem][channel][n])
                .sum();
            worst = worst.max((sum - output.dry[channel][n]).abs());
        }
    }
    20.0 * f64::from(worst).max(1e-15).log10()
}
