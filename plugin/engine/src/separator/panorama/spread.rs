//! How sound is spread over the two channels, per band.

use std::f32::consts::FRAC_PI_4;

use multiversion::multiversion;

use crate::{
    drum::STEM_COUNT,
    front_end::{BAND_COUNT, BandMap},
    separator::BandMasks,
};
use realfft::num_complex::Complex32;

/// One value per band.
pub type Bands = [f32; BAND_COUNT];

/// Least determinant of a covariance of power 1 that is inverted.
const LEAST_DETERMINANT: f32 = 1e-6;

/// Covariance of the two channels per band, without phase: as a description of a
/// stem, of power 1 in both channels together.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Power in the left channel.
    pub left: Bands,
    /// Power in the right channel.
    pub right: Bands,
    /// What both channels have in common.
    pub both: Bands,
}

impl Spread {
    /// Nothing at all.
    pub const NONE: Spread = Spread {
        left: [0.0; BAND_COUNT],
        right: [0.0; BAND_COUNT],
        both: [0.0; BAND_COUNT],
    };
    /// As much in both channels, with nothing in common.
    pub const EVEN: Spread = Spread {
        left: [0.5; BAND_COUNT],
        right: [0.5; BAND_COUNT],
        both: [0.0; BAND_COUNT],
    };

    /// The covariance of two spectra; `power` is room for one value per bin.
    /// Real-time safe.
    pub fn of(
        [left, right]: [&[Complex32]; 2],
        map: &BandMap,
        power: &mut [f32],
        spread: &mut Spread,
    ) {
        let bins = || left.iter().zip(right);
        for (power, (l, _)) in power.iter_mut().zip(bins()) {
            *power = l.norm_sqr();
        }
        map.reduce(power, &mut spread.left);
        for (power, (_, r)) in power.iter_mut().zip(bins()) {
            *power = r.norm_sqr();
        }
        map.reduce(power, &mut spread.right);
        for (power, (l, r)) in power.iter_mut().zip(bins()) {
            *power = l.re * r.re + l.im * r.im;
        }
        map.reduce(power, &mut spread.both);
    }

    /// Power of both channels in `band`. Real-time safe.
    pub fn power(&self, band: usize) -> f32 {
        self.left[band] + self.right[band]
    }

    /// Writes the same of power 1 in each band to `proportions`; [`Spread::EVEN`] where
    /// there is nothing. Real-time safe.
    pub fn normalise(&self, proportions: &mut Spread) {
        for band in 0..BAND_COUNT {
            let power = self.power(band);
            let [left, right, both] = if power > 1e-20 {
                self.at(band).map(|value| value / power)
            } else {
                [0.5, 0.5, 0.0]
            };
            proportions.left[band] = left;
            proportions.right[band] = right;
            proportions.both[band] = both;
        }
    }

    /// Adds `weight` × a covariance to `band`. Real-time safe.
    pub fn add(&mut self, band: usize, weight: f32, covariance: [f32; 3]) {
        self.left[band] += weight * covariance[0];
        self.right[band] += weight * covariance[1];
        self.both[band] += weight * covariance[2];
    }

    /// Left, right and common power of `band`. Real-time safe.
    pub fn at(&self, band: usize) -> [f32; 3] {
        [self.left[band], self.right[band], self.both[band]]
    }

    /// Where the whole is between left (−1) and right (1), by the law of constant power.
    /// Real-time safe.
    pub fn pan(&self) -> f32 {
        let [left, right, _] = self.whole().map(|power| power.max(0.0).sqrt());
        if left + right > 0.0 {
            right.atan2(left) / FRAC_PI_4 - 1.0
        } else {
            0.0
        }
    }

    /// Sums over all bands. Real-time safe.
    pub fn whole(&self) -> [f32; 3] {
        [&self.left, &self.right, &self.both].map(|bands| bands.iter().sum())
    }
}

/// Writes the inverse of the mixture's covariance, if each stem has its share of
/// `masks` spread as `spreads` say, to `inverse`. Real-time safe.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn invert_mixture(masks: &BandMasks, spreads: &[Spread; STEM_COUNT], inverse: &mut Spread) {
    let mut sum = Spread::NONE;
    for (mask, spread) in masks.iter().zip(spreads) {
        for band in 0..BAND_COUNT {
            sum.left[band] += mask[band] * spread.left[band];
            sum.right[band] += mask[band] * spread.right[band];
            sum.both[band] += mask[band] * spread.both[band];
        }
    }
    for band in 0..BAND_COUNT {
        let [left, right, both] = [sum.left[band], sum.right[band], sum.both[band]];
        let determinant = (left * right - both * both).max(LEAST_DETERMINANT);
        inverse.left[band] = right / determinant;
        inverse.right[band] = left / determinant;
        inverse.both[band] = -both / determinant;
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
    let mut pull = Spread::NONE;
    for band in 0..BAND_COUNT {
        let [left, right, both] = [inverse.left[band], inverse.right[band], inverse.both[band]];
        let [seen_left, seen_right, seen_both] = [
            observed.left[band],
            observed.right[band],
            observed.both[band],
        ];
        // inverse × observed × inverse
        let (a, b) = (
            left * seen_left + both * seen_both,
            left * seen_both + both * seen_right,
        );
        let (c, d) = (
            both * seen_left + right * seen_both,
            both * seen_both + right * seen_right,
        );
        pull.left[band] = a * left + b * both;
        pull.both[band] = a * both + b * right;
        pull.right[band] = c * both + d * right;
    }
    let mut total = [1e-20; BAND_COUNT];
    for (mask, spread) in masks.iter_mut().zip(spreads) {
        for band in 0..BAND_COUNT {
            let up = pull.left[band] * spread.left[band]
                + pull.right[band] * spread.right[band]
                + 2.0 * pull.both[band] * spread.both[band];
            let down = inverse.left[band] * spread.left[band]
                + inverse.right[band] * spread.right[band]
                + 2.0 * inverse.both[band] * spread.both[band];
            mask[band] *= up.max(0.0) / down.max(1e-9);
            total[band] += mask[band];
        }
    }
    for mask in masks {
        for band in 0..BAND_COUNT {
            mask[band] /= total[band];
        }
    }
}
