//! What is done with a recording in a file: begun, watched, taken back.

use std::path::Path;

use idm_engine::drum::Drum;

use super::IdmApp;
use crate::editor::notice::Notice;
use crate::file_work::{Done, Failure, Learnt, Outcome, Progress, Purpose, Written};
use crate::lock::lock;

impl IdmApp {
    /// Begins to learn the kit from a file.
    pub(super) fn learn_from(&mut self, path: &Path) {
        let begun = self.file_work.learn_kit(path, &self.params);
        self.has_begun(begun);
    }

    /// Begins to write the stems of a file.
    pub(super) fn write_stems(&mut self, path: &Path) {
        let (params, parent) = (&self.params, &self.kits_folder);
        let begun = self.file_work.write_stems(path, params, parent);
        self.has_begun(begun);
    }

    fn has_begun(&mut self, begun: Result<(), String>) {
        match begun {
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
        let Some(outcome) = self.file_work.take_outcome() else {
            return;
        };
        let Outcome {
            name,
            purpose,
            result,
        } = outcome;
        let nothing = match purpose {
            Purpose::Kit => format!("Nothing learnt from {name}"),
            Purpose::Stems => format!("No stems of {name}"),
        };
        self.notice = Some(match result {
            Ok(Done::Kit(learnt)) => {
                self.kit_changes += 1;
                Notice::done(learnt_in_words(&name, &learnt))
            }
            Ok(Done::Stems(written)) => written_in_words(&name, &written),
            Err(Failure::Cancelled) => Notice::done(format!("{nothing}: cancelled")),
            Err(Failure::Overtaken) => {
                Notice::done(format!("{nothing}: the kit was changed meanwhile"))
            }
            Err(Failure::Impossible(why)) => Notice::failed(format!("{nothing}: {why}")),
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
    let (name, percent) = (&progress.name, 100.0 * progress.share);
    // Of a long name the end is cut.
    Notice::done(match progress.purpose {
        Purpose::Kit => format!("{percent:.0} % learnt from {name}"),
        Purpose::Stems => format!("{percent:.0} % of the stems of {name}"),
    })
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

/// Where the stems are, and which drums have none.
fn written_in_words(name: &str, written: &Written) -> Notice {
    let what = format!("Stems of {name} saved in");
    let mut notice = Notice::saved(&what, &written.folder);
    if !written.silent.is_empty() {
        notice.text += &format!("; silent: {}", list(&written.silent));
    }
    notice
}

/// The drums, in a row.
fn list(drums: &[Drum]) -> String {
    let names: Vec<String> = drums
        .iter()
        .map(|drum| drum.name().to_lowercase())
        .collect();
    names.join(", ")
}
