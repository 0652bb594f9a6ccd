//! Which notes MIDI files have, as an option of commands.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use idm_engine::note_map::NoteMap;

/// Reads the name of a map of MIDI notes.
pub fn note_map() -> impl TypedValueParser<Value = NoteMap> {
    let ids = NoteMap::ALL.map(|map| PossibleValue::new(map.id).help(map.name));
    PossibleValuesParser::new(ids).try_map(|id| NoteMap::named(&id).ok_or("no map of this name"))
}
