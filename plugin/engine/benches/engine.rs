//! Cost of the whole engine per block, and its worst stage.
//!
//! `cargo bench -p idm-engine --bench engine` prints microseconds per block;
//! the last lines give the share of one core, the worst block, and the share
//! of another core that the learner takes.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group};
use idm_engine::{
    controls::Quality,
    engine::{Events, Stems},
};
use support::{drum_loop, engine, resynthesis};

const RATE: f64 = 48_000.0;

fn blocks(criterion: &mut Criterion) {
    let input = drum_loop(RATE, 10.0);
    let mut group = criterion.benchmark_group("engine");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(3));
    for quality in Quality::ALL {
        for block in [64, 512] {
            group.throughput(Throughput::Elements(block as u64));
            group.bench_function(format!("{quality:?}/{block}"), |bencher| {
                let mut engine = engine(RATE, quality);
                engine.set_controls(&resynthesis());
                let mut stems = Stems::new(block);
                let mut events = Events::new(block);
                let mut at = 0;
                bencher.iter(|| {
                    if at + block > input[0].len() {
                        at = 0;
                    }
                    let span = at..at + block;
                    engine.process(
                        [&input[0][span.clone()], &input[1][span]],
                        &mut stems,
                        &mut events,
                    );
                    at += block;
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, blocks);

/// Distribution of block times over 30 s of audio.
fn distribution() {
    let input = drum_loop(RATE, 30.0);
    println!("\n48 kHz stereo, all buses, resynthesis on; times in microseconds");
    println!(
        "quality   block   mean    p99  p99.99    max  deadline  core share  worst/deadline  learner"
    );
    for quality in Quality::ALL {
        for block in [64, 512] {
            let mut engine = engine(RATE, quality);
            engine.set_controls(&resynthesis());
            let mut stems = Stems::new(block);
            let mut events = Events::new(block);
            let mut times: Vec<f64> = input[0]
                .chunks_exact(block)
                .zip(input[1].chunks_exact(block))
                .map(|(left, right)| {
                    let start = Instant::now();
                    engine.process([left, right], &mut stems, &mut events);
                    start.elapsed().as_secs_f64() * 1e6
                })
                .collect();
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            times.sort_by(f64::total_cmp);
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
            let deadline = block as f64 / RATE * 1e6;
            println!(
                "{:<9} {block:>5} {mean:>6.1} {:>6.1} {:>7.1} {:>6.1} {deadline:>9.0} {:>10.2}% {:>14.1}% {:>7.2}%",
                format!("{quality:?}"),
                at(0.99),
                at(0.9999),
                at(1.0),
                100.0 * mean / deadline,
                100.0 * at(1.0) / deadline,
                100.0 * engine.kit_shelf().busy().as_secs_f64() / 30.0,
            );
        }
    }
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    if !std::env::args().any(|argument| argument == "--test") {
        distribution();
    }
}
