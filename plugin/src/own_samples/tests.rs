//! Tests of the samples of a project.

use super::saved::MAX_TEXT_BYTES;
use super::*;
use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_engine::one_shots::{LONGEST_OWN_S, LONGEST_OWN_SET_S, MOST_OWN_SAMPLES};

fn with_kick() -> OwnSamples {
    let own = OwnSamples::default();
    let one_shot = OneShot::new(44_100.0, vec![vec![0.5, -0.25, 0.125]]);
    let kept = as_kept(&one_shot.expect("a sound")).expect("a sound");
    own.lock().samples[0] = Some(Samples {
        name: "my kick".into(),
        one_shots: vec![Arc::new(kept)],
    });
    own
}

#[test]
fn samples_survive_the_project_to_the_bit() {
    let own = with_kick();
    let again = OwnSamples::default();
    again.set(own.map(Clone::clone));
    assert_eq!(again.lock().samples, own.lock().samples);
    assert_eq!(again.names()[0].as_deref(), Some("my kick"));
    assert!(again.problem().is_empty());
    assert!(!again.can_undo(Drum::Kick), "it was opened");
    again.set(String::new());
    assert_eq!(again.names(), [const { None }; DRUM_COUNT]);
    // A host's undo can be undone.
    assert!(again.can_undo(Drum::Kick) && !again.can_undo(Drum::Snare));
    assert_eq!(again.last_changed(), [Drum::Kick]);
    again.undo(&[Drum::Kick]);
    assert_eq!(again.lock().samples, own.lock().samples);
}

#[test]
fn the_fullest_pad_of_any_rate_can_be_opened_again() {
    for rate_hz in [8_000.0, 50_000.0, 64_000.0, 88_000.0, 192_000.0] {
        let frames = (LONGEST_OWN_S * rate_hz) as usize;
        let noise = (0..frames).map(|n| ((n * n) as f32 * 0.37).sin());
        let one_shot = OneShot::new(rate_hz, vec![noise.collect()]).expect("a sound");
        let kept = Arc::new(as_kept(&one_shot).expect("a sound"));
        let count = (LONGEST_OWN_SET_S / LONGEST_OWN_S) as usize;
        let own = OwnSamples::default();
        own.lock().samples[0] = Some(Samples {
            name: "long".into(),
            one_shots: vec![kept; count],
        });
        let text = own.map(Clone::clone);
        assert!(
            text.len() < MAX_TEXT_BYTES / (2 * DRUM_COUNT),
            "{}",
            text.len()
        );
        let again = OwnSamples::default();
        again.set(text);
        assert_eq!(again.problem(), "", "{rate_hz} Hz");
        assert_eq!(again.lock().samples, own.lock().samples, "{rate_hz} Hz");
    }
}

