use super::*;

#[test]
fn inputs_are_not_overwritten_and_empty_folders_go() {
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().join("loop");
    fs::create_dir(&folder).expect("created");
    let input = folder.join("kick.wav");
    fs::write(&input, "precious").expect("written");
    let protected = Protected::new(std::slice::from_ref(&input), &[], None);
    let outputs = OutputFolder::create(folder, &protected).expect("created");
    assert!(outputs.write("kick.wav", b"x").is_err());
    assert_eq!(fs::read(&input).expect("read"), b"precious");
    let written = outputs.write("snare.wav", b"x").expect("written");
    assert_eq!(written, Written::Anew);
    assert!(outputs.path().join("snare.wav").exists());

    outputs.remove("kick.wav").expect("left alone");
    outputs.remove("snare.wav").expect("removed");
    outputs.remove("snare.wav").expect("not there");
    assert!(input.exists() && !outputs.path().join("snare.wav").exists());

    let fresh = out.path().join("fresh");
    drop(OutputFolder::create(fresh.join("deep"), &protected).expect("created"));
    assert!(!fresh.exists());
}

#[test]
fn hits_that_were_edited_are_kept() {
    let out = tempfile::tempdir().expect("a folder");
    let path = |name: &str| out.path().join(name);
    let protected = Protected::default();
    let again = || OutputFolder::create(out.path().to_path_buf(), &protected).expect("there");
    for name in ["onsets.csv", "onsets.mid"] {
        let keep = |content: &[u8]| again().keep_if_edited(name, content).expect("no failure");
        let (stem, end) = name.split_once('.').expect("a name");
        let kept = |number: u32| path(&format!("{stem}_edited_{number}.{end}"));
        assert_eq!(keep(b"x"), None, "nothing is there");
        let written = again().write(name, b"as written").expect("written");
        assert_eq!(written, Written::Anew);
        assert_eq!(keep(b"x"), None, "nobody has worked on it");

        // At once, so that its age tells nothing.
        fs::write(path(name), "corrected").expect("written");
        assert_eq!(keep(b"corrected"), None, "nothing is lost");
        assert_eq!(keep(b"x"), Some(kept(1)));
        assert!(!path(name).exists());
        assert_eq!(fs::read(kept(1)).expect("kept"), b"corrected");

        // Nobody knows who wrote it.
        fs::remove_file(path(manifest::NAME)).expect("removed");
        fs::write(path(name), "by hand").expect("written");
        assert_eq!(keep(b"by hand"), None);
        assert_eq!(keep(b"x"), Some(kept(2)));
    }
}

#[test]
fn hits_that_were_edited_and_used_are_kept_later_too() {
    let names = ["onsets.csv", "onsets.mid"];
    for given in names {
        let out = tempfile::tempdir().expect("a folder");
        let path = |name: &str| out.path().join(name);
        let run = |protected: &Protected, content: &[u8]| {
            let outputs = OutputFolder::create(out.path().to_path_buf(), protected);
            let outputs = outputs.expect("there");
            names.map(|name| {
                let kept = outputs.keep_if_edited(name, content).expect("no failure");
                let _ = outputs.write(name, content).expect("no failure");
                kept.is_some()
            })
        };
        assert_eq!(run(&Protected::default(), b"heard"), [false; 2]);
        let corrected = path(given);
        fs::write(&corrected, "corrected").expect("written");
        let protected = Protected::new(&[], &[], Some(&corrected));
        assert_eq!(run(&protected, b"followed"), [false; 2]);
        let kept = run(&Protected::default(), b"heard again");
        assert_eq!(kept, names.map(|name| name == given));
    }
}

