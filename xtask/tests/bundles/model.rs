//! A model of one's own.

use std::path::Path;

use tempfile::TempDir;
use xtask::render::Rendering;

use super::{
    FORMATS, RATE_HZ, assert_same, assert_same_audio, excerpt, json_of, open, render_to_the_end,
    state_with,
};

/// The built-in model under another name, and with thresholds that all reaches that might be a kick; its folder
/// is gone in the end. Values stand inside the network, too, and must stay as long as they are.
fn model_of_many_kicks() -> TempDir {
    const VALUES: [(&str, &str); 3] = [
        ("name = \"default\"", "name = \"kicking\""),
        ("strict = [0.45999998", "strict = [0.00000002"),
        (
            "recall = [0.17999999, 0.22, ",
            "recall = [0.00000001, 0.22, ",
        ),
    ];
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default");
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(built_in).expect("the built-in model") {
        let path = entry.expect("a file").path();
        let mut bytes = std::fs::read(&path).expect("it can be read");
        for (value, other) in VALUES.map(|(value, other)| (value.as_bytes(), other.as_bytes())) {
            assert_eq!(value.len(), other.len());
            let place = bytes.windows(value.len()).position(|some| some == value);
            assert!(
                place.is_some() || path.ends_with("one_shots.onnx"),
                "{path:?}"
            );
            if let Some(at) = place {
                bytes[at..at + value.len()].copy_from_slice(other);
            }
        }
        let name = path.file_name().expect("a name");
        std::fs::write(folder.path().join(name), bytes).expect("it can be written");
    }
    folder
}

/// [`assert_same`] but for notes: an instance that has played ends its old ones first.
fn assert_same_sound(found: &Rendering, expected: &Rendering, what: &str) {
    for (found, expected) in found.audio.iter().zip(&expected.audio) {
        assert_same_audio(found, expected, what);
    }
}

fn folder_of(state: &[u8]) -> String {
    let text = json_of(state)["fields"]["model"].clone();
    serde_json::from_str(text.as_str().expect("a text")).expect("a text in a text")
}

#[test]
fn a_project_hears_with_the_model_it_names() {
    let folder = model_of_many_kicks();
    let path = folder.path().to_str().expect("a text");
    let input = excerpt();
    let [clap, vst3] = FORMATS.map(|format| {
        let as_built = render_to_the_end(open(format).as_mut(), &input);
        let mut host = open(format);
        host.load_state(&state_with(format, "model", path))
            .expect("it loads");
        let with_own = render_to_the_end(host.as_mut(), &input);
        let counts = [&as_built, &with_own].map(|rendering| rendering.notes.len());
        assert!(counts[0] < counts[1], "{format}: {counts:?} notes");
        assert_eq!(folder_of(&host.save_state().expect("it saves")), path);

        // It is not known anywhere but here, and a new state is of the built-in model again.
        let plain = open(format).save_state().expect("it saves");
        assert_eq!(folder_of(&plain), "");
        host.load_state(&plain).expect("it loads");
        let again = render_to_the_end(host.as_mut(), &input);
        assert_same_sound(&again, &as_built, &format!("{format}, built-in again"));
        with_own
    });
    assert_same(&clap, &vst3, "both formats");
}

#[test]
fn a_model_that_is_gone_is_replaced_by_the_built_in_one_until_it_is_back() {
    let folder = model_of_many_kicks();
    let path = folder.path().to_str().expect("a text").to_owned();
    let aside = folder.path().with_extension("aside");
    let input = excerpt();
    for format in FORMATS {
        let state = state_with(format, "model", &path);
        let mut expected = open(format);
        expected.load_state(&state).expect("it loads");
        let expected = render_to_the_end(expected.as_mut(), &input);

        std::fs::rename(folder.path(), &aside).expect("it can be moved");
        let mut host = open(format);
        host.load_state(&state).expect("it loads");
        let built_in = render_to_the_end(open(format).as_mut(), &input);
        let found = render_to_the_end(host.as_mut(), &input);
        assert_same(&found, &built_in, &format!("{format}, without its model"));
        assert_eq!(folder_of(&host.save_state().expect("it saves")), path);

        std::fs::rename(&aside, folder.path()).expect("it can be moved back");
        host.load_state(&state)
            .expect("what it has learnt is forgotten");
        let found = render_to_the_end(host.as_mut(), &input);
        assert_same_sound(&found, &expected, &format!("{format}, with its model"));
    }
}

#[test]
fn a_model_that_is_loaded_while_audio_plays_waits_for_the_restart() {
    let folder = model_of_many_kicks();
    let path = folder.path().to_str().expect("a text");
    let input = excerpt();
    for format in FORMATS {
        let state = state_with(format, "model", path);
        let play = |load: bool| {
            let mut host = open(format);
            host.set_offline(true).expect("it renders offline");
            host.activate(RATE_HZ, 512).expect("it starts");
            if load {
                host.load_state(&state).expect("it loads");
            }
            let (mut outputs, mut notes, mut audio) = (Vec::new(), Vec::new(), Vec::new());
            for start in (0..input[0].len() - 512).step_by(512) {
                let block = input.each_ref().map(|channel| &channel[start..start + 512]);
                host.process(&block, &[], &mut outputs, &mut notes)
                    .expect("it goes on");
                audio.push(outputs[0][0].clone());
            }
            host.deactivate().expect("it stops");
            (audio.concat(), host)
        };
        let (as_built, _) = play(false);
        let (found, mut host) = play(true);
        assert_same_audio(&[found], &[as_built], &format!("{format}, until then"));
        let mut expected = open(format);
        expected.load_state(&state).expect("it loads");
        let expected = render_to_the_end(expected.as_mut(), &input);
        host.load_state(&state)
            .expect("what it has learnt is forgotten");
        let found = render_to_the_end(host.as_mut(), &input);
        assert_same_sound(&found, &expected, &format!("{format}, after it"));
    }
}
