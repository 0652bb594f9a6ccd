//! Weights to start from: a checkpoint, or a model that was exported.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use prost::Message;
use tract_onnx::pb::{ModelProto, TensorProto, tensor_proto::DataType};

use super::Checkpoint;
use crate::network::{NamedTensor, Weights};

/// Weights that training alone uses: no model has them.
const TRAINING_ONLY: &str = "timbre.";
/// Weights of the one-shot bank, which lie in a file of their own.
const BANK: &str = "choice.";

/// The averaged weights of the checkpoint at `path`, or those of the model
/// there: a folder with `transcriber.onnx` (and `one_shots.onnx`), or such a
/// file. What a model does not carry, because training alone needs it, is taken
/// from `initial`. Allocates.
///
/// # Errors
/// A file that cannot be read or whose weights do not fit the network: the
/// tensor, the expected and the found shape.
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
    fill(found, initial, is_model).with_context(|| format!("{} does not fit", path.display()))
}

/// Replaces the tensors of `initial` by those of the same name.
fn fill(found: Vec<NamedTensor>, mut initial: Weights, is_model: bool) -> Result<Weights> {
    for tensor in initial.tensors_mut() {
        let name = &tensor.name;
        match found.iter().find(|other| other.name == *name) {
            Some(other) => {
                ensure!(
                    other.shape == tensor.shape,
                    "{name}: expected shape {:?}, found {:?}",
                    tensor.shape,
                    other.shape
                );
                tensor.values.clone_from(&other.values);
            }
            None => ensure!(
                is_model && (name.starts_with(TRAINING_ONLY) || name.starts_with(BANK)),
                "{name}: expected shape {:?}, found no such weight",
                tensor.shape
            ),
        }
    }
    Ok(initial)
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
        fs::write(folder.path().join("one_shots.onnx"), bytes).unwrap();

        let initial = initial_weights(4);
        let warm = warm_start(folder.path(), initial.clone()).unwrap();
        for (tensor, expected) in warm.tensors().iter().zip(trained.tensors()) {
            let expected = if tensor.name.starts_with(TRAINING_ONLY) {
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
        let error = fill(found, initial.clone(), true).unwrap_err();
        assert!(error.to_string().contains("conv1.weight"), "{error}");
        let found = initial.tensors()[1..].to_vec();
        let error = fill(found, initial.clone(), true).unwrap_err();
        assert!(error.to_string().contains("no such weight"), "{error}");

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
