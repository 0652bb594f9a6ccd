//! What stands in the lanes of the song: hits as heard, and the user's word on them.

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::dynamics::played_velocity;
use idm_engine::engine::Verdict;
use idm_engine::transcriber::HitEvidence;

use super::pupil::{Pupil, velocity_as_set};
use super::take::Take;
use crate::corrections::{Correction, SAME_HIT_S, is_same_hit};
use crate::link::HitMark;
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
        /// How sure that is, 0..1.
        confidence: f32,
        /// Whether corrections of others spoke for it or against it.
        taught: Option<bool>,
        /// Whether it is refused whatever speaks for it.
        is_ruled_out: bool,
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
    /// Whether its drum is off, as far as is known: no hit is added then.
    pub is_off: bool,
    /// The place of the correction that it shows, if it shows one: what was placed by eye is
    /// shown where it was played.
    pub corrected_s: Option<f64>,
}

impl Mark {
    /// Whether there is a hit, as far as is known.
    pub fn is_hit(&self) -> bool {
        match self.origin {
            Origin::Heard { verdict, .. } => verdict == Verdict::Accepted,
            Origin::Added => !self.is_off,
            Origin::Removed => false,
        }
    }

    /// Whether it is there because it was heard.
    pub fn is_heard(&self) -> bool {
        matches!(self.origin, Origin::Heard { .. })
    }

    /// Whether it shows this correction.
    pub fn shows(&self, correction: &Correction) -> bool {
        correction.drum == self.drum && self.corrected_s == Some(correction.song_s)
    }
}

/// Everything between two places of the song, judged by what is set now. A correction hides
/// the hit that it speaks of; a hit that only a correction gave goes with it.
pub fn marks(take: &Take, corrections: &[Correction], from_s: f64, to_s: f64) -> Vec<Mark> {
    let pupil = Pupil::new(corrections, take);
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
                velocity: velocity_as_set(hit, &take.by_hand),
                origin: Origin::Heard {
                    verdict: judged.verdict,
                    confidence: judged.confidence,
                    taught: judged.taught,
                    is_ruled_out: HitEvidence::is_ruled_out(hit.margin),
                },
                is_off: !take.drums[hit.drum.index()].enabled,
                corrected_s: None,
            }
        })
        .collect();
    // One that was played stands for one correction; they keep their order.
    let mut last_s = [f64::NEG_INFINITY; DRUM_COUNT];
    marks.extend(corrections.iter().map(|correction| {
        let from_s = correction.song_s - SAME_HIT_S;
        let to_s = correction.song_s + SAME_HIT_S;
        let last_s = &mut last_s[correction.drum.index()];
        let distance = |song_s: f64| (song_s - correction.song_s).abs();
        let is_of_it = |hit: &HitMark| hit.drum == correction.drum && hit.velocity > 0.0;
        let heard = take
            .hits(from_s, to_s)
            .filter(|(_, hit)| is_of_it(hit))
            .min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
        let given = take
            .given(from_s, to_s)
            .filter(|(song_s, hit)| {
                correction.is_hit && hit.drum == correction.drum && song_s > last_s
            })
            .min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
        if let Some((song_s, _)) = given {
            *last_s = song_s;
        }
        let is_played = |hit: &HitMark| hit.verdict == Verdict::Accepted;
        let played = given.filter(|(_, hit)| is_played(hit));
        let set_now = &take.drums[correction.drum.index()];
        let was_on = given.map_or(set_now.enabled, |(_, hit)| is_played(hit));
        Mark {
            // What was placed by eye is where it was played; nobody knows before.
            song_s: played
                .filter(|_| correction.snaps)
                .map_or(correction.song_s, |(song_s, _)| song_s),
            drum: correction.drum,
            velocity: played.or(heard).map_or_else(
                || played_velocity(UNHEARD_VELOCITY, set_now.dynamics),
                |(_, hit)| velocity_as_set(hit, &take.by_hand),
            ),
            origin: if correction.is_hit {
                Origin::Added
            } else {
                Origin::Removed
            },
            is_off: !take.by_hand.is_enabled(correction.drum).unwrap_or(was_on),
            corrected_s: Some(correction.song_s),
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

#[cfg(test)]
mod tests;
