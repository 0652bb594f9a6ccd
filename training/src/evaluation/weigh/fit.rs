//! What weights tell true candidates from false ones.

use idm_engine::transcriber::{EVIDENCE_COUNT, EXPECTED_COUNT, EvidenceWeights, TAUGHT_COUNT};

/// What is fitted: the network's word, a constant, the evidence.
pub(super) const COUNT: usize = 2 + EVIDENCE_COUNT;
/// Rounds over all coefficients.
const SWEEPS: usize = 300;
/// Pull towards no weight at all, in candidates.
const PRIOR: f64 = 4.0;

/// A candidate of the engine, and whether the drum was played there.
pub(super) struct Case {
    pub(super) pieces: [f64; COUNT],
    /// What the rhythm and what corrections say.
    pub(super) expected: [f64; EXPECTED_COUNT],
    pub(super) taught: [f64; TAUGHT_COUNT],
    pub(super) is_true: bool,
    pub(super) is_accepted: bool,
}

/// F over all candidates if those are hits that `is_hit` says.
pub(super) fn f_measure(cases: &[Case], played: usize, is_hit: impl Fn(&Case) -> bool) -> f64 {
    let (mut found, mut extra) = (0_usize, 0_usize);
    for case in cases.iter().filter(|case| is_hit(case)) {
        if case.is_true {
            found += 1;
        } else {
            extra += 1;
        }
    }
    let missed = played.saturating_sub(found);
    2.0 * found as f64 / (2 * found + extra + missed).max(1) as f64
}

/// Coefficients with which the sum of `pieces` tells what `is_true`: logistic regression
/// that begins at `start`, by Newton's method, one coefficient after the other.
fn regress<const N: usize>(
    pieces: &[[f64; N]],
    is_true: impl Fn(usize) -> bool,
    start: [f64; N],
) -> [f64; N] {
    let mut weights = start;
    let sum_of = |pieces: &[f64; N]| -> f64 {
        let products = pieces.iter().zip(&start);
        products.map(|(piece, weight)| piece * weight).sum()
    };
    let mut sums: Vec<f64> = pieces.iter().map(sum_of).collect();
    for _ in 0..SWEEPS {
        for (index, weight) in weights.iter_mut().enumerate() {
            let (mut slope, mut curve) = (-PRIOR * *weight, PRIOR);
            for (case, (pieces, sum)) in pieces.iter().zip(&sums).enumerate() {
                let piece = pieces[index];
                if piece != 0.0 {
                    let chance = 1.0 / (1.0 + (-sum).exp());
                    slope += piece * (f64::from(u8::from(is_true(case))) - chance);
                    curve += piece * piece * chance * (1.0 - chance);
                }
            }
            let step = (slope / curve).clamp(-1.0, 1.0);
            *weight += step;
            for (pieces, sum) in pieces.iter().zip(&mut sums) {
                *sum += step * pieces[index];
            }
        }
    }
    weights
}

/// Weights that tell `cases` apart, and the F that they reach; none if the network's word
/// counts for nothing.
pub(super) fn fit(cases: &[Case], played: usize) -> Option<(EvidenceWeights, f64)> {
    let pieces: Vec<[f64; COUNT]> = cases.iter().map(|case| case.pieces).collect();
    let mut start = [0.0; COUNT];
    start[0] = 1.0;
    let weights = regress(&pieces, |case| cases[case].is_true, start);
    let sum_of = |case: &Case| {
        let products = case.pieces.iter().zip(&weights);
        products.map(|(piece, weight)| piece * weight).sum::<f64>()
    };
    let mut sums: Vec<f64> = cases.iter().map(sum_of).collect();
    sums.sort_by(|a, b| b.total_cmp(a));
    let accepted = cases.iter().filter(|case| case.pieces[0] >= 0.0).count();
    let line = *sums.get(accepted.checked_sub(1)?)?;
    let scale = 1.0 / weights[0];
    if !(scale > 0.0 && scale.is_finite()) {
        return None;
    }
    let scaled = |weight: f64| (scale * weight) as f32;
    let evidence = EvidenceWeights {
        constant: scaled(weights[1] - line),
        weights: std::array::from_fn(|index| scaled(weights[2 + index])),
        ..EvidenceWeights::default()
    };
    let f = f_measure(cases, played, |case| sum_of(case) >= line);
    Some((evidence, f))
}

/// What `weights` make of `case`: at 0 and above a hit.
pub(super) fn sum_of(case: &Case, weights: &EvidenceWeights) -> f64 {
    let heard = case.pieces[2..].iter().zip(weights.weights);
    let heard = heard.map(|(piece, weight)| piece * f64::from(weight));
    let expected = case.expected.iter().zip(weights.expected);
    let expected = expected.map(|(piece, weight)| piece * f64::from(weight));
    case.pieces[0] + f64::from(weights.constant) + heard.chain(expected).sum::<f64>()
}

