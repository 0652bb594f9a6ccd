//! Kits that a manifest lists.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::{Sound, Split, entry::Entry, files::is_audio};

/// Name of the manifest in a folder of kits.
pub(super) const MANIFEST: &str = "kits.csv";
/// What the column `velocity_from` says of samples that are different drums.
const ALTERNATE: &str = "alt";
/// Kinds of kits without a drummer, whose samples for one stroke are different drums.
const MACHINES: [&str; 2] = ["electronic", "synth"];
/// Velocities in a manifest.
const VELOCITIES: RangeInclusive<f32> = 0.0..=127.0;

#[derive(Deserialize)]
struct Row {
    kit: String,
    class: String,
    file: PathBuf,
    velocity: f32,
    split: String,
    onset_ms: f32,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    velocity_from: String,
}

/// The samples of the kits of `folder` that `manifest` lists. Allocates.
///
/// # Errors
/// A manifest that is malformed, names an unknown class or values out of range.
pub(super) fn read_manifest(folder: &Path, manifest: &Path) -> Result<Vec<Entry>> {
    let mut reader = csv::Reader::from_path(manifest)
        .with_context(|| format!("{}: cannot be read", manifest.display()))?;
    let mut entries = Vec::new();
    for (line, row) in reader.deserialize().enumerate() {
        let place = || format!("{} line {}", manifest.display(), line + 2);
        let row: Row = row.with_context(place)?;
        let Some(sound) = Sound::from_name(&row.class) else {
            let known = Sound::ALL.map(Sound::name).join(", ");
            bail!(
                "{}: class: expected one of {known}, found {:?}",
                place(),
                row.class
            );
        };
        let Some(split) = Split::from_name(&row.split) else {
            bail!(
                "{}: unknown split {:?}, expected train or valid",
                place(),
                row.split
            );
        };
        let mut path = folder.join(&row.file);
        if !path.exists()
            && let Some(above) = folder.parent()
        {
            path = above.join(&row.file);
        }
        ensure!(
            path.is_file(),
            "{}: file: expected one in {} or the folder above, found none called {}",
            place(),
            folder.display(),
            row.file.display()
        );
        ensure!(
            is_audio(&path),
            "{}: file: expected WAV, FLAC or AIFF, found {}; convert MP3 and the like, which \
             leave out what is hard to hear",
            place(),
            row.file.display()
        );
        ensure!(
            VELOCITIES.contains(&row.velocity),
            "{}: velocity: expected {} to {}, found {}",
            place(),
            VELOCITIES.start(),
            VELOCITIES.end(),
            row.velocity
        );
        ensure!(
            row.onset_ms.is_finite() && row.onset_ms >= 0.0,
            "{}: onset_ms: expected 0 or more, found {}",
            place(),
            row.onset_ms
        );
        entries.push(Entry {
            is_alternate: row.velocity_from == ALTERNATE || MACHINES.contains(&row.kind.as_str()),
            kit: row.kit,
            kind: row.kind,
            split,
            sound,
            path,
            velocity: row.velocity,
            onset_ms: Some(row.onset_ms),
        });
    }
    Ok(entries)
}
