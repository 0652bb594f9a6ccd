//! What the user's word on one moment teaches about the others, and which moment is worth
//! asking about.

use idm_engine::drum::DRUM_COUNT;
use idm_engine::engine::Verdict;
use idm_engine::transcriber::{Lesson, TAUGHT_COUNT, doubt, lesson_of, words};

use super::marks::{Mark, Origin, marks};
use super::take::Take;
use crate::corrections::{Correction, CorrectionList, Corrections, MOMENT_S, is_same_hit, lessons};
use crate::link::HitMark;

/// Less doubt than this is not worth a question.
const LEAST_DOUBT: f32 = 0.05;

/// Less than this changes no verdict, on the logistic scale.
const LEAST_CHANGE: f32 = 0.02;

/// How a hit is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Accepted, or why not.
    pub verdict: Verdict,
    /// How sure that is, 0..1.
    pub confidence: f32,
    /// By how much, on the logistic scale.
    pub margin: f32,
    /// Whether corrections speak for it or against it, if they do.
    pub taught: Option<bool>,
}

/// Judges hits that were heard before the newest corrections as the engine will when it
/// hears them again.
#[derive(Debug)]
pub struct Pupil {
    lessons: Vec<Lesson>,
    weights: [f32; TAUGHT_COUNT],
}

impl Pupil {
    /// Knows the lessons of `corrections`, which count as `weights` say.
    pub fn new(corrections: &[Correction], weights: [f32; TAUGHT_COUNT]) -> Pupil {
        Pupil {
            lessons: lessons(corrections).collect(),
            weights,
        }
    }

    /// How `hit` is judged now.
    pub fn judge(&self, hit: &HitMark) -> Judged {
        let mut judged = Judged {
            verdict: hit.verdict,
            confidence: hit.confidence,
            margin: hit.margin,
            taught: lesson_of(hit.taught),
        };
        if !is_judged(hit) {
            return judged;
        }
        let now = words(&hit.odds, self.lessons.iter())[hit.drum.index()];
        let changes = now.iter().zip(hit.taught).zip(self.weights);
        let change: f32 = changes
            .map(|((now, then), weight)| weight * (now - then))
            .sum();
        judged.taught = lesson_of(now);
        // Saved lessons are rounded.
        if change.abs() > LEAST_CHANGE {
            judged.margin += change;
            let odds = (judged.confidence / (1.0 - judged.confidence).max(1e-6)).ln() + change;
            judged.confidence = 1.0 / (1.0 + (-odds).exp());
            judged.verdict = if judged.margin >= 0.0 {
                Verdict::Accepted
            } else {
                Verdict::BelowThreshold
            };
        }
        judged
    }
}

/// Writes into the corrections of the moment at `song_s` what it teaches, as far as it was
/// heard, now or when it was corrected before.
pub fn teach(list: &mut CorrectionList, take: &Take, song_s: f64) {
    let (from_s, to_s) = (song_s - MOMENT_S, song_s + MOMENT_S);
    let distance = |place_s: f64| (place_s - song_s).abs();
    list.sort_by(|a, b| a.song_s.total_cmp(&b.song_s));
    let before = list
        .iter()
        .filter(|correction| distance(correction.song_s) <= MOMENT_S)
        .find_map(|correction| correction.lesson);
    let heard = take
        .hits(from_s, to_s)
        .filter(|(_, hit)| is_judged(hit))
        .min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
    let (odds, mut played) = match (heard, before) {
        // As it is saved.
        (Some((_, hit)), _) => (
            hit.odds.map(|odds| (100.0 * odds).round() / 100.0),
            [false; DRUM_COUNT],
        ),
        (None, Some(lesson)) => (lesson.odds, lesson.played),
        (None, None) => return,
    };
    for mark in marks(take, list, from_s, to_s) {
        if distance(mark.song_s) <= MOMENT_S {
            let played = &mut played[mark.drum.index()];
            match mark.origin {
                // What was given by a correction that is taken back is not known any more.
                Origin::Heard { confidence, .. } => *played |= mark.is_hit() && confidence < 1.0,
                Origin::Added => *played = true,
                Origin::Removed if heard.is_none() => *played = false,
                Origin::Removed => {}
            }
        }
    }
    let lesson = Lesson { odds, played };
    for correction in list.iter_mut() {
        if distance(correction.song_s) <= MOMENT_S {
            correction.lesson = Some(lesson);
        }
    }
}

