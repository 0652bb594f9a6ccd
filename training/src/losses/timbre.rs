//! The loss that makes the embedding describe the kit.

/// Mean squared error of `found` at the places where `wanted` is not NaN, and
/// its gradient times `factor`. Allocates.
pub fn timbre_loss(factor: f32, found: &[f32], wanted: &[f32]) -> (f64, Vec<f32>) {
    let known = wanted.iter().filter(|value| !value.is_nan()).count();
    let scale = 1.0 / known.max(1) as f32;
    let mut sum = 0.0_f64;
    let gradient = found
        .iter()
        .zip(wanted)
        .map(|(found, wanted)| {
            if wanted.is_nan() {
                return 0.0;
            }
            let difference = found - wanted;
            sum += f64::from(difference * difference);
            2.0 * factor * scale * difference
        })
        .collect();
    (sum * f64::from(scale), gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_places_do_not_count() {
        let (loss, gradient) = timbre_loss(0.5, &[1.0, 2.0, 3.0], &[0.0, f32::NAN, 3.0]);
        assert_eq!(loss, 0.5);
        assert_eq!(gradient, [0.5, 0.0, 0.0]);
    }
}
