//! Weights of a smaller network in those of a larger one.

use anyhow::{Result, ensure};
use idm_engine::front_end::LOW_BAND_COUNT;

use crate::network::{DETAIL, NamedTensor, UNITS};

/// Widths of the network that is grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Widths {
    units: usize,
    detail: usize,
}

impl Widths {
    /// Those of the network that has the weights `found`.
    pub(super) fn of(found: &[NamedTensor]) -> Widths {
        let layer = found.iter().find(|tensor| tensor.name == "detail.weight");
        match layer.map(|tensor| tensor.shape.as_slice()) {
            Some(&[units, detail]) => Widths { units, detail },
            _ => Widths {
                units: UNITS,
                detail: DETAIL,
            },
        }
    }
}

/// Puts the smaller `old` into `tensor`: dense weights `[inputs, outputs]`,
/// convolutions `[outputs, inputs, ..]`, biases `[outputs]`. Old outputs ignore
/// new inputs.
pub(super) fn grow(tensor: &mut NamedTensor, old: &NamedTensor, widths: Widths) -> Result<()> {
    let fits = tensor.shape.len() == old.shape.len()
        && tensor
            .shape
            .iter()
            .zip(&old.shape)
            .all(|(new, old)| new >= old);
    ensure!(
        fits,
        "{}: expected shape {:?}, found {:?}",
        tensor.name,
        tensor.shape,
        old.shape
    );
    let outputs_axis = usize::from(tensor.shape.len() == 2);
    let shape = tensor.shape.clone();
    let origins: Vec<Vec<Option<usize>>> = (0..shape.len())
        .map(|axis| {
            let sizes = (shape[axis], old.shape[axis]);
            let parts = if axis == outputs_axis {
                output_parts(&tensor.name, sizes)
            } else {
                input_parts(&tensor.name, sizes, widths)
            };
            let lengths = parts.iter().map(|(_, old)| old).sum::<usize>();
            ensure!(
                lengths == sizes.1,
                "{}: expected parts of {lengths} values along axis {axis}, found {}",
                tensor.name,
                sizes.1
            );
            Ok(origins(&parts))
        })
        .collect::<Result<_>>()?;
    for (flat, value) in tensor.values.iter_mut().enumerate() {
        let place = position(flat, &shape);
        let is_new_output = origins
            .get(outputs_axis)
            .is_some_and(|axis| axis[place[outputs_axis]].is_none());
        if is_new_output {
            continue;
        }
        let mut from = Some(0);
        for ((at, axis), size) in place.iter().zip(&origins).zip(&old.shape) {
            from = from.zip(axis[*at]).map(|(from, at)| from * size + at);
        }
        *value = from.map_or(0.0, |from| old.values[from]);
    }
    Ok(())
}

/// Lengths now and before of the parts, each grown at its end, that the inputs of
/// the weights called `name` consist of; `sizes` are those of all of them.
fn input_parts(name: &str, (new, old): (usize, usize), widths: Widths) -> Vec<(usize, usize)> {
    if name == "dense.weight" {
        let low = LOW_BAND_COUNT.min(old);
        return vec![(new - low, old - low), (low, low)];
    }
    if name.ends_with("_hidden.weight") {
        // State, frame code, detail codes.
        let details = new.saturating_sub(2 * UNITS) / DETAIL;
        let mut parts = vec![(UNITS, widths.units); 2];
        parts.extend(std::iter::repeat_n((DETAIL, widths.detail), details));
        return parts;
    }
    vec![(new, old)]
}

/// The same for outputs.
fn output_parts(name: &str, (new, old): (usize, usize)) -> Vec<(usize, usize)> {
    if name.starts_with("gru") {
        return vec![(new / 3, old / 3); 3];
    }
    vec![(new, old)]
}

/// For each place now the one it had before.
fn origins(parts: &[(usize, usize)]) -> Vec<Option<usize>> {
    let mut origins = Vec::new();
    let mut first = 0;
    for &(new, old) in parts {
        origins.extend((0..new).map(|at| (at < old).then_some(first + at)));
        first += old;
    }
    origins
}

