//! Training lowers the loss, and a resumed run equals an uninterrupted one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use idm_engine::front_end::{BAND_COUNT, LOW_BAND_COUNT};
use idm_training::{
    losses::{LossConfig, MaskTargets, event_loss, mask_loss},
    network::{
        Compute, Head, Input, LogitGradients, MASK_OUTPUTS, MaskRequest, Network, Weights,
        initial_weights,
    },
    random::Random,
    training::{Batch, Checkpoint, TrainArgs, state_to_use, train},
};

const TINY: &str = r#"
name = "tiny"
seed = 5
[data]
procedural_kits = 2
batch = 2
piece_s = 1.5
pool = 4
validation_pieces = 1
validation_piece_s = 1.5
[optimiser]
warmup_steps = 2
[schedule]
minutes = 0.0
steps = 80
validate_minutes = 1000.0
checkpoint_minutes = 1000.0
"#;

/// A run from the beginning to the end.
fn arguments(out: &Path, config: PathBuf) -> TrainArgs {
    TrainArgs {
        config,
        data: None,
        recordings: Vec::new(),
        notes: Default::default(),
        out: PathBuf::from(out),
        resume: false,
        warm_start: None,
        device: Compute::Cpu,
        pause_at: None,
    }
}

/// Trains in `folder` with these settings.
fn train_in(folder: &Path, settings: &str, pause_at: Option<u64>, resume: bool) -> Checkpoint {
    let config = folder.join("settings.toml");
    fs::write(&config, settings).unwrap();
    let args = TrainArgs {
        resume,
        pause_at,
        ..arguments(folder, config)
    };
    train(&args, &Arc::new(AtomicBool::new(false))).unwrap()
}

fn run(folder: &Path, pause_at: Option<u64>, resume: bool) -> Checkpoint {
    train_in(folder, TINY, pause_at, resume)
}

#[test]
fn training_lowers_the_loss_and_resumes_exactly() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut uninterrupted = run(whole.path(), None, false);
    let history = &uninterrupted.progress.history;
    let (first, last) = (history.first().unwrap().loss, history.last().unwrap().loss);
    assert!(last < 0.96 * first, "loss {first} at first, {last} at last");
    assert!(whole.path().join("curves.png").is_file());

    assert_eq!(run(parts.path(), Some(50), false).progress.step, 50);
    let mut resumed = run(parts.path(), None, true);
    assert_eq!(resumed.progress.step, 80);
    for checkpoint in [&mut resumed, &mut uninterrupted] {
        // Times differ.
        checkpoint.progress = Default::default();
    }
    assert_eq!(resumed, uninterrupted);
}

/// The README's configuration, cut short: it finds hits of kits that it never heard.
#[test]
fn the_quick_configuration_learns_to_hear() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let quick = fs::read_to_string(configs.join("quick.toml")).unwrap();
    let shorter = quick
        .replace("\nminutes = 4.0", "\nminutes = 0.0\nsteps = 24")
        .replace("validate_minutes = 1.0", "validate_minutes = 1000.0");
    assert!(shorter.contains("steps = 24") && shorter.contains("= 1000.0"));
    let folder = tempfile::tempdir().unwrap();
    let state = train_in(folder.path(), &shorter, None, false);
    let f = state.progress.history.last().unwrap().validation_f.unwrap();
    println!("F {f:.3}");
    assert!(f > 0.25, "F {f}");
}

/// Refuses, with an error that says it all, and leaves the run as it was.
#[test]
fn a_run_is_not_replaced_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), Some(2), false);
    let path = folder.path().join("checkpoint.bin");
    let before = fs::read(&path).unwrap();
    let args = |out: &Path, resume| TrainArgs {
        resume,
        ..arguments(out, folder.path().join("settings.toml"))
    };
    let stopped = Arc::new(AtomicBool::new(true));
    let error = train(&args(folder.path(), false), &stopped).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "checkpoint.bin: expected no run here, found one of 2 steps; use --resume or another --out"
        ),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);

    // What is interrupted before its first step has nothing to save.
    let fresh = folder.path().join("fresh");
    train(&args(&fresh, false), &stopped).unwrap();
    assert!(!fresh.join("checkpoint.bin").exists());

    // What has nothing to resume leaves no folder behind.
    let missing = folder.path().join("missing");
    train(&args(&missing, true), &stopped).unwrap_err();
    assert!(!missing.exists());
}

