//! Parameter values that the host has told the controller while processing.

use std::sync::Mutex;

use vst3::Steinberg::Vst::{ParamID, ParamValue};

use crate::lock::lock;

/// While processing, the framework takes parameters from `process` alone and
/// drops what the controller is told, so that a host which asks the controller
/// right afterwards gets the value of before. This keeps the answer until a
/// block was processed.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Vec<(ParamID, ParamValue)>>);

impl Told {
    /// Keeps the value in place of an earlier one. Allocates.
    pub fn tell(&self, id: ParamID, value: ParamValue) {
        let mut told = lock(&self.0);
        told.retain(|(other, _)| *other != id);
        told.push((id, value));
    }

    /// The value that was told, if it is still waiting.
    pub fn get(&self, id: ParamID) -> Option<ParamValue> {
        let told = lock(&self.0);
        told.iter()
            .find(|(other, _)| *other == id)
            .map(|(_, value)| *value)
    }

    /// What is still waiting, which is forgotten here.
    pub fn take(&self) -> Vec<(ParamID, ParamValue)> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// Forgets everything, or leaves it to the next block if the host is just
    /// telling. Real-time safe.
    pub fn forget(&self) {
        if let Ok(mut told) = self.0.try_lock() {
            told.clear();
        }
    }
}
