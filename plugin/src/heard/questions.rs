//! What the user was asked about, which outlives the view in which it is asked.

use idm_engine::controls::DrumControls;
use idm_engine::drum::DRUM_COUNT;

use super::take::Take;
use super::teaching::most_doubtful;
use crate::corrections::Corrections;

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    /// Changes of what was heard.
    heard: u64,
    /// Changes by the user.
    edits: u64,
    drums: [DrumControls; DRUM_COUNT],
}

impl Known {
    fn now(take: &Take, corrections: &Corrections) -> Known {
        Known {
            heard: take.changes(),
            edits: corrections.edits(),
            drums: take.drums,
        }
    }
}

/// The questions of a song.
#[derive(Debug, Default)]
pub struct Questions {
    /// Moments that the user could not tell, in seconds.
    passed_s: Vec<f64>,
    /// What was known when nothing was left to ask about.
    answered: Option<Known>,
}

impl Questions {
    /// Never asks about the moment at `song_s` again.
    pub fn pass(&mut self, song_s: f64) {
        self.passed_s.push(song_s);
    }

    /// The moment to ask about now, if any is in doubt.
    pub fn next(&mut self, take: &Take, corrections: &Corrections) -> Option<f64> {
        let asked_s = most_doubtful(take, &corrections.current(), &self.passed_s);
        self.answered = asked_s.is_none().then(|| Known::now(take, corrections));
        asked_s
    }

    /// Whether there was nothing to ask about, and nothing was heard or said since.
    pub fn are_answered(&self, take: &Take, corrections: &Corrections) -> bool {
        self.answered == Some(Known::now(take, corrections))
    }
}
