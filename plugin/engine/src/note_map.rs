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
    /// Other notes that are read as a drum.
    others: &'static [(u8, Drum)],
}

impl NoteMap {
    /// General MIDI's percussion.
    pub const GENERAL_MIDI: NoteMap = NoteMap {
        id: "gm",
        name: "General MIDI",
        notes: [36, 38, 42, 46, 48, 47, 43, 49, 51],
        others: &[
            (35, Drum::Kick),
            (37, Drum::Snare),
            (40, Drum::Snare),
            (44, Drum::ClosedHat),
            (50, Drum::HighTom),
            (45, Drum::MidTom),
            (41, Drum::FloorTom),
            (52, Drum::Crash),
            (55, Drum::Crash),
            (57, Drum::Crash),
            (53, Drum::Ride),
            (59, Drum::Ride),
        ],
    };

    /// Superior Drummer 3 and EZdrummer: hats by how far they are open.
    pub const TOONTRACK: NoteMap = NoteMap {
        id: "toontrack",
        name: "Superior, EZdrummer",
        notes: [36, 38, 42, 26, 48, 47, 43, 49, 51],
        others: &[
            (35, Drum::Kick),
            (37, Drum::Snare),
            (40, Drum::Snare),
            (21, Drum::ClosedHat),
            (22, Drum::ClosedHat),
            (62, Drum::ClosedHat),
            (63, Drum::ClosedHat),
            (17, Drum::OpenHat),
            (24, Drum::OpenHat),
            (25, Drum::OpenHat),
            (46, Drum::OpenHat),
            (60, Drum::OpenHat),
            (45, Drum::MidTom),
            (41, Drum::FloorTom),
            (52, Drum::Crash),
            (55, Drum::Crash),
            (57, Drum::Crash),
            (53, Drum::Ride),
            (59, Drum::Ride),
        ],
    };

    /// Addictive Drums 2, by its makers' key map.
    pub const ADDICTIVE_DRUMS: NoteMap = NoteMap {
        id: "addictive-drums",
        name: "Addictive Drums 2",
        notes: [36, 38, 49, 56, 71, 69, 67, 77, 60],
        others: &[
            (37, Drum::Snare),
            (39, Drum::Snare),
            (40, Drum::Snare),
            (41, Drum::Snare),
            (42, Drum::Snare),
            (43, Drum::Snare),
            (44, Drum::Snare),
            (48, Drum::ClosedHat),
            (50, Drum::ClosedHat),
            (51, Drum::ClosedHat),
            (52, Drum::ClosedHat),
            (53, Drum::ClosedHat),
            (54, Drum::OpenHat),
            (55, Drum::OpenHat),
            (57, Drum::OpenHat),
            (58, Drum::OpenHat),
            (65, Drum::FloorTom),
            (46, Drum::Crash),
            (79, Drum::Crash),
            (81, Drum::Crash),
            (89, Drum::Crash),
            (91, Drum::Crash),
            (93, Drum::Crash),
            (45, Drum::Ride),
            (61, Drum::Ride),
            (62, Drum::Ride),
            (84, Drum::Ride),
            (85, Drum::Ride),
            (86, Drum::Ride),
        ],
    };

    /// Roland's electronic kits.
    pub const ROLAND: NoteMap = NoteMap {
        id: "v-drums",
        name: "Roland V-Drums",
        notes: [36, 38, 42, 46, 48, 45, 43, 49, 51],
        others: &[
            (37, Drum::Snare),
            (40, Drum::Snare),
            (22, Drum::ClosedHat),
            (44, Drum::ClosedHat),
            (26, Drum::OpenHat),
            (50, Drum::HighTom),
            (47, Drum::MidTom),
            (58, Drum::FloorTom),
            (52, Drum::Crash),
            (55, Drum::Crash),
            (57, Drum::Crash),
            (53, Drum::Ride),
            (59, Drum::Ride),
        ],
    };

    /// All maps.
    pub const ALL: [NoteMap; 4] = [
        NoteMap::GENERAL_MIDI,
        NoteMap::TOONTRACK,
        NoteMap::ADDICTIVE_DRUMS,
        NoteMap::ROLAND,
    ];

    /// The note that is written for `drum`. Real-time safe.
    pub const fn note(&self, drum: Drum) -> u8 {
        self.notes[drum.index()]
    }

    /// The drum that `note` plays: side sticks are snares, splashes and chinas crashes;
    /// none for other percussion. Real-time safe.
    pub fn drum(&self, note: u8) -> Option<Drum> {
        let written = self.notes.iter().position(|&written| written == note);
        let other = || self.others.iter().find(|(other, _)| *other == note);
        match written {
            Some(index) => Drum::from_index(index),
            None => other().map(|(_, drum)| *drum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_note_is_of_one_drum_and_comes_back() {
        for map in NoteMap::ALL {
            for drum in Drum::ALL {
                assert_eq!(map.drum(map.note(drum)), Some(drum), "{}", map.id);
            }
            let mut notes: Vec<u8> = map.notes.to_vec();
            notes.extend(map.others.iter().map(|(note, _)| note));
            let count = notes.len();
            notes.sort_unstable();
            notes.dedup();
            assert_eq!(notes.len(), count, "{}: a note twice", map.id);
            assert!(notes.iter().all(|note| *note < 128));
            assert_eq!(map.drum(127), None);
        }
    }

    #[test]
    fn general_midi_is_the_classes_own() {
        assert_eq!(NoteMap::GENERAL_MIDI.notes, Drum::ALL.map(Drum::gm_note));
    }
}
