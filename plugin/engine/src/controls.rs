//! What a user can set: quality, and the settings of each drum.

use serde::Serialize;

use crate::drum::{DRUM_COUNT, Drum};

/// Trade between latency and how late a decision may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// 35 ms: short window, two frames of look-ahead.
    Low,
    /// 64 ms: six frames of look-ahead.
    #[default]
    Standard,
    /// 168 ms: late decisions, which cymbals need.
    High,
}

impl Quality {
    /// All modes, from the shortest latency to the longest.
    pub const ALL: [Quality; 3] = [Quality::Low, Quality::Standard, Quality::High];

    /// Position in [`Quality::ALL`]. Real-time safe.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// How many frames later than the described one the network decides.
    /// Real-time safe.
    pub const fn look_ahead_frames(self) -> usize {
        match self {
            Quality::Low => 2,
            Quality::Standard => 6,
            Quality::High => 24,
        }
    }

    /// Length of the separator's window in hops. Real-time safe.
    pub const fn window_hops(self) -> usize {
        match self {
            Quality::Low => 2,
            Quality::Standard | Quality::High => 4,
        }
    }

    /// Hops from the centre of the frame that is decided on to the newest sample: a frame
    /// is centred two hops before its last sample and decided `look_ahead_frames` later.
    /// Real-time safe.
    pub const fn decision_hops(self) -> usize {
        2 + self.look_ahead_frames()
    }

    /// Hops from the beginning of the separator's window around that frame to the newest
    /// sample. Real-time safe.
    pub const fn window_back_hops(self) -> usize {
        self.decision_hops() + self.window_hops() / 2
    }

    /// Delay of all outputs in hops: the last mask that touches a sample is centred half a
    /// window after it; one hop is spent on spreading the work. Real-time safe.
    pub const fn latency_hops(self) -> usize {
        self.window_back_hops() + 1
    }

    /// Name in files and on the command line.
    pub const fn id(self) -> &'static str {
        match self {
            Quality::Low => "low",
            Quality::Standard => "standard",
            Quality::High => "high",
        }
    }

    /// Suffix of this mode's outputs in the transcriber network.
    pub const fn head_suffix(self) -> &'static str {
        match self {
            Quality::Low => "_low",
            Quality::Standard => "",
            Quality::High => "_high",
        }
    }

    /// Name shown to users.
    pub const fn name(self) -> &'static str {
        match self {
            Quality::Low => "Low latency",
            Quality::Standard => "Standard",
            Quality::High => "High",
        }
    }
}

/// Who says when a drum is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HitSource {
    /// The engine listens; [`Engine::give_hit`](crate::engine::Engine::give_hit) and
    /// [`Engine::remove_hit`](crate::engine::Engine::remove_hit) correct it.
    #[default]
    Heard,
    /// The hits given by [`Engine::give_hit`](crate::engine::Engine::give_hit):
    /// sensitivity and minimum gap have no effect.
    Given,
}

/// Settings of one drum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrumControls {
    /// 0 (only the surest hits) to 1 (everything); 0.5 is the model's own
    /// threshold.
    pub sensitivity: f32,
    /// Shortest time between two hits of this drum.
    pub min_gap_ms: f32,
    /// 0: separated from the recording, 1: resynthesised from the one-shot.
    pub blend: f32,
    /// Pitch of the resynthesised one-shot, −24 to 24.
    pub tune_semitones: f32,
    /// Length of the resynthesised one-shot, 0.05 to 1 (natural).
    pub decay: f32,
    /// How far the level and velocity of the resynthesised one-shot follow the hits: 0
    /// plays all alike, 1 as heard, up to 2.
    pub dynamics: f32,
    /// How hard other drums are kept out of its separated sound: −1 (it stays whole, with
    /// bleed) to 1 (it is ducked where others are louder); 0 is what the masks say.
    pub isolation: f32,
    /// What is heard as this drum is that one; none: it is what it is heard as.
    pub heard_as: Option<Drum>,
    /// False if this drum does not exist in the piece: it gets no hits and no
    /// signal, and what sounds of its resynthesis fades. Its pad can still be played:
    /// who clicks on it wants to hear it.
    pub enabled: bool,
}

impl Default for DrumControls {
    fn default() -> Self {
        DrumControls {
            sensitivity: 0.5,
            min_gap_ms: 30.0,
            blend: 0.0,
            tune_semitones: 0.0,
            decay: 1.0,
            dynamics: 1.0,
            isolation: 0.0,
            heard_as: None,
            enabled: true,
        }
    }
}

/// All settings of the engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controls {
    /// Per class, in the frozen order.
    pub drums: [DrumControls; DRUM_COUNT],
    /// Who says when a drum is hit.
    pub hits: HitSource,
    /// Exponent of the Wiener masks: 1 lets drums bleed, 2 ducks them
    /// (Liutkus & Badeau 2015).
    pub mask_exponent: f32,
    /// Whether the kit is learnt from what is heard. Masks adapt to the recording anyway.
    pub learning: bool,
}

impl Default for Controls {
    fn default() -> Self {
        Controls {
            drums: [DrumControls::default(); DRUM_COUNT],
            hits: HitSource::Heard,
            mask_exponent: 1.5,
            learning: true,
        }
    }
}

impl Controls {
    /// The same settings with every value forced into its range; values that
    /// are not finite become the default. Real-time safe.
    pub fn sanitised(mut self) -> Controls {
        let default = DrumControls::default();
        for drum in &mut self.drums {
            drum.sensitivity = clamp(drum.sensitivity, 0.0, 1.0, default.sensitivity);
            drum.min_gap_ms = clamp(drum.min_gap_ms, 5.0, 500.0, default.min_gap_ms);
            drum.blend = clamp(drum.blend, 0.0, 1.0, default.blend);
            drum.tune_semitones = clamp(drum.tune_semitones, -24.0, 24.0, 0.0);
            drum.decay = clamp(drum.decay, 0.05, 1.0, default.decay);
            drum.dynamics = clamp(drum.dynamics, 0.0, 2.0, default.dynamics);
            drum.isolation = clamp(drum.isolation, -1.0, 1.0, 0.0);
        }
        self.mask_exponent = clamp(self.mask_exponent, 1.0, 2.0, 1.5);
        self
    }
}

fn clamp(value: f32, low: f32, high: f32, default: f32) -> f32 {
    if value.is_finite() {
        value.clamp(low, high)
    } else {
        default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitising_contains_anything() {
        let mut controls = Controls::default();
        controls.drums[3].min_gap_ms = f32::NAN;
        controls.drums[3].tune_semitones = 1e9;
        controls.drums[4].isolation = f32::INFINITY;
        controls.drums[5].isolation = -3.0;
        controls.drums[6].dynamics = f32::NAN;
        controls.drums[7].dynamics = 9.0;
        controls.mask_exponent = f32::NEG_INFINITY;
        let controls = controls.sanitised();
        assert_eq!(controls.drums[3].min_gap_ms, 30.0);
        assert_eq!(controls.drums[3].tune_semitones, 24.0);
        assert_eq!(controls.drums[4].isolation, 0.0);
        assert_eq!(controls.drums[5].isolation, -1.0);
        assert_eq!(controls.drums[6].dynamics, 1.0);
        assert_eq!(controls.drums[7].dynamics, 2.0);
        assert_eq!(controls.mask_exponent, 1.5);
        assert_eq!(Controls::default().sanitised(), Controls::default());
    }
}
