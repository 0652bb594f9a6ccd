//! Weights that the engine keeps at half size.

use idm_engine::model::round_to_half;

use crate::network::Weights;

/// Layers that are not part of the transcriber: rounding them would gain nothing.
const OTHER_LAYERS: [&str; 2] = ["timbre.weight", "choice.weight"];

/// Rounds the matrices of the transcriber's dense layers to eight bits of
/// precision, so that the engine keeps them at half size and reads half as much
/// memory per frame. Convolutions, biases and the choice of one-shots stay as
/// they are. Weights that are rounded already do not change.
///
/// What the rounded network computes differs from what was trained: each matrix
/// by about 0.17 % (root of the mean square), its outputs by about as much.
pub fn round_matrices(weights: &mut Weights) {
    for tensor in weights.tensors_mut() {
        if tensor.shape.len() == 2 && !OTHER_LAYERS.contains(&tensor.name.as_str()) {
            for value in &mut tensor.values {
                *value = round_to_half(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::initial_weights;

    #[test]
    fn only_matrices_of_the_transcriber_are_rounded() {
        let trained = initial_weights(3);
        let mut rounded = trained.clone();
        round_matrices(&mut rounded);
        for (before, after) in trained.tensors().iter().zip(rounded.tensors()) {
            let matrix = before.name.ends_with(".weight");
            let other = before.name.starts_with("conv") || OTHER_LAYERS.contains(&&*before.name);
            if !matrix || other {
                assert_eq!(before, after);
                continue;
            }
            assert_eq!(before.shape, after.shape);
            let square = |values: &mut dyn Iterator<Item = f32>| {
                values.map(|x| f64::from(x).powi(2)).sum::<f64>()
            };
            let pairs = before.values.iter().zip(&after.values);
            let error = square(&mut pairs.map(|(before, after)| before - after));
            let error = (error / square(&mut before.values.iter().copied())).sqrt();
            assert!((0.001..0.002).contains(&error), "{}: {error}", before.name);
        }
        let once = rounded.clone();
        round_matrices(&mut rounded);
        assert_eq!(rounded, once);
    }
}
