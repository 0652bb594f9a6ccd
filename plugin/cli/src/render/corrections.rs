//! What a list of hits that was corrected by hand says against what is heard.

use idm_engine::drum::{DRUM_COUNT, Drum};
use serde::Serialize;

use crate::hits::WrittenHit;
use crate::onset::Onset;

/// A hit this near to one of the same drum that was heard is that one, as in the plugin.
const SAME_HIT_S: f64 = 0.022;

/// As far around what it is told the engine hears no other hit of the drum; some frames more,
/// for hits begin where they are found to, not where the network heard them.
const SILENCED_S: f64 = 0.03;

/// Something that the engine is told about its input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Word {
    /// Where, in samples of the input.
    pub sample: u64,
    /// Of which drum.
    pub drum: Drum,
    /// What.
    pub says: Says,
}

/// What is said of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Says {
    /// The drum is hit, as hard as this where that is known.
    Hit(Option<f32>),
    /// The same around there: where the drum begins, if it does.
    HitNearby(Option<f32>),
    /// What is heard there is no hit of the drum.
    NoHit,
}

impl Word {
    /// A hit of a file, in a recording with this rate.
    pub fn hit(hit: &WrittenHit, rate_hz: f64, snaps: bool) -> Word {
        Word {
            sample: hit.sample(rate_hz),
            drum: hit.sound,
            says: match snaps {
                true => Says::HitNearby(hit.velocity),
                false => Says::Hit(hit.velocity),
            },
        }
    }
}

/// How a list differs from what was heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Hits of the list that were not heard.
    pub hits_added: usize,
    /// Hits that were heard and are not in the list.
    pub hits_removed: usize,
    /// Hits that are in both.
    pub hits_kept: usize,
}

impl Differences {
    /// In words.
    pub fn line(&self) -> String {
        format!(
            "{} added, {} removed, {} as heard",
            self.hits_added, self.hits_removed, self.hits_kept
        )
    }
}

/// All that the engine is to be told so that it hears what a list has.
#[derive(Debug, Default)]
pub struct Corrections {
    /// In order of time.
    pub words: Vec<Word>,
    /// How many of them are what.
    pub differences: Differences,
}

impl Corrections {
    /// From the hits that were `heard` to those of `list`, of which only drums that are
    /// `enabled` count, and only the first `frames` samples; both in order of time.
    pub fn between(
        heard: &[Onset],
        list: &[WrittenHit],
        enabled: &[bool; DRUM_COUNT],
        rate_hz: f64,
        frames: u64,
    ) -> Corrections {
        let mut wanted: Vec<Word> = list
            .iter()
            .map(|hit| Word::hit(hit, rate_hz, false))
            .filter(|word| enabled[word.drum.index()] && word.sample < frames)
            .collect();
        // Two notes of one drum at one moment, such as two names of a hat, are one hit.
        wanted.sort_by_key(|word| (word.sample, word.drum));
        wanted.dedup_by_key(|word| (word.sample, word.drum));
        let (is_heard, is_wanted) = matches(heard, &wanted, rate_hz);

        let (kept, removed): (Vec<_>, Vec<_>) =
            heard.iter().zip(is_wanted).partition(|(_, wanted)| *wanted);
        let removed = removed.into_iter().map(|(onset, _)| Word {
            sample: onset.sample,
            drum: onset.drum,
            says: Says::NoHit,
        });
        let mut words: Vec<Word> = removed.collect();
        let hits_removed = words.len();
        let added = wanted.into_iter().zip(is_heard);
        words.extend(added.filter_map(|(word, heard)| (!heard).then_some(word)));
        let differences = Differences {
            hits_added: words.len() - hits_removed,
            hits_removed,
            hits_kept: kept.len(),
        };
        hold(
            &mut words,
            kept.into_iter().map(|(onset, _)| onset),
            rate_hz,
        );
        words.sort_by_key(|word| (word.sample, word.drum));
        Corrections { words, differences }
    }
}

/// Which of `wanted` were heard and which of `heard` are wanted; the nearest go together, each
/// with one at most.
fn matches(heard: &[Onset], wanted: &[Word], rate_hz: f64) -> (Vec<bool>, Vec<bool>) {
    let reach = SAME_HIT_S * rate_hz;
    let mut pairs = Vec::new();
    for (w, word) in wanted.iter().enumerate() {
        let is_early = |onset: &Onset| (onset.sample as f64) < word.sample as f64 - reach;
        let first = heard.partition_point(is_early);
        let near = heard[first..].iter().enumerate();
        let near = near.map(|(n, onset)| (onset.sample.abs_diff(word.sample), first + n, onset));
        let near = near
            .take_while(|(apart, _, onset)| onset.sample < word.sample || (*apart as f64) < reach);
        let same =
            near.filter(|(apart, _, onset)| onset.drum == word.drum && (*apart as f64) < reach);
        pairs.extend(same.map(|(apart, h, _)| (apart, h, w)));
    }
    pairs.sort_unstable();
    let (mut is_heard, mut is_wanted) = (vec![false; wanted.len()], vec![false; heard.len()]);
    for (_, h, w) in pairs {
        if !is_wanted[h] && !is_heard[w] {
            (is_wanted[h], is_heard[w]) = (true, true);
        }
    }
    (is_heard, is_wanted)
}

