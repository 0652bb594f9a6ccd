//! A whole training step on a graphics processor: forward pass, losses and gradients.
//!
//! The same arithmetic as [`Network::pass`](crate::network::Network::pass) with the
//! losses of [`crate::losses`], as kernels, because a framework launches the recurrent
//! layers step by step, which leaves a graphics processor idle. Recurrent weights are
//! rounded to half floats while a step runs; the weights themselves stay as they are.

mod buffers;
mod convolution;
mod device;
mod kernels;
mod layers;
mod matmul;
mod pass;
mod recurrent;
mod source;
mod targets;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, ensure};

use self::{buffers::Buffers, device::Gpu, layers::Layers, targets::MaskSlice};
use super::{Batch, StepLosses, step::StepPlan};
#[cfg(test)]
use crate::network::MaskRequest;
use crate::{
    losses::LossConfig,
    network::{Gradients, Weights},
};

/// A graphics processor with the memory for batches of one size.
#[derive(Debug)]
pub struct GpuNetwork {
    gpu: Gpu,
    buffers: Option<Arc<Buffers>>,
}

impl GpuNetwork {
    /// On the processor that the system prefers. Allocates.
    ///
    /// # Errors
    /// If there is none that can be used.
    pub fn new() -> Result<GpuNetwork> {
        Ok(GpuNetwork {
            gpu: Gpu::new()?,
            buffers: None,
        })
    }

    /// The processor's name.
    pub fn name(&self) -> &str {
        self.gpu.name()
    }

    /// From now on waits for each kernel and takes its time: seconds and dispatches
    /// since the last call.
    pub fn start_profile(&mut self) -> BTreeMap<&'static str, (f64, usize)> {
        self.gpu.start_profile()
    }

    /// Losses of `batch` and their gradient. Allocates.
    ///
    /// # Errors
    /// A batch that is too large for the device's buffers, or a device that is lost.
    pub fn step(
        &mut self,
        weights: &Weights,
        batch: &Batch,
        config: &LossConfig,
        plan: &StepPlan,
    ) -> Result<(StepLosses, Gradients)> {
        let input = &batch.input;
        let size = (
            input.batch,
            input.frames,
            plan.masks.frames,
            plan.embedding_steps.len(),
        );
        ensure!(
            input.batch > 0 && input.frames > 0,
            "an empty batch has no losses"
        );
        let buffers = match &self.buffers {
            Some(buffers) if buffers.size == size => Arc::clone(buffers),
            _ => {
                self.buffers = None;
                let made = Arc::new(Buffers::new(&self.gpu, weights, size)?);
                self.buffers = Some(Arc::clone(&made));
                made
            }
        };
        let masks = MaskSlice::of(batch, &plan.masks);
        targets::upload(&self.gpu, &buffers, weights, batch, &masks);
        let mut layers = Layers {
            gpu: &mut self.gpu,
            buffers: &buffers,
            weights,
            batch: input.batch,
            frames: input.frames,
        };
        pass::record(&mut layers, batch, config, plan);
        let wanted = buffers.wanted();
        let found = self.gpu.finish(&wanted)?;
        let losses = targets::losses(config, batch, plan, &buffers, &found);
        let mut gradients = weights.zeros_like();
        let mut first = 0;
        for tensor in gradients.tensors_mut() {
            let count = tensor.values.len();
            tensor
                .values
                .copy_from_slice(&found[0][first..first + count]);
            first += count;
        }
        Ok((losses, gradients))
    }
}
