//! What is played when: CSV and MIDI files beside recordings.

use std::path::Path;

use anyhow::Result;
use idm_engine::hit_file::{Called, WrittenHit, read_hits};

use crate::kits::{Sound, sound_from_spelling, sound_of_note};

/// One annotated stroke.
pub type Annotation = WrittenHit<Sound>;

/// Reads the strokes of a `.csv` (columns `time_s`, `class` and, optionally,
/// `velocity` from 0 to 127; a class is a name that [`sound_from_spelling`]
/// knows or a General MIDI note) or of a `.mid` or `.midi` file, in order of time. Notes
/// that are no drum are left out. Allocates.
///
/// # Errors
/// When the file cannot be read or does not have this form; the message names
/// the file, the line, what is expected and what is found.
pub fn read_annotations(path: &Path) -> Result<Vec<Annotation>> {
    let strokes = read_hits(path, |called| match called {
        Called::Note(key) => Ok(sound_of_note(key)),
        Called::Class(name) => match name.parse() {
            Ok(key) => Ok(sound_of_note(key)),
            Err(_) => sound_from_spelling(name).map(Some).ok_or_else(|| {
                let names = Sound::ALL.map(Sound::name).join(", ");
                format!("expected a drum ({names}) or a General MIDI note, found {name:?}")
            }),
        },
    });
    Ok(strokes?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn classes_are_names_or_notes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(
            &path,
            "class, time_s, velocity\nclosed_hat, 1.5, 127\nkick,0.25,\n38,2.0,64\n99,3,1\n",
        )
        .unwrap();
        let strokes = read_annotations(&path).unwrap();
        let found: Vec<_> = strokes.iter().map(|s| (s.time_s, s.sound)).collect();
        assert_eq!(
            found,
            [
                (0.25, Sound::Kick),
                (1.5, Sound::ClosedHat),
                (2.0, Sound::Snare)
            ]
        );
        fs::write(&path, "time_s,class\n0,bagpipe\n").unwrap();
        let error = read_annotations(&path).unwrap_err().to_string();
        assert!(
            error.contains("a.csv: line 2: class: expected a drum (kick, ")
                && error.ends_with("or a General MIDI note, found \"bagpipe\""),
            "{error}"
        );
    }
}
