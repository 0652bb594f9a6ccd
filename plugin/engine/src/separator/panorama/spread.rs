//! How sound is spread over the two channels, per band.

use std::f32::consts::FRAC_PI_4;

use multiversion::multiversion;
use realfft::num_complex::Complex32;

use super::Covariance;
use crate::{
    drum::STEM_COUNT,
    front_end::{BAND_COUNT, BandMap},
    separator::BandMasks,
};

/// One value per band.
pub type Bands = [f32; BAND_COUNT];

/// Least determinant of a covariance of power 1 that is inverted.
pub const LEAST_DETERMINANT: f32 = 1e-6;

/// Covariance of the two channels per band: as a description of a stem, of power 1 in
/// both channels together.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Power in the left channel.
    pub left: Bands,
    /// Power in the right channel.
    pub right: Bands,
    /// What both channels have in common: the real part of left × conjugate of right.
    pub both: Bands,
    /// The imaginary part: what one channel has later than the other.
    pub apart: Bands,
}

impl Spread {
    /// Nothing at all.
    pub const NONE: Spread = Spread {
        left: [0.0; BAND_COUNT],
        right: [0.0; BAND_COUNT],
        both: [0.0; BAND_COUNT],
        apart: [0.0; BAND_COUNT],
    };
    /// As much in both channels, with nothing in common.
    pub const EVEN: Spread = Spread {
        left: [0.5; BAND_COUNT],
        right: [0.5; BAND_COUNT],
        ..Spread::NONE
    };

    /// The covariance of two spectra; `values` is room for those of every bin.
    /// Real-time safe.
    pub fn of(
        [left, right]: [&[Complex32]; 2],
        map: &BandMap,
        values: &mut [[f32; 4]],
        spread: &mut Spread,
    ) {
        multiply(left, right, values);
        let Spread {
            left,
            right,
            both,
            apart,
        } = spread;
        map.reduce_all(values, [left, right, both, apart]);
    }

    /// The covariance in `band`. Real-time safe.
    #[inline(always)]
    pub fn at(&self, band: usize) -> Covariance {
        Covariance {
            left: self.left[band],
            right: self.right[band],
            both: Complex32::new(self.both[band], self.apart[band]),
        }
    }

    /// Sets the covariance in `band`. Real-time safe.
    #[inline(always)]
    pub fn set(&mut self, band: usize, covariance: Covariance) {
        self.left[band] = covariance.left;
        self.right[band] = covariance.right;
        self.both[band] = covariance.both.re;
        self.apart[band] = covariance.both.im;
    }

    /// Adds `weight` × a covariance to `band`. Real-time safe.
    #[inline(always)]
    pub fn add(&mut self, band: usize, weight: f32, covariance: Covariance) {
        self.left[band] += weight * covariance.left;
        self.right[band] += weight * covariance.right;
        self.both[band] += weight * covariance.both.re;
        self.apart[band] += weight * covariance.both.im;
    }

    /// Writes the part of it that `mask` leaves to `part`. Real-time safe.
    pub fn share(&self, mask: &Bands, part: &mut Spread) {
        for (band, share) in mask.iter().enumerate() {
            part.left[band] = share * self.left[band];
            part.right[band] = share * self.right[band];
            part.both[band] = share * self.both[band];
            part.apart[band] = share * self.apart[band];
        }
    }

    /// Power of both channels in `band`. Real-time safe.
    #[inline(always)]
    pub fn power(&self, band: usize) -> f32 {
        self.left[band] + self.right[band]
    }

    /// Writes the same of power 1 in each band to `proportions`; [`Spread::EVEN`] where
    /// there is nothing. Real-time safe.
    pub fn normalise(&self, proportions: &mut Spread) {
        for band in 0..BAND_COUNT {
            let power = self.power(band);
            let covariance = if power > 1e-20 {
                self.at(band).scaled(1.0 / power)
            } else {
                Spread::EVEN.at(band)
            };
            proportions.set(band, covariance);
        }
    }

    /// Where the whole is between left (−1) and right (1), by the law of constant power.
    /// Real-time safe.
    pub fn pan(&self) -> f32 {
        let whole = self.whole();
        let [left, right] = [whole.left, whole.right].map(|power| power.max(0.0).sqrt());
        if left + right > 0.0 {
            right.atan2(left) / FRAC_PI_4 - 1.0
        } else {
            0.0
        }
    }

    /// Sum over all bands; of what the channels have in common, without what lies
    /// apart, which turns from band to band. Real-time safe.
    pub fn whole(&self) -> Covariance {
        let sum = |bands: &Bands| bands.iter().sum();
        Covariance {
            left: sum(&self.left),
            right: sum(&self.right),
            both: Complex32::new(sum(&self.both), 0.0),
        }
    }
}

/// Writes the covariance of each bin, in the order of [`Spread`].
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn multiply(left: &[Complex32], right: &[Complex32], values: &mut [[f32; 4]]) {
    for ((value, left), right) in values.iter_mut().zip(left).zip(right) {
        *value = [
            left.norm_sqr(),
            right.norm_sqr(),
            left.re * right.re + left.im * right.im,
            left.im * right.re - left.re * right.im,
        ];
    }
}

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
    use super::*;

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
