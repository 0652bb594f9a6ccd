//! Files of a small synthesised loop, and what becomes of them.

use std::time::Duration;

use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_engine::drum::Drum;
use idm_engine::learner::LearntKit;
use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::BoolParam;

use super::*;

const RATE_HZ: f64 = 44_100.0;

/// A folder that is gone afterwards, with a loop of kicks and noisy snares in `loop.wav`.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str, seconds: f64) -> Self {
        let folder = std::env::temp_dir().join(format!("idm-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let audio = AudioBuffer {
            sample_rate_hz: RATE_HZ,
            channels: vec![drums(seconds)],
        };
        write_wav(folder.join("loop.wav"), &audio).unwrap();
        Self(folder)
    }

    /// The loop.
    pub fn song(&self) -> PathBuf {
        self.0.join("loop.wav")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn drums(seconds: f64) -> Vec<f32> {
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let beat = RATE_HZ as usize / 2;
    let sample = |n: usize| {
        let time_s = (n % beat) as f32 / RATE_HZ as f32;
        if (n / beat).is_multiple_of(2) {
            let sweep = 55.0 * time_s - 4.0 * (-time_s / 0.015).exp();
            0.7 * (-time_s / 0.1).exp() * (std::f32::consts::TAU * sweep).sin()
        } else {
            let body = (std::f32::consts::TAU * 195.0 * time_s).sin();
            (-time_s / 0.06).exp() * (0.3 * body + 0.8 * noise())
        }
    };
    (0..(seconds * RATE_HZ) as usize).map(sample).collect()
}

/// Waits until it is over.
fn done(work: &FileWork) -> Result<Done, Failure> {
    loop {
        if let Some(outcome) = work.take_outcome() {
            assert_eq!(work.progress(), None);
            return outcome.result;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn outcome(work: &FileWork) -> Result<Learnt, Failure> {
    done(work).map(|done| match done {
        Done::Kit(learnt) => learnt,
        Done::Stems(written) => panic!("nobody wanted {written:?}"),
    })
}

fn written(work: &FileWork) -> Result<Written, Failure> {
    done(work).map(|done| match done {
        Done::Stems(written) => written,
        Done::Kit(learnt) => panic!("nobody wanted {learnt:?}"),
    })
}

fn kit_text(params: &IdmParams) -> String {
    params.kit.map(Clone::clone)
}

/// A kit with nothing but a description of the kit.
fn described(value: f32) -> String {
    let params = IdmParams::default();
    let kit = LearntKit {
        drums: vec![],
        embedding: vec![value, -1.0],
    };
    let taken = params.kit.take_learnt(kit, 0);
    assert_eq!(taken, Some(vec![]));
    kit_text(&params)
}

#[test]
fn a_file_becomes_the_kit_and_one_step_brings_back_what_was() {
    let folder = Folder::new("learnt", 8.0);
    let (params, work) = (IdmParams::default(), FileWork::default());
    params.kit.set(described(3.0));
    let before = kit_text(&params);
    work.learn_kit(&folder.song(), &params).expect("it starts");
    assert_eq!(work.progress().expect("it runs").name, "loop.wav");
    let refused = work.learn_kit(&folder.song(), &params).expect_err("one");
    assert!(refused.contains("Still hearing loop.wav"), "{refused}");
    assert_eq!(kit_text(&params), before, "what is saved meanwhile");
    let learnt = outcome(&work).expect("drums");
    assert!(learnt.drums.contains(&Drum::Kick), "{learnt:?}");
    assert_eq!((learnt.kept.len(), learnt.part_s), (0, None));
    let kit = kit_text(&params);
    assert_ne!(kit, before);
    let again = IdmParams::default();
    again.kit.set(kit.clone());
    assert_eq!(*again.kit.current(), *params.kit.current());
    assert!(
        !again.kit.can_undo(),
        "that of a project is nobody's change"
    );

    // The same once more, to the bit.
    let other = IdmParams::default();
    work.learn_kit(&folder.song(), &other).expect("it starts");
    assert_eq!(outcome(&work), Ok(learnt));
    assert_eq!(kit_text(&other), kit);

    assert!(params.kit.can_undo() && params.kit.undo());
    assert_eq!(kit_text(&params), before);
    assert!(!params.kit.can_undo() && !params.kit.undo());
    params.kit.set(kit.clone());
    // What was forgotten by mistake comes back, however often the button was pressed.
    params.kit.forget();
    params.kit.forget();
    assert!(params.kit.current().is_empty());
    assert!(params.kit.can_undo() && params.kit.undo());
    assert_eq!(kit_text(&params), kit);
}

#[test]
fn drums_that_a_file_does_not_have_stay() {
    let folder = Folder::new("kept", 8.0);
    let (mut params, work) = (IdmParams::default(), FileWork::default());
    work.learn_kit(&folder.song(), &params).expect("it starts");
    let first = outcome(&work).expect("drums");
    let kick = params.kit.current().drum(Drum::Kick).cloned();
    params.drums[Drum::Kick.index()].enabled = BoolParam::new("Not in this file", false);
    work.learn_kit(&folder.song(), &params).expect("it starts");
    let second = outcome(&work).expect("drums");
    assert!(first.drums.contains(&Drum::Kick) && !second.drums.contains(&Drum::Kick));
    assert!(second.kept.contains(&Drum::Kick), "{second:?}");
    assert_eq!(params.kit.current().drum(Drum::Kick), kick.as_ref());
}

#[test]
fn what_is_cancelled_damaged_or_overtaken_leaves_the_kit() {
    let folder = Folder::new("unlearnt", 60.0);
    let (params, work) = (IdmParams::default(), FileWork::default());
    let present = described(1.0);
    params.kit.set(present.clone());
    work.learn_kit(&folder.song(), &params).expect("it starts");
    work.cancel();
    assert_eq!(outcome(&work), Err(Failure::Cancelled));
    assert_eq!(kit_text(&params), present);

    let broken = folder.0.join("broken.wav");
    std::fs::write(&broken, b"no audio").unwrap();
    for path in [&broken, &folder.0.join("none.flac"), &folder.0] {
        work.learn_kit(path, &params).expect("it starts");
        let result = outcome(&work);
        assert!(matches!(result, Err(Failure::Impossible(_))), "{result:?}");
        assert_eq!(kit_text(&params), present);
    }

    work.learn_kit(&folder.song(), &params).expect("it starts");
    // The state of now is no other kit; that of another project is.
    params.kit.set(present);
    assert_eq!(params.kit.changes(), 1);
    params.kit.set(described(2.0));
    assert_eq!(outcome(&work), Err(Failure::Overtaken));
    assert_eq!(kit_text(&params), described(2.0));
    assert!(!params.kit.can_undo());
}

#[test]
fn the_end_of_the_plugin_is_the_end_of_the_file() {
    let folder = Folder::new("removed", 60.0);
    let (params, work) = (IdmParams::default(), FileWork::default());
    work.learn_kit(&folder.song(), &params).expect("it starts");
    work.close();
    assert_eq!(outcome(&work), Err(Failure::Cancelled));
    assert!(params.kit.current().is_empty());
    assert!(work.learn_kit(&folder.song(), &params).is_err());
    work.close();
}

#[test]
fn stems_are_written_into_a_new_folder_each_time_and_leave_the_kit_alone() {
    let folder = Folder::new("stems", 4.0);
    let (params, work) = (IdmParams::default(), FileWork::default());
    let parent = folder.0.join("Music");
    let start = || work.write_stems(&folder.song(), &params, &parent);
    start().expect("it starts");
    assert!(!work.has_stems() && work.last_stems().is_empty());
    let progress = work.progress().expect("it runs");
    assert_eq!(progress.purpose, Purpose::Stems);
    let first = written(&work).expect("drums");
    assert_eq!(first.folder, parent.join("loop stems"));
    let kick = first.folder.join("kick.wav");
    assert!(first.files.contains(&kick) && kick.is_file(), "{first:?}");
    assert!(!first.silent.contains(&Drum::Kick));
    assert!(work.has_stems());
    assert_eq!(work.last_stems(), first.files);
    assert!(params.kit.current().is_empty());

    start().expect("it starts");
    let second = written(&work).expect("drums");
    assert_eq!(second.folder, parent.join("loop stems 2"));
    let bytes = |folder: &Path| std::fs::read(folder.join("kick.wav")).unwrap();
    assert!(bytes(&first.folder) == bytes(&second.folder));
    std::fs::remove_file(second.folder.join("kick.wav")).unwrap();
    assert_eq!(work.last_stems().len(), second.files.len() - 1);
}

#[test]
fn stems_that_are_not_finished_leave_nothing_behind() {
    let folder = Folder::new("no-stems", 60.0);
    let (params, work) = (IdmParams::default(), FileWork::default());
    let parent = folder.0.join("Music");
    let is_empty = || std::fs::read_dir(&parent).unwrap().next().is_none();
    work.write_stems(&folder.song(), &params, &parent).unwrap();
    while work
        .progress()
        .is_some_and(|progress| progress.share == 0.0)
    {
        thread::sleep(Duration::from_millis(5));
    }
    // Another kit is nothing to them.
    params.kit.set(described(2.0));
    work.cancel();
    assert_eq!(written(&work), Err(Failure::Cancelled));
    assert!(is_empty() && !work.has_stems());

    let broken = folder.0.join("broken.wav");
    std::fs::write(&broken, b"no audio").unwrap();
    work.write_stems(&broken, &params, &parent).unwrap();
    let result = written(&work);
    assert!(matches!(result, Err(Failure::Impossible(_))), "{result:?}");
    assert!(is_empty());
    // A file is no folder.
    work.write_stems(&folder.song(), &params, &broken).unwrap();
    let result = written(&work);
    assert!(matches!(result, Err(Failure::Impossible(_))), "{result:?}");
}