/// The constant, and how much the rhythm counts, beside all else as `weights` weigh it;
/// none if that counts for nothing. As many candidates are accepted as by the network's word.
pub(super) fn fit_expected(
    cases: &[Case],
    weights: &EvidenceWeights,
) -> Option<(f32, [f32; EXPECTED_COUNT])> {
    let sums: Vec<f64> = cases.iter().map(|case| sum_of(case, weights)).collect();
    let pairs = cases.iter().zip(&sums);
    let pieces: Vec<[f64; 2 + EXPECTED_COUNT]> = pairs
        .map(|(case, sum)| [*sum, 1.0, case.expected[0], case.expected[1]])
        .collect();
    let found = regress(&pieces, |case| cases[case].is_true, [1.0, 0.0, 0.0, 0.0]);
    let expected = [found[2], found[3]].map(|weight| weight / found[0]);
    let sum_of = |p: &[f64; 2 + EXPECTED_COUNT]| p[0] + expected[0] * p[2] + expected[1] * p[3];
    let mut anew: Vec<f64> = pieces.iter().map(sum_of).collect();
    anew.sort_by(|a, b| b.total_cmp(a));
    let accepted = cases.iter().filter(|case| case.pieces[0] >= 0.0).count();
    let line = *anew.get(accepted.checked_sub(1)?)?;
    let constant = f64::from(weights.constant) - line;
    (found[0] > 0.0 && constant.is_finite())
        .then(|| (constant as f32, expected.map(|weight| weight as f32)))
}

/// How much corrections count beside all else, as `weights` weigh it; none if that counts
/// for nothing.
pub(super) fn fit_taught(cases: &[Case], weights: &EvidenceWeights) -> Option<[f32; TAUGHT_COUNT]> {
    let pieces: Vec<[f64; 2 + TAUGHT_COUNT]> = cases
        .iter()
        .map(|case| [sum_of(case, weights), 1.0, case.taught[0], case.taught[1]])
        .collect();
    let found = regress(&pieces, |case| cases[case].is_true, [1.0, 0.0, 0.0, 0.0]);
    let scale = 1.0 / found[0];
    (scale > 0.0 && scale.is_finite()).then(|| [found[2], found[3]].map(|w| (scale * w) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_that_tells_is_found_and_noise_is_not() {
        let cases: Vec<Case> = (0..2_000)
            .map(|n| {
                let mut pieces = [0.0; COUNT];
                pieces[0] = ((n * 37) % 41) as f64 / 10.0 - 2.0;
                pieces[1] = 1.0;
                let (telling, noise) = ((n * 17) % 23, (n * 29) % 31);
                pieces[4] = telling as f64 / 11.0 - 1.0;
                pieces[7] = noise as f64 / 15.0 - 1.0;
                let chance = (n * 7919 % 101) as f64 / 50.0 - 1.0;
                let sum = pieces[0] + 2.0 * pieces[4] + 1.5 * chance;
                Case {
                    pieces,
                    expected: [0.0; EXPECTED_COUNT],
                    taught: [0.0; TAUGHT_COUNT],
                    is_true: sum > 0.0,
                    is_accepted: pieces[0] > 0.0,
                }
            })
            .collect();
        let played = cases.iter().filter(|case| case.is_true).count();
        let (weights, f) = fit(&cases, played).unwrap();
        assert!(f > 0.03 + f_measure(&cases, played, |case| case.is_accepted));
        assert!((1.5..2.5).contains(&weights.weights[2]), "{weights:?}");
        assert!(weights.weights[5].abs() < 0.3, "{weights:?}");
        assert!(weights.weights[0].abs() < 1e-3);
    }

    /// Cases of which one piece beside the network's word says for (`sign` 1) or against.
    fn telling(place: impl Fn(&mut Case, f64), sign: f64) -> Vec<Case> {
        let case = |n: usize| {
            let network = ((n * 37) % 41) as f64 / 10.0 - 2.0;
            let said = ((n * 17) % 23) as f64 / 22.0;
            let chance = (n * 7919 % 101) as f64 / 50.0 - 1.0;
            let mut pieces = [0.0; COUNT];
            (pieces[0], pieces[1]) = (network, 1.0);
            let mut case = Case {
                pieces,
                expected: [0.0; EXPECTED_COUNT],
                taught: [0.0; TAUGHT_COUNT],
                is_true: network + sign * 2.0 * (said - 0.5) + 1.5 * chance > 0.0,
                is_accepted: network > 0.0,
            };
            place(&mut case, said);
            case
        };
        (0..2_000).map(case).collect()
    }

    #[test]
    fn what_the_rhythm_says_is_found() {
        let weights = EvidenceWeights::default();
        for index in 0..EXPECTED_COUNT {
            for sign in [1.0, -1.0] {
                let cases = telling(|case, said| case.expected[index] = said, sign);
                let (constant, expected) = fit_expected(&cases, &weights).unwrap();
                let found = f64::from(expected[index]);
                assert!((1.5..2.5).contains(&(sign * found)), "{expected:?}");
                assert_eq!(expected[1 - index], 0.0);
                let weighed = EvidenceWeights {
                    constant,
                    expected,
                    ..weights
                };
                let accepted = |weights| cases.iter().filter(|c| sum_of(c, weights) >= 0.0).count();
                assert!(accepted(&weights).abs_diff(accepted(&weighed)) < 20);
            }
        }
    }

    #[test]
    fn what_corrections_say_is_found() {
        let weights = EvidenceWeights::default();
        for (index, sign) in [(0, 1.0), (1, -1.0)] {
            let cases = telling(|case, said| case.taught[index] = said, sign);
            let taught = fit_taught(&cases, &weights).unwrap();
            let found = f64::from(taught[index]);
            assert!((1.5..2.5).contains(&(sign * found)), "{taught:?}");
            assert_eq!(taught[1 - index], 0.0);
        }
    }
}
