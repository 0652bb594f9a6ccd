//! Hits that were corrected by hand: a table or a MIDI file, read back.

use std::path::Path;
use std::sync::Arc;

use idm_engine::drum::Drum;
use idm_engine::hit_file::{self, Called, HitFileError, strange_notes_remark};
use idm_engine::note_map::NoteMap;

/// A hit as a file has it.
pub type WrittenHit = hit_file::WrittenHit<Drum>;

/// Hits in order of time.
pub type GivenHits = Arc<[WrittenHit]>;

/// What a file of hits is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HitsRole {
    /// Its hits stand in place of those that would be heard.
    #[default]
    All,
    /// Where it differs from what is heard, it counts.
    Corrected,
}

impl HitsRole {
    /// The option that names such a file.
    pub fn option(self) -> &'static str {
        match self {
            HitsRole::All => "--hits",
            HitsRole::Corrected => "--corrected",
        }
    }
}

/// What a file of hits holds.
#[derive(Debug, Default)]
pub struct HitFile {
    /// The hits that can be used.
    pub hits: GivenHits,
    /// What is in it besides, in one line.
    pub left_out: Option<String>,
}

/// Reads the CSV or MIDI file at `path`, whose notes are those of `notes`; those of no drum
/// are left out.
///
/// # Errors
/// A file that cannot be read or is neither, or a line that makes no sense: the file,
/// the line, what was expected and what was found.
pub fn read(path: &Path, notes: &NoteMap) -> Result<HitFile, HitFileError> {
    let mut strange = Vec::new();
    let hits = hit_file::read_hits(path, |called| match called {
        Called::Class(class) => Drum::from_file_stem(class).map(Some).ok_or_else(|| {
            let names = Drum::ALL.map(Drum::file_stem).join(", ");
            format!("expected one of {names}, found {class:?}")
        }),
        Called::Note(key) => {
            let drum = notes.drum(key);
            strange.extend(drum.is_none().then_some(key));
            Ok(drum)
        }
    })?;
    Ok(HitFile {
        left_out: strange_notes_remark(&strange, strange.len() + hits.len(), notes),
        hits: hits.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::midi_file::{Grid, MidiNote, write_midi};

    #[test]
    fn notes_of_no_drum_are_left_out() {
        let note = |time_s, key| MidiNote {
            time_s,
            key,
            velocity: 90,
        };
        let notes = [note(0.0, 61), note(0.5, 44), note(0.7, 60), note(0.8, 61)];
        let score = write_midi(&notes, 1.0, &Grid::default(), "").expect("written");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mid");
        std::fs::write(&path, score).expect("written");
        let file = read(&path, &NoteMap::GENERAL_MIDI).expect("a MIDI file");
        let found: Vec<_> = file
            .hits
            .iter()
            .map(|hit| (hit.time_s, hit.sound))
            .collect();
        assert_eq!(
            found,
            [(0.5, Drum::ClosedHat)],
            "bongos are no drums of ours"
        );
        assert_eq!(
            file.left_out.as_deref(),
            Some("3 of 4 notes belong to no drum of map gm (keys 60, 61)")
        );
    }

    #[test]
    fn a_class_that_is_none_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "0.5,gong,3").expect("written");
        let error = read(&path, &NoteMap::GENERAL_MIDI).expect_err("refused");
        let error = error.to_string();
        assert!(
            error.contains("a.csv: line 1: class: expected one of kick, snare"),
            "{error}"
        );
    }
}
