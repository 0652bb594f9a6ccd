//! How a mixture's shares move to the stems that stand where the sound comes from.

use multiversion::multiversion;

use crate::{drum::STEM_COUNT, front_end::BAND_COUNT, separator::BandMasks, spread::Spread};

/// Least determinant of a covariance of power 1 that is inverted.
pub const LEAST_DETERMINANT: f32 = 1e-6;

/// Writes the mixture's covariance, if each stem has its share of `masks` spread as
/// `spreads` say, to `whole`. Real-time safe.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn sum_mixture(masks: &BandMasks, spreads: &[Spread; STEM_COUNT], whole: &mut Spread) {
    *whole = Spread::NONE;
    for (mask, spread) in masks.iter().zip(spreads) {
        for (band, share) in mask.iter().enumerate() {
            whole.left[band] += share * spread.left[band];
            whole.right[band] += share * spread.right[band];
            whole.both[band] += share * spread.both[band];
            whole.apart[band] += share * spread.apart[band];
        }
    }
}

/// Writes the inverse of `whole` to `inverse`. Real-time safe.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn invert(whole: &Spread, inverse: &mut Spread) {
    for band in 0..BAND_COUNT {
        let common = whole.both[band] * whole.both[band] + whole.apart[band] * whole.apart[band];
        let determinant = (whole.left[band] * whole.right[band] - common).max(LEAST_DETERMINANT);
        inverse.left[band] = whole.right[band] / determinant;
        inverse.right[band] = whole.left[band] / determinant;
        inverse.both[band] = -whole.both[band] / determinant;
        inverse.apart[band] = -whole.apart[band] / determinant;
    }
}

/// Multiplies the shares of the stems in each band by how much better than the others
/// they explain `observed` (of power 1), given the mixture's `inverse` covariance: a
/// step of maximum likelihood (multichannel NMF; Sawada et al. 2013). Real-time safe.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn weigh_shares(
    observed: &Spread,
    inverse: &Spread,
    spreads: &[Spread; STEM_COUNT],
    masks: &mut BandMasks,
) {
    // inverse × observed × inverse
    let mut pull = Spread::NONE;
    for band in 0..BAND_COUNT {
        let [left, right] = [inverse.left[band], inverse.right[band]];
        let [re, im] = [inverse.both[band], inverse.apart[band]];
        let [seen_left, seen_right] = [observed.left[band], observed.right[band]];
        let [seen_re, seen_im] = [observed.both[band], observed.apart[band]];
        let common = re * seen_re + im * seen_im;
        let size = re * re + im * im;
        pull.left[band] = left * left * seen_left + 2.0 * left * common + size * seen_right;
        pull.right[band] = right * right * seen_right + 2.0 * right * common + size * seen_left;
        // Of its product with the conjugate of the inverse, only the turned part is left.
        let turned_re = (re * re - im * im) * seen_re + 2.0 * re * im * seen_im;
        let turned_im = 2.0 * re * im * seen_re - (re * re - im * im) * seen_im;
        let straight = left * seen_left + right * seen_right;
        pull.both[band] = straight * re + left * right * seen_re + turned_re;
        pull.apart[band] = straight * im + left * right * seen_im + turned_im;
    }
    let mut total = [1e-20; BAND_COUNT];
    for (mask, spread) in masks.iter_mut().zip(spreads) {
        for band in 0..BAND_COUNT {
            let along = |other: &Spread| {
                other.left[band] * spread.left[band]
                    + other.right[band] * spread.right[band]
                    + 2.0 * other.both[band] * spread.both[band]
                    + 2.0 * other.apart[band] * spread.apart[band]
            };
            mask[band] *= along(&pull).max(0.0) / along(inverse).max(1e-9);
            total[band] += mask[band];
        }
    }
    for mask in masks {
        for band in 0..BAND_COUNT {
            mask[band] /= total[band];
        }
    }
}

#[cfg(test)]
mod tests {
    use realfft::num_complex::Complex32;

    use super::*;
    use crate::spread::Covariance;

    #[test]
    fn shares_move_by_the_likelihood() {
        let covariance = |left: f32, re: f32, im: f32| Covariance {
            left,
            right: 1.0 - left,
            both: Complex32::new(re, im),
        };
        let observed = covariance(0.6, -0.2, 0.35);
        let stems = [covariance(0.3, 0.1, 0.2), covariance(0.8, -0.1, 0.3)];
        let shares = [0.4, 0.6];
        let mut spreads = [const { Spread::NONE }; STEM_COUNT];
        let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
        let mut seen = Spread::NONE;
        for band in 0..BAND_COUNT {
            seen.set(band, observed);
        }
        for stem in 0..2 {
            masks[stem] = [shares[stem]; BAND_COUNT];
            for band in 0..BAND_COUNT {
                spreads[stem].set(band, stems[stem]);
            }
        }
        let mut inverse = Spread::NONE;
        let mut whole = Spread::NONE;
        sum_mixture(&masks, &spreads, &mut whole);
        invert(&whole, &mut inverse);
        weigh_shares(&seen, &inverse, &spreads, &mut masks);
        // The same by matrices: trace(inverse observed inverse stem) / trace(inverse stem).
        let one = inverse.at(7);
        let ways = |covariance: Covariance| -> [[Complex32; 2]; 2] {
            [
                [covariance.left.into(), covariance.both],
                [covariance.both.conj(), covariance.right.into()],
            ]
        };
        let pulled = observed.through(&ways(one));
        let trace = |a: Covariance, b: Covariance| {
            let [[left, _], [_, right]] = a.times(b);
            (left + right).re
        };
        let factors = stems.map(|stem| trace(pulled, stem) / trace(one, stem));
        let weights = [shares[0] * factors[0], shares[1] * factors[1]];
        let expected = weights[0] / (weights[0] + weights[1]);
        assert!(
            (masks[0][7] - expected).abs() < 1e-5,
            "{} {expected}",
            masks[0][7]
        );
    }
}
