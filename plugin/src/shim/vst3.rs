//! VST3: a component that completes the host's buffers.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use nice_plug::prelude::Vst3Plugin;
use nice_plug::wrapper::vst3::Wrapper;
use vst3::Class;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;

use super::scratch::Scratch;
use crate::plugin::TAIL_SECONDS;
use block::{NO_BUS, any_memory, host_bus, without_channels};
use gate::Gate;
use handler::Restarts;
use held::Held;
use told::Told;

/// Most buses of one direction that are completed: main, nine drums, residual
/// and some to spare.
const MAX_BUSES: usize = 16;

/// Methods that hand the host's arguments on to the framework's component.
macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*) -> $result:ty;)*) => {
        $(unsafe fn $method(&self, $($name: $type),*) -> $result {
            // SAFETY: the contract is the host's towards the framework.
            unsafe { self.inner.$method($($name),*) }
        })*
    };
}

mod block;
mod controller;
mod factory;
mod forwarded;
#[cfg(all(target_family = "unix", not(target_os = "macos")))]
mod frame;
mod gate;
mod handler;
mod held;
mod told;
#[cfg(all(target_family = "unix", not(target_os = "macos")))]
mod view;

pub use factory::Factory;

/// The framework's component behind a `process` that never sees a missing
/// channel.
pub struct Component<P: Vst3Plugin> {
    inner: ManuallyDrop<Wrapper<P>>,
    buffers: Mutex<Buffers>,
    /// Whether the host has said how it processes.
    is_set_up: AtomicBool,
    is_processing: AtomicBool,
    tail_samples: AtomicU32,
    told: Told,
    restarts: Restarts,
    gate: Arc<Gate>,
    held: Held,
}

#[derive(Default)]
struct Buffers {
    max_block_samples: usize,
    inputs: Scratch,
    outputs: Scratch,
}

impl<P: Vst3Plugin> std::fmt::Debug for Component<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").finish_non_exhaustive()
    }
}

impl<P: Vst3Plugin> Class for Component<P> {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IMidiMapping,
        IProcessContextRequirements,
        IUnitInfo,
        ChannelContext::IInfoListener,
    );
}

impl<P: Vst3Plugin> Drop for Component<P> {
    fn drop(&mut self) {
        // On Linux the framework's instances share a worker thread, which ends as
        // soon as it finds a task of an instance that is gone. The last instance
        // then panics because it cannot tell the worker to end, and a panic in
        // the host's `release` would end the host.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: nothing uses `inner` from here on.
            unsafe { ManuallyDrop::drop(&mut self.inner) }
        }));
    }
}

impl<P: Vst3Plugin> Component<P> {
    /// A component around a new plugin instance. Allocates.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let inner = Wrapper::new();
        let held = Held::new(controller::parameter_ids(&inner));
        Self {
            inner: ManuallyDrop::new(inner),
            buffers: Mutex::default(),
            is_set_up: AtomicBool::default(),
            is_processing: AtomicBool::default(),
            tail_samples: AtomicU32::default(),
            told: Told::default(),
            restarts: Restarts::default(),
            gate: Arc::default(),
            held,
        }
    }

    /// Sizes the scratch memory for the current layout. Allocates.
    fn prepare(&self) {
        let channel_counts = |direction: BusDirection| -> Vec<usize> {
            // SAFETY: both calls read the layout; `info` is a valid place for
            // the answer.
            unsafe {
                let count = self
                    .inner
                    .getBusCount(MediaTypes_::kAudio as MediaType, direction);
                (0..count.clamp(0, MAX_BUSES as i32))
                    .map(|index| {
                        let mut info: BusInfo = std::mem::zeroed();
                        let result = self.inner.getBusInfo(
                            MediaTypes_::kAudio as MediaType,
                            direction,
                            index,
                            &mut info,
                        );
                        if result == kResultOk {
                            info.channelCount.max(0) as usize
                        } else {
                            0
                        }
                    })
                    .collect()
            }
        };
        let inputs = channel_counts(BusDirections_::kInput as BusDirection);
        let outputs = channel_counts(BusDirections_::kOutput as BusDirection);
        if let Ok(mut buffers) = self.buffers.lock() {
            let frames = buffers.max_block_samples;
            buffers.inputs = Scratch::new(&inputs, frames);
            buffers.outputs = Scratch::new(&outputs, frames);
        }
    }
}

