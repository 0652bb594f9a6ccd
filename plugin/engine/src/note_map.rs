//! MIDI notes of the drums in the maps of common drum instruments.

use crate::drum::{DRUM_COUNT, Drum};

/// Which note plays which drum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteMap {
    /// Name in files and on the command line.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// The note that is written for each drum, by [`Drum::index`].
    pub notes: [u8; DRUM_COUNT],
    /// Other notes that are read as each drum.
    others: [&'static [u8]; DRUM_COUNT],
}

impl NoteMap {
    /// General MIDI's percussion.
    pub const GENERAL_MIDI: NoteMap = NoteMap {
        id: "gm",
        name: "General MIDI",
        notes: [36, 38, 42, 46, 48, 47, 43, 49, 51],
        others: [
            &[35],
            &[37, 40],
            // Edges of Roland's hats, whose notes General MIDI leaves free.
            &[22, 44],
            &[26],
            &[50],
            &[45],
            &[41],
            &[52, 55, 57],
            &[53, 59],
        ],
    };

    /// Superior Drummer 3 and EZdrummer: hats by how far they are open.
    pub const TOONTRACK: NoteMap = NoteMap {
        id: "toontrack",
        name: "Superior, EZdrummer",
        notes: [36, 38, 42, 26, 48, 47, 43, 49, 51],
        others: [
            &[35],
            &[37, 40],
            &[21, 22, 62, 63],
            &[17, 24, 25, 46, 60],
            &[],
            &[45],
            &[41],
            &[52, 55, 57],
            &[53, 59],
        ],
    };

    /// Addictive Drums 2, by its makers' key map.
    pub const ADDICTIVE_DRUMS: NoteMap = NoteMap {
        id: "addictive-drums",
        name: "Addictive Drums 2",
        notes: [36, 38, 49, 56, 71, 69, 67, 77, 60],
        others: [
            &[],
            &[37, 39, 40, 41, 42, 43, 44],
            &[48, 50, 51, 52, 53],
            &[54, 55, 57, 58],
            &[],
            &[],
            &[65],
            &[46, 79, 81, 89, 91, 93],
            &[45, 61, 62, 84, 85, 86],
        ],
    };

    /// Roland's electronic kits.
    pub const ROLAND: NoteMap = NoteMap {
        id: "v-drums",
        name: "Roland V-Drums",
        notes: [36, 38, 42, 46, 48, 45, 43, 49, 51],
        others: [
            &[],
            &[37, 40],
            &[22, 44],
            &[26],
            &[50],
            &[47],
            &[58],
            &[52, 55, 57],
            &[53, 59],
        ],
    };

    /// All maps.
    pub const ALL: [NoteMap; 4] = [
        NoteMap::GENERAL_MIDI,
        NoteMap::TOONTRACK,
        NoteMap::ADDICTIVE_DRUMS,
        NoteMap::ROLAND,
    ];

    /// The map that files and the command line call `id`.
    pub fn named(id: &str) -> Option<NoteMap> {
        NoteMap::ALL.into_iter().find(|map| map.id == id)
    }

    /// The note that is written for `drum`. Real-time safe.
    pub const fn note(&self, drum: Drum) -> u8 {
        self.notes[drum.index()]
    }

    /// The drum that `note` plays: side sticks are snares, splashes and chinas crashes;
    /// none for other percussion. Real-time safe.
    pub fn drum(&self, note: u8) -> Option<Drum> {
        Drum::ALL.into_iter().find(|drum| {
            let index = drum.index();
            self.notes[index] == note || self.others[index].contains(&note)
        })
    }
}

impl Default for NoteMap {
    fn default() -> Self {
        NoteMap::GENERAL_MIDI
    }
}

impl Drum {
    /// Default General MIDI percussion note.
    pub const fn gm_note(self) -> u8 {
        NoteMap::GENERAL_MIDI.note(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_note_is_of_one_drum_and_comes_back() {
        for map in NoteMap::ALL {
            assert_eq!(NoteMap::named(map.id), Some(map));
            for drum in Drum::ALL {
                assert_eq!(map.drum(map.note(drum)), Some(drum), "{}", map.id);
            }
            let mut notes: Vec<u8> = map.notes.to_vec();
            notes.extend(map.others.iter().copied().flatten());
            let count = notes.len();
            notes.sort_unstable();
            notes.dedup();
            assert_eq!(notes.len(), count, "{}: a note twice", map.id);
            assert!(notes.iter().all(|note| *note < 128));
            assert_eq!(map.drum(127), None);
        }
    }
}
