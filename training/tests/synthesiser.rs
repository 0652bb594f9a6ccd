//! The noise-to-waveform network: shapes, repeatability, learning, and the
//! command's errors.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_training::{
    network::EMBEDDING,
    random::Random,
    synthesiser::{
        Budget, CONDITION, KitExample, Size, SpectralLoss, Synthesiser, SynthesiserArgs, condition,
        load, run, train,
    },
};

const TINY: Size = Size {
    channels: 8,
    blocks: 3,
    taps: 3,
    frames: 96,
};

/// Kits whose kick and ride are tones; they have nothing else.
fn tones() -> Vec<KitExample> {
    let mut random = Random::new(&[51]);
    (0..3)
        .map(|_| {
            let mut one_shots: [Vec<f32>; DRUM_COUNT] = Default::default();
            for (drum, omega, decay) in [(Drum::Kick, 0.02, 800.0), (Drum::Ride, 0.9, 3_000.0)] {
                one_shots[drum.index()] = (0..TINY.samples())
                    .map(|n| (n as f32 * omega).sin() * (-(n as f32) / decay).exp())
                    .collect();
            }
            KitExample {
                embedding: (0..EMBEDDING).map(|_| random.bipolar()).collect(),
                one_shots,
            }
        })
        .collect()
}

fn steps(steps: u64) -> Budget {
    Budget {
        minutes: 0.0,
        steps,
    }
}

#[test]
fn shapes_and_levels_are_right_and_repeat() {
    let weights = TINY.initial_weights(3);
    let make = || Synthesiser::new(TINY).one_shots(&weights, &[0.3; EMBEDDING]);
    let sounds = make();
    assert_eq!(sounds, make());
    for sound in &sounds {
        assert_eq!(sound.len(), TINY.samples());
        let peak = sound.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        assert!((0.5..=0.981).contains(&peak), "{peak}");
    }
    assert_ne!(sounds[0], sounds[1], "the class counts");
    let other = Synthesiser::new(TINY).one_shots(&weights, &[-0.3; EMBEDDING]);
    assert_ne!(sounds[0], other[0], "the kit counts");
    let condition = condition(Drum::Snare, &[0.5; EMBEDDING]);
    assert_eq!(condition.len(), CONDITION);
    assert_eq!(condition[Drum::Snare.index()], 1.0);
}

#[test]
fn gradients_are_slopes() {
    let synthesiser = Synthesiser::new(TINY);
    let conditions = condition(Drum::Snare, &[0.2; EMBEDDING]);
    let mut weights = TINY.initial_weights(4);
    let mut random = Random::new(&[52]);
    let wanted: Vec<f32> = (0..TINY.samples()).map(|_| random.bipolar()).collect();
    let gradients = synthesiser
        .pass(&weights, &conditions, true, |_| Some(wanted.clone()))
        .unwrap();
    let value = |weights: &_| {
        let mut sum = 0.0;
        synthesiser.pass(weights, &conditions, false, |found| {
            let products = found.iter().zip(&wanted);
            sum = products.map(|(f, w)| f64::from(f * w)).sum::<f64>();
            None
        });
        sum
    };
    for name in ["block1.weight", "block0.film.weight", "envelope.bias"] {
        let index = weights.index_of(name);
        let expected = f64::from(gradients.tensors()[index].values[0]);
        let weight = weights.tensors()[index].values[0];
        let mut slope_over = |step: f32| {
            let [above, below] = [weight + step, weight - step].map(|moved| {
                weights.tensors_mut()[index].values[0] = moved;
                value(&weights)
            });
            weights.tensors_mut()[index].values[0] = weight;
            (above - below) / f64::from(2.0 * step)
        };
        // Far enough for rounding, which is another on every processor, to be small; what the
        // curve makes of that is taken off (Richardson).
        let slope = (4.0 * slope_over(4e-3) - slope_over(8e-3)) / 3.0;
        println!("{name}: {slope} {expected}");
        assert!(
            (slope - expected).abs() < 0.03 * expected.abs().max(0.1),
            "{name}: {slope} {expected}"
        );
    }
}

