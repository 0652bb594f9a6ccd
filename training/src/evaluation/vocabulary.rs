//! Which drums the annotations of a folder tell apart: what they do not tell is not judged.

use std::fmt::Write;

use idm_engine::{
    drum::{Drum, Group},
    transcriber::Verdict,
};

use super::{
    Separation, SystemScore,
    onsets::OnsetScore,
    score::GROUP_MERGE_S,
    systems::{Detection, Estimate},
};
use crate::{kits::SAMPLE_RATE_HZ, render::Hit};

/// How far annotations tell the drums of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Not at all.
    Nothing,
    /// As one drum, that which they call it: hits of the group, whichever.
    As(Drum),
    /// Each drum by itself.
    Apart,
}

/// What annotations tell of each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vocabulary {
    groups: [Told; Group::ALL.len()],
}

impl Vocabulary {
    /// That of annotations in which `drums` occur: a group of which one drum occurs is told as
    /// one, a group of which none does is not told.
    pub fn of(drums: impl Iterator<Item = Drum>) -> Vocabulary {
        let mut groups = [Told::Nothing; Group::ALL.len()];
        for drum in drums {
            let told = &mut groups[drum.group().index()];
            *told = match *told {
                Told::Nothing => Told::As(drum),
                Told::As(other) if other == drum => Told::As(drum),
                _ => Told::Apart,
            };
        }
        Vocabulary { groups }
    }

    /// The drum as which a hit of `drum` counts.
    fn counted(&self, drum: Drum) -> Option<Drum> {
        match self.groups[drum.group().index()] {
            Told::Nothing => None,
            Told::As(other) => Some(other),
            Told::Apart => Some(drum),
        }
    }

    /// Whether hits of `group` are told.
    pub fn tells(&self, group: Group) -> bool {
        self.groups[group.index()] != Told::Nothing
    }

    /// Whether `drum` is told from the others of its group, or is the only one.
    pub fn tells_apart(&self, drum: Drum) -> bool {
        let is_alone = Drum::ALL
            .into_iter()
            .filter(|other| other.group() == drum.group())
            .count()
            == 1;
        match self.groups[drum.group().index()] {
            Told::Nothing => false,
            Told::As(_) => is_alone,
            Told::Apart => true,
        }
    }

    /// The detections of `estimate` in the words of the annotations: those of drums that are
    /// told as one are one, those of drums that are not told are left out. Allocates.
    pub fn restrict(&self, estimate: &mut Estimate) {
        let Some(detections) = &mut estimate.detections else {
            return;
        };
        let counted = |found: &Detection| {
            let drum = self.counted(found.hit.drum)?;
            let hit = Hit { drum, ..found.hit };
            Some(Detection { hit, ..*found })
        };
        let mut found: Vec<Detection> = detections.iter().filter_map(counted).collect();
        // The accepted first: a candidate beside one is the same hit.
        found.sort_by_key(|found| (found.verdict != Verdict::Accepted, found.hit.sample));
        let merge = (GROUP_MERGE_S * SAMPLE_RATE_HZ) as usize;
        let mut kept: Vec<Detection> = Vec::new();
        for found in found {
            let is_same = |other: &Detection| {
                other.hit.drum == found.hit.drum
                    && other.hit.sample.abs_diff(found.hit.sample) < merge
                    && matches!(other.verdict, Verdict::Accepted | Verdict::BelowThreshold)
            };
            if self.tells_apart(found.hit.drum) || !kept.iter().rev().any(is_same) {
                kept.push(found);
            }
        }
        kept.sort_by_key(|found| found.hit.sample);
        *detections = kept;
    }

