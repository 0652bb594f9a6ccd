use std::path::{Path, PathBuf};

use idm_engine::{
    audio_file::{AudioBuffer, write_wav},
    drum::Drum,
};

use super::{material::hard, *};
use crate::kits::Split;

fn args(systems: Vec<System>) -> EvaluateArgs {
    EvaluateArgs {
        data: None,
        model: PathBuf::from("nowhere"),
        systems,
        material: vec![Material::Hard, Material::Plain],
        excerpts: 3,
        seconds: Some(4.0),
        recordings: Vec::new(),
        notes: Default::default(),
        threads: None,
        out: None,
        robustness: false,
        one_shots: false,
        corrected: None,
        settled: None,
        renamed: None,
        golden: None,
    }
}

/// The order that any sound evaluation must find: doing nothing, blind
/// factorisation, the ceiling.
#[test]
fn known_systems_come_in_the_right_order() {
    let systems = vec![System::Mixture, System::Nmfd, System::Oracle, System::Ideal];
    let reports = evaluate(&args(systems)).unwrap();
    assert_eq!(reports.len(), 2);
    reports.iter().for_each(in_the_right_order);
}

fn in_the_right_order(report: &Report) {
    let scores: Vec<f64> = report
        .systems
        .iter()
        .map(|system| system.macro_si_sdr_db().unwrap())
        .collect();
    let [mixture, nmfd, oracle, ideal] = scores[..] else {
        panic!("four systems, {scores:?}");
    };
    assert!(nmfd > mixture + 2.0, "{scores:?}");
    assert!(oracle > mixture + 2.0, "{scores:?}");
    assert!(ideal > nmfd + 2.0 && ideal > oracle, "{scores:?}");
    let silent = |index: usize| report.systems[index].macro_silent_db().unwrap();
    assert!(silent(0).abs() < 1e-6, "the mixture is as loud as itself");
    assert!(silent(3) < -60.0, "ideal masks are silent: {}", silent(3));
}

#[test]
fn held_out_material_repeats_and_is_not_training_material() {
    let first = held_out(None, 2, 2.0).unwrap();
    let again = held_out(None, 2, 2.0).unwrap();
    assert_eq!(first[1].piece.mix, again[1].piece.mix);
    let first = held_out_plain(None, 2, 2.0).unwrap();
    let again = held_out_plain(None, 2, 2.0).unwrap();
    assert_eq!(first[1].piece.mix, again[1].piece.mix);
    assert!(first.iter().all(|excerpt| excerpt.true_kit.is_some()));
    assert!(held_out(Some(Path::new("/nonexistent")), 1, 1.0).is_err());
}

#[test]
fn kits_of_the_user_are_not_taken_for_held_out_ones() {
    let data = tempfile::tempdir().unwrap();
    let kit = data.path().join("drums/mine");
    std::fs::create_dir_all(&kit).unwrap();
    let audio = AudioBuffer {
        sample_rate_hz: 44_100.0,
        channels: vec![vec![0.8, -0.4, 0.2, 0.1]],
    };
    write_wav(kit.join("kick.wav"), &audio).unwrap();
    for refused in [held_out, held_out_plain] {
        let error = refused(Some(data.path()), 1, 1.0).unwrap_err().to_string();
        let expected =
            "expected validation kits, found 0 of 1; validation ones are those in drums/valid/";
        assert!(error.contains(expected), "{error}");
    }
    assert!(hard(Split::Train, Some(data.path()), 1, 1.0).is_ok());
    let words = describe(Material::Hard, &[], Some(data.path()));
    assert!(words.ends_with("of validation kits and generated patterns"));
}

#[test]
fn a_missing_model_is_named() {
    let error = evaluate(&args(vec![System::Ours])).unwrap_err();
    assert!(format!("{error:#}").contains("nowhere"), "{error:#}");
}

/// A held-out machine that has two kicks for one stroke, a low and a high one, and silence for
/// all else, in `data`.
fn write_machine(data: &Path) {
    let drums = data.join("drums");
    std::fs::create_dir_all(&drums).unwrap();
    let tone = |hz: f32, peak: f32| AudioBuffer {
        sample_rate_hz: 44_100.0,
        channels: vec![
            (0..3_000)
                .map(|n| peak * (std::f32::consts::TAU * hz * n as f32 / 44_100.0).sin())
                .collect(),
        ],
    };
    let mut rows = "kit,class,file,velocity,split,onset_ms,type,velocity_from\n".to_owned();
    for (class, file, hz, peak) in [
        ("kick", "low.wav", 100.0, 0.9),
        ("kick", "high.wav", 1_000.0, 0.1),
        ("snare", "none.wav", 100.0, 0.0),
        ("hihat-closed", "none.wav", 100.0, 0.0),
        ("tom-low", "none.wav", 100.0, 0.0),
        ("ride", "none.wav", 100.0, 0.0),
    ] {
        write_wav(drums.join(file), &tone(hz, peak)).unwrap();
        rows += &format!("m,{class},{file},100,valid,0,acoustic,alt\n");
    }
    std::fs::write(drums.join("kits.csv"), rows).unwrap();
}

#[test]
fn one_kick_plays_an_excerpt_and_what_was_heard_before() {
    let data = tempfile::tempdir().unwrap();
    write_machine(data.path());
    let excerpts = held_out_plain(Some(data.path()), 12, 6.0).unwrap();
    // Times that the signal rises through zero, per second in which it sounds.
    let rate_hz = |signal: &[f32]| {
        let rises = signal
            .windows(2)
            .filter(|pair| pair[0] <= 0.0 && pair[1] > 0.0);
        let sounding = signal.iter().filter(|sample| **sample != 0.0).count();
        44_100.0 * rises.count() as f32 / sounding as f32
    };
    let mut drums = [0; 2];
    for excerpt in excerpts {
        if !excerpt.piece.hits.iter().any(|hit| hit.drum == Drum::Kick) {
            continue;
        }
        let another = excerpt.another.unwrap();
        let kick = &excerpt.true_kit.unwrap()[Drum::Kick.index()];
        let is_high = rate_hz(kick) > 500.0;
        drums[usize::from(is_high)] += 1;
        for mix in [&excerpt.piece.mix, &another.mix] {
            let rate_hz = rate_hz(mix);
            let is_pure = if is_high {
                rate_hz > 800.0
            } else {
                rate_hz < 200.0
            };
            assert!(
                is_pure || mix.iter().all(|s| *s == 0.0),
                "{is_high}: {rate_hz}"
            );
        }
    }
    assert!(drums.iter().all(|&count| count > 1), "{drums:?}");
}