#[test]
fn a_folder_fills_a_pad_and_files_join_it() {
    let folder = std::env::temp_dir().join(format!("idm-own-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, level) in [("soft.wav", 0.1), ("loud.wav", 0.9)] {
        let audio = AudioBuffer {
            sample_rate_hz: 44_100.0,
            channels: vec![vec![level; 400]],
        };
        write_wav(folder.join(name), &audio).expect("a file");
    }
    std::fs::write(folder.join("broken.wav"), b"no audio").expect("a file");
    let own = OwnSamples::default();
    own.prepare(44_100.0);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let words = own
        .load(Drum::Snare, &folder, Placing::Replace)
        .expect("two sounds");
    assert!(words.contains("broken.wav"), "{words}");
    assert_eq!(own.names()[1], Some(format!("{name} ×2")));
    let loud = folder.join("loud.wav");
    assert_eq!(
        own.load(Drum::Snare, &loud, Placing::Add),
        Ok(String::new())
    );
    assert_eq!(own.names()[1], Some(format!("{name} ×3")));
    let sounds = own.lock().convert();
    assert_eq!(
        sounds.sound(Drum::Snare).map(|sound| sound.layers.len()),
        Some(3)
    );
    let again = OwnSamples::default();
    again.set(own.map(Clone::clone));
    assert_eq!(again.names(), own.names());
    for _ in 0..MOST_OWN_SAMPLES {
        assert!(own.load(Drum::Snare, &loud, Placing::Add).is_ok());
    }
    assert_eq!(own.names()[1], Some(format!("{name} ×{MOST_OWN_SAMPLES}")));
    assert_eq!(
        own.load(Drum::Snare, &loud, Placing::Replace),
        Ok(String::new())
    );
    assert_eq!(own.names()[1].as_deref(), Some("loud"));
    // A click too many takes nothing for good.
    own.undo(&[Drum::Snare]);
    assert_eq!(own.names()[1], Some(format!("{name} ×{MOST_OWN_SAMPLES}")));
    own.redo(&[Drum::Snare]);
    assert_eq!(own.names()[1].as_deref(), Some("loud"));
    own.clear(&[Drum::Snare]);
    assert!(own.names()[1].is_none() && !own.can_undo(Drum::Kick));
    own.undo(&[Drum::Snare]);
    assert_eq!(own.names()[1].as_deref(), Some("loud"));
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn bad_samples_are_left_out_and_said_so() {
    let own = with_kick();
    for text in [
        "no json",
        r#"[{"drum":"gong","name":"x","data":""}]"#,
        r#"[{"drum":"kick","name":"x","data":"QUJD"}]"#,
        r#"[{"drum":"kick","name":"x","data":""}]"#,
    ] {
        own.read(text);
        assert!(own.names()[0].is_none());
        assert!(own.problem().contains("the kit plays"), "{text}");
        assert_eq!(own.text(), text, "a newer version may be able to read it");
    }
    // What cannot be used costs no more than itself.
    let good = with_kick().text();
    let good = good.trim_matches(['[', ']']);
    let text = format!(r#"[7,{{"drum":"snare"}},{{"drum":"gong","name":"x","data":""}},{good}]"#);
    own.read(&text);
    assert_eq!(own.names()[0].as_deref(), Some("my kick"));
    let problem = own.problem();
    assert!(
        problem.starts_with("Of the project's 4 pads with samples 3 cannot be used (the first"),
        "{problem}"
    );
    assert_eq!(own.text(), text, "until the user changes something");
    let none = Path::new("/no/such.wav");
    let error = own.load(Drum::Kick, none, Placing::Replace).unwrap_err();
    assert!(error.contains("such.wav"), "{error}");
}

#[test]
fn the_audio_thread_gets_the_newest_set_and_frees_none() {
    let own = with_kick();
    let mut inbox = own.take_inbox().expect("the first");
    assert!(own.take_inbox().is_none());
    let first = own.prepare(48_000.0);
    assert!(first.sound(Drum::Kick).is_some());
    own.lock().publish();
    own.clear(&[Drum::Kick]);
    let mut taken = None;
    inbox.offer(|_| false);
    inbox.offer(|sounds| {
        taken = Some(sounds.clone());
        true
    });
    inbox.offer(|_| panic!("nothing waits"));
    let taken = taken.expect("the newest");
    assert!(taken.sound(Drum::Kick).is_none());
    // Of all sets, those in use and the newest ones are kept.
    drop((first, taken));
    for _ in 0..9 {
        own.lock().publish();
    }
    let kept = own.lock().outbox.kept();
    assert!(kept <= 4, "{kept} are kept");
}

#[test]
fn a_kit_fills_the_pads_of_its_drums_and_can_be_taken_back() {
    let folder = std::env::temp_dir().join(format!("idm-own-kit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["BD.wav", "snare_soft.wav", "snare_loud.wav", "take.wav"] {
        let audio = AudioBuffer {
            sample_rate_hz: 44_100.0,
            channels: vec![vec![0.5; 400]],
        };
        write_wav(folder.join(name), &audio).expect("a file");
    }
    let own = with_kick();
    own.prepare(44_100.0);
    let ride = folder.join("BD.wav");
    assert!(own.load(Drum::Ride, &ride, Placing::Replace).is_ok());
    let plan = OwnKitPlan::of(&folder).expect("a folder");
    let (drums, words) = own.load_kit(&plan).expect("three sounds");
    assert_eq!(drums, [Drum::Kick, Drum::Snare]);
    assert!(words.contains("take.wav"), "{words}");
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    assert_eq!(own.names()[0].as_deref(), Some(&*name));
    assert_eq!(own.names()[1], Some(format!("{name} ×2")));
    assert_eq!(own.names()[8].as_deref(), Some("BD"), "no drum of the kit");
    own.undo(&own.next_undo());
    assert_eq!(own.last_changed(), drums);
    assert_eq!(own.names()[0].as_deref(), Some("my kick"));
    assert!(own.names()[1].is_none());
    assert_eq!(own.names()[8].as_deref(), Some("BD"), "another change");
    own.undo(&own.next_undo());
    assert!(own.names()[8].is_none() && own.next_undo().is_empty());
    assert_eq!(own.next_redo(), [Drum::Ride], "taken back last");
    own.redo(&own.next_redo());
    own.redo(&own.next_redo());
    assert_eq!(own.names()[1], Some(format!("{name} ×2")));
    // Another pad's change between them does not make the older one the last.
    own.undo(&[Drum::Ride]);
    assert!(own.load(Drum::Crash, &ride, Placing::Replace).is_ok());
    own.undo(&[Drum::Crash]);
    assert_eq!(own.next_redo(), [Drum::Crash]);
    own.redo(&own.next_redo());
    own.redo(&own.next_redo());
    own.clear(&Drum::ALL);
    assert_eq!(own.names(), [const { None }; DRUM_COUNT]);
    own.undo(&own.next_undo());
    assert_eq!(own.names()[8].as_deref(), Some("BD"));
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn several_files_go_on_a_pad_together_and_no_more_than_fit() {
    use idm_engine::audio_file::{AudioBuffer, write_wav};
    let folder = std::env::temp_dir().join(format!("idm-several-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let paths: Vec<_> = (0..MOST_OWN_SAMPLES + 2)
        .map(|n| {
            let path = folder.join(format!("{n:02}.wav"));
            let audio = AudioBuffer {
                sample_rate_hz: 48_000.0,
                channels: vec![vec![0.5; 200]],
            };
            write_wav(&path, &audio).unwrap();
            path
        })
        .collect();
    let own = OwnSamples::default();
    let missing = [folder.join("none.wav"), paths[3].clone(), paths[4].clone()];
    let left_out = own.load_all(Drum::Ride, &missing, Placing::Replace);
    assert!(left_out.unwrap().contains("none.wav"));
    let name = |own: &OwnSamples| own.names()[Drum::Ride.index()].clone().unwrap();
    assert_eq!(name(&own), "03 ×2");
    assert_eq!(own.hardest(Drum::Ride).unwrap().0, "03");
    let left_out = own.load_all(Drum::Ride, &paths, Placing::Replace).unwrap();
    assert!(
        left_out.starts_with("Left out 2 files: 24.wav"),
        "{left_out}"
    );
    assert_eq!(name(&own), format!("00 ×{MOST_OWN_SAMPLES}"));
    own.undo(&[Drum::Ride]);
    assert_eq!(name(&own), "03 ×2");
    assert!(
        own.load_all(Drum::Ride, &missing[..1], Placing::Add)
            .is_err()
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn layers_come_back_however_many_files_were_tried_after_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |n: usize| folder.path().join(format!("{n:02}.wav"));
    for n in 0..3 * history::STEPS {
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![vec![0.5; 200]],
        };
        write_wav(path(n), &audio).unwrap();
    }
    let own = OwnSamples::default();
    let load = |n, placing| own.load(Drum::Snare, &path(n), placing).unwrap();
    let name = || own.names()[1].clone();
    load(0, Placing::Replace);
    load(1, Placing::Add);
    for n in 2..5 {
        load(n, Placing::Replace);
    }
    for expected in ["03", "02", "00 ×2", "00"] {
        own.undo(&[Drum::Snare]);
        assert_eq!(name().as_deref(), Some(expected));
    }
    own.undo(&[Drum::Snare]);
    assert!(name().is_none() && !own.can_undo(Drum::Snare));
    for expected in ["00", "00 ×2", "02"] {
        own.redo(&[Drum::Snare]);
        assert_eq!(name().as_deref(), Some(expected));
    }
    // Another way: what was taken back is not on it.
    load(5, Placing::Replace);
    assert!(!own.can_redo(Drum::Snare));
    for n in 5..3 * history::STEPS {
        load(n, Placing::Replace);
    }
    let mut steps = 0;
    while name().as_deref() != Some("00 ×2") {
        assert!(own.can_undo(Drum::Snare), "the layers are lost");
        own.undo(&[Drum::Snare]);
        steps += 1;
    }
    assert_eq!(steps, history::STEPS);
}