impl<P: Vst3Plugin> IAudioProcessorTrait for Component<P> {
    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        if setup.is_null() {
            return kInvalidArgument;
        }
        // The framework stores the process mode of the call before; after the
        // second call that is the right one.
        // SAFETY: `setup` is not null and the host's to vouch for.
        unsafe {
            if let Ok(mut buffers) = self.buffers.lock() {
                buffers.max_block_samples = (*setup).maxSamplesPerBlock.max(0) as usize;
            }
            let tail_samples = (TAIL_SECONDS * (*setup).sampleRate) as uint32;
            self.tail_samples.store(tail_samples, Ordering::Relaxed);
            match self.inner.setupProcessing(setup) {
                result if result == kResultOk => {
                    self.is_set_up.store(true, Ordering::Relaxed);
                    self.inner.setupProcessing(setup)
                }
                error => error,
            }
        }
    }

    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        self.is_processing.store(state != 0, Ordering::Relaxed);
        // SAFETY: no pointers.
        unsafe {
            let result = self.inner.setProcessing(state);
            if state == 0 {
                // No block will bring these any more.
                self.settle();
                for (id, value) in self.told.take() {
                    self.set(id, value);
                }
            }
            result
        }
    }

    unsafe fn getTailSamples(&self) -> uint32 {
        // The framework knows no tail before the first block, but hosts ask once,
        // when they activate.
        // SAFETY: no pointers.
        let latency_samples = unsafe { self.inner.getLatencySamples() };
        latency_samples.saturating_add(self.tail_samples.load(Ordering::Relaxed))
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        if data.is_null() {
            return kInvalidArgument;
        }
        if !self.is_set_up.load(Ordering::Relaxed) {
            // The framework would end the host.
            return kNotInitialized;
        }
        self.told.forget();
        // SAFETY: the host vouches for `data` and everything it points to for
        // the time of the call. Arrays are read within the counts that the host
        // gives; `complete_*` get exactly these arrays. The completed arrays
        // live on this stack frame and in `buffers`, which stays locked until
        // the framework is done.
        unsafe {
            let mut host = *data;
            let pass = self.gate.pass();
            if pass.is_some() {
                if let Some(held) = self.held.changes() {
                    let mut flush = without_channels(&host);
                    flush.inputParameterChanges = held.as_ptr();
                    flush.inputEvents = std::ptr::null_mut();
                    self.inner.process(&mut flush);
                }
            } else {
                self.held.keep_all(host.inputParameterChanges);
                host.inputParameterChanges = std::ptr::null_mut();
            }
            let is_flush = host.numSamples <= 0
                || !(any_memory(host.inputs, host.numInputs)
                    || any_memory(host.outputs, host.numOutputs));
            if is_flush {
                // Parameter changes only. The framework must not look at
                // channels, so it is told that there are none.
                let mut flush = without_channels(&host);
                return self.inner.process(&mut flush);
            }
            if host.symbolicSampleSize != SymbolicSampleSizes_::kSample32 as int32 {
                return kInvalidArgument;
            }
            // Only a host that re-activates while it processes finds this
            // locked.
            let Ok(mut buffers) = self.buffers.try_lock() else {
                return kResultFalse;
            };
            let frames = host.numSamples as usize;
            if frames > buffers.outputs.frames() {
                // Longer than announced: better silence than what lies in the memory.
                for index in 0..host.numOutputs.max(0) as usize {
                    let bus = host_bus(host.outputs, host.numOutputs, index);
                    bus.silence(frames);
                }
                return kInvalidArgument;
            }

            let mut inputs = [NO_BUS; MAX_BUSES];
            let input_count = buffers.inputs.bus_count();
            for (index, bus) in inputs.iter_mut().enumerate().take(input_count) {
                let given = host_bus(host.inputs, host.numInputs, index);
                bus.numChannels = buffers.inputs.channels(index) as i32;
                bus.__field0.channelBuffers32 = buffers.inputs.complete_input(index, given, frames);
            }
            let mut outputs = [NO_BUS; MAX_BUSES];
            let output_count = buffers.outputs.bus_count();
            for (index, bus) in outputs.iter_mut().enumerate().take(output_count) {
                let given = host_bus(host.outputs, host.numOutputs, index);
                bus.numChannels = buffers.outputs.channels(index) as i32;
                bus.__field0.channelBuffers32 = buffers.outputs.complete_output(index, given);
            }

            let mut complete = host;
            complete.numInputs = input_count as i32;
            complete.inputs = inputs.as_mut_ptr();
            complete.numOutputs = output_count as i32;
            complete.outputs = outputs.as_mut_ptr();
            let result = self.inner.process(&mut complete);

            if !host.outputs.is_null() {
                for index in 0..host.numOutputs.max(0) as usize {
                    // The flags are the host's from the block before.
                    let bus = host_bus(host.outputs, host.numOutputs, index);
                    (*host.outputs.add(index)).silenceFlags = bus.silent_channels(frames);
                }
            }
            result
        }
    }

    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        input_count: int32,
        outputs: *mut SpeakerArrangement,
        output_count: int32,
    ) -> tresult {
        let mut behind_main = [0; MAX_BUSES + 1];
        let mut layouts = P::AUDIO_IO_LAYOUTS.iter();
        let has_main = layouts.any(|layout| layout.main_input_channels.is_some());
        let given = match usize::try_from(input_count) {
            Ok(count @ ..=MAX_BUSES) if !has_main && !inputs.is_null() => {
                // The framework looks for a side-chain behind the main input, also where
                // there is none.
                // SAFETY: the host gives so many.
                let given = unsafe { std::slice::from_raw_parts(inputs, count) };
                behind_main[1..=count].copy_from_slice(given);
                behind_main.as_mut_ptr()
            }
            _ => inputs,
        };
        // SAFETY: the host's arguments, handed on; of the inputs as many, and one before.
        unsafe {
            self.inner
                .setBusArrangements(given, input_count, outputs, output_count)
        }
    }

    forward! {
        getBusArrangement(direction: BusDirection, index: int32, arrangement: *mut SpeakerArrangement) -> tresult;
        canProcessSampleSize(size: int32) -> tresult;
        getLatencySamples() -> uint32;
    }
}