    /// Takes out of `score` what the annotations do not tell, and of separation what is not in
    /// `stems`, by drum and by group.
    pub fn blank(&self, score: &mut SystemScore, stems: [&[bool]; 2]) {
        let [of_drums, of_groups] = stems;
        for group in Group::ALL {
            let separation = &mut score.groups[group.index()];
            if !self.tells(group) {
                *separation = Separation::default();
            } else if !of_groups[group.index()] {
                *separation = only_where_silent(separation);
            }
        }
        for drum in Drum::ALL {
            let separation = &mut score.classes[drum.index()];
            if !self.tells_apart(drum) {
                *separation = Separation::default();
            } else if !of_drums[drum.index()] {
                *separation = only_where_silent(separation);
            }
        }
        let Some(transcription) = &mut score.transcription else {
            return;
        };
        for point in [&mut transcription.strict, &mut transcription.recall] {
            for classes in &mut point.classes {
                for drum in Drum::ALL {
                    if !self.tells_apart(drum) {
                        classes[drum.index()] = OnsetScore::default();
                    }
                }
            }
        }
    }

    /// In words: what is told, and what is not. Allocates.
    pub fn describe(&self) -> String {
        let names = |wanted: fn(Told, bool) -> bool| {
            let groups = Group::ALL.into_iter().filter(|group| {
                let mut members = Drum::ALL.into_iter();
                let of_group = members.by_ref().filter(|drum| drum.group() == *group);
                let is_single = of_group.count() == 1;
                wanted(self.groups[group.index()], is_single)
            });
            let names: Vec<&str> = groups.map(Group::name).collect();
            names.join(", ")
        };
        let mut text = String::new();
        let single = names(|told, is_single| matches!(told, Told::As(_)) && !is_single);
        let missing = names(|told, _| told == Told::Nothing);
        if !single.is_empty() {
            let _ = write!(text, "; scored as one drum each, as annotated: {single}");
        }
        if !missing.is_empty() {
            let _ = write!(text, "; not annotated and not judged: {missing}");
        }
        text
    }
}

/// What needs no stem.
fn only_where_silent(separation: &Separation) -> Separation {
    Separation {
        silent_db: separation.silent_db,
        ..Separation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(sample: usize, drum: Drum, verdict: Verdict) -> Detection {
        Detection {
            hit: Hit {
                sample,
                drum,
                velocity: 1.0,
            },
            confidence: 1.0,
            evidence: None,
            verdict,
        }
    }

    #[test]
    fn hits_count_in_the_words_of_the_annotations() {
        let drums = [Drum::Kick, Drum::Snare, Drum::ClosedHat];
        let three = Vocabulary::of(drums.into_iter());
        assert!(three.tells(Group::HiHat) && !three.tells(Group::Toms));
        assert!(three.tells_apart(Drum::Kick) && !three.tells_apart(Drum::ClosedHat));
        let text = three.describe();
        assert!(
            text.contains("one drum each, as annotated: Hi-hat;"),
            "{text}"
        );
        assert!(text.ends_with("not judged: Toms, Cymbals"), "{text}");
        let mut estimate = Estimate {
            stems: Vec::new(),
            detections: Some(vec![
                detection(0, Drum::Kick, Verdict::Accepted),
                detection(100, Drum::OpenHat, Verdict::BelowThreshold),
                detection(200, Drum::ClosedHat, Verdict::Accepted),
                detection(300, Drum::OpenHat, Verdict::Accepted),
                detection(400, Drum::Ride, Verdict::Accepted),
                detection(9_000, Drum::OpenHat, Verdict::Accepted),
            ]),
        };
        three.restrict(&mut estimate);
        let found: Vec<_> = estimate.detections.unwrap();
        let found: Vec<_> = found.iter().map(|d| (d.hit.sample, d.hit.drum)).collect();
        assert_eq!(
            found,
            [
                (0, Drum::Kick),
                (200, Drum::ClosedHat),
                (9_000, Drum::ClosedHat)
            ]
        );

        let all = Vocabulary::of(Drum::ALL.into_iter());
        assert_eq!(all.describe(), "");
        let before = vec![
            detection(0, Drum::Ride, Verdict::Accepted),
            detection(1, Drum::Ride, Verdict::BelowThreshold),
        ];
        let mut estimate = Estimate {
            stems: Vec::new(),
            detections: Some(before),
        };
        all.restrict(&mut estimate);
        assert_eq!(estimate.detections.unwrap().len(), 2);
    }
}
