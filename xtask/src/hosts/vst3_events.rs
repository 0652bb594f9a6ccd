//! Notes to VST3 events and back.
#![allow(unsafe_code)]

use vst3::Steinberg::Vst::{Event, Event_::EventTypes_, Event__type0, NoteOffEvent, NoteOnEvent};

use super::Note;

/// The event that plays or releases a note.
pub(super) fn event(note: &Note) -> Event {
    let field = if note.on {
        Event__type0 {
            noteOn: NoteOnEvent {
                channel: i16::from(note.channel),
                pitch: i16::from(note.key),
                tuning: 0.0,
                velocity: note.velocity,
                length: 0,
                noteId: -1,
            },
        }
    } else {
        Event__type0 {
            noteOff: NoteOffEvent {
                channel: i16::from(note.channel),
                pitch: i16::from(note.key),
                velocity: note.velocity,
                noteId: -1,
                tuning: 0.0,
            },
        }
    };
    let kind = if note.on {
        EventTypes_::kNoteOnEvent
    } else {
        EventTypes_::kNoteOffEvent
    };
    Event {
        busIndex: 0,
        sampleOffset: note.sample as i32,
        ppqPosition: 0.0,
        flags: 0,
        r#type: kind as u16,
        __field0: field,
    }
}

/// The note of an event, if it is one.
pub(super) fn note(event: &Event) -> Option<Note> {
    let sample = usize::try_from(event.sampleOffset).ok()?;
    let (on, channel, pitch, velocity) = match event.r#type {
        kind if kind == EventTypes_::kNoteOnEvent as u16 => {
            // SAFETY: the type says which member of the union is set.
            let note = unsafe { event.__field0.noteOn };
            (true, note.channel, note.pitch, note.velocity)
        }
        kind if kind == EventTypes_::kNoteOffEvent as u16 => {
            // SAFETY: the type says which member of the union is set.
            let note = unsafe { event.__field0.noteOff };
            (false, note.channel, note.pitch, note.velocity)
        }
        _ => return None,
    };
    Some(Note {
        sample,
        on,
        channel: u8::try_from(channel).ok()?,
        key: u8::try_from(pitch).ok()?,
        velocity,
    })
}
