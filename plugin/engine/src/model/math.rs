//! Exponential, sigmoid and hyperbolic tangent; multiplication with addition.
//!
//! The functions of the system's mathematical library differ between
//! platforms and do not vectorise. These use additions, multiplications and
//! divisions only, which every processor rounds alike, so that they give the
//! same bits everywhere; every input, NaN included, has a finite result.

/// Beyond ± this the results stop changing; `exp` stays a normal number.
const LIMIT: f32 = 87.0;

/// 1.5 · 2²³: adding and subtracting it rounds to an integer.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has few enough bits that its products with
/// integers are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `x` limited to ±[`LIMIT`]; NaN becomes the lower limit.
#[inline(always)]
fn limit(x: f32) -> f32 {
    let x = if x > -LIMIT { x } else { -LIMIT };
    if x < LIMIT { x } else { LIMIT }
}

/// e^x for `x` limited to ±87, with a relative error below 2e-7.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = limit(x);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let r = x - power * LN_2_HIGH - power * LN_2_LOW;
    // (e^r − 1 − r) / r², interpolated at Chebyshev nodes on ±ln 2 / 2.
    let tail = 0.001_392_632_6 * r + 0.008_363_293;
    let tail = tail * r + 0.041_666_552;
    let tail = tail * r + 0.166_665_76;
    let tail = tail * r + 0.5;
    let fraction = tail * (r * r) + r + 1.0;
    // The low bits of `shifted` hold the power of two; move them to the
    // exponent. `power` lies within ±126, so no overflow.
    let scale = (shifted.to_bits() << 23).wrapping_add(0x3f80_0000);
    fraction * f32::from_bits(scale)
}

/// 1 / (1 + e^−x), relative error below 1e-6, always in 0..=1.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent, relative error below 1e-6, always in −1..=1.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let magnitude = limit(x).abs();
    let large = 1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0);
    // (tanh(m)/m − 1) / m², interpolated at Chebyshev nodes on 0..0.625.
    let s = magnitude * magnitude;
    let tail = -0.006_094_555 * s + 0.020_995_695;
    let tail = tail * s - 0.053_850_595;
    let tail = tail * s + 0.133_327_68;
    let tail = tail * s - 0.333_333_28;
    let small = tail * s * magnitude + magnitude;
    let result = if magnitude < 0.625 { small } else { large };
    if x < 0.0 { -result } else { result }
}

/// `a * b + c`, rounded once if `FUSED` (fast only where the processor has the
/// instruction), else twice.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest relative error against f64 on a dense grid over ±`range`.
    fn worst(range: f64, ours: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
        (-200_000..=200_000)
            .map(|step| {
                let x = (f64::from(step) / 200_000.0 * range) as f32;
                let want = exact(f64::from(x));
                let error = (f64::from(ours(x)) - want).abs();
                if want == 0.0 {
                    error
                } else {
                    error / want.abs()
                }
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn are_accurate_over_their_whole_range() {
        let sigmoid_exact = |x: f64| 1.0 / (1.0 + (-x).exp());
        for range in [1e-3, 1.0, 10.0, 86.9] {
            assert!(worst(range, exp, f64::exp) < 2e-7, "exp, ±{range}");
            assert!(
                worst(range, sigmoid, sigmoid_exact) < 1e-6,
                "sigmoid, ±{range}"
            );
            assert!(worst(range, tanh, f64::tanh) < 1e-6, "tanh, ±{range}");
        }
    }

    #[test]
    fn stay_in_their_range_for_every_kind_of_input() {
        let odd = [
            f32::NAN,
            -f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            1e-42,
            -1e-42,
            0.0,
            -0.0,
        ];
        // Every exponent and sign, with a spread of mantissas.
        let swept = (0..=u16::MAX).map(|high| f32::from_bits(u32::from(high) << 16 | 0x1234));
        for x in odd.into_iter().chain(swept) {
            assert!(exp(x).is_normal(), "exp({x}) = {}", exp(x));
            assert!(
                (0.0..=1.0).contains(&sigmoid(x)),
                "sigmoid({x}) = {}",
                sigmoid(x)
            );
            assert!((-1.0..=1.0).contains(&tanh(x)), "tanh({x}) = {}", tanh(x));
        }
        assert_eq!(tanh(0.0), 0.0);
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(exp(0.0), 1.0);
    }
}
