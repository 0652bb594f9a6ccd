//! What the user was asked about, which outlives the view in which it is asked.

use super::set_by_hand::SetByHand;
use super::take::Take;
use super::teaching::most_doubtful;
use crate::corrections::Corrections;

/// Least time between two looks at whether there is something to ask about again, in
/// seconds: all of the song is gone through.
const LOOK_AGAIN_S: f64 = 1.0;

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    /// Changes of what was heard.
    heard: u64,
    /// Changes by the user.
    edits: u64,
    by_hand: SetByHand,
}

impl Known {
    fn now(take: &Take, corrections: &Corrections) -> Known {
        Known {
            heard: take.changes(),
            edits: corrections.edits(),
            by_hand: take.by_hand,
        }
    }
}

/// The questions of a song.
#[derive(Debug, Default)]
pub struct Questions {
    /// Moments that the user could not tell, in seconds.
    passed_s: Vec<f64>,
    /// What was known when nothing was left to ask about, and when that was.
    answered: Option<(Known, f64)>,
    /// States that were loaded before.
    loads: u64,
}

impl Questions {
    /// So many states were loaded: what was passed in another one is not passed in this. True
    /// if this is another one.
    pub fn follow(&mut self, loads: u64) -> bool {
        let is_other = loads != self.loads;
        if is_other {
            *self = Questions {
                loads,
                ..Questions::default()
            };
        }
        is_other
    }

    /// Never asks about the moment at `song_s` again.
    pub fn pass(&mut self, song_s: f64) {
        self.passed_s.push(song_s);
    }

    /// The moment to ask about now, if any is in doubt; it is `now_s`.
    pub fn next(&mut self, take: &Take, corrections: &Corrections, now_s: f64) -> Option<f64> {
        let asked_s = most_doubtful(take, &corrections.current(), &self.passed_s);
        let known = Known::now(take, corrections);
        self.answered = asked_s.is_none().then_some((known, now_s));
        asked_s
    }

    /// Whether there was nothing to ask about, and what was heard, said and set since has
    /// not changed that.
    pub fn are_answered(&mut self, take: &Take, corrections: &Corrections, now_s: f64) -> bool {
        let Some((known, looked_s)) = self.answered else {
            return false;
        };
        // The same is heard again and again where a part is looped. The time is the window's,
        // and begins anew with the next one.
        let is_due = !(0.0..LOOK_AGAIN_S).contains(&(now_s - looked_s));
        if is_due && known != Known::now(take, corrections) {
            self.next(take, corrections, now_s);
        }
        self.answered.is_some()
    }
}

#[cfg(test)]
mod tests {
    use idm_engine::drum::Drum;

    use super::*;
    use crate::link::HitMark;

    fn doubtful(song_s: f64) -> HitMark {
        HitMark {
            margin: 0.1,
            odds: [song_s as f32; 9],
            ..HitMark::accepted(Drum::Ride, Some(song_s))
        }
    }

    #[test]
    fn a_window_that_is_opened_later_looks_again() {
        let (mut take, corrections) = (Take::default(), Corrections::default());
        let mut questions = Questions::default();
        assert_eq!(questions.next(&take, &corrections, 500.0), None);
        assert!(questions.are_answered(&take, &corrections, 500.1));
        take.hit(&doubtful(1.0));
        // The clock of the next window.
        assert!(!questions.are_answered(&take, &corrections, 0.1));
    }

    #[test]
    fn what_was_passed_in_another_state_is_asked_about() {
        let (mut take, corrections) = (Take::default(), Corrections::default());
        let mut questions = Questions::default();
        take.hit(&doubtful(1.0));
        questions.pass(1.0);
        assert!(!questions.follow(0));
        assert_eq!(questions.next(&take, &corrections, 0.0), None);
        assert!(questions.follow(1));
        assert_eq!(questions.next(&take, &corrections, 0.0), Some(1.0));
    }
}
