use super::*;

fn kit() -> LearntKit {
    LearntKit {
        drums: vec![],
        embedding: vec![1.0, -2.5],
    }
}

#[test]
fn a_kit_waits_for_its_engine_and_is_saved_meanwhile() {
    let state = KitState::default();
    assert_eq!(state.text(), "");
    state.load(&STANDARD.encode(encode_kit(&kit())));
    assert_eq!(*state.current(), kit());
    let again = KitState::default();
    again.set(state.map(Clone::clone));
    assert_eq!(*again.current(), kit());
    assert_eq!(*again.take_loaded().expect("loaded"), kit());
    assert!(again.take_loaded().is_none());
    again.load("");
    assert!(again.current().is_empty() && again.problem().is_empty());
}

#[test]
fn a_kit_that_is_loaded_while_the_engine_runs_is_handed_over_once() {
    let state = KitState::default();
    let mut inbox = state.take_inbox().expect("the first");
    assert!(state.take_inbox().is_none());
    let text = STANDARD.encode(encode_kit(&kit()));
    state.load(&text);
    inbox.offer(Err);
    assert_eq!(*state.current(), kit());
    let mut taken = None;
    inbox.offer(|kit| {
        taken = Some(kit);
        Ok(())
    });
    assert_eq!(taken.as_deref(), Some(&kit()));
    inbox.offer(|_| panic!("it was taken"));
    // Not heard yet: saved all the same, and not given to an engine again.
    assert_eq!(*state.current(), kit());
    assert!(state.take_loaded().is_none());

    state.load(&text);
    state.forget();
    inbox.offer(|_| panic!("it was forgotten"));
    assert!(state.current().is_empty() && state.take_loaded().is_none());
    state.load(&text);
    inbox.clear();
    inbox.offer(|_| panic!("it was given otherwise"));
    assert!(state.take_loaded().is_some());
}

#[test]
fn a_damaged_kit_is_the_default_and_said_so() {
    let state = KitState::default();
    let mut bytes = encode_kit(&kit());
    bytes[10] ^= 1;
    for text in ["no base64!", "QUJD", &STANDARD.encode(&bytes)] {
        state.load(text);
        assert!(state.current().is_empty());
        assert!(
            state.problem().contains("default plays"),
            "{}",
            state.problem()
        );
    }
    assert!(state.problem().contains("checksum"), "{}", state.problem());
    assert_eq!(
        state.text(),
        STANDARD.encode(&bytes),
        "kept for who can read it"
    );
    state.load(&STANDARD.encode(encode_kit(&kit())));
    assert!(state.problem().is_empty());
}

#[test]
fn a_state_of_now_takes_nothing_from_a_kit_that_has_grown() {
    let state = KitState::default();
    state.set_learns(true);
    let mut inbox = state.take_inbox().expect("the first");
    let young = STANDARD.encode(encode_kit(&kit()));
    state.load(&young);
    inbox.offer(|_| Ok(()));
    assert_eq!(state.text(), young);
    // It has grown meanwhile: the engine's shelf has another.
    let grown = LearntKit {
        embedding: vec![7.0],
        ..kit()
    };
    state.lock().loaded = Some(Arc::new(grown.clone()));
    state.load(&young);
    inbox.offer(|_| panic!("the fader's undo is not the kit's"));
    assert_eq!(*state.current(), grown);
    // Frozen, what is loaded is what plays.
    state.set_learns(false);
    state.load(&young);
    let mut taken = 0;
    inbox.offer(|_| {
        taken += 1;
        Ok(())
    });
    assert_eq!((taken, &*state.current()), (1, &kit()));
    // After Forget, undo brings it back.
    state.set_learns(true);
    state.forget();
    state.load(&young);
    inbox.offer(|_| {
        taken += 1;
        Ok(())
    });
    assert_eq!((taken, &*state.current()), (2, &kit()));
}

#[test]
fn nothing_learnt_writes_nothing() {
    let parent = std::env::temp_dir().join("idm-no-kit");
    let error = KitState::default().write_files(&parent).unwrap_err();
    assert!(error.to_string().contains("nothing has been learnt"));
    assert!(!parent.exists());
}

#[test]
fn a_folder_is_taken_as_soon_as_it_is_chosen() {
    let parent = std::env::temp_dir().join(format!("idm-folders-{}", std::process::id()));
    for expected in ["Kit 1", "Kit 2"] {
        let (name, folder) = new_folder(&parent).expect("a folder");
        assert_eq!(name, expected);
        assert!(folder.is_dir());
    }
    fs::write(parent.join("Kit 3"), "a file").expect("written");
    assert_eq!(new_folder(&parent).expect("a folder").0, "Kit 4");
    assert!(new_folder(&parent.join("Kit 3")).is_err());
    fs::remove_dir_all(parent).expect("removed");
}

#[test]
fn of_a_kit_that_cannot_be_written_nothing_stays() {
    use idm_engine::learner::{LearntDrum, LearntLayer};
    use idm_engine::one_shots::OneShot;
    let drum = |drum| LearntDrum {
        drum,
        layers: vec![LearntLayer {
            top_velocity: 1.0,
            one_shot: Arc::new(OneShot::new(44_100.0, vec![vec![0.5; 4_410]]).unwrap()),
        }],
        hits: 5,
        confidence: 0.8,
    };
    let kit = LearntKit {
        drums: vec![drum(Drum::Kick), drum(Drum::Snare)],
        ..LearntKit::default()
    };
    let files = KitFiles::of("Kit 1", &kit);
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("Kit 1");
    // A folder is in the way of the last of its files.
    let in_the_way = folder.join("kit.sfz");
    fs::create_dir_all(&in_the_way).unwrap();
    assert!(write_or_remove(&files, &folder).is_err());
    let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(in_the_way.is_dir(), "it was not the kit's");
    fs::remove_dir(&in_the_way).unwrap();
    let second = folder.join(&files.samples[1].file);
    fs::create_dir(&second).unwrap();
    assert!(write_or_remove(&files, &folder).is_err());
    fs::remove_dir(&second).unwrap();
    fs::remove_dir(&folder).expect("nothing else is in it");
    write_or_remove(&files, &folder).expect("written");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
}