/// What a run learnt from is needed to go on with it; a finished one says so.
#[test]
fn resuming_needs_the_material_and_a_budget() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = run(folder.path(), Some(1), false);
    let path = folder.path().join("checkpoint.bin");
    let sources = state.sources.as_mut().unwrap();
    sources.recordings.push("/takes".into());
    sources.notes = Some("toontrack".to_owned());
    state.save(&path).unwrap();
    let args = TrainArgs {
        resume: true,
        ..arguments(folder.path(), folder.path().join("settings.toml"))
    };
    let stop = Arc::new(AtomicBool::new(false));
    let error = train(&args, &stop).unwrap_err().to_string();
    assert!(
        error.contains("expected --recordings, for the run learnt from /takes, found none"),
        "{error}"
    );
    let other_notes = TrainArgs {
        recordings: vec!["/takes".into()],
        ..args.clone()
    };
    let error = train(&other_notes, &stop).unwrap_err().to_string();
    assert!(
        error.contains("expected --notes toontrack") && error.ends_with("found gm"),
        "{error}"
    );

    fs::write(&args.config, TINY.replace("steps = 80", "steps = 1")).unwrap();
    let before = fs::read(&path).unwrap();
    let with_data = TrainArgs {
        data: Some("/nowhere".into()),
        ..args
    };
    let finished = train(&with_data, &stop).unwrap();
    assert_eq!(finished.progress.step, 1);
    assert!(finished.sources.unwrap().data.is_empty());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn threads_share_a_batch_and_the_run_is_repeatable() {
    let run = || {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!("{TINY}threads = 2\n");
        train_in(folder.path(), &settings, Some(4), false)
    };
    let (mut first, mut second) = (run(), run());
    assert_eq!(first.progress.step, 4);
    for checkpoint in [&mut first, &mut second] {
        checkpoint.progress = Default::default();
    }
    assert_eq!(first, second);
}

#[test]
fn a_run_that_no_longer_improves_ends_early() {
    let folder = tempfile::tempdir().unwrap();
    let still = TINY
        .replace("warmup_steps = 2", "warmup_steps = 2\nlearning_rate = 0.0")
        .replace(
            "validate_minutes = 1000.0",
            "validate_minutes = 0.0\npatience = 2",
        );
    let state = train_in(folder.path(), &still, None, false);
    // The first validation is the best one; two more are no better.
    assert_eq!(state.progress.step, 3);
    let best = Checkpoint::load(&folder.path().join("best.bin")).unwrap();
    assert_eq!(best.progress.step, 1);
    assert_eq!(state_to_use(folder.path(), state.clone()).unwrap(), best);
    let mut all = state;
    all.config.schedule.patience = 0;
    assert_eq!(state_to_use(folder.path(), all.clone()).unwrap(), all);
}

#[test]
fn what_was_learnt_is_saved_whatever_fails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    // Folders where the picture and the best state should be written.
    fs::create_dir_all(out.join("curves.png")).unwrap();
    let settings = folder.path().join("settings.toml");
    fs::write(&settings, TINY.replace("steps = 80", "steps = 2")).unwrap();
    let args = arguments(&out, settings.clone());
    let stop = Arc::new(AtomicBool::new(false));
    assert_eq!(train(&args, &stop).unwrap().progress.step, 2);

    let out = folder.path().join("other");
    fs::create_dir_all(out.join("best.bin")).unwrap();
    let eager = TINY.replace(
        "validate_minutes = 1000.0",
        "validate_minutes = 0.0\npatience = 2",
    );
    fs::write(&settings, eager).unwrap();
    let error = train(&arguments(&out, settings), &stop).unwrap_err();
    assert!(format!("{error:#}").contains("best.bin"), "{error:#}");
    let saved = Checkpoint::load(&out.join("checkpoint.bin")).unwrap();
    assert_eq!(saved.progress.step, 1);
}

fn total(network: &mut Network, weights: &Weights, batch: &Batch, config: &LossConfig) -> f64 {
    let mut sum = 0.0;
    pass(network, weights, batch, config, false, &mut sum);
    sum
}

