//! The network that makes one-shots from the description of a kit.
//!
//! It runs seldom and away from the audio thread, so tract runs it and any of
//! tract's operators is welcome.

use std::{
    collections::HashSet,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tract_onnx::prelude::*;

use super::{
    ModelError,
    meta::OneShotMeta,
    onnx::{self, declared_shape, is_f32, show},
};
use crate::drum::DRUM_COUNT;

/// Name of the file, used in errors.
pub(super) const FILE: &str = "one_shots.onnx";

/// Most bytes that the file may have.
const MAX_BYTES: usize = 8 << 20;

/// A one-shot network that is ready to run.
pub struct OneShotNetwork {
    runnable: Arc<TypedRunnableModel>,
    meta: OneShotMeta,
}

impl fmt::Debug for OneShotNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneShotNetwork")
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

impl OneShotNetwork {
    /// Reads and prepares the bytes of a `one_shots.onnx`. Takes some
    /// milliseconds; allocates.
    ///
    /// # Errors
    /// What [`OneShotNetwork::check`] refuses, and operators that tract does
    /// not have ([`ModelError::Inference`]).
    pub fn load(bytes: &[u8], meta: OneShotMeta) -> Result<OneShotNetwork, ModelError> {
        OneShotNetwork::check(bytes, meta)?;
        let runnable = contain(|| {
            let mut reader = bytes;
            tract_onnx::onnx()
                .model_for_read(&mut reader)?
                .with_input_fact(0, f32::fact([1, meta.embedding]).into())?
                .into_optimized()?
                .into_runnable()
        })?;
        let output = contain(|| {
            Ok(runnable
                .model()
                .output_fact(0)?
                .shape
                .as_concrete()
                .map(show))
        })?;
        let expected = show(&[DRUM_COUNT, meta.samples]);
        if output.as_ref() != Some(&expected) {
            let found = output.unwrap_or_else(|| "an open shape".into());
            return Err(ModelError::mismatch(
                FILE,
                "output `one_shots`",
                expected,
                found,
            ));
        }
        Ok(OneShotNetwork { runnable, meta })
    }

    /// Checks the size, input and output of a `one_shots.onnx` without
    /// preparing it. Allocates.
    ///
    /// # Errors
    /// Bytes that are not ONNX ([`ModelError::Syntax`]), and inputs, outputs
    /// or a size that differ from the contract ([`ModelError::Mismatch`]).
    pub fn check(bytes: &[u8], meta: OneShotMeta) -> Result<(), ModelError> {
        if bytes.len() > MAX_BYTES {
            let expected = format!("at most {MAX_BYTES} bytes");
            return Err(ModelError::mismatch(FILE, "size", expected, bytes.len()));
        }
        let proto = onnx::decode(bytes, FILE)?;
        let graph = onnx::graph(&proto, FILE)?;
        let initializers: HashSet<&str> = graph
            .initializer
            .iter()
            .map(|tensor| tensor.name.as_str())
            .collect();
        let inputs = graph
            .input
            .iter()
            .filter(|i| !initializers.contains(i.name.as_str()));
        let single = [
            (
                "input",
                "embedding",
                inputs.collect::<Vec<_>>(),
                [1, meta.embedding],
            ),
            (
                "output",
                "one_shots",
                graph.output.iter().collect(),
                [DRUM_COUNT, meta.samples],
            ),
        ];
        for (kind, name, found, shape) in single {
            let names: Vec<&str> = found.iter().map(|info| info.name.as_str()).collect();
            if names != [name] {
                let found = format!("[{}]", names.join(", "));
                return Err(ModelError::mismatch(FILE, format!("{kind}s"), name, found));
            }
            let field = format!("{kind} `{name}`");
            if !is_f32(found[0]) {
                return Err(ModelError::mismatch(
                    FILE,
                    field,
                    "floats",
                    "another data type",
                ));
            }
            let declared = declared_shape(found[0]);
            if declared.as_deref() != Some(&shape) {
                let found = declared.map_or_else(|| "an open shape".into(), |shape| show(&shape));
                return Err(ModelError::mismatch(FILE, field, show(&shape), found));
            }
        }
        let made = graph.node.iter().flat_map(|node| &node.output);
        if made.into_iter().any(|name| name == "one_shots") {
            Ok(())
        } else {
            let found = "nothing that makes it";
            Err(ModelError::mismatch(
                FILE,
                "output `one_shots`",
                "a value",
                found,
            ))
        }
    }

    /// Makes the nine one-shots of the kit that `embedding` describes: one
    /// signal of `samples` samples at 44.1 kHz per class. Takes milliseconds
    /// to seconds; allocates.
    ///
    /// # Errors
    /// An embedding of another length ([`ModelError::Mismatch`]) and failures
    /// of the network ([`ModelError::Inference`]), among them results that are
    /// not finite.
    pub fn run(&self, embedding: &[f32]) -> Result<Vec<Vec<f32>>, ModelError> {
        if embedding.len() != self.meta.embedding {
            return Err(ModelError::mismatch(
                FILE,
                "length of the embedding",
                self.meta.embedding,
                embedding.len(),
            ));
        }
        let one_shots = contain(|| {
            let input = Tensor::from_shape(&[1, embedding.len()], embedding)?;
            let outputs = self.runnable.run(tvec!(input.into_tvalue()))?;
            let plain = outputs[0].try_as_plain_ram()?;
            let samples = plain.as_slice::<f32>()?;
            Ok(samples
                .chunks_exact(self.meta.samples)
                .map(<[f32]>::to_vec)
                .collect::<Vec<_>>())
        })?;
        if let Some(drum) = one_shots
            .iter()
            .position(|signal| !signal.iter().all(|x| x.is_finite()))
        {
            return Err(ModelError::Inference {
                reason: format!("one-shot {drum} has samples that are not finite"),
            });
        }
        Ok(one_shots)
    }
}

/// Runs a call into tract. Some invalid graphs make it panic instead of
/// failing; a model file must not be able to take the host down.
fn contain<T>(call: impl FnOnce() -> TractResult<T>) -> Result<T, ModelError> {
    let reason = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "the inference library gave up".into()),
    };
    Err(ModelError::Inference { reason })
}