#[test]
fn files_of_the_user_are_neither_replaced_nor_removed() {
    let out = tempfile::tempdir().expect("a folder");
    let path = |name: &str| out.path().join(name);
    fs::write(path("kick.wav"), "mine").expect("written");
    let protected = Protected::default();
    let again = || OutputFolder::create(out.path().to_path_buf(), &protected).expect("there");
    let names = ["snare.wav", "kick.wav"];
    for refused in [again().refuse_others(names), again().claim(names)] {
        let error = refused.expect_err("refused").to_string();
        assert!(error.contains("kick.wav: expected no file"), "{error}");
        assert!(error.contains("was not written by idm"), "{error}");
    }
    again().remove("kick.wav").expect("left alone");
    assert_eq!(fs::read(path("kick.wav")).expect("read"), b"mine");
    assert!(!path(manifest::NAME).exists(), "nothing was written");

    // What a run claims is its own, even if it ended before it could say more.
    let outputs = again();
    outputs.claim(["snare.wav"]).expect("free");
    fs::write(path("snare.wav"), "stem").expect("written");
    std::mem::forget(outputs);
    again().refuse_others(["snare.wav"]).expect("ours");
    again().remove("snare.wav").expect("removed");
    assert!(!path("snare.wav").exists() && !path(manifest::NAME).exists());
    fs::write(path("snare.wav"), "mine").expect("written");
    assert!(again().refuse_others(["snare.wav"]).is_err(), "no longer");
}

#[test]
fn given_hits_stay_and_samples_are_refused() {
    let out = tempfile::tempdir().expect("a folder");
    let file = |name: &str| {
        let path = out.path().join(name);
        fs::write(&path, "precious").expect("written");
        path
    };
    let hits = file("onsets.csv");
    file("snare.wav");
    file("onsets.mid");
    let protected = Protected::new(&[], &[out.path().to_path_buf()], Some(&hits));
    let outputs = OutputFolder::create(out.path().to_path_buf(), &protected).expect("there");
    let written = outputs.write("onsets.csv", b"x").expect("no failure");
    assert_eq!(written, Written::LeftAsItWas);
    assert_eq!(fs::read(&hits).expect("read"), b"precious");
    let refused = outputs.write("snare.wav", b"x").expect_err("a sample");
    assert!(refused.to_string().contains("is an input"), "{refused}");
    let written = outputs.write("onsets.mid", b"x").expect("no sample");
    assert_eq!(written, Written::Anew);
}

#[test]
fn others_of_an_earlier_run_go_when_new_files_come() {
    let out = tempfile::tempdir().expect("a folder");
    let path = |name: &str| out.path().join(name);
    let names = ["toms.wav", "hihat.wav", "kick.wav", "crash.wav"];
    for name in names {
        fs::write(path(name), "old").expect("written");
    }
    let protected = Protected::new(&[path("crash.wav")], &[], None);
    let again = || OutputFolder::create(out.path().to_path_buf(), &protected).expect("there");
    let new = || {
        let (partial, mut file) = PartialFile::create(path("snare.wav")).expect("created");
        io::Write::write_all(&mut file, b"new").expect("written");
        vec![partial]
    };
    let others = || ["toms.wav", "hihat.wav", "crash.wav"].map(str::to_owned);
    let is_there = || names.map(|name| path(name).exists());
    let lists = |names: [&str; 3]| {
        let manifest = Manifest::load(out.path(), "song").expect("read");
        names.map(|name| manifest.lists(name))
    };
    let listed = ["toms.wav", "hihat.wav", "snare.wav"];

    // What goes wrong changes nothing.
    fs::write(path("snare.wav"), "old").expect("written");
    let outputs = again();
    let ours = ["toms.wav", "crash.wav", "snare.wav"];
    outputs.known().manifest.claim(ours);
    outputs.claim(ours).expect("ours");
    let lost = new();
    for entry in fs::read_dir(out.path()).expect("listed").flatten() {
        if entry.path().extension().is_some_and(|end| end == "partial") {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
    let error = outputs.replace(lost, others()).expect_err("no such file");
    assert!(error.to_string().contains("snare.wav"), "{error}");
    drop(outputs);
    assert_eq!(fs::read(path("snare.wav")).expect("read"), b"old");
    assert_eq!(is_there(), [true; 4]);
    assert_eq!(lists(listed), [true, false, true]);

    // An input stays, and so does what is not ours.
    let outputs = again();
    outputs.replace(new(), others()).expect("replaced");
    drop(outputs);
    assert_eq!(fs::read(path("snare.wav")).expect("read"), b"new");
    assert_eq!(is_there(), [false, true, true, true]);
    assert_eq!(lists(listed), [false, false, true]);
}