fn pass(
    network: &mut Network,
    weights: &Weights,
    batch: &Batch,
    config: &LossConfig,
    train: bool,
    sum: &mut f64,
) -> Option<Weights> {
    let size = batch.input.batch;
    let request = MaskRequest {
        head: Head::Standard,
        first_frame: 2,
        frames: 10,
    };
    let rows = 2 * size..12 * size;
    network.pass(
        weights,
        &batch.input,
        Some(request),
        &[20],
        train,
        |outputs| {
            let targets = MaskTargets {
                batch: size,
                ratio: &batch.ratio[rows.start * MASK_OUTPUTS..rows.end * MASK_OUTPUTS],
                mix_power: &batch.mix_power[rows.start * BAND_COUNT..rows.end * BAND_COUNT],
            };
            let masks = mask_loss(config, &outputs.masks, targets);
            let events = [0, 1, 2]
                .map(|head| event_loss(config, &outputs.heads[head].events, &batch.events));
            *sum = masks.total
                + events
                    .iter()
                    .map(|e| {
                        f64::from(config.onset) * e.onset + f64::from(config.velocity) * e.velocity
                    })
                    .sum::<f64>();
            train.then(|| LogitGradients {
                events: events.map(|e| e.gradient),
                masks: masks.gradient,
                timbre: vec![0.0; outputs.timbre.len()],
            })
        },
    )
}

/// The gradient of the whole network, in a random direction per tensor,
/// against differences of the loss.
#[test]
fn gradients_of_all_weights_agree_with_differences() {
    let mut random = Random::new(&[21]);
    let (size, frames) = (2, 40);
    let mut values = |count: usize| -> Vec<f32> { (0..count).map(|_| random.bipolar()).collect() };
    let batch = Batch {
        input: Input {
            batch: size,
            frames,
            frame: values(size * frames * BAND_COUNT),
            low: values(size * frames * LOW_BAND_COUNT),
        },
        events: idm_training::losses::EventTargets {
            onset: (0..size * frames * 9)
                .map(|n| f32::from(n % 37 == 0))
                .collect(),
            velocity: vec![0.7; size * frames * 9],
        },
        ratio: (0..size * frames * MASK_OUTPUTS)
            .map(|n| {
                if (n / BAND_COUNT).is_multiple_of(5) {
                    127
                } else {
                    0
                }
            })
            .collect(),
        mix_power: vec![1e-3; size * frames * BAND_COUNT],
        timbre: Vec::new(),
    };
    let config = LossConfig::default();
    let weights = initial_weights(3);
    let mut network = Network::default();
    let mut sum = 0.0;
    let gradients = pass(&mut network, &weights, &batch, &config, true, &mut sum).unwrap();
    let mut random = Random::new(&[22]);
    for (index, tensor) in weights.tensors().iter().enumerate() {
        if ["timbre", "embedding", "choice", "low.mask", "high.mask"]
            .iter()
            .any(|unused| tensor.name.starts_with(unused))
        {
            continue;
        }
        let direction: Vec<f32> = tensor
            .values
            .iter()
            .map(|_| random.bipolar().signum())
            .collect();
        let slope: f64 = gradients.tensors()[index]
            .values
            .iter()
            .zip(&direction)
            .map(|(a, b)| f64::from(a * b))
            .sum();
        let size = 1e-3 / (tensor.values.len() as f32).sqrt() * 10.0;
        let moved = |factor: f32| {
            let mut moved = weights.clone();
            let values = &mut moved.tensors_mut()[index].values;
            for (value, direction) in values.iter_mut().zip(&direction) {
                *value += factor * size * direction;
            }
            moved
        };
        let above = total(&mut network, &moved(1.0), &batch, &config);
        let below = total(&mut network, &moved(-1.0), &batch, &config);
        let expected = (above - below) / (2.0 * f64::from(size));
        let scale: f64 = gradients.tensors()[index]
            .values
            .iter()
            .map(|value| f64::from(*value).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!(
            (slope - expected).abs() < 0.05 * expected.abs() + 0.1 * scale,
            "{}: {slope}, expected {expected} (norm {scale})",
            tensor.name
        );
    }
}
