//! Blocks of a VST3 plugin on a thread of their own, which move a parameter.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use vst3::ComPtr;
use vst3::Steinberg::Vst::{
    IAudioProcessor, IAudioProcessorTrait, IParameterChanges, ProcessData, ProcessModes_,
    SymbolicSampleSizes_,
};

use super::vst3::Vst3Host;
use super::vst3_module::check;
use super::vst3_objects::ParameterChanges;

/// The values that a parameter goes through, the last of which stays.
const VALUES: [f64; 4] = [0.4, 0.6, 0.5, 0.3];

/// An active plugin's processor.
pub(super) struct Automation(ComPtr<IAudioProcessor>);

// SAFETY: hosts process blocks on a thread of their own; `process` is the one method called.
unsafe impl Send for Automation {}
// SAFETY: as above.
unsafe impl Sync for Automation {}

impl Automation {
    pub(super) fn of(host: &Vst3Host) -> Self {
        Self(host.processor.clone())
    }

    /// Moves the parameter until it is over. The blocks have no audio.
    pub(super) fn run(&self, id: u32, is_over: &AtomicBool) -> Result<()> {
        loop {
            // Looked at before the round, which is a whole one.
            let is_last = is_over.load(Ordering::SeqCst);
            for value in VALUES {
                self.process(&[(id, value)])?;
                std::thread::sleep(Duration::from_micros(500));
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn process(&self, changes: &[(u32, f64)]) -> Result<()> {
        let changes = ParameterChanges::new(changes);
        let changes = changes
            .to_com_ptr::<IParameterChanges>()
            .context("no interface")?;
        let mut data = ProcessData {
            processMode: ProcessModes_::kRealtime as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            numSamples: 0,
            numInputs: 0,
            numOutputs: 0,
            inputs: std::ptr::null_mut(),
            outputs: std::ptr::null_mut(),
            inputParameterChanges: changes.as_ptr(),
            outputParameterChanges: std::ptr::null_mut(),
            inputEvents: std::ptr::null_mut(),
            outputEvents: std::ptr::null_mut(),
            processContext: std::ptr::null_mut(),
        };
        // SAFETY: the changes outlive the call; all else may be null.
        check(unsafe { self.0.process(&mut data) }, "process")
    }
}
