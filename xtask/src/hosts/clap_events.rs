//! Notes to CLAP events and back.

use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent};
use clack_host::events::spaces::CoreEventSpace;
use clack_host::prelude::*;

use super::Note;

/// Appends the event that plays or releases a note.
pub(super) fn push_note(events: &mut EventBuffer, note: &Note) {
    let pckn = Pckn::new(
        0_u16,
        u16::from(note.channel),
        u16::from(note.key),
        clack_host::events::Match::All,
    );
    let time = u32::try_from(note.sample).unwrap_or(u32::MAX);
    let velocity = f64::from(note.velocity);
    if note.on {
        events.push(&NoteOnEvent::new(time, pckn, velocity));
    } else {
        events.push(&NoteOffEvent::new(time, pckn, velocity));
    }
}

/// The note of an event, if it is one.
pub(super) fn read_note(event: &UnknownEvent) -> Option<Note> {
    let (time, on, pckn, velocity) = match event.as_core_event()? {
        CoreEventSpace::NoteOn(note) => (note.header().time(), true, note.pckn(), note.velocity()),
        CoreEventSpace::NoteOff(note) => {
            (note.header().time(), false, note.pckn(), note.velocity())
        }
        CoreEventSpace::Midi(midi) => {
            let [status, key, velocity] = midi.data();
            let on = match status & 0xf0 {
                0x90 => velocity > 0,
                0x80 => false,
                _ => return None,
            };
            return Some(Note {
                sample: midi.header().time() as usize,
                on,
                channel: status & 0x0f,
                key,
                velocity: f32::from(velocity) / 127.0,
            });
        }
        _ => return None,
    };
    Some(Note {
        sample: time as usize,
        on,
        channel: u8::try_from(pckn.channel.into_specific()?).ok()?,
        key: u8::try_from(pckn.key.into_specific()?).ok()?,
        velocity: velocity as f32,
    })
}
