//! Covariances of two channels.

use realfft::num_complex::Complex32;

/// Covariance of two channels: a Hermitian matrix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Covariance {
    /// Power of the left channel.
    pub left: f32,
    /// Power of the right channel.
    pub right: f32,
    /// Left × conjugate of right.
    pub both: Complex32,
}

/// A matrix of two rows: how output channels are made of input channels.
pub type Ways = [[Complex32; 2]; 2];

impl Covariance {
    /// Power of both channels. Real-time safe.
    #[inline(always)]
    pub fn power(self) -> f32 {
        self.left + self.right
    }

    /// The same, `factor` times as strong. Real-time safe.
    #[inline(always)]
    pub fn scaled(self, factor: f32) -> Covariance {
        Covariance {
            left: factor * self.left,
            right: factor * self.right,
            both: self.both * factor,
        }
    }

    /// The product with `inverse`: the two-channel Wiener filter of a part of a mixture
    /// whose covariance has that inverse. Real-time safe.
    #[inline(always)]
    pub fn times(self, inverse: Covariance) -> Ways {
        let other = inverse.both.conj();
        [
            [
                self.both * other + self.left * inverse.left,
                inverse.both * self.left + self.both * inverse.right,
            ],
            [
                self.both.conj() * inverse.left + other * self.right,
                self.both.conj() * inverse.both + self.right * inverse.right,
            ],
        ]
    }

    /// `ways` × this × the conjugate transpose of `ways`: the covariance of what
    /// `ways` makes of it. Real-time safe.
    #[inline(always)]
    pub fn through(self, ways: &Ways) -> Covariance {
        let [[a, b], [c, d]] = *ways;
        let row = |from_left: Complex32, from_right: Complex32| {
            (
                from_left * self.left + from_right * self.both.conj(),
                from_left * self.both + from_right * self.right,
            )
        };
        let (left, right) = row(a, b);
        let (other_left, other_right) = row(c, d);
        Covariance {
            left: (left * a.conj() + right * b.conj()).re,
            right: (other_left * c.conj() + other_right * d.conj()).re,
            both: left * c.conj() + right * d.conj(),
        }
    }

    /// What this part of a mixture is expected to be after `observed` was seen of the
    /// whole: what its filter makes of it, and what the filter leaves unknown
    /// (Duong, Vincent & Gribonval 2010, eq. 29). Real-time safe.
    #[inline(always)]
    pub fn posterior(self, inverse: Covariance, observed: Covariance) -> Covariance {
        let ways = self.times(inverse);
        let [[a, b], [c, d]] = ways;
        let seen = observed.through(&ways);
        let unknown_left = self.left - (a * self.left + b * self.both.conj()).re;
        let unknown_right = self.right - (c * self.both + d * self.right).re;
        let unknown_both = self.both - (a * self.both + b * self.right);
        Covariance {
            left: seen.left + unknown_left,
            right: seen.right + unknown_right,
            both: seen.both + unknown_both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inverse_of(covariance: Covariance) -> Covariance {
        let determinant = covariance.left * covariance.right - covariance.both.norm_sqr();
        Covariance {
            left: covariance.right / determinant,
            right: covariance.left / determinant,
            both: -covariance.both / determinant,
        }
    }

    #[test]
    fn times_its_inverse_is_one() {
        let covariance = Covariance {
            left: 0.7,
            right: 0.5,
            both: Complex32::new(0.2, -0.4),
        };
        let [[a, b], [c, d]] = covariance.times(inverse_of(covariance));
        assert!((a - 1.0).norm() < 1e-5 && (d - 1.0).norm() < 1e-5);
        assert!(b.norm() < 1e-5 && c.norm() < 1e-5);
    }

    #[test]
    fn a_sound_that_is_the_whole_is_expected_as_it_is_seen() {
        let covariance = Covariance {
            left: 0.7,
            right: 0.5,
            both: Complex32::new(0.2, -0.4),
        };
        let observed = Covariance {
            left: 0.1,
            right: 0.9,
            both: Complex32::new(-0.1, 0.2),
        };
        let expected = covariance.posterior(inverse_of(covariance), observed);
        assert!((expected.left - 0.1).abs() < 1e-5 && (expected.right - 0.9).abs() < 1e-5);
        assert!((expected.both - observed.both).norm() < 1e-5);
        // Nothing is known of what is not there.
        let silent = Covariance::default().posterior(inverse_of(covariance), observed);
        assert_eq!(silent.power(), 0.0);
    }
}
