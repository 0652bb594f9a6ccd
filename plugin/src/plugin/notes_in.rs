//! Notes that come in.

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::note_map::NoteMap;
use nice_plug::midi::Key;
use nice_plug::prelude::*;

/// Key, sample and velocity of a note that begins in a block of so many samples. Some hosts end
/// notes as MIDI may, by another one of velocity 0: that is no stroke. Real-time safe.
pub(super) fn note_on(event: &NoteEvent<()>, samples: usize) -> Option<(u8, usize, f32)> {
    // Where a parameter changes, the framework ends a block, and the note that came before the
    // change at the same sample is told with the block that ends there.
    let last = samples.saturating_sub(1);
    match *event {
        NoteEvent::NoteOn {
            timing,
            key: Key::Number(key),
            velocity,
            ..
        } if velocity > 0.0 => Some((key, last.min(timing as usize), velocity.min(1.0))),
        _ => None,
    }
}

/// The drums that a key plays: those with this note. Where there is none and the `notes` of all
/// drums are an instrument's, the one that has the key there besides, such as the snare for its
/// rim. Real-time safe.
pub(super) fn drums_of(key: u8, notes: &[u8; DRUM_COUNT]) -> impl Iterator<Item = Drum> {
    let exact = Drum::ALL.into_iter().zip(*notes);
    let exact = exact.filter_map(move |(drum, note)| (note == key).then_some(drum));
    let map = NoteMap::ALL.into_iter().find(|map| map.notes == *notes);
    let other = map.filter(|_| !notes.contains(&key));
    exact.chain(other.and_then(|map| map.drum(key)))
}

#[cfg(test)]
mod tests {
    use nice_plug::midi::{Channel, VoiceID};

    use super::*;

    #[test]
    fn a_key_plays_the_drums_with_its_note_or_the_one_that_has_it_besides() {
        let mut notes = NoteMap::GENERAL_MIDI.notes;
        let drums = |key, notes: &_| drums_of(key, notes).collect::<Vec<_>>();
        assert_eq!(drums(38, &notes), [Drum::Snare]);
        assert_eq!(drums(37, &notes), [Drum::Snare], "its rim");
        assert_eq!(drums(44, &notes), [Drum::ClosedHat], "the foot");
        assert_eq!(drums(61, &notes), [], "bongos");
        // Notes of one's own mean what they say.
        notes[0] = 37;
        assert_eq!(drums(37, &notes), [Drum::Kick]);
        assert_eq!(drums(44, &notes), []);
        notes[1] = 37;
        assert_eq!(drums(37, &notes), [Drum::Kick, Drum::Snare]);
    }

    #[test]
    fn a_note_that_ends_with_velocity_0_is_no_stroke() {
        let note = |velocity| NoteEvent::NoteOn {
            timing: 7,
            voice_id: VoiceID::Wildcard,
            channel: Channel::Number(0),
            key: Key::Number(38),
            velocity,
        };
        assert_eq!(note_on(&note(0.5), 64), Some((38, 7, 0.5)));
        assert_eq!(note_on(&note(2.0), 64), Some((38, 7, 1.0)));
        assert_eq!(note_on(&note(0.5), 7), Some((38, 6, 0.5)), "it is not lost");
        for none in [0.0, -0.0, -1.0, f32::NAN] {
            assert_eq!(note_on(&note(none), 64), None, "{none}");
        }
        let end = NoteEvent::NoteOff {
            timing: 7,
            voice_id: VoiceID::Wildcard,
            channel: Channel::Number(0),
            key: Key::Number(38),
            velocity: 0.5,
        };
        assert_eq!(note_on(&end, 64), None);
    }
}
