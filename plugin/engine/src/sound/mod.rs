//! The sounds a kit can hold, finer than the nine classes, and what people call them.

mod names;
mod sample_names;

pub use names::sound_from_spelling;
pub use sample_names::drum_of_sample;
pub(crate) use sample_names::{MOST_LAYERS, layer_name, suffix};

use crate::drum::Drum;

/// Number of sounds.
pub const SOUND_COUNT: usize = 17;

/// A way of playing an instrument of the kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Sound {
    Kick,
    Snare,
    SideStick,
    RimShot,
    ClosedHat,
    PedalHat,
    OpenHat,
    HighTom,
    MidTom,
    FloorTom,
    Crash,
    Ride,
    RideBell,
    Clap,
    Cowbell,
    Tambourine,
    Shaker,
}

impl Sound {
    /// All sounds, by index.
    pub const ALL: [Sound; SOUND_COUNT] = [
        Sound::Kick,
        Sound::Snare,
        Sound::SideStick,
        Sound::RimShot,
        Sound::ClosedHat,
        Sound::PedalHat,
        Sound::OpenHat,
        Sound::HighTom,
        Sound::MidTom,
        Sound::FloorTom,
        Sound::Crash,
        Sound::Ride,
        Sound::RideBell,
        Sound::Clap,
        Sound::Cowbell,
        Sound::Tambourine,
        Sound::Shaker,
    ];

    /// The sounds that belong to none of the nine classes.
    pub const OTHER_PERCUSSION: [Sound; 4] = [
        Sound::Clap,
        Sound::Cowbell,
        Sound::Tambourine,
        Sound::Shaker,
    ];

    /// Position in [`Sound::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The class of the sound; `None` is other percussion (the residual).
    pub const fn drum(self) -> Option<Drum> {
        Some(match self {
            Sound::Kick => Drum::Kick,
            Sound::Snare | Sound::SideStick | Sound::RimShot => Drum::Snare,
            Sound::ClosedHat | Sound::PedalHat => Drum::ClosedHat,
            Sound::OpenHat => Drum::OpenHat,
            Sound::HighTom => Drum::HighTom,
            Sound::MidTom => Drum::MidTom,
            Sound::FloorTom => Drum::FloorTom,
            Sound::Crash => Drum::Crash,
            Sound::Ride | Sound::RideBell => Drum::Ride,
            Sound::Clap | Sound::Cowbell | Sound::Tambourine | Sound::Shaker => return None,
        })
    }

    /// The usual sound of a class.
    pub const fn of_drum(drum: Drum) -> Sound {
        match drum {
            Drum::Kick => Sound::Kick,
            Drum::Snare => Sound::Snare,
            Drum::ClosedHat => Sound::ClosedHat,
            Drum::OpenHat => Sound::OpenHat,
            Drum::HighTom => Sound::HighTom,
            Drum::MidTom => Sound::MidTom,
            Drum::FloorTom => Sound::FloorTom,
            Drum::Crash => Sound::Crash,
            Drum::Ride => Sound::Ride,
        }
    }

    /// Name in manifests and of folders.
    pub const fn name(self) -> &'static str {
        match self {
            Sound::Kick => "kick",
            Sound::Snare => "snare",
            Sound::SideStick => "sidestick",
            Sound::RimShot => "rimshot",
            Sound::ClosedHat => "hihat-closed",
            Sound::PedalHat => "hihat-pedal",
            Sound::OpenHat => "hihat-open",
            Sound::HighTom => "tom-high",
            Sound::MidTom => "tom-mid",
            Sound::FloorTom => "tom-low",
            Sound::Crash => "crash",
            Sound::Ride => "ride",
            Sound::RideBell => "ride-bell",
            Sound::Clap => "clap",
            Sound::Cowbell => "cowbell",
            Sound::Tambourine => "tambourine",
            Sound::Shaker => "shaker",
        }
    }

    /// The sound called `name`: a manifest name, or a class's file stem.
    pub fn from_name(name: &str) -> Option<Sound> {
        Sound::ALL
            .into_iter()
            .find(|sound| sound.name() == name)
            .or_else(|| Drum::from_file_stem(name).map(Sound::of_drum))
    }

    /// Sounds to use instead where a kit lacks this one, best first.
    pub const fn substitutes(self) -> &'static [Sound] {
        match self {
            Sound::SideStick => &[Sound::RimShot, Sound::Snare],
            Sound::RimShot => &[Sound::Snare],
            Sound::PedalHat => &[Sound::ClosedHat],
            Sound::RideBell => &[Sound::Ride],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indices_agree() {
        for (index, sound) in Sound::ALL.into_iter().enumerate() {
            assert_eq!(sound.index(), index);
            assert_eq!(Sound::from_name(sound.name()), Some(sound));
            let other = Sound::OTHER_PERCUSSION.contains(&sound);
            assert_eq!(sound.drum().is_none(), other);
        }
        for drum in Drum::ALL {
            assert_eq!(Sound::of_drum(drum).drum(), Some(drum));
            assert_eq!(
                Sound::from_name(drum.file_stem()).and_then(Sound::drum),
                Some(drum)
            );
        }
        assert_eq!(Sound::from_name("bagpipe"), None);
    }
}
