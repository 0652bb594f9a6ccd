//! Which processor the dense part of the network runs on.

use anyhow::Result;
use burn::tensor::Device;
use clap::ValueEnum;

/// A kind of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Compute {
    /// The central processor.
    #[default]
    Cpu,
    /// The graphics processor that the system prefers (Vulkan, Metal or Direct3D 12);
    /// needs a build with the feature `gpu`.
    Gpu,
}

impl Compute {
    /// The device. Allocates.
    ///
    /// # Errors
    /// A graphics processor that this build cannot use or that is not there.
    pub fn device(self) -> Result<Device> {
        match self {
            Compute::Cpu => Ok(Device::flex()),
            Compute::Gpu => gpu(),
        }
    }
}

#[cfg(not(feature = "gpu"))]
fn gpu() -> Result<Device> {
    anyhow::bail!(
        "this build computes on the central processor alone; build with `--features gpu` for --device gpu"
    )
}

/// The framework makes the device on first use and panics where there is none: that
/// use is here.
#[cfg(feature = "gpu")]
fn gpu() -> Result<Device> {
    use burn::tensor::{DeviceKind, Tensor};

    let device = Device::wgpu(DeviceKind::DefaultDevice);
    let probe = device.clone();
    let sum = std::panic::catch_unwind(move || {
        super::graph::to_values(Tensor::<1>::ones([3], &probe).sum())
    });
    match sum.as_deref() {
        Ok([3.0]) => Ok(device),
        Ok(found) => {
            anyhow::bail!("the graphics processor counts wrongly: expected 3, found {found:?}")
        }
        Err(_) => anyhow::bail!(
            "no usable graphics processor: expected a driver for Vulkan, Metal or Direct3D 12"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graphics_processor_is_used_or_refused_with_a_reason() {
        assert!(Compute::Cpu.device().is_ok());
        if let Err(error) = Compute::Gpu.device() {
            let reason = error.to_string();
            assert!(
                reason.contains("--features gpu") || reason.contains("driver"),
                "{reason}"
            );
        }
    }
}
