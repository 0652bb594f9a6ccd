//! What a user says who knows what was played.

use std::collections::BTreeSet;

use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    transcriber::{Lesson, MOMENT_S, Verdict, doubt},
};

use crate::{
    evaluation::{
        onsets::{match_times, times},
        score::TOLERANCES_S,
        systems::Detection,
    },
    kits::SAMPLE_RATE_HZ,
    render::Hit,
};

/// One hit that the user knows better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// Its onset.
    pub sample: usize,
    /// Its class.
    pub drum: Drum,
    /// Whether there is a hit here, or none.
    pub is_hit: bool,
}

/// What turns the `heard` hits before sample `until` into those that were `played`, in
/// order of time. Allocates.
pub fn corrections(played: &[Hit], heard: &[Hit], until: usize) -> Vec<Correction> {
    let mut all = Vec::new();
    for drum in Drum::ALL {
        let is_drum = |other: Drum| other == drum;
        let (played, heard) = (times(played, 0.0, is_drum), times(heard, 0.0, is_drum));
        let pairs = match_times(&played, &heard, TOLERANCES_S[0]);
        let (right, found): (BTreeSet<_>, BTreeSet<_>) = pairs.into_iter().unzip();
        let wrong = |times: &[f64], known: &BTreeSet<usize>, is_hit| {
            let unknown = times.iter().enumerate();
            let unknown = unknown.filter(|(index, _)| !known.contains(index));
            let corrections = unknown.map(|(_, time_s)| Correction {
                sample: (time_s * SAMPLE_RATE_HZ).round() as usize,
                drum,
                is_hit,
            });
            corrections.collect::<Vec<_>>()
        };
        all.extend(wrong(&played, &right, true));
        all.extend(wrong(&heard, &found, false));
    }
    all.retain(|correction| correction.sample < until);
    all.sort_by_key(|correction| (correction.sample, correction.drum.index()));
    all
}

/// Whether hits at these samples belong to one moment.
fn is_one_moment(sample: usize, other: usize) -> bool {
    sample.abs_diff(other) <= (MOMENT_S * SAMPLE_RATE_HZ) as usize
}

/// What `corrections` of an excerpt teach, of which `heard` was detected. Allocates.
pub(super) fn lessons(
    played: &[Hit],
    heard: &[Detection],
    corrections: &[Correction],
) -> Vec<Lesson> {
    let mut lessons: Vec<Lesson> = corrections
        .iter()
        .filter_map(|correction| {
            let distance = |heard: &Detection| heard.hit.sample.abs_diff(correction.sample);
            let is_near = |sample| is_one_moment(sample, correction.sample);
            let near = heard.iter().filter(|heard| is_near(heard.hit.sample));
            let nearest = near.min_by_key(|heard| distance(heard))?;
            let mut lesson = Lesson {
                odds: nearest.evidence?.1.odds,
                played: [false; DRUM_COUNT],
            };
            for hit in played {
                if is_near(hit.sample) {
                    lesson.played[hit.drum.index()] = true;
                }
            }
            Some(lesson)
        })
        .collect();
    lessons.dedup();
    lessons
}

