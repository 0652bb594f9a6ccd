//! The compiled network: shared weights and, per quality, a list of steps.

use std::ops::Range;

use super::{
    ModelError, compile,
    graph::{FILE, Graph},
    meta::ModelMeta,
    onnx,
    step::Step,
    weights::Weights,
};
use crate::controls::Quality;

/// Key of the ONNX metadata that repeats `model.toml`.
pub const METADATA_KEY: &str = "idm_model_toml";

/// A network that is ready to run. Immutable; all sessions share it.
#[derive(Debug)]
pub struct Plan {
    pub(super) weights: Weights,
    pub(super) layout: Layout,
    /// In the order of [`Quality::ALL`].
    pub(super) programs: [Program; Quality::ALL.len()],
}

/// Where a session keeps what goes in and what comes out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Floats of a session's memory.
    pub(super) arena_len: usize,
    pub(super) frame: Range<usize>,
    pub(super) low: Range<usize>,
    pub(super) onset: Range<usize>,
    pub(super) velocity: Range<usize>,
    pub(super) mask: Range<usize>,
    pub(super) embedding: Range<usize>,
}

/// The steps that one quality needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    /// Cost of all steps before each step, and of all: one more than steps.
    pub(super) costs: Vec<u64>,
    pub(super) has_mask: bool,
}

/// A point between two parts of the work of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) step: usize,
    pub(super) tile: usize,
}

impl Program {
    pub(super) fn new(steps: Vec<Step>, has_mask: bool) -> Program {
        let mut costs = Vec::with_capacity(steps.len() + 1);
        let mut total = 0;
        costs.push(total);
        for step in &steps {
            total += step.cost();
            costs.push(total);
        }
        Program {
            steps,
            costs,
            has_mask,
        }
    }

    /// The point after the last step.
    pub(super) fn end(&self) -> Position {
        Position {
            step: self.steps.len(),
            tile: 0,
        }
    }

    /// The point at which the first `stages_done` of `stages` equal shares of
    /// the work are done. Real-time safe.
    pub(super) fn position(&self, stages_done: usize, stages: usize) -> Position {
        if stages_done >= stages {
            return self.end();
        }
        let total = self.costs.last().copied().unwrap_or(0);
        let target = u128::from(total) * stages_done as u128 / stages as u128;
        let target = target as u64;
        let step = self.costs.partition_point(|&cost| cost <= target) - 1;
        let inside = target - self.costs[step];
        let cost = self.costs[step + 1] - self.costs[step];
        let tiles = self.steps[step].tiles() as u64;
        Position {
            step,
            tile: (inside * tiles / cost) as usize,
        }
    }
}

impl Plan {
    /// Reads, checks and compiles the bytes of a `transcriber.onnx` that
    /// belongs to `meta`. Allocates.
    ///
    /// # Errors
    /// Bytes that are not ONNX ([`ModelError::Syntax`]); inputs, outputs,
    /// operators, shapes or metadata that differ from the contract, which the
    /// error names with what was expected and what was found
    /// ([`ModelError::Mismatch`]).
    pub fn compile(bytes: &[u8], meta: &ModelMeta) -> Result<Plan, ModelError> {
        let proto = onnx::decode(bytes, FILE)?;
        let stored = proto
            .metadata_props
            .iter()
            .find(|entry| entry.key == METADATA_KEY)
            .ok_or_else(|| {
                let field = format!("metadata `{METADATA_KEY}`");
                ModelError::mismatch(FILE, field, "the text of model.toml", "none")
            })?;
        let stored = ModelMeta::parse_from(&stored.value, FILE)?;
        // How evidence counts is found with the finished network.
        if stored.without_evidence() != meta.without_evidence() {
            let field = format!("metadata `{METADATA_KEY}`");
            let found = format!("{} {}, or other values", stored.name, stored.version);
            let expected = format!("the values of model.toml ({} {})", meta.name, meta.version);
            return Err(ModelError::mismatch(FILE, field, expected, found));
        }
        let graph = Graph::read(&proto, meta.one_shots.embedding)?;
        let compiled = compile::compile(&graph)?;
        Ok(Plan {
            weights: compiled.weights,
            layout: compiled.layout,
            programs: compiled.programs,
        })
    }

    pub(super) fn program(&self, quality: Quality) -> &Program {
        &self.programs[quality.index()]
    }

    /// True if the network gives masks at `quality`.
    pub fn has_mask(&self, quality: Quality) -> bool {
        self.program(quality).has_mask
    }

    /// Bytes of the weights that all sessions share: two for each weight of a
    /// matrix whose weights can all be kept at half size
    /// ([`round_to_half`](super::round_to_half)), else four. Real-time safe.
    pub fn weight_bytes(&self) -> usize {
        self.weights.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    #[test]
    fn work_of_a_quality_leaves_out_the_other_heads() {
        let model = Model::embedded().unwrap();
        let cost = |quality| model.plan().program(quality).costs.last().copied();
        let [low, standard, high] = Quality::ALL.map(cost);
        // The longer the look-ahead, the larger the head.
        assert!(
            low < standard && standard < high,
            "{low:?} {standard:?} {high:?}"
        );
    }
}