/// Where the user's word would teach most: the hit most in doubt, in a moment on which there
/// is no word yet and that is like none on which there is one; not in those that were
/// `passed`. None if there is hardly any doubt.
pub fn most_doubtful(take: &Take, corrections: &[Correction], passed: &[f64]) -> Option<f64> {
    let pupil = Pupil::new(corrections, take.teaching);
    let is_settled = |song_s: f64| {
        let next = corrections.partition_point(|other| other.song_s < song_s - MOMENT_S);
        corrections
            .get(next)
            .is_some_and(|other| other.song_s <= song_s + MOMENT_S)
    };
    let is_passed = |song_s: f64| {
        passed
            .iter()
            .any(|passed| (passed - song_s).abs() <= MOMENT_S)
    };
    take.hits(f64::NEG_INFINITY, f64::INFINITY)
        .filter(|(song_s, hit)| is_judged(hit) && !is_settled(*song_s) && !is_passed(*song_s))
        .map(|(song_s, hit)| {
            let known = pupil.lessons.iter().map(|lesson| &lesson.odds);
            (song_s, doubt(&hit.odds, pupil.judge(hit).margin, known))
        })
        .filter(|(_, doubt)| *doubt >= LEAST_DOUBT)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(song_s, _)| song_s)
}

/// Says that the moment at `song_s` is right as it is shown: the hits there are all. Where
/// there is none, none is played.
pub fn settle(corrections: &Corrections, take: &Take, song_s: f64) {
    corrections.edit(|list| {
        list.sort_by(|a, b| a.song_s.total_cmp(&b.song_s));
        let mut heard = marks(take, list, song_s - MOMENT_S, song_s + MOMENT_S);
        let has_hit = heard.iter().any(Mark::is_hit);
        heard.retain(|mark| match mark.origin {
            Origin::Heard { verdict, .. } if has_hit => verdict == Verdict::Accepted,
            Origin::Heard { verdict, .. } => verdict == Verdict::BelowThreshold,
            Origin::Added | Origin::Removed => false,
        });
        for mark in heard {
            if !list
                .iter()
                .any(|other| is_same_hit(other, mark.song_s, mark.drum))
            {
                list.push(Correction {
                    song_s: mark.song_s,
                    drum: mark.drum,
                    is_hit: has_hit,
                    lesson: None,
                });
            }
        }
        teach(list, take, song_s);
    });
}

/// Whether it was accepted or refused for how sure it was, not for anything else.
fn is_judged(hit: &HitMark) -> bool {
    hit.confidence < 1.0 && matches!(hit.verdict, Verdict::Accepted | Verdict::BelowThreshold)
}

#[cfg(test)]
mod tests {
    use idm_engine::drum::Drum;

    use super::*;

    fn hit(song_s: f64, drum: Drum, margin: f32, odds: f32) -> HitMark {
        HitMark {
            position: 0,
            drum,
            velocity: 0.5,
            confidence: 0.5,
            verdict: if margin >= 0.0 {
                Verdict::Accepted
            } else {
                Verdict::BelowThreshold
            },
            taught: [0.0; 2],
            odds: [odds; DRUM_COUNT],
            margin,
            song_s: Some(song_s),
        }
    }

    /// Three kinds of moments; the tom of the second is in most doubt, and comes twice.
    fn take() -> Take {
        let mut take = Take::default();
        for mark in [
            hit(1.0, Drum::Kick, 3.0, 1.0),
            hit(2.0, Drum::Kick, 2.0, -1.0),
            hit(2.01, Drum::MidTom, -0.1, -1.0),
            hit(3.0, Drum::Ride, 0.5, 3.0),
            hit(4.0, Drum::MidTom, 0.2, -1.0),
        ] {
            take.hit(&mark);
        }
        take
    }

    #[test]
    fn one_is_asked_about_each_kind_of_doubt_once() {
        let (take, corrections) = (take(), Corrections::default());
        let ask = || most_doubtful(&take, &corrections.current(), &[]);
        assert_eq!(ask(), Some(2.01));
        settle(&corrections, &take, 2.01);
        let list = corrections.current();
        let said: Vec<_> = list.iter().map(|c| (c.drum, c.is_hit)).collect();
        assert_eq!(said, [(Drum::Kick, true)], "what was refused stays so");
        let taught: Vec<Lesson> = lessons(&list).collect();
        assert_eq!(taught.len(), 1);
        let mut kick = [false; DRUM_COUNT];
        kick[0] = true;
        assert_eq!(taught[0].played, kick);
        assert_eq!(taught[0].odds, [-1.0; DRUM_COUNT]);
        // The other tom is as the first; the ride is another question.
        assert_eq!(ask(), Some(3.0));
        corrections.undo();
        assert_eq!(ask(), Some(2.01));
        // Who cannot tell is asked something else, until nothing is in doubt.
        let list = corrections.current();
        assert_eq!(most_doubtful(&take, &list, &[2.01]), Some(4.0));
        assert_eq!(most_doubtful(&take, &list, &[2.01, 4.0]), Some(3.0));
        assert_eq!(most_doubtful(&take, &list, &[1.0, 2.01, 3.0, 4.0]), None);
    }

