//! What a one-shot of each class is: how long, and what it looks like.

mod template;

pub use template::{Template, front_end};

use idm_engine::drum::Drum;

/// Length of every one-shot at the output of the exported bank: 3 s at 44.1 kHz.
pub const BANK_SAMPLES: usize = 132_300;

/// Length of the one-shots of a class in samples at 44.1 kHz. Together they
/// keep the bank below 8 MB.
pub const fn one_shot_samples(drum: Drum) -> usize {
    match drum {
        Drum::Crash | Drum::Ride => BANK_SAMPLES,
        Drum::OpenHat => 66_150,
        Drum::ClosedHat => 17_640,
        Drum::FloorTom => 52_920,
        Drum::MidTom | Drum::HighTom | Drum::Snare => 44_100,
        Drum::Kick => 39_690,
    }
}
