//! Activation functions that the compiler can vectorise.

/// e^x with a relative error below 3e-7; saturates instead of overflowing.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Adding 1.5·2^23 rounds to an integer in the low mantissa bits.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let exponent = shifted - 12_582_912.0;
    let rest = (x - exponent * 0.693_359_4) + exponent * 2.121_944_4e-4;
    let mut series = 1.987_569_1e-4_f32;
    series = series * rest + 1.398_199_9e-3;
    series = series * rest + 8.333_452e-3;
    series = series * rest + 4.166_579_6e-2;
    series = series * rest + 1.666_666_5e-1;
    series = series * rest + 0.5;
    let mantissa = series * rest * rest + rest + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    mantissa * power
}

/// 1 / (1 + e^−x).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// ln(1 + e^x) without overflow.
#[inline]
pub fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        for step in -2_000..=2_000 {
            let x = step as f32 * 0.03;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "exp {x}");
            assert!((tanh(x) - x.tanh()).abs() < 3e-7, "tanh {x}");
            assert!(
                (sigmoid(x) - 1.0 / (1.0 + (-x).exp())).abs() < 2e-7,
                "sigmoid {x}"
            );
        }
    }

    #[test]
    fn saturates() {
        assert!(exp(1e9).is_finite());
        assert!(exp(-1e9) < 1e-37);
        assert_eq!(tanh(1e9), 1.0);
        assert_eq!(softplus(1e4), 1e4);
    }
}
