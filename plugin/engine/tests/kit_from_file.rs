//! The kit of a recording in a file, heard before anything is played.

mod support;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use idm_engine::{
    audio_file::{AudioBuffer, write_wav},
    controls::{Controls, HitSource, Quality},
    drum::Drum,
    from_file::{FromFileError, KitFromFile, KitHearing, MOST_HEARD_S, kit_from_file},
    learner::LearntKit,
};
use support::{Noise, drum_loop, engine, model, run};
use tempfile::TempDir;

const RATE: f64 = 44_100.0;

fn hearing() -> KitHearing {
    KitHearing {
        quality: Quality::Standard,
        controls: Controls::default(),
        lessons: vec![],
    }
}

fn hear(path: &Path, hearing: &KitHearing) -> Result<KitFromFile, FromFileError> {
    kit_from_file(path, &model(), hearing, &mut |_| ControlFlow::Continue(()))
}

fn write(folder: &TempDir, name: &str, sample_rate_hz: f64, channels: &[Vec<f32>]) -> PathBuf {
    let path = folder.path().join(name);
    let audio = AudioBuffer {
        sample_rate_hz,
        channels: channels.to_vec(),
    };
    write_wav(&path, &audio).expect("written");
    path
}

#[test]
fn what_is_learnt_is_what_two_passes_learn_and_is_always_the_same() {
    let folder = TempDir::new().expect("a folder");
    let input = drum_loop(RATE, 8.0);
    let path = write(&folder, "loop.wav", RATE, &input);
    let mut shares = Vec::new();
    let mut go_on = |share: f32| {
        shares.push(share);
        ControlFlow::Continue(())
    };
    let found = kit_from_file(&path, &model(), &hearing(), &mut go_on).expect("drums");
    assert!(shares.is_sorted() && shares.len() > 100, "{shares:?}");
    assert!(shares[0] < 0.01 && shares.last() == Some(&1.0));
    assert!((found.heard_s - 8.0).abs() < 1e-3 && !found.is_part);
    assert!(found.kit.drum(Drum::Kick).is_some() && found.kit.drum(Drum::Snare).is_some());

    let mut twice = engine(RATE, Quality::Standard);
    let silence = [(); 2].map(|()| vec![0.0; twice.latency_samples()]);
    for pass in 0..2 {
        if pass > 0 {
            twice.rewind();
        }
        run(&mut twice, &input, &[512]);
        run(&mut twice, &silence, &[512]);
        twice.finish_learning();
    }
    let kit = twice.kit_shelf().current();
    for learnt in &found.kit.drums {
        assert_eq!(kit.drum(learnt.drum), Some(learnt));
    }
    assert_eq!(found.kit.embedding, kit.embedding);

    // Hits that are given to the plugin are none of the file's, and its kit is to be learnt.
    let mut other = hearing();
    other.controls.hits = HitSource::Given;
    other.controls.learning = false;
    assert_eq!(hear(&path, &other).expect("drums"), found);
    // A drum that the song does not have is not learnt, one that is another is.
    other.controls.drums[Drum::Snare.index()].enabled = false;
    other.controls.drums[Drum::Kick.index()].heard_as = Some(Drum::FloorTom);
    let kit = hear(&path, &other).expect("drums").kit;
    assert!(kit.drum(Drum::Snare).is_none() && kit.drum(Drum::Kick).is_none());
    assert!(kit.drum(Drum::FloorTom).is_some());
}

#[test]
fn a_long_file_is_heard_for_some_minutes() {
    let folder = TempDir::new().expect("a folder");
    // The lowest rate, for it is a long file.
    let rate = 8_000.0;
    let mut input = drum_loop(rate, 10.0);
    let rest = ((MOST_HEARD_S + 1.0) * rate) as usize;
    for channel in &mut input {
        channel.resize(rest, 0.0);
    }
    let path = write(&folder, "long.wav", rate, &input[..1]);
    let found = hear(&path, &hearing()).expect("drums");
    assert!(found.is_part && (found.heard_s - MOST_HEARD_S).abs() < 1e-3);
    assert!(found.kit.drum(Drum::Kick).is_some());
}

#[test]
fn what_nothing_is_learnt_from_is_said() {
    let folder = TempDir::new().expect("a folder");
    let silence = vec![vec![0.0; 3 * 44_100]];
    let path = write(&folder, "silence.wav", RATE, &silence);
    let error = hear(&path, &hearing()).expect_err("silence").to_string();
    assert!(error.contains("found silence"), "{error}");

    let input = drum_loop(RATE, 1.0);
    let path = write(&folder, "short.wav", RATE, &input);
    let error = hear(&path, &hearing()).expect_err("short").to_string();
    assert!(error.contains("found 1.0 s"), "{error}");

    let mut noise = Noise::new(3);
    let hiss: Vec<f32> = (0..3 * 44_100).map(|_| 0.01 * noise.next()).collect();
    let path = write(&folder, "hiss.wav", RATE, &[hiss]);
    let error = hear(&path, &hearing()).expect_err("hiss").to_string();
    assert!(error.contains("no drum"), "{error}");

    let path = write(&folder, "slow.wav", 4_000.0, &silence);
    let error = hear(&path, &hearing()).expect_err("slow").to_string();
    assert!(error.contains("4000 Hz"), "{error}");

    let path = folder.path().join("text.wav");
    fs::write(&path, "no audio at all").expect("written");
    let error = hear(&path, &hearing()).expect_err("text").to_string();
    assert!(error.contains("not an audio file"), "{error}");

    // Damaged after its first seconds: what was heard until then is not all of it.
    let path = write(&folder, "whole.wav", RATE, &drum_loop(RATE, 4.0));
    let bytes = fs::read(&path).expect("read");
    fs::write(&path, &bytes[..bytes.len() * 3 / 4]).expect("written");
    let error = hear(&path, &hearing()).expect_err("cut").to_string();
    assert!(error.contains("truncated"), "{error}");
}

