//! Training from mixtures and their hits alone, from rendered files to a table.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_training::{
    commands::render::{self, RenderArgs},
    evaluation::{EvaluateArgs, Material, Report, System, evaluate_recordings},
    kits::Split,
    recordings::{
        Recordings, RecordingsConfig, find_all_recordings, find_recordings, heard_templates,
        quality,
    },
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
        notes: Default::default(),
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
    fs::write(&table, good.replacen(",kick", ",snare", 1)).unwrap();
    let error = format!("{:#}", open().unwrap_err());
    assert!(error.contains("000002/onsets.mid, which differ"), "{error}");
    fs::remove_file(root.path().join("000002/onsets.mid")).unwrap();
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

/// Cuts the end off: header and first samples are as they were.
fn cut(path: &Path) {
    let content = fs::read(path).unwrap();
    fs::write(path, &content[..content.len() / 2]).unwrap();
}

#[test]
fn all_unusable_recordings_are_named_at_once() {
    let root = tempfile::tempdir().unwrap();
    render_takes(root.path());
    fs::write(root.path().join("000001/mix.wav"), b"RIFF").unwrap();
    fs::write(root.path().join("000003/onsets.csv"), "time_s,class\n").unwrap();
    fs::remove_file(root.path().join("000003/onsets.mid")).unwrap();
    let config = RecordingsConfig {
        folders: vec![root.path().to_owned()],
        ..RecordingsConfig::default()
    };
    // On the side on which they are not, too.
    for split in [Split::Train, Split::Valid] {
        let error = format!("{:#}", Recordings::open(&config, split, &[]).unwrap_err());
        for expected in [
            "2 of 4 recordings",
            "000001/mix.wav: ",
            "000003/onsets.csv: ",
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }
}

#[test]
fn a_recording_that_turns_out_to_be_damaged_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    render_takes(root.path());
    let config = RecordingsConfig {
        folders: vec![root.path().to_owned()],
        ..RecordingsConfig::default()
    };
    let whole = Recordings::open(&config, Split::Train, &[])
        .unwrap()
        .unwrap();
    let pieces = |recordings: &Recordings| -> Vec<_> {
        let numbers = (0..16).step_by(4);
        numbers
            .map(|n| recordings.example(7, n, 1.0).map(|piece| piece.hits))
            .collect()
    };
    let expected = pieces(&whole);
    let spread = |recordings: &Recordings| -> Vec<_> {
        let pieces = recordings.spread(8, 1.0).unwrap().into_iter();
        pieces.map(|piece| piece.mix_power).collect()
    };
    let evenly = spread(&whole);
    assert_eq!(evenly, spread(&whole));
    let of_takes: Vec<_> = (0..4)
        .map(|n| whole.explained(n).unwrap().0.mix_power)
        .collect();
    let is_in = |take: &[f32], piece: &[f32]| {
        let mut windows = take.windows(piece.len()).step_by(piece.len() / 172);
        windows.any(|window| window == piece)
    };
    for (n, piece) in evenly.iter().enumerate() {
        assert!(
            is_in(&of_takes[n / 2], piece),
            "piece {n} is of take {}",
            n / 2
        );
    }
    cut(&root.path().join("000002/mix.wav"));
    let recordings = Recordings::open(&config, Split::Train, &[])
        .unwrap()
        .unwrap();
    assert_eq!(spread(&recordings).len(), 8);
    assert!(
        spread(&recordings)
            .iter()
            .all(|piece| !is_in(&of_takes[2], piece))
    );
    let found = pieces(&recordings);
    let same = found.iter().zip(&expected);
    let same =
        same.filter(|(found, expected)| found.as_ref().unwrap() == expected.as_ref().unwrap());
    assert!(same.count() > 0, "those of others are as they were");
    for take in ["000000", "000001", "000003"] {
        cut(&root.path().join(take).join("mix.wav"));
    }
    let none = Recordings::open(&config, Split::Train, &[])
        .unwrap()
        .unwrap();
    let error = none.example(7, 0, 1.0).map(drop).unwrap_err().to_string();
    assert!(
        error.contains("none of 4 recordings can be read"),
        "{error}"
    );
    assert!(none.spread(8, 1.0).is_err());
}

