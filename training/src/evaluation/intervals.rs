//! How far figures may be a matter of which excerpts were drawn: 95 % intervals by bootstrap.

use serde::Serialize;

use super::{onsets::OnsetScore, score::mean};
use crate::random::Random;

/// Times the excerpts are drawn anew.
const RESAMPLES: usize = 1_000;
/// Names the draws, which are the same for every system.
const SEED: u64 = 0xb007;
/// Share of the draws below and above the interval.
const TAIL: f64 = 0.025;
/// Fewest excerpts with a value that say anything of others.
const FEWEST: usize = 2;

/// A 95 % interval: its lower and upper end.
pub type Interval = [f64; 2];

/// What one excerpt says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// Hits per class, strict, within the first tolerance.
    pub hits: Vec<OnsetScore>,
    /// Per group, where the group is played.
    pub si_sdr_db: Vec<Option<f64>>,
}

/// Intervals of a system's figures; `None` where too few excerpts have any.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Intervals {
    /// Played hits per class.
    pub class_hits: Vec<usize>,
    /// F per class, strict, within the first tolerance.
    pub class_f: Vec<Option<Interval>>,
    /// Mean of the classes' F.
    pub mean_f: Option<Interval>,
    /// Mean SI-SDR per group.
    pub group_si_sdr_db: Vec<Option<Interval>>,
    /// Mean of the groups' SI-SDR.
    pub mean_si_sdr_db: Option<Interval>,
}

impl Intervals {
    /// Draws as many of `excerpts` as there are again and again. Allocates.
    pub fn new(excerpts: &[Observed]) -> Intervals {
        let classes = excerpts.first().map_or(0, |excerpt| excerpt.hits.len());
        let groups = excerpts
            .first()
            .map_or(0, |excerpt| excerpt.si_sdr_db.len());
        let mut class_f = vec![Vec::new(); classes];
        let mut group_si_sdr_db = vec![Vec::new(); groups];
        let (mut mean_f, mut mean_si_sdr_db) = (Vec::new(), Vec::new());
        let mut random = Random::new(&[SEED]);
        for _ in 0..RESAMPLES {
            let drawn: Vec<&Observed> = (0..excerpts.len())
                .map(|_| &excerpts[random.below(excerpts.len())])
                .collect();
            let f: Vec<Option<f64>> = (0..classes).map(|class| f_of(&drawn, class)).collect();
            let si_sdr_db: Vec<Option<f64>> = (0..groups)
                .map(|group| mean(drawn.iter().filter_map(|one| one.si_sdr_db[group])))
                .collect();
            mean_f.extend(mean(f.iter().flatten().copied()));
            mean_si_sdr_db.extend(mean(si_sdr_db.iter().flatten().copied()));
            for (all, value) in class_f.iter_mut().zip(f) {
                all.extend(value);
            }
            for (all, value) in group_si_sdr_db.iter_mut().zip(si_sdr_db) {
                all.extend(value);
            }
        }
        let played = |excerpt: &Observed, class: usize| {
            let hits = &excerpt.hits[class];
            hits.found + hits.missed
        };
        let has_enough = |has: &dyn Fn(&Observed) -> bool| {
            excerpts.iter().filter(|excerpt| has(excerpt)).count() >= FEWEST
        };
        Intervals {
            class_hits: (0..classes)
                .map(|class| excerpts.iter().map(|one| played(one, class)).sum())
                .collect(),
            class_f: class_f
                .into_iter()
                .enumerate()
                .map(|(class, values)| {
                    has_enough(&|one| played(one, class) > 0)
                        .then(|| middle(values))
                        .flatten()
                })
                .collect(),
            mean_f: has_enough(&|one| (0..classes).any(|class| played(one, class) > 0))
                .then(|| middle(mean_f))
                .flatten(),
            group_si_sdr_db: group_si_sdr_db
                .into_iter()
                .enumerate()
                .map(|(group, values)| {
                    has_enough(&|one| one.si_sdr_db[group].is_some())
                        .then(|| middle(values))
                        .flatten()
                })
                .collect(),
            mean_si_sdr_db: has_enough(&|one| one.si_sdr_db.iter().any(Option::is_some))
                .then(|| middle(mean_si_sdr_db))
                .flatten(),
        }
    }
}

fn f_of(excerpts: &[&Observed], class: usize) -> Option<f64> {
    let mut sum = OnsetScore::default();
    for excerpt in excerpts {
        sum.add(&excerpt.hits[class]);
    }
    sum.f_measure()
}

/// What lies between the tails of `values`.
fn middle(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().checked_sub(1)?;
        values.get((share * last as f64).round() as usize).copied()
    };
    Some([at(TAIL)?, at(1.0 - TAIL)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(found: usize, missed: usize, si_sdr_db: Option<f64>) -> Observed {
        Observed {
            hits: vec![OnsetScore {
                found,
                missed,
                ..OnsetScore::default()
            }],
            si_sdr_db: vec![si_sdr_db, None],
        }
    }

    #[test]
    fn intervals_are_those_of_the_mean_and_repeat() {
        // Deviation of the mean of 100: a tenth of that of one.
        let mut random = Random::new(&[4]);
        let excerpts: Vec<Observed> = (0..100)
            .map(|_| excerpt(5, 5, Some(f64::from(3.0 + 2.0 * random.normal()))))
            .collect();
        let intervals = Intervals::new(&excerpts);
        assert_eq!(intervals, Intervals::new(&excerpts));
        let [low, high] = intervals.group_si_sdr_db[0].unwrap();
        assert!((high - low - 4.0 * 0.196).abs() < 0.2, "{low} {high}");
        let middle = 0.5 * (low + high);
        assert!((middle - 3.0).abs() < 0.5, "{middle}");
        assert_eq!(intervals.mean_si_sdr_db, intervals.group_si_sdr_db[0]);
        assert_eq!(intervals.group_si_sdr_db[1], None);
        // All excerpts alike: no doubt.
        let [low, high] = intervals.class_f[0].unwrap();
        assert!((low - 2.0 / 3.0).abs() < 1e-9 && (high - low).abs() < 1e-9);
        assert_eq!(intervals.class_hits, [1_000]);
    }

    #[test]
    fn excerpts_weigh_by_their_hits_and_one_alone_says_nothing() {
        let alone = Intervals::new(&[excerpt(3, 1, Some(1.0)), excerpt(0, 0, None)]);
        assert_eq!(alone.class_hits, [4]);
        assert_eq!((alone.class_f[0], alone.mean_f), (None, None));
        assert_eq!(alone.group_si_sdr_db[0], None);
        assert_eq!(Intervals::new(&[]), Intervals::default());
        let two = Intervals::new(&[excerpt(100, 0, None), excerpt(0, 1, None)]);
        let [low, high] = two.class_f[0].unwrap();
        assert_eq!((low, high), (0.0, 1.0));
    }
}
