//! Weights to start from: a checkpoint, or a model that was exported.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use idm_engine::front_end::LOW_BAND_COUNT;
use prost::Message;
use tract_onnx::pb::{ModelProto, TensorProto, tensor_proto::DataType};

use super::Checkpoint;
use crate::network::{DETAIL, NamedTensor, UNITS, Weights};

/// The averaged weights of the checkpoint at `path`, or those of the model
/// there: a folder with `transcriber.onnx` (and `one_shots.onnx`), or such a
/// file. Allocates.
///
/// The network may have become larger since: what the file lacks is taken from
/// `initial`, except that new inputs of old neurons start at zero, so that the
/// wider layers compute what they did (as in Net2Net, Chen et al. 2016).
///
/// # Errors
/// A file that cannot be read, lacks weights of the layers that all heads share, or holds
/// larger ones: the tensor, the expected and the found shape.
pub fn warm_start(path: &Path, initial: Weights) -> Result<Weights> {
    let is_model = path.is_dir() || path.extension().is_some_and(|end| end == "onnx");
    let found = if is_model {
        let files: Vec<PathBuf> = if path.is_dir() {
            vec![path.join("transcriber.onnx"), path.join("one_shots.onnx")]
        } else {
            vec![path.to_owned()]
        };
        let mut found = Vec::new();
        for file in files {
            found.extend(initializers(&file)?);
        }
        found
    } else {
        let source = Checkpoint::load(path)?.optimiser.average;
        source.tensors().to_vec()
    };
    let all = initial.tensors().len();
    let (weights, used) =
        fill(&found, initial).with_context(|| format!("{} does not fit", path.display()))?;
    say!("{used} of {all} tensors taken from {}", path.display());
    Ok(weights)
}

/// What the names of the tensors of the trunk begin with: layers that every network has had.
const TRUNK: [&str; 5] = ["conv1.", "conv2.", "dense.", "gru1.", "gru2."];

/// Replaces the tensors of `initial`, or a corner of them, by those of the same
/// name, and counts them.
fn fill(found: &[NamedTensor], mut initial: Weights) -> Result<(Weights, usize)> {
    let lacking = initial.tensors().iter().find(|tensor| {
        TRUNK.iter().any(|layer| tensor.name.starts_with(layer))
            && found.iter().all(|other| other.name != tensor.name)
    });
    if let Some(tensor) = lacking {
        bail!(
            "expected the weights of a transcriber, found {} tensors without {}",
            found.len(),
            tensor.name
        );
    }
    let widths = Widths::of(found);
    let mut used = 0;
    for tensor in initial.tensors_mut() {
        let Some(other) = found.iter().find(|other| other.name == tensor.name) else {
            continue;
        };
        used += 1;
        if other.shape == tensor.shape {
            tensor.values.clone_from(&other.values);
        } else {
            grow(tensor, other, widths)?;
        }
    }
    Ok((initial, used))
}

/// Widths of the network that is grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Widths {
    units: usize,
    detail: usize,
}

impl Widths {
    /// Those of the network that has the weights `found`.
    fn of(found: &[NamedTensor]) -> Widths {
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
fn grow(tensor: &mut NamedTensor, old: &NamedTensor, widths: Widths) -> Result<()> {
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

/// The float constants of an ONNX file.
fn initializers(path: &Path) -> Result<Vec<NamedTensor>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let model = ModelProto::decode(bytes.as_slice())
        .with_context(|| format!("{} is not an ONNX model", path.display()))?;
    let graph = model
        .graph
        .with_context(|| format!("{} holds no graph", path.display()))?;
    let tensors = graph.initializer.into_iter();
    tensors
        .filter(|tensor| tensor.data_type == DataType::Float as i32)
        .map(|tensor| {
            values(&tensor).with_context(|| format!("{}: {}", path.display(), tensor.name))
        })
        .collect()
}

fn values(tensor: &TensorProto) -> Result<NamedTensor> {
    let shape: Vec<usize> = tensor
        .dims
        .iter()
        .map(|&size| usize::try_from(size).context("a dimension is negative"))
        .collect::<Result<_>>()?;
    let values: Vec<f32> = if tensor.raw_data.is_empty() {
        tensor.float_data.clone()
    } else {
        let chunks = tensor.raw_data.chunks_exact(4);
        chunks
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect()
    };
    let count: usize = shape.iter().product();
    ensure!(
        values.len() == count,
        "expected {count} numbers, found {}",
        values.len()
    );
    ensure!(
        values.iter().all(|value| value.is_finite()),
        "expected finite numbers, found NaN or infinity"
    );
    Ok(NamedTensor {
        name: tensor.name.clone(),
        shape,
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bank::procedural_bank,
        export::{one_shot_graph, transcriber_graph},
        network::initial_weights,
    };

    #[test]
    fn an_exported_model_gives_its_weights_back() {
        let folder = tempfile::tempdir().unwrap();
        let trained = initial_weights(3);
        let bytes = transcriber_graph(&trained).finish(&[]);
        fs::write(folder.path().join("transcriber.onnx"), bytes).unwrap();
        let bytes = one_shot_graph(&trained, &procedural_bank(1)).finish(&[]);
        let one_shots = folder.path().join("one_shots.onnx");
        fs::write(&one_shots, bytes).unwrap();

        let initial = initial_weights(4);
        let error = format!("{:#}", warm_start(&one_shots, initial.clone()).unwrap_err());
        assert!(
            error.contains("one_shots.onnx") && error.contains("without conv1.weight"),
            "{error}"
        );
        let warm = warm_start(folder.path(), initial.clone()).unwrap();
        for (tensor, expected) in warm.tensors().iter().zip(trained.tensors()) {
            // The timbre layer serves training alone and is not exported.
            let expected = if tensor.name.starts_with("timbre.") {
                initial.get(&tensor.name)
            } else {
                expected
            };
            assert_eq!(tensor, expected);
        }
    }

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

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let initial = initial_weights(4);
        let mut found = initial.tensors().to_vec();
        found[0].shape[0] += 1;
        let error = fill(&found, initial.clone()).unwrap_err();
        assert!(error.to_string().contains("conv1.weight"), "{error}");
        let error = fill(&[], initial.clone()).unwrap_err();
        assert!(error.to_string().contains("conv1.weight"), "{error}");
        let (_, used) = fill(initial.tensors(), initial.clone()).unwrap();
        assert_eq!(used, initial.tensors().len());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("transcriber.onnx");
        fs::write(&path, b"not a model").unwrap();
        let error = warm_start(&path, initial).unwrap_err();
        assert!(
            format!("{error:#}").contains("transcriber.onnx"),
            "{error:#}"
        );
    }
}
