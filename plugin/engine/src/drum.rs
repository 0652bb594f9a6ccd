//! The nine drum classes, their groups, names and default notes.
//!
//! The order is frozen: buses, tensors, files and presets all use it.

use serde::{Deserialize, Serialize};

/// Number of drum classes.
pub const DRUM_COUNT: usize = 9;

/// Number of separated signals: the nine classes and the residual.
pub const STEM_COUNT: usize = DRUM_COUNT + 1;

/// Index of the residual among the separated signals.
pub const RESIDUAL: usize = DRUM_COUNT;

/// One of the nine drum classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Drum {
    /// Bass drum.
    Kick = 0,
    /// Snare, including rim shot and side stick.
    Snare = 1,
    /// Closed hi-hat, including pedal.
    ClosedHat = 2,
    /// Open hi-hat.
    OpenHat = 3,
    /// High tom.
    HighTom = 4,
    /// Mid tom.
    MidTom = 5,
    /// Floor tom.
    FloorTom = 6,
    /// Crash, including splash and china.
    Crash = 7,
    /// Ride, including bell.
    Ride = 8,
}

impl Drum {
    /// All classes in their frozen order.
    pub const ALL: [Drum; DRUM_COUNT] = [
        Drum::Kick,
        Drum::Snare,
        Drum::ClosedHat,
        Drum::OpenHat,
        Drum::HighTom,
        Drum::MidTom,
        Drum::FloorTom,
        Drum::Crash,
        Drum::Ride,
    ];

    /// Position in the frozen order. Real-time safe.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The class at `index`, or `None` from [`DRUM_COUNT`] on. Real-time safe.
    pub fn from_index(index: usize) -> Option<Drum> {
        Drum::ALL.get(index).copied()
    }

    /// Name shown to users.
    pub const fn name(self) -> &'static str {
        match self {
            Drum::Kick => "Kick",
            Drum::Snare => "Snare",
            Drum::ClosedHat => "Closed hat",
            Drum::OpenHat => "Open hat",
            Drum::HighTom => "High tom",
            Drum::MidTom => "Mid tom",
            Drum::FloorTom => "Floor tom",
            Drum::Crash => "Crash",
            Drum::Ride => "Ride",
        }
    }

    /// Stem of file names, class list of models, identifiers.
    pub const fn file_stem(self) -> &'static str {
        match self {
            Drum::Kick => "kick",
            Drum::Snare => "snare",
            Drum::ClosedHat => "closed_hat",
            Drum::OpenHat => "open_hat",
            Drum::HighTom => "high_tom",
            Drum::MidTom => "mid_tom",
            Drum::FloorTom => "floor_tom",
            Drum::Crash => "crash",
            Drum::Ride => "ride",
        }
    }

    /// The class whose [`file_stem`](Drum::file_stem) is `stem`.
    pub fn from_file_stem(stem: &str) -> Option<Drum> {
        Drum::ALL.into_iter().find(|drum| drum.file_stem() == stem)
    }

    /// Group of the class. Real-time safe.
    pub const fn group(self) -> Group {
        match self {
            Drum::Kick => Group::Kick,
            Drum::Snare => Group::Snare,
            Drum::HighTom | Drum::MidTom | Drum::FloorTom => Group::Toms,
            Drum::ClosedHat | Drum::OpenHat => Group::HiHat,
            Drum::Crash | Drum::Ride => Group::Cymbals,
        }
    }

    /// How long a one-shot of the class is at most, in seconds. Real-time safe.
    pub const fn longest_s(self) -> f64 {
        match self {
            // Booms, reverb.
            Drum::Kick => 3.0,
            Drum::Snare => 2.0,
            Drum::ClosedHat => 0.5,
            Drum::OpenHat => 1.5,
            Drum::HighTom | Drum::MidTom | Drum::FloorTom => 2.0,
            Drum::Crash | Drum::Ride => 3.5,
        }
    }

    /// The class that silences this one when it is played (hi-hat choke).
    /// Real-time safe.
    pub const fn choked_by(self) -> Option<Drum> {
        match self {
            Drum::OpenHat => Some(Drum::ClosedHat),
            _ => None,
        }
    }
}

/// One of the five groups in which separation is usually scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Group {
    /// Bass drum.
    Kick = 0,
    /// Snare.
    Snare = 1,
    /// The three toms.
    Toms = 2,
    /// Closed and open hi-hat.
    HiHat = 3,
    /// Crash and ride.
    Cymbals = 4,
}

/// Number of groups.
pub const GROUP_COUNT: usize = 5;

impl Group {
    /// All groups in their frozen order.
    pub const ALL: [Group; GROUP_COUNT] = [
        Group::Kick,
        Group::Snare,
        Group::Toms,
        Group::HiHat,
        Group::Cymbals,
    ];

    /// Position in the frozen order. Real-time safe.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Name shown to users.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Kick => "Kick",
            Group::Snare => "Snare",
            Group::Toms => "Toms",
            Group::HiHat => "Hi-hat",
            Group::Cymbals => "Cymbals",
        }
    }

    /// Stem of file names.
    pub const fn file_stem(self) -> &'static str {
        match self {
            Group::Kick => "kick",
            Group::Snare => "snare",
            Group::Toms => "toms",
            Group::HiHat => "hihat",
            Group::Cymbals => "cymbals",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_frozen() {
        let stems: Vec<_> = Drum::ALL.iter().map(|drum| drum.file_stem()).collect();
        assert_eq!(
            stems,
            [
                "kick",
                "snare",
                "closed_hat",
                "open_hat",
                "high_tom",
                "mid_tom",
                "floor_tom",
                "crash",
                "ride"
            ]
        );
        for (index, drum) in Drum::ALL.into_iter().enumerate() {
            assert_eq!(drum.index(), index);
            assert_eq!(Drum::from_index(index), Some(drum));
            assert_eq!(Drum::from_file_stem(drum.file_stem()), Some(drum));
        }
        assert_eq!(Drum::from_index(DRUM_COUNT), None);
    }
}
