//! What is listed.

use std::fs;

use idm_engine::drum::Drum;

use super::*;

#[test]
fn folders_come_first_and_only_audio_is_listed() {
    let folder = std::env::temp_dir().join(format!("idm-browser-{}", std::process::id()));
    fs::create_dir_all(folder.join("kicks")).unwrap();
    fs::create_dir_all(folder.join(".hidden")).unwrap();
    for name in ["b.WAV", "A.flac", "notes.txt"] {
        fs::write(folder.join(name), b"").unwrap();
    }
    let mut browser = SampleBrowser::new(Target::Pad(Drum::Kick), &folder.join("not/there"));
    assert_eq!(browser.folder(), folder);
    let names: Vec<&str> = browser.entries.iter().map(|e| e.title.as_str()).collect();
    assert_eq!(names, ["kicks", "A.flac", "b.WAV"]);
    // A folder that cannot be listed leaves the list as it is.
    browser.go(folder.join("notes.txt"));
    assert_eq!(browser.folder(), folder);
    assert!(browser.problem.contains("notes.txt"));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
#[cfg(windows)]
fn one_drive_leads_to_another() {
    let root = Path::new("C:\\");
    let browser = SampleBrowser::new(Target::Pad(Drum::Kick), root);
    let drive = browser.entries.iter().find(|entry| entry.title == "C:\\");
    assert_eq!(root.join(&drive.unwrap().name), root);
}
