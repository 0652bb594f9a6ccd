//! The stems of a recording in a file.

mod support;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use idm_engine::{
    audio_file::{AudioBuffer, read, write_wav},
    controls::{Controls, HitSource, Quality},
    drum::{Drum, STEM_COUNT},
    from_file::{FromFileError, StemsFromFile, StemsHearing, stem_file_names, stems_from_file},
    one_shots::OneShot,
};
use support::{drum_loop, engine, model, run};
use tempfile::TempDir;

const RATE: f64 = 44_100.0;

fn hearing() -> StemsHearing {
    StemsHearing {
        quality: Quality::Standard,
        controls: Controls::default(),
        lessons: vec![],
        kit: Arc::default(),
        own: vec![],
    }
}

fn write(folder: &TempDir, channels: &[Vec<f32>]) -> PathBuf {
    let path = folder.path().join("song.wav");
    let audio = AudioBuffer {
        sample_rate_hz: RATE,
        channels: channels.to_vec(),
    };
    write_wav(&path, &audio).expect("written");
    path
}

fn stems(
    path: &Path,
    to: &TempDir,
    hearing: &StemsHearing,
) -> Result<StemsFromFile, FromFileError> {
    let mut go_on = |_| ControlFlow::Continue(());
    stems_from_file(path, to.path(), &model(), hearing, &mut go_on)
}

fn is_empty(folder: &TempDir) -> bool {
    let mut entries = fs::read_dir(folder.path()).expect("read");
    entries.next().is_none()
}

#[test]
fn stems_are_those_of_the_second_time_through_and_add_up_to_the_file() {
    let (folder, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let input = drum_loop(RATE, 6.0);
    let path = write(&folder, &input);
    let mut shares = Vec::new();
    let mut go_on = |share: f32| {
        shares.push(share);
        ControlFlow::Continue(())
    };
    // Hits that are given to the plugin are none of the file's.
    let mut given = hearing();
    given.controls.hits = HitSource::Given;
    let found = stems_from_file(&path, to.path(), &model(), &given, &mut go_on).expect("stems");
    assert!(shares.is_sorted() && shares.len() > 100, "{shares:?}");
    assert!(shares[0] < 0.01 && shares.last() == Some(&1.0));
    assert!((found.length_s - 6.0).abs() < 1e-3);

    let mut twice = engine(RATE, Quality::Standard);
    let latency = twice.latency_samples();
    let silence = [(); 2].map(|()| vec![0.0; latency]);
    let mut expected = Vec::new();
    for pass in 0..2 {
        if pass > 0 {
            twice.rewind();
        }
        let mut heard = run(&mut twice, &input, &[512]);
        let rest = run(&mut twice, &silence, &[512]);
        for (stem, rest) in heard.stems.iter_mut().zip(rest.stems) {
            for (channel, rest) in stem.iter_mut().zip(rest) {
                channel.extend(rest);
            }
        }
        twice.finish_learning();
        expected = heard.stems;
    }
    let mut left = input[0].clone();
    let names = stem_file_names();
    for stem in 0..STEM_COUNT {
        let file = to.path().join(&names[stem]);
        let samples = &expected[stem][0][latency..];
        if found.files.contains(&file) {
            let written = read(&file).expect("a stem").channels;
            assert_eq!(written.len(), 2);
            assert_eq!(written[0], samples, "{}", names[stem]);
            for (left, sample) in left.iter_mut().zip(&written[0]) {
                *left -= sample;
            }
        } else {
            assert!(!file.exists() && found.silent.contains(&Drum::ALL[stem]));
            assert!(samples.iter().all(|sample| sample.abs() < 1e-6));
        }
    }
    assert!(found.files.contains(&to.path().join("kick.wav")));
    assert!(found.files.contains(&to.path().join("snare.wav")));
    let rest = left.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    assert!(rest < 1e-5, "{rest}");
}

#[test]
fn a_frozen_kit_is_heard_once_and_a_mono_file_has_mono_stems() {
    let (folder, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let input = drum_loop(RATE, 4.0);
    let path = write(&folder, &input[..1]);
    let mut frozen = hearing();
    frozen.controls.learning = false;
    // What the song does not have is left out, and a sample plays in place of what it has.
    frozen.controls.drums[Drum::Ride.index()].enabled = false;
    frozen.controls.drums[Drum::Kick.index()].blend = 1.0;
    let boom = OneShot::new(RATE, vec![vec![0.25; 2_000]]).expect("a sound");
    frozen.own = vec![(Drum::Kick, vec![Arc::new(boom)])];
    let found = stems(&path, &to, &frozen).expect("stems");
    assert!(found.silent.contains(&Drum::Ride));
    assert!(!to.path().join("ride.wav").exists());
    let kick = read(to.path().join("kick.wav")).expect("a stem").channels;
    assert_eq!(kick.len(), 1);
    assert_eq!(kick[0].len(), input[0].len());
    // The same sample for a while: the kick of the file is nothing like it.
    let flat = kick[0].windows(2).filter(|w| w[0] > 0.01 && w[0] == w[1]);
    assert!(flat.count() > 2_000);
}

#[test]
fn who_stops_or_fails_leaves_nothing_behind() {
    let (folder, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = write(&folder, &drum_loop(RATE, 4.0));
    for until in [0.2, 0.8] {
        let mut go_on = |share: f32| match share < until {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        let found = stems_from_file(&path, to.path(), &model(), &hearing(), &mut go_on);
        assert!(matches!(found, Err(FromFileError::Stopped)));
        assert!(is_empty(&to));
    }
    let nowhere = to.path().join("nowhere");
    let mut go_on = |_| ControlFlow::Continue(());
    let error = stems_from_file(&path, &nowhere, &model(), &hearing(), &mut go_on);
    let error = error.expect_err("no folder").to_string();
    assert!(error.contains("nowhere"), "{error}");

    let path = write(&folder, &[vec![0.0; 44_100]]);
    let error = stems(&path, &to, &hearing()).expect_err("silence");
    assert!(error.to_string().contains("found silence"), "{error}");
    assert!(is_empty(&to));
}