/// The place along each axis of element `flat` of a row-major tensor.
fn position(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut place = vec![0; shape.len()];
    for (at, &size) in place.iter_mut().zip(shape).rev() {
        *at = flat % size.max(1);
        flat /= size.max(1);
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_layer_keeps_what_it_computed() {
        let tensor = |shape: &[usize], values: &[f32]| NamedTensor {
            name: "layer".to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let mut weight = tensor(&[3, 3], &[9.0; 9]);
        grow(
            &mut weight,
            &tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]),
            Widths::of(&[]),
        )
        .unwrap();
        assert_eq!(weight.values, [1.0, 2.0, 9.0, 3.0, 4.0, 9.0, 0.0, 0.0, 9.0]);
        let mut bias = tensor(&[3], &[9.0; 3]);
        grow(&mut bias, &tensor(&[2], &[1.0, 2.0]), Widths::of(&[])).unwrap();
        assert_eq!(bias.values, [1.0, 2.0, 9.0]);
    }

    #[test]
    fn wider_convolutions_keep_what_they_computed() {
        let old = NamedTensor {
            name: "conv".to_owned(),
            shape: vec![1, 2, 1, 2],
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        let mut weight = NamedTensor {
            name: "conv".to_owned(),
            shape: vec![2, 3, 1, 2],
            values: vec![9.0; 12],
        };
        grow(&mut weight, &old, Widths::of(&[])).unwrap();
        let new = [9.0; 6];
        assert_eq!(weight.values[..6], [1.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
        assert_eq!(weight.values[6..], new);
    }

    #[test]
    fn new_channels_come_before_the_low_bands() {
        let old_rows = 2 + LOW_BAND_COUNT;
        let old = NamedTensor {
            name: "dense.weight".to_owned(),
            shape: vec![old_rows, 1],
            values: (0..old_rows).map(|row| row as f32 + 1.0).collect(),
        };
        let mut weight = NamedTensor {
            name: "dense.weight".to_owned(),
            shape: vec![old_rows + 3, 2],
            values: vec![-9.0; 2 * (old_rows + 3)],
        };
        grow(&mut weight, &old, Widths::of(&[])).unwrap();
        let column: Vec<f32> = weight.values.iter().step_by(2).copied().collect();
        assert_eq!(column[..6], [1.0, 2.0, 0.0, 0.0, 0.0, 3.0]);
        assert_eq!(column.last(), old.values.last());
        assert!(weight.values.iter().skip(1).step_by(2).all(|v| *v == -9.0));
    }

    #[test]
    fn gates_and_joined_inputs_grow_part_by_part() {
        let mut bias = NamedTensor {
            name: "gru1.input.bias".to_owned(),
            shape: vec![9],
            values: vec![9.0; 9],
        };
        let old = NamedTensor {
            name: bias.name.clone(),
            shape: vec![6],
            values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        };
        grow(&mut bias, &old, Widths::of(&[])).unwrap();
        assert_eq!(bias.values, [1.0, 2.0, 9.0, 3.0, 4.0, 9.0, 5.0, 6.0, 9.0]);

        let widths = Widths {
            units: UNITS - 2,
            detail: DETAIL - 1,
        };
        let rows = 2 * UNITS + 4 * DETAIL;
        let mut weight = NamedTensor {
            name: "low.mask_hidden.weight".to_owned(),
            shape: vec![rows, 1],
            values: vec![9.0; rows],
        };
        let old = NamedTensor {
            name: weight.name.clone(),
            shape: vec![rows - 8, 1],
            values: (1..=rows - 8).map(|row| row as f32).collect(),
        };
        grow(&mut weight, &old, widths).unwrap();
        let kept = UNITS - 2;
        assert_eq!(weight.values[kept - 1..][..3], [kept as f32, 0.0, 0.0]);
        assert_eq!(weight.values[UNITS], kept as f32 + 1.0);
        let first_detail = (2 * kept + 1) as f32;
        assert_eq!(weight.values[UNITS + kept..][..3], [0.0, 0.0, first_detail]);
        assert_eq!(
            weight.values[2 * UNITS + DETAIL - 2..][..3],
            [
                first_detail + DETAIL as f32 - 2.0,
                0.0,
                first_detail + DETAIL as f32 - 1.0
            ]
        );
        assert_eq!(weight.values.last(), Some(&0.0));
    }
}
