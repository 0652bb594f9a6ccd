//! Weights to start from: a checkpoint, or a model that was exported.

mod grow;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use tract_onnx::{
    pb::{ModelProto, TensorProto, tensor_proto::DataType},
    prelude::f16,
};

use super::Checkpoint;
use crate::network::{NamedTensor, Weights};
use grow::{Widths, grow};

/// The folder of the model at `path`, which is that or a file in it; none where `path` is a
/// checkpoint.
pub fn model_folder(path: &Path) -> Option<&Path> {
    let is_file = path.extension().is_some_and(|end| end == "onnx");
    match path.is_dir() {
        true => Some(path),
        false => path.parent().filter(|_| is_file),
    }
}

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
    let found = if model_folder(path).is_some() {
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

/// Types of constants that are read.
const FLOATS: [i32; 2] = [DataType::Float as i32, DataType::Float16 as i32];

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

/// The constants of an ONNX file that are floats, of 32 or 16 bits. Allocates.
///
/// # Errors
/// A file that cannot be read, or a constant that is damaged or holds what is no number.
pub fn initializers(path: &Path) -> Result<Vec<NamedTensor>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let model = ModelProto::decode(bytes.as_slice())
        .with_context(|| format!("{} is not an ONNX model", path.display()))?;
    let graph = model
        .graph
        .with_context(|| format!("{} holds no graph", path.display()))?;
    let tensors = graph.initializer.into_iter();
    tensors
        .filter(|tensor| FLOATS.contains(&tensor.data_type))
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
    let values: Vec<f32> = if tensor.data_type == DataType::Float16 as i32 {
        let chunks = tensor.raw_data.chunks_exact(2);
        chunks
            .map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
            .collect()
    } else if tensor.raw_data.is_empty() {
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
