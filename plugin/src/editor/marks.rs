//! What stands in the lanes of the song: hits as heard, and the user's word on them.

use idm_engine::drum::Drum;
use idm_engine::engine::Verdict;

use super::take::Take;
use super::teaching::{Pupil, teach};
use crate::corrections::{Correction, Corrections, SAME_HIT_S, is_same_hit};
use crate::midi_export::SongHit;

/// Velocity at which a hit is shown that was not heard yet.
const UNHEARD_VELOCITY: f32 = 0.7;

/// Why something stands in a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Origin {
    /// It was heard.
    Heard {
        /// Accepted, or why not.
        verdict: Verdict,
        /// How sure the network is, 0..1.
        confidence: f32,
        /// Whether corrections of others spoke for it or against it.
        taught: Option<bool>,
    },
    /// The user says that there is a hit.
    Added,
    /// The user says that there is none.
    Removed,
}

/// Something in a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// Place in the song in seconds.
    pub song_s: f64,
    /// Lane.
    pub drum: Drum,
    /// Loudness, 0..1.
    pub velocity: f32,
    /// Why it is there.
    pub origin: Origin,
}

impl Mark {
    /// Whether there is a hit, as far as is known.
    pub fn is_hit(&self) -> bool {
        match self.origin {
            Origin::Heard { verdict, .. } => verdict == Verdict::Accepted,
            Origin::Added => true,
            Origin::Removed => false,
        }
    }

    fn is_heard(&self) -> bool {
        matches!(self.origin, Origin::Heard { .. })
    }
}

/// Everything between two places of the song. A correction hides the hit that it speaks
/// of.
pub fn marks(take: &Take, corrections: &[Correction], from_s: f64, to_s: f64) -> Vec<Mark> {
    let pupil = Pupil::new(corrections, take.teaching);
    let first = corrections.partition_point(|other| other.song_s < from_s - SAME_HIT_S);
    let last = corrections.partition_point(|other| other.song_s <= to_s + SAME_HIT_S);
    let corrections = &corrections[first..last.max(first)];
    let mut marks: Vec<Mark> = take
        .hits(from_s, to_s)
        .filter(|(song_s, hit)| {
            let is_before = |other: &Correction| other.song_s < song_s - SAME_HIT_S;
            let near = &corrections[corrections.partition_point(is_before)..];
            let mut near = near
                .iter()
                .take_while(|other| other.song_s <= song_s + SAME_HIT_S);
            !near.any(|other| is_same_hit(other, *song_s, hit.drum))
        })
        .map(|(song_s, hit)| {
            let judged = pupil.judge(hit);
            Mark {
                song_s,
                drum: hit.drum,
                velocity: hit.velocity,
                origin: Origin::Heard {
                    verdict: judged.verdict,
                    confidence: judged.confidence,
                    taught: judged.taught,
                },
            }
        })
        .collect();
    marks.extend(corrections.iter().map(|correction| {
        let from_s = correction.song_s - SAME_HIT_S;
        let mut near = take.hits(from_s, correction.song_s + SAME_HIT_S);
        let velocity = near
            .find(|(_, hit)| hit.drum == correction.drum && hit.velocity > 0.0)
            .map_or(UNHEARD_VELOCITY, |(_, hit)| hit.velocity);
        Mark {
            song_s: correction.song_s,
            drum: correction.drum,
            velocity,
            origin: if correction.is_hit {
                Origin::Added
            } else {
                Origin::Removed
            },
        }
    }));
    marks
}

/// All hits of the song, as heard and corrected.
pub fn song_hits(take: &Take, corrections: &[Correction]) -> Vec<SongHit> {
    marks(take, corrections, f64::NEG_INFINITY, f64::INFINITY)
        .into_iter()
        .filter(Mark::is_hit)
        .map(|mark| SongHit {
            song_s: mark.song_s,
            drum: mark.drum,
            velocity: mark.velocity,
        })
        .collect()
}

/// The mark in the lane of `drum` nearest to a place, if it is within `reach_s`.
pub fn mark_at(marks: &[Mark], drum: Drum, song_s: f64, reach_s: f64) -> Option<&Mark> {
    let distance = |mark: &&Mark| (mark.song_s - song_s).abs();
    marks
        .iter()
        .filter(|mark| mark.drum == drum && distance(mark) <= reach_s)
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
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
    let (song_s, is_hit) = match mark_at(marks, drum, song_s, reach_s) {
        Some(mark) if mark.is_heard() => (mark.song_s, Some(!mark.is_hit())),
        Some(mark) => (mark.song_s, None),
        None => {
            let distance = |mark: &&Mark| (mark.song_s - song_s).abs();
            let others = marks.iter().filter(|mark| distance(mark) <= reach_s);
            let nearest = others.min_by(|a, b| distance(a).total_cmp(&distance(b)));
            (nearest.map_or(song_s, |mark| mark.song_s), Some(true))
        }
    };
    corrections.edit(|list| {
        list.retain(|other| !is_same_hit(other, song_s, drum));
        list.extend(is_hit.map(|is_hit| Correction {
            song_s,
            drum,
            is_hit,
            lesson: None,
        }));
        teach(list, take, song_s);
    });
}