impl<P: Vst3Plugin> IComponentTrait for Component<P> {
    unsafe fn setActive(&self, state: TBool) -> tresult {
        if state != 0 {
            self.prepare();
            self.settle();
            self.restarts.activate();
        }
        // SAFETY: no pointers.
        let result = unsafe { self.inner.setActive(state) };
        if state != 0 {
            // Making an engine takes its time.
            self.restarts.activate();
        }
        result
    }

    unsafe fn setState(&self, stream: *mut IBStream) -> tresult {
        let _pass = self.gate.wait();
        self.told.take();
        self.held.take().for_each(drop);
        // SAFETY: the host's arguments, handed on.
        unsafe { IComponentTrait::setState(&*self.inner, stream) }
    }

    unsafe fn getState(&self, stream: *mut IBStream) -> tresult {
        self.settle();
        // SAFETY: the host's arguments, handed on.
        unsafe { IComponentTrait::getState(&*self.inner, stream) }
    }

    forward! {
        getControllerClassId(class_id: *mut TUID) -> tresult;
        setIoMode(mode: IoMode) -> tresult;
        getBusCount(media: MediaType, direction: BusDirection) -> int32;
        getBusInfo(media: MediaType, direction: BusDirection, index: int32, info: *mut BusInfo) -> tresult;
        getRoutingInfo(input: *mut RoutingInfo, output: *mut RoutingInfo) -> tresult;
        activateBus(media: MediaType, direction: BusDirection, index: int32, state: TBool) -> tresult;
    }
}
