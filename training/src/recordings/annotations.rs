//! What is played when: CSV and MIDI files beside recordings.

use std::path::Path;

use anyhow::{Result, bail};
use idm_engine::{
    drum::Drum,
    hit_file::{Called, WrittenHit, read_hits, strange_notes_remark},
    note_map::NoteMap,
};

use super::Recording;
use crate::kits::{Sound, sound_from_spelling, sound_of_note};

/// Hits of one drum in two files that are no further apart are the same: more than half a tick
/// of a MIDI file at the slowest tempo that `idm` writes, 10 beats per minute.
const SAME_TIME_S: f64 = 0.003_2;

/// One annotated stroke.
pub type Annotation = WrittenHit<Sound>;

/// What an annotation holds.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotationFile {
    /// Strokes in order of time.
    pub strokes: Vec<Annotation>,
    /// The notes that are of no drum of the map, in one line that names the file.
    pub strange: Option<String>,
}

/// The sound of the note `key`. General MIDI's notes tell more sounds than there are drums.
fn sound_in(notes: &NoteMap, key: u8) -> Option<Sound> {
    if *notes == NoteMap::GENERAL_MIDI {
        sound_of_note(key)
    } else {
        notes.drum(key).map(Sound::of_drum)
    }
}

/// Reads the strokes of a `.csv` (columns `time_s`, `class` and, optionally,
/// `velocity` from 0 to 127; a class is a name that [`sound_from_spelling`]
/// knows or a note of `notes`) or of a `.mid` or `.midi` file with these notes, in order of
/// time. Notes that are no sound are left out. Allocates.
///
/// # Errors
/// When the file cannot be read or does not have this form; the message names
/// the file, the line, what is expected and what is found.
pub fn read_annotations(path: &Path, notes: &NoteMap) -> Result<AnnotationFile> {
    let mut count = 0;
    let mut strange = Vec::new();
    let mut sound_of = |key| {
        let sound = sound_in(notes, key);
        count += 1;
        if sound.and_then(Sound::drum).is_none() {
            strange.push(key);
        }
        sound
    };
    let strokes = read_hits(path, |called| match called {
        Called::Note(key) => Ok(sound_of(key)),
        Called::Class(name) => match name.parse() {
            Ok(key) => Ok(sound_of(key)),
            Err(_) => sound_from_spelling(name).map(Some).ok_or_else(|| {
                let names = Sound::ALL.map(Sound::name).join(", ");
                format!("expected a drum ({names}) or a General MIDI note, found {name:?}")
            }),
        },
    })?;
    let strange = strange_notes_remark(&strange, count, notes);
    Ok(AnnotationFile {
        strokes,
        strange: strange.map(|remark| format!("{}: {remark}", path.display())),
    })
}

impl Recording {
    /// Its hits; MIDI files have the notes of `notes`. Allocates.
    ///
    /// # Errors
    /// As [`read_annotations`]; two annotations that differ, of which it cannot be known which
    /// one is right.
    pub fn annotations(&self, notes: &NoteMap) -> Result<AnnotationFile> {
        let found = read_annotations(&self.annotation, notes)?;
        for path in &self.other_annotations {
            let other = read_annotations(path, notes)?;
            let Some(difference) = difference(&found.strokes, &other.strokes) else {
                continue;
            };
            let strange = [&found.strange, &other.strange];
            let strange = strange
                .into_iter()
                .flatten()
                .map(|remark| format!("; {remark}"));
            bail!(
                "{}: expected one annotation or several that say the same, found {} and {}, \
                 which differ ({difference}{}): remove the one that is wrong",
                self.audio.display(),
                self.annotation.display(),
                path.display(),
                strange.collect::<String>()
            );
        }
        Ok(found)
    }
}