#[test]
fn training_lowers_the_loss_and_repeats() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.bin");
    let go = AtomicBool::new(false);
    let examples = tones();
    let trained = train(&examples, TINY, steps(100), 1, Some(&path), &go).unwrap();
    let history = &trained.progress.history;
    let (first, last) = (history.first().unwrap().loss, history.last().unwrap().loss);
    assert!(last < 0.8 * first, "loss {first} at first, {last} at last");
    assert_eq!(load(&path, TINY).unwrap(), trained.optimiser.average);

    let distance = |weights| {
        let sounds = Synthesiser::new(TINY).one_shots(weights, &examples[0].embedding);
        let kick = Drum::Kick.index();
        SpectralLoss::default()
            .measure(&examples[0].one_shots[kick], &sounds[kick])
            .0
    };
    let (before, after) = (
        distance(&TINY.initial_weights(1)),
        distance(&trained.weights),
    );
    assert!(after < 0.8 * before, "{before} before, {after} after");

    let short = || train(&examples, TINY, steps(5), 2, None, &go).unwrap();
    assert_eq!(short().weights, short().weights);
    let stopped = train(&examples, TINY, steps(5), 2, None, &AtomicBool::new(true)).unwrap();
    assert_eq!(stopped.progress.step, 0);
}

#[test]
fn wrong_arguments_are_refused_with_reasons() {
    let go = AtomicBool::new(false);
    let error = train(&[], TINY, steps(1), 1, None, &go).unwrap_err();
    assert!(error.to_string().contains("found none"), "{error}");
    let error = train(&tones(), TINY, steps(0), 1, None, &go).unwrap_err();
    assert!(error.to_string().contains("minutes or steps"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.bin");
    train(&tones(), TINY, steps(1), 1, Some(&path), &go).unwrap();
    let error = format!("{:#}", load(&path, Size::default()).unwrap_err());
    assert!(
        error.contains("tiny.bin does not fit") && error.contains("tensors"),
        "{error}"
    );

    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let usual = SynthesiserArgs {
        data: None,
        held_out: None,
        model: repository.join("presets/models/default"),
        minutes: 25.0,
        steps: Some(1),
        checkpoint: None,
        mixtures: 1,
        procedural_kits: 1,
        excerpts: 1,
        seconds: 4.0,
        seed: 1,
        threads: 1,
        out: folder.path().join("out"),
    };
    let refused = |args: SynthesiserArgs| {
        let error = run(&args, &Arc::new(AtomicBool::new(false))).unwrap_err();
        format!("{error:#}")
    };
    let error = refused(SynthesiserArgs {
        minutes: 0.0,
        steps: None,
        ..usual.clone()
    });
    assert!(error.contains("above 0"), "{error}");
    let error = refused(SynthesiserArgs {
        seconds: 0.5,
        ..usual.clone()
    });
    assert!(error.contains("at least 1 s"), "{error}");
    let error = refused(SynthesiserArgs {
        data: Some(folder.path().into()),
        ..usual.clone()
    });
    assert!(error.contains("drums/"), "{error}");
    let error = refused(SynthesiserArgs {
        procedural_kits: 0,
        ..usual.clone()
    });
    assert!(error.contains("kits and mixtures"), "{error}");
    let error = refused(SynthesiserArgs {
        model: folder.path().join("nowhere"),
        ..usual.clone()
    });
    assert!(error.contains("nowhere"), "{error}");
    let error = refused(SynthesiserArgs {
        checkpoint: Some(path),
        ..usual
    });
    assert!(error.contains("does not fit"), "{error}");
}

#[test]
fn the_command_trains_compares_and_writes() {
    let folder = tempfile::tempdir().unwrap();
    let args = SynthesiserArgs {
        data: None,
        held_out: None,
        model: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default"),
        minutes: 25.0,
        steps: Some(2),
        checkpoint: None,
        mixtures: 2,
        procedural_kits: 2,
        excerpts: 1,
        seconds: 4.0,
        seed: 1,
        threads: 1,
        out: folder.path().to_path_buf(),
    };
    run(&args, &Arc::new(AtomicBool::new(false))).unwrap();
    let table = std::fs::read_to_string(folder.path().join("comparison.md")).unwrap();
    for row in ["bank, chosen", "network, fed", "| bank |", "| network |"] {
        assert!(table.contains(row), "{table}");
    }
    for name in ["checkpoint.bin", "kick.wav"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn what_is_no_number_moves_no_weight_and_stays_out_of_the_record() {
    let stop = AtomicBool::new(false);
    let mut kits = tones();
    kits[0].one_shots[Drum::Kick.index()][40] = f32::NAN;
    let state = train(&kits, TINY, steps(50), 1, None, &stop).unwrap();
    let record = state.progress.history.last().unwrap();
    assert!(record.loss.is_finite() && record.loss > 0.0, "{record:?}");
    assert_ne!(state.weights, TINY.initial_weights(1));
    let tensors = state.weights.tensors().iter();
    let mut values = tensors.flat_map(|tensor| &tensor.values);
    assert!(values.all(|value| value.is_finite()));
    for kit in &mut kits {
        for sound in &mut kit.one_shots {
            sound.fill(f32::NAN);
        }
    }
    let error = train(&kits, TINY, steps(50), 1, None, &stop)
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("finite loss"), "{error}");
}
