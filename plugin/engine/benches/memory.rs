//! Memory of an instance: what stays allocated, and the peak while the model loads.
//!
//! `cargo bench -p idm-engine --bench memory` prints megabytes of the heap. The file of
//! the program, which holds the model, comes to that; instances share it.

#[path = "../tests/support/mod.rs"]
mod support;

use idm_engine::{
    controls::Quality,
    engine::{Engine, Events, Stems},
    model::Model,
};
use peak_alloc::PeakAlloc;
use support::{drum_loop, engine, resynthesis};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const RATE: f64 = 48_000.0;
const BLOCK: usize = 512;

/// Megabytes that are allocated now.
fn now_mb() -> f64 {
    HEAP.current_usage() as f64 / 1e6
}

/// An engine that has heard `seconds` of a drum loop and learnt its kit.
fn listen(seconds: f64) -> Engine {
    let input = drum_loop(RATE, seconds);
    let mut engine = engine(RATE, Quality::Standard);
    engine.set_controls(&resynthesis());
    let mut stems = Stems::new(BLOCK);
    let mut events = Events::new(BLOCK);
    let blocks = input[0].chunks_exact(BLOCK);
    for (left, right) in blocks.zip(input[1].chunks_exact(BLOCK)) {
        engine.process([left, right], &mut stems, &mut events);
    }
    engine
}

fn main() {
    let before = now_mb();
    let model = Model::embedded().expect("the model of the program");
    let loaded = now_mb();
    println!(
        "model, shared by all instances: {:.1} MB (peak while it loads {:.1} MB)",
        loaded - before,
        HEAP.peak_usage() as f64 / 1e6 - before
    );
    let mut engines = Vec::new();
    for number in 1..=3 {
        let before = now_mb();
        engines.push(listen(20.0));
        println!("instance {number}, after 20 s: {:.1} MB", now_mb() - before);
    }
    println!("all together: {:.1} MB", now_mb() - before);
    drop((engines, model));
}
