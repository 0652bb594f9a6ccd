//! Kits that folders hold without a manifest.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    Sound, Split,
    entry::{Entry, UNKNOWN_VELOCITY},
    files::{file_name, has_extension, is_audio, sorted_children},
    hydrogen, sfz, sound_from_spelling,
};

/// The samples of all kits in `folder`: its own, or those of the folders in it. Allocates.
///
/// # Errors
/// A folder or an instrument that cannot be read.
pub(super) fn scan(folder: &Path) -> Result<Vec<Entry>> {
    scan_below(folder, &mut Vec::new())
}

/// The same of a folder that lies in the folders `above`, as they are without links: one that
/// leads back there is passed over.
fn scan_below(folder: &Path, above: &mut Vec<PathBuf>) -> Result<Vec<Entry>> {
    let place = folder.canonicalize();
    let place = place.with_context(|| format!("{}: cannot be read", folder.display()))?;
    if above.contains(&place) {
        return Ok(Vec::new());
    }
    let (held_out, others): (Vec<PathBuf>, Vec<PathBuf>) = sorted_children(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .partition(|path| Split::holds_out(path));
    let mut entries = scan_kit(folder)?;
    if entries.is_empty() {
        for kit in &others {
            add_kit(&mut entries, scan_kit(kit)?);
        }
    }
    above.push(place);
    for folder in &held_out {
        let kits = scan_below(folder, above)?.into_iter();
        let kits = kits.map(|entry| Entry {
            split: Split::Valid,
            ..entry
        });
        add_kit(&mut entries, kits.collect());
    }
    above.pop();
    Ok(entries)
}

/// Adds `new` kits; those of a name that is there already are others, and get another one.
fn add_kit(entries: &mut Vec<Entry>, new: Vec<Entry>) {
    let taken: BTreeSet<String> = entries.iter().map(|entry| entry.kit.clone()).collect();
    entries.extend(new.into_iter().map(|entry| {
        let mut names = (2..).map(|number| format!("{} ({number})", entry.kit));
        match taken.contains(&entry.kit) {
            true => Entry {
                kit: names.find(|name| !taken.contains(name)).unwrap_or_default(),
                ..entry
            },
            false => entry,
        }
    }));
}

/// What `folder` itself holds, if it is a kit.
fn scan_kit(folder: &Path) -> Result<Vec<Entry>> {
    let hydrogen = folder.join(hydrogen::FILE);
    if hydrogen.is_file() {
        return hydrogen::entries(&hydrogen);
    }
    let children = sorted_children(folder)?;
    let mut entries = Vec::new();
    for instrument in children.iter().filter(|path| has_extension(path, &["sfz"])) {
        add_kit(&mut entries, sfz::entries(instrument)?);
    }
    if !entries.is_empty() {
        return Ok(entries);
    }
    let entry = |sound: Sound, path: PathBuf| Entry {
        kit: file_name(folder).to_owned(),
        kind: String::new(),
        split: Split::Train,
        sound,
        velocity: velocity_in_name(file_name(&path)).unwrap_or(UNKNOWN_VELOCITY),
        path,
        onset_ms: None,
        // Of unknown kits the alternatives may be a drummer's.
        is_alternate: false,
    };
    for path in &children {
        let named = path.file_stem().and_then(|name| name.to_str());
        let sound = if path.is_dir() {
            sound_from_spelling(file_name(path))
        } else {
            named.and_then(sound_from_spelling)
        };
        let Some(sound) = sound else {
            continue;
        };
        if path.is_dir() {
            let samples = sorted_children(path)?.into_iter();
            entries.extend(
                samples
                    .filter(|path| is_audio(path))
                    .map(|path| entry(sound, path)),
            );
        } else if is_audio(path) {
            entries.push(entry(sound, path.clone()));
        }
    }
    Ok(entries)
}

/// The number after `_v` in names like `03_v112.flac`.
fn velocity_in_name(name: &str) -> Option<f32> {
    let (_, rest) = name.rsplit_once("_v")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .ok()
        .filter(|velocity| (1.0..=127.0).contains(velocity))
}