/// Adds those of the hits that are `kept` which the engine would not hear any more beside what
/// it is told.
fn hold<'a>(words: &mut Vec<Word>, kept: impl Iterator<Item = &'a Onset>, rate_hz: f64) {
    let reach = (SILENCED_S * rate_hz) as u64;
    let mut free: Vec<&Onset> = kept.collect();
    // Most often there is nothing to hold: what is held is looked at anew.
    let mut new = 0;
    while new < words.len() {
        let word = words[new];
        new += 1;
        free.retain(|onset| {
            let is_free = onset.drum != word.drum || onset.sample.abs_diff(word.sample) > reach;
            if !is_free {
                words.push(Word {
                    sample: onset.sample,
                    drum: onset.drum,
                    says: Says::Hit(Some(onset.velocity)),
                });
            }
            is_free
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onset::at;

    const RATE_HZ: f64 = 1_000.0;
    const ALL: [bool; DRUM_COUNT] = [true; DRUM_COUNT];

    fn listed(ms: u32, sound: Drum) -> WrittenHit {
        WrittenHit {
            time_s: f64::from(ms) / 1_000.0,
            sound,
            velocity: Some(0.5),
        }
    }

    fn word(sample: u64, drum: Drum, says: Says) -> Word {
        Word { sample, drum, says }
    }

    fn counts(corrections: &Corrections) -> [usize; 3] {
        let d = corrections.differences;
        [d.hits_added, d.hits_removed, d.hits_kept]
    }

    #[test]
    fn what_is_in_both_is_not_spoken_of() {
        let heard = [at(100, Drum::Kick, 1.0), at(100, Drum::Ride, 1.0)];
        let list = [listed(79, Drum::Ride), listed(121, Drum::Kick)];
        let same = Corrections::between(&heard, &list, &ALL, RATE_HZ, 1_000);
        assert_eq!(same.words, []);
        assert_eq!(counts(&same), [0, 0, 2]);
    }

    #[test]
    fn another_place_or_drum_is_one_hit_less_and_one_more() {
        let heard = [at(100, Drum::Kick, 1.0), at(300, Drum::Ride, 1.0)];
        let list = [listed(123, Drum::Kick), listed(300, Drum::Crash)];
        let other = Corrections::between(&heard, &list, &ALL, RATE_HZ, 1_000);
        let hit = Says::Hit(Some(0.5));
        assert_eq!(counts(&other), [2, 2, 0]);
        assert_eq!(
            other.words,
            [
                word(100, Drum::Kick, Says::NoHit),
                word(123, Drum::Kick, hit),
                word(300, Drum::Crash, hit),
                word(300, Drum::Ride, Says::NoHit),
            ]
        );
    }

    #[test]
    fn the_nearest_is_meant() {
        let heard = [at(100, Drum::Snare, 1.0), at(131, Drum::Snare, 1.0)];
        let list = [listed(120, Drum::Snare)];
        let one = Corrections::between(&heard, &list, &ALL, RATE_HZ, 1_000);
        assert_eq!(counts(&one), [0, 1, 1]);
        assert_eq!(one.words, [word(100, Drum::Snare, Says::NoHit)]);
    }

    #[test]
    fn a_hit_that_stays_close_to_a_correction_is_said_too() {
        let heard = [0, 25, 50, 90].map(|sample| at(sample, Drum::Snare, 0.25));
        let list = [25, 50, 90].map(|ms| listed(ms, Drum::Snare));
        let held = Corrections::between(&heard, &list, &ALL, RATE_HZ, 1_000);
        assert_eq!(counts(&held), [0, 1, 3]);
        let hit = Says::Hit(Some(0.25));
        assert_eq!(
            held.words,
            [
                word(0, Drum::Snare, Says::NoHit),
                word(25, Drum::Snare, hit),
                word(50, Drum::Snare, hit),
            ]
        );
    }

    #[test]
    fn what_cannot_be_heard_is_no_difference() {
        let mut enabled = ALL;
        enabled[Drum::Ride.index()] = false;
        let list = [
            listed(100, Drum::Ride),
            listed(200, Drum::OpenHat),
            listed(200, Drum::OpenHat),
            listed(1_000, Drum::Kick),
        ];
        let corrections = Corrections::between(&[], &list, &enabled, RATE_HZ, 1_000);
        assert_eq!(counts(&corrections), [1, 0, 0], "a hat that is there twice");
    }
}
