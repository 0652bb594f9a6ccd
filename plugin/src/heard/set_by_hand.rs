//! What the user has set with the window, by which what was heard before is judged anew.
//! What the host's automation sets holds for its place of the song only.

use idm_engine::controls::DrumControls;
use idm_engine::drum::{DRUM_COUNT, Drum};

/// Values nearer than this are the same: hosts keep them in a form of their own.
const SAME: f32 = 1e-4;

/// Frames in which a value has to arrive that the host was told.
const MOST_FRAMES: u32 = 200;

/// A value that the host was told.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Told<T> {
    value: T,
    /// Whether it was in effect.
    is_reached: bool,
    /// Frames since it was told, until then.
    frames: u32,
}

impl<T> Told<T> {
    fn new(value: T) -> Option<Self> {
        Some(Self {
            value,
            is_reached: false,
            frames: 0,
        })
    }

    /// Whether it still counts, if it `is_now` in effect or not.
    fn follow(&mut self, is_now: bool) -> bool {
        self.is_reached |= is_now;
        self.frames += u32::from(!self.is_reached);
        is_now || (!self.is_reached && self.frames < MOST_FRAMES)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct DrumSettings {
    sensitivity: Option<Told<f32>>,
    enabled: Option<Told<bool>>,
    dynamics: Option<Told<f32>>,
}

/// The settings of each drum that were made with the window, for as long as they are in
/// effect.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SetByHand {
    drums: [DrumSettings; DRUM_COUNT],
    /// States that were loaded before.
    loads: u64,
}

impl SetByHand {
    /// The user has set the sensitivity of `drum`.
    pub fn set_sensitivity(&mut self, drum: Drum, value: f32) {
        self.drums[drum.index()].sensitivity = Told::new(value);
    }

    /// The user has switched `drum` on or off.
    pub fn set_enabled(&mut self, drum: Drum, is_enabled: bool) {
        self.drums[drum.index()].enabled = Told::new(is_enabled);
    }

    /// The user has set the dynamics of `drum`.
    pub fn set_dynamics(&mut self, drum: Drum, value: f32) {
        self.drums[drum.index()].dynamics = Told::new(value);
    }

    /// Such settings are in effect now, after so many states were loaded: what another has
    /// set since does not count as set by hand any more.
    pub fn follow(&mut self, now: &[DrumControls; DRUM_COUNT], loads: u64) {
        if loads != self.loads {
            *self = Self {
                loads,
                ..Self::default()
            };
        }
        for (drum, now) in self.drums.iter_mut().zip(now) {
            let numbers = [
                (&mut drum.sensitivity, now.sensitivity),
                (&mut drum.dynamics, now.dynamics),
            ];
            for (number, now) in numbers {
                number.take_if(|told| !told.follow((told.value - now).abs() < SAME));
            }
            drum.enabled
                .take_if(|told| !told.follow(told.value == now.enabled));
        }
    }

    /// The sensitivity of `drum`, if it was set by hand.
    pub fn sensitivity(&self, drum: Drum) -> Option<f32> {
        Some(self.drums[drum.index()].sensitivity?.value)
    }

    /// The dynamics of `drum`, if they were set by hand.
    pub fn dynamics(&self, drum: Drum) -> Option<f32> {
        Some(self.drums[drum.index()].dynamics?.value)
    }

    /// Whether `drum` is on, if that was set by hand.
    pub fn is_enabled(&self, drum: Drum) -> Option<bool> {
        Some(self.drums[drum.index()].enabled?.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_by_hand_counts_until_another_sets_it() {
        let (mut by_hand, mut now) = (SetByHand::default(), [DrumControls::default(); DRUM_COUNT]);
        let kick = Drum::Kick.index();
        // Automation.
        now[kick].sensitivity = 0.2;
        now[kick].enabled = false;
        by_hand.follow(&now, 0);
        assert_eq!(by_hand, SetByHand::default());
        // A drag, which takes effect a few frames later.
        for value in [0.3, 0.4, 0.45] {
            by_hand.set_sensitivity(Drum::Kick, value);
            by_hand.follow(&now, 0);
            now[kick].sensitivity = value - 0.05;
        }
        by_hand.follow(&now, 0);
        assert_eq!(by_hand.sensitivity(Drum::Kick), Some(0.45));
        assert_eq!(by_hand.sensitivity(Drum::Snare), None);
        now[kick].sensitivity = 0.450_001;
        for _ in 0..2 * MOST_FRAMES {
            by_hand.follow(&now, 0);
        }
        assert_eq!(by_hand.sensitivity(Drum::Kick), Some(0.45));
        now[kick].sensitivity = 0.5;
        by_hand.follow(&now, 0);
        assert_eq!(by_hand.sensitivity(Drum::Kick), None);
        // A host that takes no values.
        by_hand.set_enabled(Drum::Kick, true);
        for _ in 0..MOST_FRAMES {
            by_hand.follow(&now, 0);
        }
        assert_eq!(by_hand.is_enabled(Drum::Kick), None);
        by_hand.set_enabled(Drum::Kick, false);
        by_hand.follow(&now, 0);
        assert_eq!(by_hand.is_enabled(Drum::Kick), Some(false));
        by_hand.follow(&now, 1);
        assert_eq!(by_hand.is_enabled(Drum::Kick), None, "another state");
    }
}
