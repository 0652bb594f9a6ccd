//! The kit from a file: begun, watched, taken back.

use std::path::Path;

use idm_engine::drum::Drum;

use super::IdmApp;
use crate::editor::notice::Notice;
use crate::file_learner::{Failure, Learnt, Outcome, Progress};
use crate::lock::lock;

impl IdmApp {
    /// Begins to learn the kit from a file.
    pub(super) fn learn_from(&mut self, path: &Path) {
        match self.file_learner.start(path, &self.params) {
            Ok(()) => {
                // It shows how far it is.
                self.notice = None;
                lock(&self.samples).browser = None;
            }
            Err(why) => self.notice = Some(Notice::failed(why)),
        }
    }

    /// Says what became of a file, also while no window was open.
    pub(super) fn follow_file(&mut self) {
        let Some(Outcome { name, result }) = self.file_learner.take_outcome() else {
            return;
        };
        self.notice = Some(match result {
            Ok(learnt) => {
                self.kit_changes += 1;
                Notice::done(learnt_in_words(&name, &learnt))
            }
            Err(Failure::Cancelled) => {
                Notice::done(format!("Nothing learnt from {name}: cancelled"))
            }
            Err(Failure::Overtaken) => Notice::done(format!(
                "Nothing learnt from {name}: the kit was changed meanwhile"
            )),
            Err(Failure::Impossible(why)) => {
                Notice::failed(format!("Nothing learnt from {name}: {why}"))
            }
        });
    }

    /// Goes back to the kit from before a file was learnt from.
    pub(super) fn undo_learning(&mut self) {
        if self.params.kit.undo() {
            self.kit_changes += 1;
            self.notice = Some(Notice::done("The kit is the one from before".to_owned()));
        }
    }
}

/// How far it is.
pub(super) fn in_words(progress: &Progress) -> Notice {
    let Progress { name, share } = progress;
    // Of a long name the end is cut.
    Notice::done(format!("{:.0} % learnt from {name}", 100.0 * share))
}

/// What the kit is now.
fn learnt_in_words(name: &str, learnt: &Learnt) -> String {
    let part = learnt.part_s.map_or(String::new(), |seconds| {
        format!("the first {:.0} minutes of ", seconds / 60.0)
    });
    let mut text = format!("Kit of {part}{name}: {}", list(&learnt.drums));
    if !learnt.kept.is_empty() {
        text += &format!("; as before: {}", list(&learnt.kept));
    }
    text
}

/// The drums, in a row.
fn list(drums: &[Drum]) -> String {
    let names: Vec<String> = drums
        .iter()
        .map(|drum| drum.name().to_lowercase())
        .collect();
    names.join(", ")
}
