//! The executor against tract, and its real-time properties.

mod model_support;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use idm_engine::{
    controls::Quality,
    front_end::{BAND_COUNT, LOW_BAND_COUNT, log_feature},
    model::{Model, Session, round_to_half},
};
use model_support::{Features, Oracle, meta_text, one_shots, random_model, transcriber};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Everything that a session puts out, as bits.
fn bits(session: &Session) -> Vec<u32> {
    [
        session.onset(),
        session.velocity(),
        session.mask().unwrap_or_default(),
        session.embedding(),
    ]
    .concat()
    .into_iter()
    .map(f32::to_bits)
    .collect()
}

/// Runs `frames` frames in `stages` stages each; outputs after every frame.
fn run(model: &Model, quality: Quality, frames: usize, stages: usize) -> Vec<Vec<u32>> {
    let mut session = model.session(quality);
    let mut features = Features::new(3);
    (0..frames)
        .map(|_| {
            let (frame, low) = features.next();
            session.begin(&frame, &low);
            for stage in 0..stages {
                session.run_stage(stage, stages);
            }
            bits(&session)
        })
        .collect()
}

fn worst(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// Runs all qualities beside tract over a long stream: the largest difference
/// of any output, and the smallest and largest onset probability.
fn compare_with_tract(model: &Model, bytes: &[u8]) -> (f32, f32, f32) {
    let mut oracle = Oracle::new(bytes);
    let mut sessions = Quality::ALL.map(|quality| model.session(quality));
    let mut features = Features::new(1);
    let (mut error, mut quietest, mut loudest) = (0.0_f32, 1.0_f32, 0.0_f32);
    for _ in 0..1200 {
        let (frame, low) = features.next();
        oracle.step(&frame, &low);
        for (session, quality) in sessions.iter_mut().zip(Quality::ALL) {
            session.step(&frame, &low);
            let suffix = quality.head_suffix();
            let mut pairs = vec![
                (session.onset(), format!("onset{suffix}")),
                (session.velocity(), format!("velocity{suffix}")),
                (session.embedding(), "embedding".into()),
            ];
            pairs.extend(session.mask().map(|mask| (mask, format!("mask{suffix}"))));
            for (ours, name) in pairs {
                error = error.max(worst(ours, oracle.output(&name)));
            }
            for &onset in session.onset() {
                (quietest, loudest) = (quietest.min(onset), loudest.max(onset));
            }
        }
    }
    println!("largest difference from tract: {error:e}, onsets {quietest} to {loudest}");
    (error, quietest, loudest)
}

#[test]
fn agrees_with_tract_over_a_long_stream() {
    let (model, network) = (random_model(), transcriber().encode());
    assert!(
        Quality::ALL
            .iter()
            .all(|&quality| model.plan().has_mask(quality))
    );
    let (error, quietest, loudest) = compare_with_tract(&model, &network);
    assert!(error <= 1e-4, "{error}");
    // The network says something, so that there was something to compare.
    assert!(quietest < 0.2 && loudest > 0.8, "{quietest} to {loudest}");
}

#[test]
fn matrices_of_half_size_agree_with_tract_over_a_long_stream() {
    let full = random_model().plan().weight_bytes();
    let mut network = transcriber();
    for tensor in &mut network.graph().initializer {
        if tensor.dims.len() == 2 {
            for bytes in tensor.raw_data.chunks_exact_mut(4) {
                let weight = f32::from_le_bytes(bytes.try_into().unwrap());
                bytes.copy_from_slice(&round_to_half(weight).to_le_bytes());
            }
        }
    }
    let bytes = network.encode();
    let model = Model::from_parts(&meta_text(), &bytes, one_shots().encode()).unwrap();
    let half = model.plan().weight_bytes();
    assert!(half < full * 53 / 100, "{half} of {full} bytes");
    let (error, quietest, loudest) = compare_with_tract(&model, &bytes);
    assert!(error <= 1e-4, "{error}");
    assert!(quietest < 0.2 && loudest > 0.8, "{quietest} to {loudest}");
}

#[test]
fn embedded_model_agrees_with_tract_over_a_long_stream() {
    let path = "../../presets/models/default/transcriber.onnx";
    let network = std::fs::read(path).unwrap();
    let (error, quietest, loudest) = compare_with_tract(&Model::embedded().unwrap(), &network);
    assert!(error <= 1e-4, "{error}");
    assert!(quietest < loudest);
}

#[test]
fn result_does_not_depend_on_the_number_of_stages() {
    let model = random_model();
    for quality in Quality::ALL {
        let whole = run(&model, quality, 40, 1);
        for stages in [2, 3, 8, 64, 1000] {
            assert_eq!(
                run(&model, quality, 40, stages),
                whole,
                "{stages} stages, {quality:?}"
            );
        }
    }
}

#[test]
fn stages_that_were_left_out_or_repeated_change_nothing() {
    let model = random_model();
    let want = run(&model, Quality::Standard, 20, 8);
    let mut session = model.session(Quality::Standard);
    let mut features = Features::new(3);
    for (index, want) in want.iter().enumerate() {
        let (frame, low) = features.next();
        session.begin(&frame, &low);
        session.run_stage(2, 8);
        session.run_stage(1, 8);
        session.run_stage(2, 8);
        session.run_stage(5, 12);
        let before = bits(&session);
        if index > 0 {
            assert!(before != *want, "outputs change with the last stage only");
        }
        session.run_stage(7, 8);
        session.run_stage(7, 8);
        assert_eq!(bits(&session), *want, "frame {index}");
    }
}

#[test]
fn begin_completes_an_unfinished_frame() {
    let model = random_model();
    let want = run(&model, Quality::High, 10, 1);
    let mut session = model.session(Quality::High);
    let mut features = Features::new(3);
    for _ in 0..10 {
        let (frame, low) = features.next();
        session.begin(&frame, &low);
        session.run_stage(0, 8);
    }
    session.run_stage(7, 8);
    assert_eq!(bits(&session), want[9]);
}

#[test]
fn reset_forgets_everything() {
    let model = random_model();
    for quality in Quality::ALL {
        let want = run(&model, quality, 30, 1);
        let mut session = model.session(quality);
        let fresh = bits(&session);
        for end in [0, 3] {
            let mut features = Features::new(99);
            for _ in 0..5 {
                let (frame, low) = features.next();
                session.begin(&frame, &low);
                session.run_stage(end, 4);
            }
            session.reset();
            assert_eq!(bits(&session), fresh);
            let mut features = Features::new(3);
            for want in &want {
                let (frame, low) = features.next();
                session.step(&frame, &low);
                assert_eq!(bits(&session), *want);
            }
        }
    }
}

#[test]
fn a_recording_is_heard_again_as_it_was_known_after_eight_seconds() {
    /// Frames in eight seconds.
    const KNOWN: usize = 1_378;
    let model = random_model();
    let heard = |frames: usize| {
        let mut session = model.session(Quality::Low);
        let mut features = Features::new(21);
        for _ in 0..frames {
            let (frame, low) = features.next();
            session.step(&frame, &low);
        }
        session
    };
    let again = |mut session: Session| {
        session.rewind();
        let mut features = Features::new(21);
        let mut outputs = Vec::new();
        for _ in 0..20 {
            let (frame, low) = features.next();
            session.step(&frame, &low);
            outputs.push(bits(&session));
        }
        outputs
    };
    let known = again(heard(KNOWN));
    assert_eq!(again(heard(KNOWN + 1)), known);
    assert_eq!(again(heard(KNOWN + 50)), known);
    assert_ne!(again(heard(KNOWN - 50)), known);
    let fresh = again(heard(0));
    assert_ne!(fresh, known);
    let mut session = heard(KNOWN + 50);
    session.reset();
    assert_eq!(again(session), fresh);
}

#[test]
fn sessions_of_one_model_are_independent() {
    let model = random_model();
    let want = run(&model, Quality::Standard, 20, 1);
    let mut other = model.session(Quality::Standard);
    let mut session = model.session(Quality::Standard);
    let mut features = Features::new(3);
    let mut noise = Features::new(4);
    for want in want {
        let (frame, low) = noise.next();
        other.step(&frame, &low);
        let (frame, low) = features.next();
        session.step(&frame, &low);
        assert_eq!(bits(&session), want);
    }
}

#[test]
fn audio_thread_calls_never_allocate() {
    let model = random_model();
    for quality in Quality::ALL {
        let mut session = model.session(quality);
        let mut features = Features::new(5);
        for stages in [1, 3, 8, 8, 8] {
            let (frame, low) = features.next();
            let sum = assert_no_alloc(|| {
                session.begin(&frame, &low);
                for stage in 0..stages {
                    session.run_stage(stage, stages);
                }
                let mask: f32 = session.mask().unwrap_or_default().iter().sum();
                session.onset()[0] + session.velocity()[0] + session.embedding()[0] + mask
            });
            assert!(sum.is_finite());
        }
        assert_no_alloc(|| session.rewind());
        assert_no_alloc(|| session.reset());
    }
}

#[test]
fn broken_features_count_as_silence() {
    let model = random_model();
    let silence = log_feature(0.0);
    for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut ours = model.session(Quality::High);
        let mut want = model.session(Quality::High);
        let mut features = Features::new(8);
        for index in 0..60 {
            let (mut frame, mut low) = features.next();
            if index % 7 == 0 {
                frame[index] = silence;
                low.fill(silence);
            }
            want.step(&frame, &low);
            if index % 7 == 0 {
                frame[index] = broken;
                low.fill(broken);
            }
            ours.step(&frame, &low);
            assert_eq!(bits(&ours), bits(&want), "frame {index}, {broken}");
        }
    }
}

#[test]
fn absurd_features_leave_no_trace_that_is_not_finite() {
    let model = random_model();
    let mut session = model.session(Quality::Standard);
    for value in [f32::MAX, f32::MIN, 1e-42, -1e-42, 1e20, -1e20] {
        for _ in 0..30 {
            session.step(&[value; BAND_COUNT], &[value; LOW_BAND_COUNT]);
            assert!(
                bits(&session)
                    .into_iter()
                    .all(|bits| f32::from_bits(bits).is_finite())
            );
        }
    }
    // Recurrent states are bounded, so the stream recovers.
    let mut fresh = model.session(Quality::Standard);
    let mut features = Features::new(9);
    for _ in 0..400 {
        let (frame, low) = features.next();
        session.step(&frame, &low);
        fresh.step(&frame, &low);
    }
    assert!(worst(session.onset(), fresh.onset()) < 0.05);
}
