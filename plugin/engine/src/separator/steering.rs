//! Two-channel Wiener filters of the bins of a frame.

use multiversion::multiversion;
use realfft::num_complex::Complex32;

use super::panorama::LEAST_DETERMINANT;
use crate::{front_end::BandMap, spread::Spread};

/// Covariances of all bins.
#[derive(Debug, Clone)]
struct Bins {
    left: Vec<f32>,
    right: Vec<f32>,
    both: Vec<f32>,
    apart: Vec<f32>,
}

impl Bins {
    fn new(bins: usize) -> Bins {
        let empty = vec![0.0; bins];
        Bins {
            left: empty.clone(),
            right: empty.clone(),
            both: empty.clone(),
            apart: empty,
        }
    }

    fn expand(&mut self, spread: &Spread, map: &BandMap) {
        map.expand(&spread.left, &mut self.left);
        map.expand(&spread.right, &mut self.right);
        map.expand(&spread.both, &mut self.both);
        map.expand(&spread.apart, &mut self.apart);
    }
}

/// Takes stems out of both channels of a frame: the covariance of each times the inverse
/// of the mixture's times the frame. Covariances are interpolated between bands before
/// the inverse, so that all stems together are the frame. Real-time safe after
/// construction.
#[derive(Debug)]
pub struct Steering {
    part: Bins,
    /// The mixture's inverse × the frame.
    whitened: [Vec<Complex32>; 2],
}

impl Steering {
    /// For spectra of `bins` bins. Allocates.
    pub fn new(bins: usize) -> Steering {
        Steering {
            part: Bins::new(bins),
            whitened: [
                vec![Complex32::default(); bins],
                vec![Complex32::default(); bins],
            ],
        }
    }

    /// Takes a frame whose stems have the covariance `whole` together. Real-time safe.
    pub fn begin(&mut self, frame: [&[Complex32]; 2], whole: &Spread, map: &BandMap) {
        self.part.expand(whole, map);
        whiten(frame, &self.part, &mut self.whitened);
    }

    /// Writes the stem with covariance `part` to both channels of `out`. Real-time safe.
    pub fn take(&mut self, part: &Spread, map: &BandMap, out: &mut [Vec<Complex32>; 2]) {
        self.part.expand(part, map);
        filter(&self.whitened, &self.part, out);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn whiten([left, right]: [&[Complex32]; 2], whole: &Bins, whitened: &mut [Vec<Complex32>; 2]) {
    let count = left.len();
    let right = &right[..count];
    let (whole_left, whole_right) = (&whole.left[..count], &whole.right[..count]);
    let (both, apart) = (&whole.both[..count], &whole.apart[..count]);
    let [to_left, to_right] = whitened;
    let (to_left, to_right) = (&mut to_left[..count], &mut to_right[..count]);
    for bin in 0..count {
        let common = both[bin] * both[bin] + apart[bin] * apart[bin];
        let determinant = (whole_left[bin] * whole_right[bin] - common).max(LEAST_DETERMINANT);
        let scale = 1.0 / determinant;
        let (l, r) = (left[bin], right[bin]);
        let (from_left, from_right) = (scale * whole_right[bin], scale * whole_left[bin]);
        let (re, im) = (scale * both[bin], scale * apart[bin]);
        to_left[bin].re = from_left * l.re - re * r.re + im * r.im;
        to_left[bin].im = from_left * l.im - re * r.im - im * r.re;
        to_right[bin].re = from_right * r.re - re * l.re - im * l.im;
        to_right[bin].im = from_right * r.im - re * l.im + im * l.re;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn filter(whitened: &[Vec<Complex32>; 2], part: &Bins, out: &mut [Vec<Complex32>; 2]) {
    let [left, right] = whitened;
    let count = left.len();
    let right = &right[..count];
    let (part_left, part_right) = (&part.left[..count], &part.right[..count]);
    let (both, apart) = (&part.both[..count], &part.apart[..count]);
    let [to_left, to_right] = out;
    let (to_left, to_right) = (&mut to_left[..count], &mut to_right[..count]);
    for bin in 0..count {
        let (l, r) = (left[bin], right[bin]);
        let (re, im) = (both[bin], apart[bin]);
        to_left[bin].re = part_left[bin] * l.re + re * r.re - im * r.im;
        to_left[bin].im = part_left[bin] * l.im + re * r.im + im * r.re;
        to_right[bin].re = part_right[bin] * r.re + re * l.re + im * l.im;
        to_right[bin].im = part_right[bin] * r.im + re * l.im - im * l.re;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{front_end::BAND_COUNT, spread::Covariance};

    const BINS: usize = 513;

    #[test]
    fn parts_of_a_frame_sum_to_it_and_follow_their_covariance() {
        let map = BandMap::new(44_100.0, 1024);
        let wave = |phase: f32| -> Vec<Complex32> {
            let bins = (0..BINS).map(|bin| bin as f32);
            bins.map(|bin| Complex32::from_polar(1.0 + (bin * 0.1).sin(), phase * bin))
                .collect()
        };
        let (left, right) = (wave(0.7), wave(1.9));
        let part = |band: usize| Covariance {
            left: 0.3 + 0.001 * band as f32,
            right: 0.2,
            both: Complex32::new(0.1, -0.15),
        };
        let rest = |band: usize| Covariance {
            left: 0.1,
            right: 0.4 - 0.002 * band as f32,
            both: Complex32::new(-0.02, 0.05),
        };
        let (mut first, mut second, mut whole) = (Spread::NONE, Spread::NONE, Spread::NONE);
        for band in 0..BAND_COUNT {
            first.set(band, part(band));
            second.set(band, rest(band));
            whole.add(band, 1.0, part(band));
            whole.add(band, 1.0, rest(band));
        }
        let mut steering = Steering::new(BINS);
        let empty = || {
            [
                vec![Complex32::default(); BINS],
                vec![Complex32::default(); BINS],
            ]
        };
        let (mut a, mut b) = (empty(), empty());
        steering.begin([&left, &right], &whole, &map);
        steering.take(&first, &map, &mut a);
        steering.take(&second, &map, &mut b);
        for bin in 0..BINS {
            assert!((a[0][bin] + b[0][bin] - left[bin]).norm() < 1e-4);
            assert!((a[1][bin] + b[1][bin] - right[bin]).norm() < 1e-4);
        }
        // In the middle of a band, by matrices.
        let band = 7;
        let total = whole.at(band);
        let determinant = total.left * total.right - total.both.norm_sqr();
        let inverse = Covariance {
            left: total.right / determinant,
            right: total.left / determinant,
            both: -total.both / determinant,
        };
        let [[x, y], _] = part(band).times(inverse);
        let bin = band + 1;
        let expected = x * left[bin] + y * right[bin];
        assert!(
            (a[0][bin] - expected).norm() < 1e-3,
            "{} {expected}",
            a[0][bin]
        );
    }
}
