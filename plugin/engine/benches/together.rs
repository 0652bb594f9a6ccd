//! Cost of the worst block where drums whose sounds are known strike together.
//!
//! `cargo bench -p idm-engine --bench together` prints it for several sample rates, with and
//! without the search for sounds that repeat. Each block counts with the shortest of several
//! runs, so that what else the machine does is left out.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use idm_engine::{
    controls::{Controls, HitSource, Quality},
    drum::Drum,
    engine::{Engine, EngineConfig, Events, Stems},
    experiment::Experiment,
};
use support::{Noise, model};

const BLOCK: usize = 64;
const RUNS: usize = 5;
/// Time between strokes, and how many of them a drum has alone first.
const STEP_S: f64 = 0.3;
const ALONE: usize = 3;
const TOGETHER: usize = 6;

/// The sounds of drums, each the same at every stroke, and their onsets.
struct Machine {
    input: Vec<f32>,
    hits: Vec<(usize, Drum)>,
}

impl Machine {
    fn new(rate_hz: f64, drums: usize) -> Machine {
        let step = (STEP_S * rate_hz) as usize;
        let strokes = drums * ALONE + TOGETHER;
        let mut machine = Machine {
            input: vec![0.0; (strokes + 2) * step],
            hits: Vec::new(),
        };
        for (index, drum) in Drum::ALL.into_iter().take(drums).enumerate() {
            let mut noise = Noise::new(index as u64 + 1);
            let decay = rate_hz * (0.02 + 0.01 * index as f64);
            let sound: Vec<f32> = (0..step)
                .map(|n| 0.2 * noise.next() * (-(n as f64) / decay).exp() as f32)
                .collect();
            let alone = index * ALONE..(index + 1) * ALONE;
            for stroke in alone.chain(drums * ALONE..strokes) {
                let at = (stroke + 1) * step;
                for (out, sample) in machine.input[at..].iter_mut().zip(&sound) {
                    *out += sample;
                }
                machine.hits.push((at, drum));
            }
        }
        machine
    }

    /// Microseconds of each block.
    fn run(&self, rate_hz: f64, masks_only: bool) -> Vec<f64> {
        let config = EngineConfig {
            sample_rate_hz: rate_hz,
            quality: Quality::Standard,
        };
        let experiment = Experiment {
            masks_only,
            ..Experiment::default()
        };
        let mut engine =
            Engine::for_experiment(config, model(), experiment).expect("the shipped model runs");
        // Nothing is waited for.
        engine.set_controls(&Controls {
            hits: HitSource::Given,
            learning: false,
            ..Controls::default()
        });
        let (mut stems, mut events) = (Stems::new(BLOCK), Events::new(BLOCK));
        let blocks = self.input.chunks_exact(BLOCK).zip((0..).step_by(BLOCK));
        let process = |(samples, first): (&[f32], usize)| {
            for &(at, drum) in &self.hits {
                if (first..first + BLOCK).contains(&at) {
                    engine.give_hit(at - first, drum, None);
                }
            }
            let start = Instant::now();
            engine.process([samples, samples], &mut stems, &mut events);
            start.elapsed().as_secs_f64() * 1e6
        };
        blocks.map(process).collect()
    }

    fn worst_us(&self, rate_hz: f64, masks_only: bool) -> f64 {
        let mut shortest = self.run(rate_hz, masks_only);
        for _ in 1..RUNS {
            let again = self.run(rate_hz, masks_only);
            for (shortest, again) in shortest.iter_mut().zip(again) {
                *shortest = shortest.min(again);
            }
        }
        shortest.into_iter().fold(0.0, f64::max)
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("standard quality, mono, blocks of {BLOCK}; microseconds of the worst block");
    println!("    rate  drums  deadline  masks only  with repeats  of the deadline");
    for rate_hz in [48_000.0, 96_000.0, 192_000.0] {
        for drums in [1, 2, 4, 6, 9] {
            let machine = Machine::new(rate_hz, drums);
            let deadline = BLOCK as f64 / rate_hz * 1e6;
            let [masks, repeats] = [true, false].map(|only| machine.worst_us(rate_hz, only));
            println!(
                "{rate_hz:>8} {drums:>6} {deadline:>9.0} {masks:>11.0} {repeats:>13.0} {:>15.0}%",
                100.0 * repeats / deadline
            );
        }
    }
}
