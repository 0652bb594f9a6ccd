//! Human performances from MIDI files.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use idm_engine::midi_file::read_midi;
use rayon::prelude::*;
use serde::Deserialize;

use super::Event;
use crate::kits::{Split, files_below, has_extension, sound_of_note};

/// A recorded performance.
#[derive(Debug, Clone)]
pub struct Groove {
    /// File name, for lists.
    pub name: String,
    /// Side of the training/validation border.
    pub split: Split,
    /// Length in seconds.
    pub duration_s: f64,
    /// Strokes in order of time.
    pub events: Vec<Event>,
}

#[derive(Deserialize)]
struct Row {
    file: String,
    split: String,
}

/// Loads the grooves that `grooves.csv` in `folder` lists (columns `file`,
/// relative to the folder or the one above, and `split`); without it, every
/// `.mid` or `.midi` file below the folder, as training material but for those below
/// folders called `valid`, `validation` or `test`. Allocates.
///
/// # Errors
/// When the folder or manifest cannot be read, names no file, or a file is no MIDI file.
pub fn load_grooves(folder: &Path) -> Result<Vec<Groove>> {
    let manifest = folder.join("grooves.csv");
    let mut files = Vec::new();
    if manifest.is_file() {
        let mut reader = csv::Reader::from_path(&manifest)
            .with_context(|| format!("{}: cannot be read", manifest.display()))?;
        for (line, row) in reader.deserialize().enumerate() {
            let row: Row =
                row.with_context(|| format!("{} line {}", manifest.display(), line + 2))?;
            let split = Split::from_name(&row.split).with_context(|| {
                format!("{}: unknown split {:?}", manifest.display(), row.split)
            })?;
            let mut path = folder.join(&row.file);
            if !path.exists()
                && let Some(above) = folder.parent()
            {
                path = above.join(&row.file);
            }
            files.push((path, split));
        }
    } else {
        let midi = files_below(folder)?
            .into_iter()
            .filter(|path| has_extension(path, &["mid", "midi"]));
        files.extend(midi.map(|path| {
            let split = split_of(&path, folder);
            (path, split)
        }));
        files.sort_by(|a, b| a.0.cmp(&b.0));
    }
    ensure!(
        !files.is_empty(),
        "{}: expected grooves.csv with files, or .mid or .midi files in it or its folders, \
         found none",
        folder.display()
    );
    let grooves: Vec<Groove> = files
        .par_iter()
        .map(|(path, split)| {
            let bytes =
                fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
            let events = parse_midi(&bytes).with_context(|| format!("{}", path.display()))?;
            Ok(Groove {
                name: path.display().to_string(),
                split: *split,
                duration_s: events.last().map_or(0.0, |event| event.time_s),
                events,
            })
        })
        .collect::<Result<_>>()?;
    Ok(grooves
        .into_iter()
        .filter(|groove| !groove.events.is_empty())
        .collect())
}

/// The side of the file at `path` by the folders in `root` that it lies in.
fn split_of(path: &Path, root: &Path) -> Split {
    let below = path.strip_prefix(root).unwrap_or(path);
    if below.ancestors().skip(1).any(Split::holds_out) {
        Split::Valid
    } else {
        Split::Train
    }
}

/// Strokes of a standard MIDI file, through its tempo map, in order of time.
/// Notes that are no drum of ours are left out. Allocates.
///
/// # Errors
/// When `bytes` are no standard MIDI file.
pub fn parse_midi(bytes: &[u8]) -> Result<Vec<Event>> {
    let notes = read_midi(bytes)?;
    let mut events: Vec<Event> = notes
        .iter()
        .filter_map(|note| {
            Some(Event {
                time_s: note.time_s,
                sound: sound_of_note(note.key)?,
                velocity: f32::from(note.velocity) / 127.0,
            })
        })
        .collect();
    events.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then(a.sound.cmp(&b.sound)));
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kits::Sound;

    #[test]
    fn midi_files_are_found_in_all_folders_and_spellings() {
        let folder = tempfile::tempdir().unwrap();
        let empty = load_grooves(folder.path()).unwrap_err().to_string();
        assert!(
            empty.contains(&folder.path().display().to_string()) && empty.contains("found none"),
            "{empty}"
        );
        let track: &[u8] = &[0x00, 0x99, 36, 100, 0x00, 0xff, 0x2f, 0x00];
        let mut bytes = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk".to_vec();
        bytes.extend((track.len() as u32).to_be_bytes());
        bytes.extend(track);
        for name in [
            "b.MID",
            "a/x.midi",
            "a/deep/y.mid",
            "Valid/z.Midi",
            "a/no.txt",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &bytes).unwrap();
        }
        // What a computer notes beside a file is called like it.
        fs::write(folder.path().join("a/._x.midi"), b"notes").unwrap();
        let grooves = load_grooves(folder.path()).unwrap();
        let found: Vec<(String, Split)> = grooves
            .iter()
            .map(|groove| {
                let name = Path::new(&groove.name).strip_prefix(folder.path()).unwrap();
                (name.display().to_string(), groove.split)
            })
            .collect();
        let train = |name: &str| (name.to_owned(), Split::Train);
        assert_eq!(
            found,
            [
                ("Valid/z.Midi".to_owned(), Split::Valid),
                train("a/deep/y.mid"),
                train("a/x.midi"),
                train("b.MID"),
            ]
        );
    }

    #[test]
    fn tempo_map_is_followed() {
        // 96 ticks per beat; 120 bpm, after one beat 60 bpm.
        let track: &[u8] = &[
            0x00, 0x99, 36, 100, // kick at 0
            0x60, 0xff, 0x51, 0x03, 0x0f, 0x42, 0x40, // beat 1: 1 s per beat
            0x00, 0x99, 42, 64, // closed hat at 0.5 s
            0x60, 0x99, 53, 127, // ride bell at 1.5 s
            0x00, 0x99, 38, 0, // note off, ignored
            0x00, 0xff, 0x2f, 0x00,
        ];
        let mut bytes = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk".to_vec();
        bytes.extend((track.len() as u32).to_be_bytes());
        bytes.extend(track);
        let events = parse_midi(&bytes).unwrap();
        let expected = [
            (0.0, Sound::Kick, 100.0),
            (0.5, Sound::ClosedHat, 64.0),
            (1.5, Sound::RideBell, 127.0),
        ];
        assert_eq!(events.len(), expected.len());
        for (event, (time_s, sound, velocity)) in events.iter().zip(expected) {
            assert!((event.time_s - time_s).abs() < 1e-9);
            assert_eq!(event.sound, sound);
            assert!((event.velocity - velocity / 127.0).abs() < 1e-6);
        }
        assert!(parse_midi(b"no midi").is_err());
    }
}
