//! Weights at half their size: the upper half of an `f32` (bfloat16), eight
//! bits of precision over the full range.
//!
//! A dense layer reads all its weights for every frame, so its speed is that
//! of the memory they come from. Nothing is rounded here: a matrix is kept at
//! half size only if every weight survives unchanged, which training sees to
//! when it exports a model.

/// The bits of an `f32` that are kept.
const KEPT: u32 = 0xffff_0000;

/// The weight nearest to `weight` that the engine can keep at half size; of two
/// equally near ones, the one whose last bit is zero. The relative error is at
/// most 1/256 (0.4 %). What would round to infinity is cut instead; what is not
/// finite stays as it is. Real-time safe.
pub fn round_to_half(weight: f32) -> f32 {
    if !weight.is_finite() {
        return weight;
    }
    let bits = weight.to_bits();
    let last = (bits >> 16) & 1;
    let rounded = f32::from_bits((bits + 0x7fff + last) & KEPT);
    if rounded.is_finite() {
        rounded
    } else {
        f32::from_bits(bits & KEPT)
    }
}

/// True if `weight` is the same at half size.
pub(super) fn fits(weight: f32) -> bool {
    weight.to_bits() & !KEPT == 0
}

/// Two weights that fit, in one word.
pub(super) fn join(low: f32, high: f32) -> u32 {
    low.to_bits() >> 16 | high.to_bits() & KEPT
}

/// The first weight of a word. Real-time safe.
#[inline(always)]
pub(super) fn low(word: u32) -> f32 {
    f32::from_bits(word << 16)
}

/// The second weight of a word. Real-time safe.
#[inline(always)]
pub(super) fn high(word: u32) -> f32 {
    f32::from_bits(word & KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_weight_fits_and_comes_back_with_all_its_bits() {
        for bits in 0..=u16::MAX {
            let weight = f32::from_bits(u32::from(bits) << 16);
            assert!(fits(weight));
            let other = f32::from_bits(u32::from(!bits) << 16);
            let word = join(weight, other);
            assert_eq!(low(word).to_bits(), weight.to_bits());
            assert_eq!(high(word).to_bits(), other.to_bits());
            if weight.is_finite() {
                assert_eq!(round_to_half(weight).to_bits(), weight.to_bits());
            }
        }
    }

    #[test]
    fn weights_with_more_bits_do_not_fit() {
        for weight in [0.1, -0.3, 1.0 + f32::EPSILON, f32::MAX, 1e-42] {
            assert!(!fits(weight), "{weight}");
            assert!(fits(round_to_half(weight)), "{weight}");
        }
        for weight in [0.0, -0.0, 1.0, -1.75, 0.015_625, f32::INFINITY] {
            assert!(fits(weight), "{weight}");
        }
    }

    #[test]
    fn rounding_takes_the_nearest_weight() {
        // The neighbours of 1 are 1/128 apart above it, 1/256 below it.
        assert_eq!(round_to_half(1.003), 1.0);
        assert_eq!(round_to_half(1.005), 1.007_812_5);
        assert_eq!(round_to_half(-0.997), -0.996_093_75);
        // Ties go to the even neighbour, on either side.
        assert_eq!(round_to_half(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(round_to_half(1.0 + 3.0 / 256.0), 1.015_625);
        let mut weight = 1e-30_f32;
        while weight < 1e30 {
            let error = (round_to_half(weight) - weight).abs();
            assert!(error <= weight / 256.0, "{weight}: {error}");
            weight *= 1.001_3;
        }
        assert_eq!(
            round_to_half(f32::MAX),
            f32::from_bits(f32::MAX.to_bits() & KEPT)
        );
        assert!(round_to_half(f32::NAN).is_nan());
    }
}
