//! What the host hands over with a block.

use vst3::Steinberg::Vst::*;

use crate::shim::scratch::HostBus;

/// A bus without channels, to fill arrays with.
pub(super) const NO_BUS: AudioBusBuffers = AudioBusBuffers {
    numChannels: 0,
    silenceFlags: 0,
    __field0: AudioBusBuffers__type0 {
        channelBuffers32: std::ptr::null_mut(),
    },
};

/// What the host gives for bus `index` of `buses`.
///
/// # Safety
/// `buses` is null or points to `count` buses of 32-bit channels.
pub(super) unsafe fn host_bus(buses: *mut AudioBusBuffers, count: i32, index: usize) -> HostBus {
    if buses.is_null() || index as i64 >= i64::from(count) {
        return HostBus::MISSING;
    }
    // SAFETY: in bounds; the host said that samples have 32 bits.
    unsafe {
        let bus = &*buses.add(index);
        HostBus {
            pointers: bus.__field0.channelBuffers32,
            channels: bus.numChannels.max(0) as usize,
        }
    }
}

/// Whether any of the host's buses has memory.
///
/// # Safety
/// As for [`host_bus`].
pub(super) unsafe fn any_memory(buses: *mut AudioBusBuffers, count: i32) -> bool {
    (0..count.max(0) as usize).any(|index| {
        // SAFETY: the caller's contract, and that the bus's pointers are valid.
        unsafe { host_bus(buses, count, index).has_memory() }
    })
}

/// The host's block, as one that has no audio.
pub(super) fn without_channels(host: &ProcessData) -> ProcessData {
    let mut flush = *host;
    flush.numSamples = 0;
    flush.numInputs = 0;
    flush.inputs = std::ptr::null_mut();
    flush.numOutputs = 0;
    flush.outputs = std::ptr::null_mut();
    flush
}
