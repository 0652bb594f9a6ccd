//! How sound is spread over the two channels, per band.

mod covariance;

use std::f32::consts::FRAC_PI_4;

use multiversion::multiversion;
use realfft::num_complex::Complex32;

use crate::front_end::{BAND_COUNT, BandMap};
pub use covariance::{Covariance, Ways};

/// One value per band.
pub type Bands = [f32; BAND_COUNT];

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
