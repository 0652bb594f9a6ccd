//! Which sound a MIDI note plays.

use super::Sound;

/// The sound of a note of a Roland TD-11 kit (a superset of General MIDI's
/// usual notes), or `None` for what is no drum of ours.
pub fn sound_of_note(note: u8) -> Option<Sound> {
    Some(match note {
        35 | 36 => Sound::Kick,
        37 => Sound::SideStick,
        38 => Sound::Snare,
        40 => Sound::RimShot,
        39 => Sound::Clap,
        22 | 42 => Sound::ClosedHat,
        44 => Sound::PedalHat,
        26 | 46 => Sound::OpenHat,
        48 | 50 => Sound::HighTom,
        45 | 47 => Sound::MidTom,
        41 | 43 | 58 => Sound::FloorTom,
        49 | 52 | 55 | 57 => Sound::Crash,
        51 | 59 => Sound::Ride,
        53 => Sound::RideBell,
        54 => Sound::Tambourine,
        56 => Sound::Cowbell,
        69 | 70 | 82 => Sound::Shaker,
        _ => return None,
    })
}
