//! Cost of several instances in one session.
//!
//! `cargo bench -p idm-engine --bench instances` prints it. All hear the same loop and are run
//! one after the other on one thread, a block each time that one is due: so do instances on
//! copies of a track, where a host offers an effect no more than one output. The processor
//! sleeps in between, caches get cold and learners are as busy as they are there.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    thread,
    time::{Duration, Instant},
};

use idm_engine::{
    controls::Quality,
    engine::{Engine, Events, Stems},
};
use support::{drum_loop, engine, resynthesis};

const RATE_HZ: f64 = 48_000.0;

fn instances(count: usize) -> Vec<Engine> {
    let new = || {
        let mut engine = engine(RATE_HZ, Quality::Standard);
        engine.set_controls(&resynthesis());
        engine
    };
    (0..count).map(|_| new()).collect()
}

/// Microseconds that each block took all instances.
fn times_us(count: usize, block_samples: usize, seconds: f64) -> Vec<f64> {
    let input = drum_loop(RATE_HZ, seconds);
    let mut engines = instances(count);
    let mut stems = Stems::new(block_samples);
    let mut events = Events::new(block_samples);
    let [left, right] = [&input[0], &input[1]].map(|side| side.chunks_exact(block_samples));
    let blocks = left.zip(right).enumerate();
    let begin = Instant::now();
    blocks
        .map(|(block, (left, right))| {
            let due_s = (block * block_samples) as f64 / RATE_HZ;
            let early = Duration::from_secs_f64(due_s).saturating_sub(begin.elapsed());
            thread::sleep(early);
            let start = Instant::now();
            for engine in &mut engines {
                engine.process([left, right], &mut stems, &mut events);
            }
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect()
}

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let seconds = if is_test { 0.5 } else { 15.0 };
    println!("48 kHz stereo, standard quality, all buses, resynthesis on");
    println!("instances  block  core share  per instance  p99.9, us  deadline, us");
    for block_samples in [64, 512] {
        for count in [1, 2, 4, 9] {
            let mut times = times_us(count, block_samples, seconds);
            times.sort_by(f64::total_cmp);
            let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
            let rare = ((times.len() - 1) as f64 * 0.999) as usize;
            let deadline_us = block_samples as f64 / RATE_HZ * 1e6;
            let share = 100.0 * mean / deadline_us;
            println!(
                "{count:>9} {block_samples:>6} {share:>10.1}% {:>12.2}% {:>10.0} {deadline_us:>13.0}",
                share / count as f64,
                times[rare],
            );
        }
    }
}
