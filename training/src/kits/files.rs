//! Files of kits by their names.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

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

/// The last part of `path`.
pub(super) fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// Whether the name of `path` ends in one of the `wanted` extensions, in any case.
pub(crate) fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|found| {
            wanted
                .iter()
                .any(|wanted| found.eq_ignore_ascii_case(wanted))
        })
}

/// Whether `path` is named like a file that kits are made of.
pub(super) fn is_audio(path: &Path) -> bool {
    has_extension(path, &["wav", "flac", "aif", "aiff"])
}

/// What is said of the files below `folder` that are not read because their format leaves
/// out what is hard to hear; nothing if there are none.
pub(crate) fn lossy_remark(folder: &Path) -> String {
    let mut folders = vec![folder.to_owned()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for path in sorted_children(&folder).unwrap_or_default() {
            if path.is_dir() {
                folders.push(path);
            } else if has_extension(&path, &["mp3", "ogg", "m4a", "aac", "opus"]) {
                count += 1;
            }
        }
    }
    match count {
        0 => String::new(),
        _ => format!("; found {count} files in MP3 or the like, convert them to WAV or FLAC"),
    }
}