    #[test]
    fn where_only_refused_hits_are_nothing_is_played() {
        let mut take = Take::default();
        take.hit(&hit(1.0, Drum::Crash, -0.5, 0.5));
        take.hit(&hit(1.01, Drum::Crash, -0.2, 0.5));
        let corrections = Corrections::default();
        settle(&corrections, &take, 1.0);
        let list = corrections.current();
        let said: Vec<_> = list.iter().map(|c| (c.drum, c.is_hit)).collect();
        assert_eq!(said, [(Drum::Crash, false)], "said once");
        assert_eq!(
            list[0].lesson.expect("a lesson").played,
            [false; DRUM_COUNT]
        );
    }

    #[test]
    fn what_was_taught_before_follows_later_corrections_without_being_heard_again() {
        let mut played = [false; DRUM_COUNT];
        played[Drum::OpenHat.index()] = true;
        let lesson = Some(Lesson {
            odds: [0.5; DRUM_COUNT],
            played,
        });
        let say = |drum, is_hit| Correction {
            song_s: 2.0,
            drum,
            is_hit,
            lesson,
        };
        let mut list = vec![say(Drum::Ride, false), say(Drum::OpenHat, false)];
        list.push(Correction {
            lesson: None,
            ..say(Drum::ClosedHat, true)
        });
        teach(&mut list, &Take::default(), 2.0);
        let closed = Drum::ALL.map(|drum| drum == Drum::ClosedHat);
        assert!(
            list.iter()
                .all(|c| c.lesson.expect("a lesson").played == closed)
        );
        assert_eq!(list[2].lesson.expect("a lesson").odds, [0.5; DRUM_COUNT]);
    }

    #[test]
    fn what_is_settled_is_seen_everywhere_at_once() {
        let (mut take, corrections) = (take(), Corrections::default());
        take.teaching = [2.0, -2.0];
        let toms = || -> Vec<bool> {
            let all = marks(&take, &corrections.current(), 0.0, 9.0);
            let toms = all.iter().filter(|mark| mark.drum == Drum::MidTom);
            toms.map(|mark| mark.is_hit()).collect()
        };
        assert_eq!(toms(), [false, true]);
        // The first is settled as refused: so is the other, which is like it.
        settle(&corrections, &take, 2.01);
        assert_eq!(toms(), [false, false]);
        // Heard again with that lesson, it is as the engine says.
        let lessons: Vec<Lesson> = lessons(&corrections.current()).collect();
        let heard = HitMark {
            taught: words(&[-1.0; DRUM_COUNT], lessons.iter())[Drum::MidTom.index()],
            ..hit(4.0, Drum::MidTom, -1.3, -1.0)
        };
        let pupil = Pupil::new(&corrections.current(), take.teaching);
        let judged = pupil.judge(&heard);
        assert_eq!((judged.verdict, judged.margin), (heard.verdict, -1.3));
        assert_eq!(judged.taught, Some(false));
        // Taken back, it would be a hit again.
        assert!(Pupil::new(&[], take.teaching).judge(&heard).margin > 0.0);
        corrections.undo();
        assert_eq!(toms(), [false, true]);
    }

    #[test]
    fn a_moment_teaches_what_is_played_in_all_of_it() {
        let take = take();
        let mut list = vec![Correction {
            song_s: 2.01,
            drum: Drum::MidTom,
            is_hit: true,
            lesson: None,
        }];
        teach(&mut list, &take, 2.01);
        let played = list[0].lesson.expect("a lesson").played;
        assert!(played[Drum::Kick.index()] && played[Drum::MidTom.index()]);
        assert_eq!(played.iter().filter(|played| **played).count(), 2);
        list[0].is_hit = false;
        teach(&mut list, &take, 2.01);
        assert!(!list[0].lesson.expect("a lesson").played[Drum::MidTom.index()]);
        // What nobody heard teaches nothing.
        list[0].song_s = 9.0;
        list[0].lesson = None;
        teach(&mut list, &take, 9.0);
        assert_eq!(list[0].lesson, None);
    }
}
