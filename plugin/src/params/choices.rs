//! The parameters that choose one of a few things.

use idm_engine::controls::{HitSource, Quality};
use idm_engine::drum::{Drum, Group};
use nice_plug::prelude::*;

/// What the main output carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum MainOutput {
    /// All classes and the residual with their levels.
    #[id = "mix"]
    #[name = "Mix"]
    Mix,
    /// The input, delayed by the latency.
    #[id = "dry"]
    #[name = "Dry input"]
    Dry,
    /// One class.
    #[id = "kick"]
    #[name = "Kick"]
    Kick,
    /// One class.
    #[id = "snare"]
    #[name = "Snare"]
    Snare,
    /// One class.
    #[id = "closed_hat"]
    #[name = "Closed hat"]
    ClosedHat,
    /// One class.
    #[id = "open_hat"]
    #[name = "Open hat"]
    OpenHat,
    /// One class.
    #[id = "high_tom"]
    #[name = "High tom"]
    HighTom,
    /// One class.
    #[id = "mid_tom"]
    #[name = "Mid tom"]
    MidTom,
    /// One class.
    #[id = "floor_tom"]
    #[name = "Floor tom"]
    FloorTom,
    /// One class.
    #[id = "crash"]
    #[name = "Crash"]
    Crash,
    /// One class.
    #[id = "ride"]
    #[name = "Ride"]
    Ride,
    /// The kick group.
    #[id = "group_kick"]
    #[name = "Group: Kick"]
    GroupKick,
    /// The snare group.
    #[id = "group_snare"]
    #[name = "Group: Snare"]
    GroupSnare,
    /// The three toms.
    #[id = "group_toms"]
    #[name = "Group: Toms"]
    GroupToms,
    /// Both hats.
    #[id = "group_hihat"]
    #[name = "Group: Hi-hat"]
    GroupHiHat,
    /// Crash and ride.
    #[id = "group_cymbals"]
    #[name = "Group: Cymbals"]
    GroupCymbals,
    /// Everything no class explains.
    #[id = "residual"]
    #[name = "Residual"]
    Residual,
    /// Silence, for those who take every drum from its own bus.
    #[id = "none"]
    #[name = "Nothing"]
    Nothing,
}

impl MainOutput {
    /// Whether `drum` is part of the selection. Real-time safe.
    pub fn includes(self, drum: Drum) -> bool {
        use MainOutput as M;
        match self {
            M::Mix => true,
            M::Dry | M::Residual | M::Nothing => false,
            M::GroupKick => drum.group() == Group::Kick,
            M::GroupSnare => drum.group() == Group::Snare,
            M::GroupToms => drum.group() == Group::Toms,
            M::GroupHiHat => drum.group() == Group::HiHat,
            M::GroupCymbals => drum.group() == Group::Cymbals,
            M::Kick => drum == Drum::Kick,
            M::Snare => drum == Drum::Snare,
            M::ClosedHat => drum == Drum::ClosedHat,
            M::OpenHat => drum == Drum::OpenHat,
            M::HighTom => drum == Drum::HighTom,
            M::MidTom => drum == Drum::MidTom,
            M::FloorTom => drum == Drum::FloorTom,
            M::Crash => drum == Drum::Crash,
            M::Ride => drum == Drum::Ride,
        }
    }

    /// Whether the residual is part of the selection. Real-time safe.
    pub fn includes_residual(self) -> bool {
        matches!(self, MainOutput::Mix | MainOutput::Residual)
    }
}