/// What dragging a mark to another lane does: the hit is that drum's, not this one's.
pub fn move_to(corrections: &Corrections, take: &Take, mark: &Mark, drum: Drum) {
    if drum == mark.drum {
        return;
    }
    let at = |drum, is_hit| Correction {
        song_s: mark.song_s,
        drum,
        is_hit,
        lesson: None,
    };
    corrections.edit(|list| {
        list.retain(|other| {
            !is_same_hit(other, mark.song_s, mark.drum) && !is_same_hit(other, mark.song_s, drum)
        });
        if mark.is_heard() && mark.is_hit() || mark.origin == Origin::Removed {
            list.push(at(mark.drum, false));
        }
        list.push(at(drum, true));
        teach(list, take, mark.song_s);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::HitMark;

    fn take() -> Take {
        let mut take = Take::default();
        for (song_s, drum, verdict) in [
            (1.0, Drum::Ride, Verdict::Accepted),
            (1.002, Drum::Kick, Verdict::BelowThreshold),
            (2.0, Drum::Snare, Verdict::Accepted),
        ] {
            take.hit(&HitMark {
                position: 0,
                drum,
                velocity: 0.4,
                confidence: 0.6,
                verdict,
                taught: [0.0; 2],
                odds: Default::default(),
                margin: 0.0,
                song_s: Some(song_s),
            });
        }
        take
    }

    fn said(corrections: &Corrections) -> Vec<(f64, Drum, bool)> {
        let list = corrections.current();
        list.iter().map(|c| (c.song_s, c.drum, c.is_hit)).collect()
    }

    #[test]
    fn a_click_says_the_opposite_and_a_second_one_takes_it_back() {
        let (take, corrections) = (take(), Corrections::default());
        let click_at = |drum, song_s| {
            let marks = marks(&take, &corrections.current(), 0.0, 9.0);
            click(&corrections, &take, &marks, drum, song_s, 0.05);
        };
        click_at(Drum::Ride, 1.03);
        click_at(Drum::Kick, 1.0);
        assert_eq!(
            said(&corrections),
            [(1.0, Drum::Ride, false), (1.002, Drum::Kick, true)]
        );
        let shown = marks(&take, &corrections.current(), 0.0, 9.0);
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert_eq!(
            mark_at(&shown, Drum::Ride, 1.0, 0.01).map(|mark| mark.origin),
            Some(Origin::Removed)
        );
        assert_eq!(
            mark_at(&shown, Drum::Kick, 1.0, 0.01).map(|m| m.velocity),
            Some(0.4)
        );
        click_at(Drum::Ride, 1.0);
        click_at(Drum::Kick, 1.0);
        assert!(said(&corrections).is_empty());
        // Where nothing is: at the time of the snare, or where the pointer is.
        click_at(Drum::Crash, 2.04);
        click_at(Drum::Crash, 3.5);
        assert_eq!(
            said(&corrections),
            [(2.0, Drum::Crash, true), (3.5, Drum::Crash, true)]
        );
    }

    #[test]
    fn a_hit_is_dragged_to_the_drum_that_it_is() {
        let (take, corrections) = (take(), Corrections::default());
        let drag = |from, to| {
            let marks = marks(&take, &corrections.current(), 0.0, 9.0);
            let mark = mark_at(&marks, from, 1.0, 0.01).expect("a mark");
            move_to(&corrections, &take, mark, to);
        };
        drag(Drum::Ride, Drum::OpenHat);
        let both = [(1.0, Drum::OpenHat, true), (1.0, Drum::Ride, false)];
        assert_eq!(said(&corrections), both);
        drag(Drum::OpenHat, Drum::ClosedHat);
        assert_eq!(
            said(&corrections),
            [(1.0, Drum::ClosedHat, true), (1.0, Drum::Ride, false)]
        );
        drag(Drum::ClosedHat, Drum::ClosedHat);
        corrections.undo();
        assert_eq!(said(&corrections), both);
        corrections.undo();
        assert!(said(&corrections).is_empty());
    }
}
