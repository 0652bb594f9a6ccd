//! Files of kits by their names.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
pub(crate) use idm_engine::audio_file::has_extension;
use idm_engine::audio_file::{AudioReader, LOSSY_EXTENSIONS, is_called_audio};

/// Whether `path` is named like what is not shown: computers keep notes of their own beside
/// files (`._kick.wav` of macOS), which are called like them and are no audio.
pub(crate) fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// What lies in `folder` and is not hidden, by name. Allocates.
///
/// # Errors
/// A folder that cannot be read.
pub(crate) fn sorted_children(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("{}: cannot be read", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .with_context(|| format!("{}: cannot be read", folder.display()))?;
    paths.retain(|path| !is_hidden(path));
    paths.sort();
    Ok(paths)
}

/// All files in `folder` and in the folders below it that are not hidden, by their paths. A
/// link to a folder that it lies in leads round and round: it is passed over. Allocates.
///
/// # Errors
/// A folder that cannot be read.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(folder, &mut Vec::new(), &mut files)?;
    Ok(files)
}

/// Adds the files below `folder`, which lies in the folders `above`, as they are without links.
fn walk(folder: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> Result<()> {
    let place = folder
        .canonicalize()
        .with_context(|| format!("{}: cannot be read", folder.display()))?;
    if above.contains(&place) {
        return Ok(());
    }
    above.push(place);
    for child in sorted_children(folder)? {
        if child.is_dir() {
            walk(&child, above, files)?;
        } else {
            files.push(child);
        }
    }
    above.pop();
    Ok(())
}

/// The last part of `path`.
pub(super) fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// Whether `path` is an audio file of those that training reads: named like one, and nothing
/// is left out in it that is hard to hear. Of M4A and CAF the file tells.
pub(crate) fn is_audio(path: &Path) -> bool {
    is_called_audio(path) && !is_lossy(path)
}

/// Whether `path` is an audio file that leaves out what is hard to hear.
pub(crate) fn is_lossy(path: &Path) -> bool {
    let says_so = || AudioReader::open(path).is_ok_and(|reader| reader.is_lossy());
    has_extension(path, &LOSSY_EXTENSIONS) || has_extension(path, &["m4a", "caf"]) && says_so()
}

/// What is said of the files below `folder` that are not read because their format leaves
/// out what is hard to hear; nothing if there are none.
pub(crate) fn lossy_remark(folder: &Path) -> String {
    let is_lossy = |path: &&PathBuf| is_lossy(path) || has_extension(path, &["opus", "wma"]);
    let files = files_below(folder).unwrap_or_default();
    match files.iter().filter(is_lossy).count() {
        0 => String::new(),
        count => format!(
            "; found {count} file{} in MP3, AAC or the like, which leave out what is hard to hear: \
             they are not used",
            if count == 1 { "" } else { "s" }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_that_lead_back_are_passed_over() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["a", "b", "c"] {
            fs::create_dir(at(folder)).unwrap();
            fs::write(at(folder).join("kick.wav"), b"").unwrap();
        }
        symlink("..", at("a/up")).unwrap();
        symlink(".", at("a/self")).unwrap();
        symlink(at("b"), at("a/to_b")).unwrap();
        symlink(at("a"), at("b/to_a")).unwrap();
        symlink(at("c"), at("d")).unwrap();
        let files = files_below(root.path()).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "a/kick.wav",
                "a/to_b/kick.wav",
                "b/kick.wav",
                "b/to_a/kick.wav",
                "c/kick.wav",
                "d/kick.wav"
            ]
        );
        assert!(files_below(&at("nowhere")).is_err());
    }

    #[test]
    fn m4a_and_caf_are_kits_where_nothing_is_left_out() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../plugin/engine/tests/audio_file_fixtures");
        let folder = tempfile::tempdir().unwrap();
        let copy = |from: &str, to: &str| {
            let to = folder.path().join(to);
            fs::copy(fixtures.join(from), &to).unwrap();
            is_audio(&to)
        };
        assert!(copy("sine_alac.m4a", "kick.m4a") && copy("sine_alac.caf", "snare.CAF"));
        assert_eq!(lossy_remark(folder.path()), "");
        assert!(!copy("sine.m4a", "ride.m4a") && !copy("sine.mp3", "crash.mp3"));
        let remark = lossy_remark(folder.path());
        assert!(remark.contains("found 2 files in MP3, AAC"), "{remark}");
        let kits = crate::kits::load_folder(folder.path()).unwrap();
        let sounds = kits[0].sounds.iter().filter(|samples| !samples.is_empty());
        assert_eq!((kits.len(), sounds.count()), (1, 2));
    }
}