/// The first difference between the hits of drums in two annotations, if there is any.
fn difference(one: &[Annotation], other: &[Annotation]) -> Option<String> {
    Drum::ALL.into_iter().find_map(|drum| {
        let times = |strokes: &[Annotation]| -> Vec<f64> {
            let own = strokes
                .iter()
                .filter(|stroke| stroke.sound.drum() == Some(drum));
            own.map(|stroke| stroke.time_s).collect()
        };
        let (one, other) = (times(one), times(other));
        let name = drum.name();
        if one.len() != other.len() {
            return Some(format!("{name}: {} and {} hits", one.len(), other.len()));
        }
        let mut pairs = one.iter().zip(&other);
        let (one, other) = pairs.find(|(one, other)| (*one - *other).abs() > SAME_TIME_S)?;
        Some(format!("{name}: a hit at {one:.3} s and at {other:.3} s"))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use idm_engine::midi_file::{Grid, MidiNote, write_midi};

    use super::*;
    use crate::recordings::find_recordings;

    fn midi(path: &Path, notes: &[(f64, u8)]) {
        let note = |&(time_s, key): &(f64, u8)| MidiNote {
            time_s,
            key,
            velocity: 90,
        };
        let notes: Vec<MidiNote> = notes.iter().map(note).collect();
        fs::write(path, write_midi(&notes, 4.0, &Grid::default(), "").unwrap()).unwrap();
    }

    #[test]
    fn classes_are_names_or_notes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(
            &path,
            "class, time_s, velocity\nclosed_hat, 1.5, 127\nkick,0.25,\n38,2.0,64\n99,3,1\n",
        )
        .unwrap();
        let read = read_annotations(&path, &NoteMap::default()).unwrap();
        let strokes = &read.strokes;
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
        let error = read_annotations(&path, &NoteMap::default()).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("a.csv: line 2: class: expected a drum (kick, ")
                && error.ends_with("or a General MIDI note, found \"bagpipe\""),
            "{error}"
        );
    }
    #[test]
    fn notes_are_those_of_the_map_and_others_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("song.mid");
        // Kick and snare of both, then high tom and crash of Addictive Drums.
        midi(
            &path,
            &[(0.0, 36), (0.5, 38), (1.0, 71), (1.5, 77), (2.0, 77)],
        );
        let read = |map: &NoteMap| {
            let read = read_annotations(&path, map).unwrap();
            let sounds: Vec<Sound> = read.strokes.iter().map(|stroke| stroke.sound).collect();
            (sounds, read.strange)
        };
        let (sounds, strange) = read(&NoteMap::GENERAL_MIDI);
        assert_eq!(sounds, [Sound::Kick, Sound::Snare]);
        let remark = "song.mid: 3 of 5 notes belong to no drum of map gm (keys 71, 77)";
        assert!(strange.unwrap().ends_with(remark));
        let (sounds, strange) = read(&NoteMap::ADDICTIVE_DRUMS);
        let expected = [
            Sound::Kick,
            Sound::Snare,
            Sound::HighTom,
            Sound::Crash,
            Sound::Crash,
        ];
        assert_eq!((&sounds[..], strange), (&expected[..], None));
    }

    #[test]
    fn annotations_that_differ_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("take.wav"), b"").unwrap();
        let table = "time_s,class\n0.500101,kick\n1.000202,snare\n1.000203,kick\n";
        fs::write(at("take.csv"), table).unwrap();
        let read = |notes: &[(f64, u8)]| {
            midi(&at("take.mid"), notes);
            let recordings = find_recordings(folder.path()).unwrap();
            recordings[0].annotations(&NoteMap::default())
        };
        let same = read(&[(0.5, 36), (1.0, 36), (1.0, 38)]).unwrap();
        assert_eq!(same.strokes[0].time_s, 0.500_101, "the table counts");
        for (notes, expected) in [
            (&[(0.5, 36), (1.0, 36)][..], "Snare: 1 and 0 hits"),
            (
                &[(0.5, 36), (1.05, 36), (1.0, 38)],
                "Kick: a hit at 1.000 s and at 1.050 s",
            ),
            (&[(0.5, 36), (1.0, 36), (1.0, 42)], "Snare: 1 and 0 hits"),
            (&[(0.5, 36), (1.0, 36), (1.0, 100)], "no drum of map gm"),
        ] {
            let error = read(notes).unwrap_err().to_string();
            for part in ["take.csv", "take.mid", "which differ", expected] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
