use std::fs;

use super::*;

/// The folder of the model that is built in.
pub fn default_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default")
}

/// A copy of the built-in model that is called `name`, in a folder that is gone in the end.
/// The name stands inside the network, too, and must be as long as "default".
pub fn renamed_copy(name: &str) -> tempfile::TempDir {
    const NAME: &[u8] = b"name = \"default\"";
    let new_name = format!("name = \"{name}\"").into_bytes();
    assert_eq!(new_name.len(), NAME.len());
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(default_folder()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let place = bytes.windows(NAME.len()).position(|some| some == NAME);
        if let Some(at) = place {
            bytes[at..at + NAME.len()].copy_from_slice(&new_name);
        }
        fs::write(folder.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    folder
}

fn load(choice: &ModelChoice, text: &str) {
    PersistentField::set(choice, text.to_owned());
}

fn saved(choice: &ModelChoice) -> String {
    choice.map(|text: &String| text.clone())
}

#[test]
fn a_chosen_model_is_read_kept_and_given_back() {
    let choice = ModelChoice::default();
    assert!(choice.is_built_in() && saved(&choice).is_empty());
    let built_in = choice.current().unwrap();
    assert!(Arc::ptr_eq(&built_in.model, &Model::embedded().unwrap()));

    let folder = renamed_copy("my_kits");
    let name = choice.choose(folder.path()).unwrap();
    assert!(name.starts_with("my_kits "), "{name}");
    let chosen = choice.current().unwrap();
    assert_eq!(chosen.model.meta().name, "my_kits");
    assert!(chosen.changes > built_in.changes);
    assert_eq!(choice.edits(), 1);
    assert_eq!(saved(&choice), folder.path().to_str().unwrap());

    choice.choose_built_in();
    assert!(choice.current().unwrap().changes > chosen.changes);
    assert!(choice.is_built_in());
    let edits = choice.edits();
    choice.choose_built_in();
    assert_eq!(choice.edits(), edits, "it was built in already");
}

#[test]
fn what_cannot_be_used_is_refused_and_changes_nothing() {
    let choice = ModelChoice::default();
    let folder = renamed_copy("my_kits");
    choice.choose(folder.path()).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let error = choice.choose(empty.path()).unwrap_err();
    assert!(error.contains("model.toml"), "{error}");
    let broken = renamed_copy("damaged");
    fs::write(broken.path().join("transcriber.onnx"), b"no network").unwrap();
    assert!(choice.choose(broken.path()).is_err());
    assert_eq!(choice.current().unwrap().model.meta().name, "my_kits");
    assert_eq!(choice.edits(), 1);
}

#[test]
fn long_names_are_cut_and_stay_in_one_line() {
    let model = Model::embedded().unwrap();
    assert_eq!(title(&model), "default 0.1.0");
    assert_eq!(
        short(&"a\u{7}b".repeat(20)),
        format!("{}…", "ab".repeat(14))
    );
}

#[test]
fn a_project_whose_model_is_gone_plays_the_built_in_one_and_keeps_the_path() {
    let folder = renamed_copy("my_kits");
    let path = folder.path().to_str().unwrap().to_owned();
    let choice = ModelChoice::default();
    load(&choice, &path);
    assert_eq!(choice.edits(), 0, "the user has changed nothing");
    assert_eq!(choice.current().unwrap().model.meta().name, "my_kits");

    let choice = ModelChoice::default();
    let aside = folder.path().with_extension("aside");
    fs::rename(folder.path(), &aside).unwrap();
    load(&choice, &path);
    let before = choice.changes();
    let model = choice.current().unwrap().model;
    assert!(Arc::ptr_eq(&model, &Model::embedded().unwrap()));
    assert!(choice.problem().contains(&path), "{}", choice.problem());
    assert_eq!(saved(&choice), path);
    assert_eq!(choice.changes(), before, "no restart can help");

    // It is there again, for whoever asks: the engine that runs meanwhile is another's.
    fs::rename(&aside, folder.path()).unwrap();
    let found = choice.current().unwrap();
    assert_eq!(found.model.meta().name, "my_kits");
    assert_eq!((found.changes, choice.changes()), (before + 1, before + 1));
    assert!(Arc::ptr_eq(&found.model, &choice.current().unwrap().model));
    assert!(choice.problem().is_empty());
    // A state without a model is that of another project.
    load(&choice, "");
    assert!(choice.is_built_in() && choice.problem().is_empty());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = renamed_copy("my_kits");
    let file = folder.path().join("model.toml");
    fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    let choice = ModelChoice::default();
    load(&choice, folder.path().to_str().unwrap());
    choice.current().unwrap();
    assert!(
        choice.problem().contains("expected a file"),
        "{}",
        choice.problem()
    );
}
