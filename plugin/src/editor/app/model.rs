//! The drum model: another one, or the built-in one again.

use std::path::Path;

use super::IdmApp;
use crate::editor::notice::Notice;
use crate::link::Status;
use crate::lock::lock;

impl IdmApp {
    /// Listens with the model in `folder` from the next restart on.
    pub(super) fn take_model(&mut self, folder: &Path) {
        match self.params.model.choose(folder) {
            Ok(name) => {
                lock(&self.samples).browser = None;
                self.notice = Some(self.model_taken(&format!("The model {name}")));
            }
            Err(why) => self.notice = Some(Notice::failed(format!("Model not loaded: {why}"))),
        }
    }

    /// Listens with the built-in model again.
    pub(super) fn take_built_in_model(&mut self) {
        self.params.model.choose_built_in();
        self.notice = Some(self.model_taken("The built-in model"));
    }

    fn model_taken(&self, what: &str) -> Notice {
        Notice::done(match self.shared.status() {
            // The host is asked for a restart; until it was one the header says so.
            Status::Running => format!("{what} listens once the plugin has restarted"),
            Status::Idle | Status::PassThrough => format!("{what} listens when audio runs"),
        })
    }
}