#[test]
fn it_stops_when_it_is_told_to() {
    let folder = TempDir::new().expect("a folder");
    let path = write(&folder, "loop.wav", RATE, &drum_loop(RATE, 6.0));
    let mut told = 0;
    let mut go_on = |share: f32| {
        told += 1;
        match share < 0.3 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    let found = kit_from_file(&path, &model(), &hearing(), &mut go_on);
    assert!(matches!(found, Err(FromFileError::Stopped)), "{found:?}");
    // Blocks of 23 ms of six seconds, twice.
    assert!(told < 520 * 2 / 3, "{told}");
}

/// How much of `estimate` is the truth at any level, to all else, in dB.
fn si_sdr_db(estimate: &[f32], truth: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let gain = dot(estimate, truth) / dot(truth, truth);
    let rest: f64 = estimate
        .iter()
        .zip(truth)
        .map(|(e, t)| (f64::from(*e) - gain * f64::from(*t)).powi(2))
        .sum();
    10.0 * (gain * gain * dot(truth, truth) / rest.max(1e-12)).log10()
}

/// A kick, a snare and hats, apart from each other.
fn stems(seconds: f64) -> Vec<(Drum, Vec<f32>)> {
    let tau = std::f64::consts::TAU;
    let samples = (seconds * RATE) as usize;
    let mut noise = Noise::new(5);
    let mut part = |drum, eighths: &[usize], sound: &dyn Fn(f64, f64) -> f64| {
        let mut part = vec![0.0; samples];
        let step = RATE * 0.25;
        for eighth in (0..).take_while(|n| (*n as f64 * step) < samples as f64) {
            if eighths.contains(&(eighth % 8)) {
                let start = (eighth as f64 * step + 0.1 * RATE) as usize;
                let room = samples.saturating_sub(start).min(22_050);
                for n in 0..room {
                    part[start + n] += sound(n as f64 / RATE, f64::from(noise.next())) as f32;
                }
            }
        }
        (drum, part)
    };
    vec![
        part(Drum::Kick, &[0, 3, 4], &|t, n| {
            let sweep = 58.0 * t + 5.0 * (1.0 - (-t * 45.0).exp());
            0.8 * (tau * sweep).sin() * (-t * 10.0).exp() + 0.1 * n * (-t * 200.0).exp()
        }),
        part(Drum::Snare, &[2, 6], &|t, n| {
            0.35 * (tau * 205.0 * t).sin() * (-t * 22.0).exp() + 0.35 * n * (-t * 15.0).exp()
        }),
        part(Drum::ClosedHat, &[0, 1, 2, 3, 4, 5, 6, 7], &|t, n| {
            0.15 * n * (-t * 55.0).exp()
        }),
    ]
}

#[test]
fn the_first_seconds_are_better_separated_with_the_kit_of_the_file() {
    let folder = TempDir::new().expect("a folder");
    let parts = stems(16.0);
    let mut mix = vec![0.0; parts[0].1.len()];
    for (_, part) in &parts {
        for (sum, sample) in mix.iter_mut().zip(part) {
            *sum += sample;
        }
    }
    let path = write(&folder, "loop.wav", RATE, &[mix.clone()]);
    let kit = hear(&path, &hearing()).expect("drums").kit;
    let first = |kit: Option<&LearntKit>, learning: bool| {
        let mut engine = engine(RATE, Quality::Standard);
        engine.set_controls(&Controls {
            learning,
            ..Controls::default()
        });
        if let Some(kit) = kit {
            engine.restore_kit(kit.clone());
        }
        let latency = engine.latency_samples();
        let input = mix[..2 * 44_100 + latency].to_vec();
        let output = run(&mut engine, &[input.clone(), input], &[512]);
        let figure = |(drum, part): &(Drum, Vec<f32>)| {
            let stem = &output.stems[drum.index()][0][latency..];
            si_sdr_db(stem, &part[..stem.len()])
        };
        parts.iter().map(figure).collect::<Vec<f64>>()
    };
    let without = first(None, true);
    let goes_on = first(Some(&kit), true);
    let frozen = first(Some(&kit), false);
    println!("without {without:.1?}, goes on {goes_on:.1?}, frozen {frozen:.1?} dB");
    // Kick and snare; hats and the noise of other drums are alike here.
    for drum in 0..2 {
        assert!(goes_on[drum] > without[drum] + 0.5);
        assert!(frozen[drum] > without[drum] + 1.0);
    }
    assert!(frozen[2] > without[2] - 0.2);
}