/// Output bus of a drum: its own, or another drum's to make groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum BusChoice {
    /// The bus that bears the drum's name.
    #[id = "own"]
    #[name = "Own bus"]
    Own,
    /// The bus of another drum.
    #[id = "kick"]
    #[name = "Kick"]
    Kick,
    /// The bus of another drum.
    #[id = "snare"]
    #[name = "Snare"]
    Snare,
    /// The bus of another drum.
    #[id = "closed_hat"]
    #[name = "Closed hat"]
    ClosedHat,
    /// The bus of another drum.
    #[id = "open_hat"]
    #[name = "Open hat"]
    OpenHat,
    /// The bus of another drum.
    #[id = "high_tom"]
    #[name = "High tom"]
    HighTom,
    /// The bus of another drum.
    #[id = "mid_tom"]
    #[name = "Mid tom"]
    MidTom,
    /// The bus of another drum.
    #[id = "floor_tom"]
    #[name = "Floor tom"]
    FloorTom,
    /// The bus of another drum.
    #[id = "crash"]
    #[name = "Crash"]
    Crash,
    /// The bus of another drum.
    #[id = "ride"]
    #[name = "Ride"]
    Ride,
}

impl BusChoice {
    /// Index of the class bus that drum `own` plays on. Real-time safe.
    pub fn bus_of(self, own: usize) -> usize {
        match self {
            BusChoice::Own => own,
            other => other.to_index() - 1,
        }
    }
}

/// What a drum as heard is: itself, or another that is taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum NameChoice {
    /// What it is heard as.
    #[id = "itself"]
    #[name = "As heard"]
    Itself,
    /// That drum.
    #[id = "kick"]
    #[name = "Kick"]
    Kick,
    /// That drum.
    #[id = "snare"]
    #[name = "Snare"]
    Snare,
    /// That drum.
    #[id = "closed_hat"]
    #[name = "Closed hat"]
    ClosedHat,
    /// That drum.
    #[id = "open_hat"]
    #[name = "Open hat"]
    OpenHat,
    /// That drum.
    #[id = "high_tom"]
    #[name = "High tom"]
    HighTom,
    /// That drum.
    #[id = "mid_tom"]
    #[name = "Mid tom"]
    MidTom,
    /// That drum.
    #[id = "floor_tom"]
    #[name = "Floor tom"]
    FloorTom,
    /// That drum.
    #[id = "crash"]
    #[name = "Crash"]
    Crash,
    /// That drum.
    #[id = "ride"]
    #[name = "Ride"]
    Ride,
}

impl NameChoice {
    /// The other drum that it is. Real-time safe.
    pub fn drum(self) -> Option<Drum> {
        self.to_index().checked_sub(1).and_then(Drum::from_index)
    }
}

/// Who says when a drum is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum HitChoice {
    /// The plugin finds the hits.
    #[id = "listen"]
    #[name = "Listening"]
    Listening,
    /// The notes that come in are the hits: a take of the MIDI output that was
    /// corrected in the host.
    #[id = "midi"]
    #[name = "MIDI in"]
    MidiIn,
    /// The same, but for notes on a grid: each begins where its drum does within 20 ms.
    #[id = "midi-near"]
    #[name = "MIDI ± 20 ms"]
    MidiNear,
}

impl HitChoice {
    /// The engine's name for the choice. Real-time safe.
    pub fn engine(self) -> HitSource {
        match self {
            HitChoice::Listening => HitSource::Heard,
            HitChoice::MidiIn | HitChoice::MidiNear => HitSource::Given,
        }
    }

    /// Whether hits that come in begin where their drums do nearby. Real-time safe.
    pub fn snaps(self) -> bool {
        self == HitChoice::MidiNear
    }
}

/// Latency against accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum QualityChoice {
    /// About 35 ms.
    #[id = "low"]
    #[name = "Low latency"]
    Low,
    /// About 64 ms.
    #[id = "standard"]
    #[name = "Standard"]
    Standard,
    /// About 170 ms.
    #[id = "high"]
    #[name = "High"]
    High,
}

impl QualityChoice {
    /// The engine's name for the choice. Real-time safe.
    pub fn engine(self) -> Quality {
        match self {
            QualityChoice::Low => Quality::Low,
            QualityChoice::Standard => Quality::Standard,
            QualityChoice::High => Quality::High,
        }
    }
}