/// What is corrected and learnt where the user settles the `count` moments that are most in
/// doubt, of `all` that is wrong. What is right there teaches too.
pub(super) fn settled(
    played: &[Hit],
    heard: &[Detection],
    all: &[Correction],
    count: usize,
) -> (Vec<Correction>, Vec<Lesson>) {
    let mut corrections = BTreeSet::new();
    let mut known: Vec<Lesson> = Vec::new();
    let mut asked = Vec::new();
    for _ in 0..count {
        let doubt_of = |detection: &Detection| {
            let (_, evidence) = detection.evidence?;
            let odds = known.iter().map(|lesson| &lesson.odds);
            Some(doubt(&evidence.odds, evidence.margin, odds))
        };
        let is_asked = |sample: usize| {
            asked
                .iter()
                .any(|asked: &usize| is_one_moment(sample, *asked))
        };
        let judged = heard
            .iter()
            .filter(|d| is_judged(d.verdict) && !is_asked(d.hit.sample));
        let next = judged
            .filter_map(|detection| Some((detection, doubt_of(detection)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((next, _)) = next else {
            break;
        };
        let is_near = |sample: usize| is_one_moment(sample, next.hit.sample);
        let at = Correction {
            sample: next.hit.sample,
            drum: next.hit.drum,
            is_hit: true,
        };
        known.extend(lessons(played, &[*next], &[at]));
        asked.push(next.hit.sample);
        let near = all.iter().filter(|correction| is_near(correction.sample));
        corrections.extend(near.map(|c| (c.sample, c.drum.index(), c.is_hit)));
    }
    let corrections = corrections
        .into_iter()
        .map(|(sample, drum, is_hit)| Correction {
            sample,
            drum: Drum::ALL[drum],
            is_hit,
        });
    (corrections.collect(), known)
}

fn is_judged(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Accepted | Verdict::BelowThreshold)
}

#[cfg(test)]
mod tests {
    use idm_engine::transcriber::HitEvidence;

    use super::*;

    fn hit(sample: usize, drum: Drum) -> Hit {
        Hit {
            sample,
            drum,
            velocity: 0.5,
        }
    }

    #[test]
    fn false_hits_are_taken_away_and_missed_ones_added() {
        let played = [
            hit(1_000, Drum::Kick),
            hit(20_000, Drum::Snare),
            hit(90_000, Drum::Kick),
        ];
        let heard = [
            hit(1_200, Drum::Kick),
            hit(1_200, Drum::MidTom),
            hit(95_000, Drum::Ride),
        ];
        let found = corrections(&played, &heard, 50_000);
        let correction = |sample, drum, is_hit| Correction {
            sample,
            drum,
            is_hit,
        };
        assert_eq!(
            found,
            [
                correction(1_200, Drum::MidTom, false),
                correction(20_000, Drum::Snare, true),
            ]
        );
    }

    #[test]
    fn one_lesson_is_taken_from_each_moment_that_is_in_doubt() {
        let heard = |sample, drum, margin, odds| Detection {
            hit: hit(sample, drum),
            confidence: 0.5,
            evidence: Some((
                0.5,
                HitEvidence {
                    odds: [odds; DRUM_COUNT],
                    margin,
                    ..HitEvidence::default()
                },
            )),
            verdict: if margin >= 0.0 {
                Verdict::Accepted
            } else {
                Verdict::BelowThreshold
            },
        };
        let played = [hit(1_000, Drum::Kick), hit(50_000, Drum::Kick)];
        let heard = [
            heard(1_000, Drum::Kick, 3.0, 1.0),
            heard(1_100, Drum::MidTom, 0.1, 1.0),
            heard(50_000, Drum::Kick, 0.5, -2.0),
            heard(50_000, Drum::MidTom, 0.2, 1.0),
        ];
        let accepted: Vec<Hit> = heard.iter().map(|heard| heard.hit).collect();
        let wrong = corrections(&played, &accepted, usize::MAX);
        assert_eq!(wrong.len(), 2);
        let (said, lessons) = settled(&played, &heard, &wrong, 1);
        assert_eq!(said, wrong[..1], "the tom in doubt");
        let kick = Drum::ALL.map(|drum| drum == Drum::Kick);
        assert_eq!(lessons.len(), 1);
        assert_eq!(
            (lessons[0].odds, lessons[0].played),
            ([1.0; DRUM_COUNT], kick)
        );
        // The next question is of another kind.
        let (_, lessons) = settled(&played, &heard, &wrong, 2);
        assert_eq!(lessons[1].odds, [-2.0; DRUM_COUNT]);
        // Each is asked about once.
        let (said, _) = settled(&played, &heard, &wrong, 9);
        assert_eq!(said, wrong);
    }
}
