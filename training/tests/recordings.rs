//! Training from mixtures and their hits alone, from rendered files to a table.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_training::{
    commands::render::{self, RenderArgs},
    kits::Split,
    recordings::{Recordings, RecordingsConfig, heard_templates, quality},
    sweep::{self, SweepArgs},
};

const BASE: &str = r#"
name = "tiny"
seed = 5
[data]
procedural_kits = 2
batch = 2
piece_s = 1.5
pool = 4
recordings_share = 1.0
validation_pieces = 4
validation_piece_s = 2.0
[optimiser]
warmup_steps = 2
[schedule]
validate_minutes = 1000.0
checkpoint_minutes = 1000.0
"#;

const SWEEP: &str = r#"
base = "base.toml"
steps = 60
[[run]]
name = "transcription only"
set = { loss.mask = 0.0, loss.distortion = 0.0, loss.leakage = 0.0, loss.timbre = 0.0 }
[[run]]
name = "analysis by synthesis"
[[run]]
name = "true stems"
set = { data.recordings_stems = true }
"#;

fn render_takes(folder: &Path) {
    render::run(&RenderArgs {
        out: folder.to_owned(),
        config: None,
        data: None,
        pieces: 4,
        seconds: Some(6.0),
        seed: Some(21),
        wildness: Some(0.5),
        validation: false,
        stereo: false,
    })
    .unwrap();
}

#[test]
fn hits_alone_teach_masks_nearly_as_stems_do() {
    let root = tempfile::tempdir().unwrap();
    let takes = root.path().join("takes");
    render_takes(&takes);

    // The targets are close to the true ones, which they never saw.
    let config = RecordingsConfig {
        folders: vec![takes.clone()],
        ..RecordingsConfig::default()
    };
    let recordings = Recordings::open(&config, Split::Train, &[])
        .unwrap()
        .unwrap();
    assert_eq!(recordings.material().0, 4);
    let mut errors = Vec::new();
    for passage in 0..recordings.passages() {
        let (example, _) = recordings.explained(passage).unwrap();
        let truth = recordings.true_targets(passage).unwrap().unwrap();
        errors.extend(quality(&example, Some(&truth)).mean_distortion_db());
    }
    let error = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(error < -5.0, "targets are {error:.1} dB off: {errors:?}");

    // Three arms.
    let (base, plan) = (
        root.path().join("base.toml"),
        root.path().join("sweep.toml"),
    );
    fs::write(base, BASE).unwrap();
    fs::write(&plan, SWEEP).unwrap();
    let args = SweepArgs {
        sweep: plan,
        data: None,
        recordings: vec![takes],
        warm_start: None,
        device: Default::default(),
        out: root.path().join("runs"),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let outcomes = sweep::run(&args, &stop).unwrap();
    let masks: Vec<f64> = outcomes.iter().map(|outcome| outcome.mask_db).collect();
    let [untrained, estimated, stems] = masks[..] else {
        panic!("{masks:?}");
    };
    assert!(estimated < untrained - 0.5, "{masks:?}");
    let gain = (untrained - estimated) / (untrained - stems);
    assert!(
        gain > 0.6,
        "share of the gain by stems: {gain:.2}, {masks:?}"
    );
    assert!(outcomes.iter().all(|outcome| outcome.steps == 60));

    // A second call trains nothing and says the same.
    let table = fs::read_to_string(args.out.join("table.md")).unwrap();
    let checkpoint = args.out.join("true_stems/checkpoint.bin");
    let trained = fs::metadata(&checkpoint).unwrap().modified().unwrap();
    assert_eq!(sweep::run(&args, &stop).unwrap().len(), 3);
    let again = fs::read_to_string(args.out.join("table.md")).unwrap();
    assert_eq!(again, table);
    assert_eq!(
        fs::metadata(&checkpoint).unwrap().modified().unwrap(),
        trained
    );
    assert_eq!(table.lines().count(), 5);
    assert!(args.out.join("table.csv").is_file());
}

#[test]
fn the_bank_hears_the_drums_of_a_recording() {
    let root = tempfile::tempdir().unwrap();
    render_takes(root.path());
    let config = RecordingsConfig {
        folders: vec![root.path().to_owned()],
        ..RecordingsConfig::default()
    };
    let recordings = Recordings::open(&config, Split::Train, &[])
        .unwrap()
        .unwrap();
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for passage in 0..recordings.passages() {
        let (example, explanation) = recordings.explained(passage).unwrap();
        let truth = recordings.true_targets(passage).unwrap().unwrap();
        let heard = heard_templates(&example, &explanation);
        let expected = heard_templates(&truth, &explanation);
        for (class, heard) in heard.iter().enumerate() {
            for (other, expected) in expected.iter().enumerate() {
                if let (Some(heard), Some(expected)) = (heard, expected) {
                    let distances = if class == other {
                        &mut own
                    } else {
                        &mut others
                    };
                    distances.push(heard.distance(expected, 18));
                }
            }
        }
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    assert!(own.len() >= 6, "{own:?}");
    assert!(mean(&own) < 0.4 * mean(&others), "{own:?} {others:?}");
}

#[test]
fn unusable_recordings_are_refused_before_training() {
    let root = tempfile::tempdir().unwrap();
    render_takes(root.path());
    let open = || {
        let config = RecordingsConfig {
            folders: vec![root.path().to_owned()],
            ..RecordingsConfig::default()
        };
        Recordings::open(&config, Split::Train, &[])
    };
    let table = root.path().join("000002/onsets.csv");
    let good = fs::read_to_string(&table).unwrap();
    fs::write(&table, format!("{good}1.0,bagpipe,3\n")).unwrap();
    let error = format!("{:#}", open().unwrap_err());
    assert!(
        error.contains("000002") && error.contains("bagpipe"),
        "{error}"
    );
    fs::write(&table, "time_s,class\n").unwrap();
    let error = format!("{:#}", open().unwrap_err());
    assert!(error.contains("at least one hit"), "{error}");
    fs::write(&table, format!("{good}400.0,kick,3\n")).unwrap();
    let error = format!("{:#}", open().unwrap_err());
    assert!(error.contains("found one at 400.0 s"), "{error}");
    fs::write(&table, good).unwrap();
    let mix = root.path().join("000002/mix.wav");
    write_wav(&mix, &AudioBuffer::silent(44_100.0, 1, 0)).unwrap();
    let error = format!("{:#}", open().unwrap_err());
    assert!(
        error.contains("000002") && error.contains("at least one sample"),
        "{error}"
    );
}
