//! One frame of the transcriber per quality, and loading a model.

#[path = "../tests/model_support/mod.rs"]
mod model_support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use idm_engine::{
    controls::Quality,
    model::{Model, Session},
};
use model_support::{Features, meta_text, one_shots, random_model, transcriber};

fn frames(criterion: &mut Criterion) {
    let embedded = Model::embedded().expect("the model of this build fits it");
    run_frames(criterion, "one frame", &embedded);
    run_frames(
        criterion,
        "one frame, large random network",
        &random_model(),
    );
}

fn run_frames(criterion: &mut Criterion, title: &str, model: &Model) {
    let mut group = criterion.benchmark_group(title);
    for quality in Quality::ALL {
        let mut session = model.session(quality);
        let mut features = Features::new(1);
        let stream: Vec<_> = (0..64).map(|_| features.next()).collect();
        let mut index = 0;
        let mut next = |session: &mut Session, stages: usize| {
            let (frame, low) = &stream[index % stream.len()];
            index += 1;
            session.begin(frame, low);
            for stage in 0..stages {
                session.run_stage(stage, stages);
            }
            black_box(session.onset()[0])
        };
        let name = quality.name();
        group.bench_function(name, |b| b.iter(|| next(&mut session, 1)));
        group.bench_function(format!("{name}, eight stages"), |b| {
            b.iter(|| next(&mut session, 8));
        });
    }
    group.finish();
}

fn loading(criterion: &mut Criterion) {
    let (meta, transcriber) = (meta_text(), transcriber().encode());
    let one_shots = one_shots().encode();
    criterion.bench_function("load a model", |b| {
        b.iter(|| Model::from_parts(&meta, &transcriber, one_shots.clone()).expect("it is valid"));
    });
}

criterion_group!(benches, frames, loading);
criterion_main!(benches);