#[test]
fn what_leaves_out_sound_is_for_evaluation_only() {
    let fixtures =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/engine/tests/audio_file_fixtures");
    let root = tempfile::tempdir().unwrap();
    for name in ["sine.m4a", "sine.mp3", "sine_alac.m4a", "sine_alac.caf"] {
        let folder = root.path().join(name.replace('.', "_"));
        fs::create_dir(&folder).unwrap();
        fs::copy(fixtures.join(name), folder.join(name)).unwrap();
        fs::write(folder.join("onsets.csv"), "time_s,class\n0.05,kick\n").unwrap();
    }
    let names = |recordings: Vec<idm_training::recordings::Recording>| -> Vec<String> {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        recordings
            .iter()
            .map(|recording| name(&recording.audio))
            .collect()
    };
    let exact = names(find_recordings(root.path()).unwrap());
    assert_eq!(exact, ["sine_alac.caf", "sine_alac.m4a"]);
    assert_eq!(find_all_recordings(root.path()).unwrap().len(), 4);
}

fn evaluation(folder: &Path, systems: Vec<System>) -> EvaluateArgs {
    EvaluateArgs {
        data: None,
        model: Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default"),
        systems,
        material: vec![Material::Plain],
        excerpts: 1,
        seconds: None,
        threads: None,
        out: None,
        robustness: false,
        one_shots: false,
        corrected: None,
        settled: None,
        renamed: None,
        recordings: vec![folder.to_owned()],
        notes: Default::default(),
        golden: None,
    }
}

#[test]
fn recordings_are_evaluated_as_far_as_they_are_annotated() {
    let root = tempfile::tempdir().unwrap();
    render_takes(root.path());
    // Not read, told, left out.
    cut(&root.path().join("000003/mix.wav"));
    let systems = || vec![System::Mixture, System::Ours];
    let full = evaluate_recordings(&evaluation(root.path(), systems())).unwrap();
    assert!(
        full.material.starts_with("recordings: 3 of 18 s in "),
        "{}",
        full.material
    );
    let ours = &full.systems[1];
    let groups = &ours.transcription.as_ref().unwrap().strict.groups[0];
    let found: usize = groups[5].found;
    assert!(found > 10 && ours.pooled_f().unwrap() > 0.3, "{groups:?}");
    let gain = |report: &Report| {
        let of = |row: usize| report.systems[row].groups[0].si_sdr_db;
        Some(of(1)? - of(0)?)
    };
    assert!(gain(&full).unwrap() > 3.0, "{:?}", gain(&full));
    assert_eq!(full.breakdown.as_ref().unwrap().recordings.len(), 3);

    // Kicks, and hats of one kind: no tom is judged, no kind of hat is wrong, and stems and
    // velocities are gone.
    for take in 0..4 {
        let folder = root.path().join(format!("{take:06}"));
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".wav") && name != "mix.wav" || name == "onsets.mid" {
                fs::remove_file(&path).unwrap();
            }
        }
        let table = fs::read_to_string(folder.join("onsets.csv")).unwrap();
        let mut few = "time_s,class\n".to_owned();
        for line in table.lines().skip(1) {
            let mut cells = line.split(',');
            let (time, class) = (cells.next().unwrap(), cells.next().unwrap());
            if class == "kick" || class.contains("hat") {
                let class = if class == "kick" { class } else { "hihat" };
                few.push_str(&format!("{time},{class}\n"));
            }
        }
        fs::write(folder.join("onsets.csv"), few).unwrap();
    }
    let few = evaluate_recordings(&evaluation(root.path(), systems())).unwrap();
    assert!(
        few.material
            .contains("as annotated: Hi-hat; not annotated and not judged: Snare, Toms"),
        "{}",
        few.material
    );
    let transcription = few.systems[1].transcription.as_ref().unwrap();
    let groups = &transcription.strict.groups[0];
    assert_eq!(
        groups[0],
        ours.transcription.as_ref().unwrap().strict.groups[0][0]
    );
    for unjudged in [1, 2, 4] {
        assert_eq!(groups[unjudged], Default::default());
    }
    assert_eq!(transcription.strict.classes[0][2], Default::default());
    assert!(
        few.systems[1]
            .groups
            .iter()
            .all(|group| group.si_sdr_db.is_none())
    );
    let text = few.markdown();
    assert!(!text.contains("SI-SDR, dB | Kick"), "{text}");
    assert!(text.contains("per recording"), "{text}");
    let error = evaluate_recordings(&evaluation(root.path(), vec![System::Ideal])).unwrap_err();
    assert!(error.to_string().contains("no more than hits"), "{error}");
}
