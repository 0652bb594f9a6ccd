//! Files of the user's own in the folder of the results.

mod support;

use std::fs;

use support::{Bench, code, drum_loop, names, stderr};

#[test]
fn files_beside_the_results_are_neither_replaced_nor_removed() {
    let bench = Bench::new();
    bench.wav("song.wav", &drum_loop(44_100.0, 1, 1.0));
    for (command, own) in [
        (&["separate"][..], "kick.wav"),
        (&["separate", "--groups"], "toms.wav"),
        (&["kit"], "song_crash.wav"),
        (&["kit"], "kit.sfz"),
    ] {
        let path = bench.path("song").join(own);
        fs::create_dir_all(bench.path("song")).expect("created");
        fs::write(&path, "mine").expect("written");
        let output = bench.idm(&[command, &["song.wav", "--out", "."]].concat());
        assert_eq!(code(&output), 1, "{command:?}");
        let said = stderr(&output);
        let expected = format!("{own}: expected no file or one that idm wrote, found one that");
        assert!(said.contains(&expected), "{said}");
        assert!(
            said.contains("was not written by idm: choose another --out"),
            "{said}"
        );
        assert_eq!(names(&bench.path("song")), [own], "nothing was done");
        assert_eq!(fs::read(&path).expect("read"), b"mine");
        fs::remove_file(path).expect("removed");
    }

    // Names that this run does not need are the user's to have.
    fs::write(bench.path("song/crash.wav"), "mine").expect("written");
    bench.idm_json(&["separate", "--groups", "song.wav", "--out", "."]);
    bench.idm_json(&["separate", "--groups", "song.wav", "--out", "."]);
    assert_eq!(
        fs::read(bench.path("song/crash.wav")).expect("read"),
        b"mine"
    );
}

#[test]
fn results_of_older_versions_are_replaced() {
    let bench = Bench::new();
    bench.wav("song.wav", &drum_loop(44_100.0, 1, 1.0));
    bench.idm_json(&["separate", "song.wav", "--out", "out"]);
    bench.idm_json(&["kit", "song.wav", "--out", "out"]);
    let folder = bench.path("out/song");
    fs::remove_file(folder.join("idm.json")).expect("removed");
    fs::write(folder.join("kick.wav"), "old").expect("written");
    bench.idm_json(&["separate", "--groups", "song.wav", "--out", "out"]);
    bench.idm_json(&["kit", "song.wav", "--out", "out"]);
    assert!(bench.read("out/song/kick.wav").frames() > 0);
    assert!(!folder.join("crash.wav").exists(), "one of nine drums");
    assert!(folder.join("idm.json").exists());
}

#[test]
fn hits_corrected_at_once_and_then_overtaken_are_kept() {
    let bench = Bench::new();
    bench.wav("song.wav", &drum_loop(44_100.0, 1, 1.0));
    let run = |more: &[&str]| {
        let output = bench.idm(&[&["transcribe", "song.wav", "--out", "out"], more].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stderr(&output)
    };
    assert_eq!(run(&[]), "");
    for name in ["onsets.csv", "onsets.mid"] {
        fs::write(bench.path("out/song").join(name), "corrected").expect("written");
    }
    let said = run(&["--sensitivity", "all=0"]);
    for (name, kept) in [
        ("onsets.csv", "onsets_edited_1.csv"),
        ("onsets.mid", "onsets_edited_1.mid"),
    ] {
        assert!(
            said.contains(&format!("{name}: is not as idm wrote it")),
            "{said}"
        );
        let kept = fs::read(bench.path("out/song").join(kept)).expect("kept");
        assert_eq!(kept, b"corrected");
    }
    // As written, they may go, however old they are.
    assert_eq!(run(&[]), "");
}
