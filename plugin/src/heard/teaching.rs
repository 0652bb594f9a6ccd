//! The user's word on what was heard: what clicks and drags say, what one moment teaches
//! about the others, and which is worth asking about.

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::engine::Verdict;
use idm_engine::transcriber::{Lesson, doubt};

use super::marks::{Mark, Origin, mark_at, marks};
use super::pupil::{Pupil, is_judged};
use super::take::Take;
use crate::corrections::{
    Correction, CorrectionList, Corrections, MOMENT_S, SAME_HIT_S, is_same_hit,
};

/// Less doubt than this is not worth a question.
const LEAST_DOUBT: f32 = 0.05;

/// Where a hit is put.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// In the song, in seconds.
    pub song_s: f64,
    /// Whether that is by eye: the hit is where the drum begins nearby.
    pub snaps: bool,
}

/// The hit that was put where a mark is shown.
fn placed(list: &[Correction], mark: &Mark) -> Option<Place> {
    let found = list
        .iter()
        .find(|other| other.is_hit && mark.shows(other))?;
    Some(Place {
        song_s: found.song_s,
        snaps: found.snaps,
    })
}

/// What a click does: a hit is removed, a refused one accepted, a correction taken back;
/// where nothing is a hit is added, at the time of one of another drum within reach.
pub fn click(
    corrections: &Corrections,
    take: &Take,
    marks: &[Mark],
    drum: Drum,
    song_s: f64,
    reach_s: f64,
) {
    corrections.edit(|list| {
        let exactly = |song_s| Place {
            song_s,
            snaps: false,
        };
        let meant = mark_at(marks, drum, song_s, reach_s);
        let (place, is_hit) = match meant {
            Some(mark) if mark.is_heard() => (exactly(mark.song_s), Some(!mark.is_hit())),
            Some(mark) => (exactly(mark.song_s), None),
            None => {
                let distance = |mark: &&Mark| (mark.song_s - song_s).abs();
                let others = marks.iter().filter(|mark| distance(mark) <= reach_s);
                let nearest = others.min_by(|a, b| distance(a).total_cmp(&distance(b)));
                let by_eye = Place {
                    song_s,
                    snaps: true,
                };
                let place = nearest.map_or(by_eye, |mark| {
                    placed(list, mark).unwrap_or(exactly(mark.song_s))
                });
                (place, Some(true))
            }
        };
        list.retain(|other| match meant {
            // Another one may be nearly as close.
            Some(mark) => !mark.shows(other),
            None => !is_same_hit(other, place.song_s, drum),
        });
        list.extend(is_hit.map(|is_hit| said(place, drum, is_hit)));
        teach(list, take, place.song_s);
    });
}

/// What dragging a mark does: the hit is that of `drum`, and begins at `place` if there is
/// another.
pub fn move_to(
    corrections: &Corrections,
    take: &Take,
    mark: &Mark,
    drum: Drum,
    place: Option<Place>,
) {
    if drum == mark.drum && place.is_none() {
        return;
    }
    corrections.edit(|list| {
        let present = placed(list, mark).unwrap_or(Place {
            song_s: mark.song_s,
            snaps: false,
        });
        let place = place.unwrap_or(present);
        list.retain(|other| !mark.shows(other) && !is_same_hit(other, place.song_s, drum));
        let new = said(place, drum, true);
        let left = match mark.origin {
            Origin::Heard { verdict, .. } => comes_back(verdict).then_some(present),
            Origin::Added => uncovered(take, list, mark.drum, present.song_s),
            Origin::Removed => Some(present),
        };
        // A small way off it is the same hit, which a correction replaces.
        if let Some(left) = left
            && !is_same_hit(&new, left.song_s, mark.drum)
        {
            list.push(said(left, mark.drum, false));
        }
        list.push(new);
        teach(list, take, mark.song_s);
        teach(list, take, place.song_s);
    });
}

/// Whether a hit that was heard so is heard again, or with its drum, if nothing is said of it.
fn comes_back(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Accepted | Verdict::Disabled | Verdict::Removed
    )
}

/// The hit of `drum` that comes back where a correction stood at `song_s` which is not in
/// `list` any more: it was put a little beside one that was heard, or said that it is right.
fn uncovered(take: &Take, list: &[Correction], drum: Drum, song_s: f64) -> Option<Place> {
    let heard = marks(take, list, song_s - SAME_HIT_S, song_s + SAME_HIT_S);
    let distance = |mark: &&Mark| (mark.song_s - song_s).abs();
    let nearest = heard
        .iter()
        .filter(|mark| mark.drum == drum && distance(mark) < SAME_HIT_S)
        .filter(|mark| matches!(mark.origin, Origin::Heard { verdict, .. } if comes_back(verdict)))
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    Some(Place {
        song_s: nearest.song_s,
        snaps: false,
    })
}

/// Moves all corrections by `by_s`: those of a clip that was moved.
pub fn shift(corrections: &Corrections, by_s: f64) {
    corrections.edit(|list| *list = shifted(list, by_s));
}

/// `list` as it is `by_s` later. A way by eye is not exact: hits snap then.
pub fn shifted(list: &[Correction], by_s: f64) -> CorrectionList {
    let shifted = list.iter().map(|correction| Correction {
        song_s: correction.song_s + by_s,
        snaps: correction.is_hit,
        ..*correction
    });
    shifted.collect()
}

/// The user's word that `drum` is hit at a place, or not.
fn said(place: Place, drum: Drum, is_hit: bool) -> Correction {
    Correction {
        song_s: place.song_s,
        drum,
        is_hit,
        snaps: is_hit && place.snaps,
        lesson: None,
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
/// `passed`, nor on drums that are switched off. None if there is hardly any doubt.
pub fn most_doubtful(take: &Take, corrections: &[Correction], passed: &[f64]) -> Option<f64> {
    let pupil = Pupil::new(corrections, take);
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
        .filter(|(_, hit)| is_judged(hit) && take.by_hand.is_enabled(hit.drum) != Some(false))
        .filter(|(song_s, _)| !is_settled(*song_s) && !is_passed(*song_s))
        .map(|(song_s, hit)| {
            let known = pupil.lessons().iter().map(|lesson| &lesson.odds);
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
        heard.retain(|mark| (mark.song_s - song_s).abs() <= MOMENT_S);
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
                    snaps: false,
                    lesson: None,
                });
            }
        }
        teach(list, take, song_s);
    });
}
#[cfg(test)]
mod tests;
