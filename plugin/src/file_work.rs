//! What is done with a recording in a file: its kit is learnt, or its stems are written.
//!
//! A thread of its own hears the file with an engine of its own, while the song goes on. It
//! outlives windows, and ends with the plugin.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use idm_engine::from_file::FromFileError;

use crate::lock::lock;
use crate::params::IdmParams;

mod learning;
mod stems;

pub use learning::Learnt;
pub use stems::Written;

/// What a file is heard for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The kit that is played in it.
    Kit,
    /// Its stems.
    Stems,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// Its kit was learnt.
    Kit(Learnt),
    /// Its stems were written.
    Stems(Written),
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the file is called.
    pub name: String,
    /// What it was heard for.
    pub purpose: Purpose,
    /// What came of it, or why nothing did.
    pub result: Result<Done, Failure>,
}

/// Why nothing came of a file. All is as it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The user said so.
    Cancelled,
    /// Another kit was loaded while one was learnt.
    Overtaken,
    /// In words.
    Impossible(String),
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What the file is called.
    pub name: String,
    /// What it is heard for.
    pub purpose: Purpose,
    /// 0 to 1.
    pub share: f32,
}

/// What the thread and others share.
#[derive(Debug)]
struct Job {
    name: String,
    purpose: Purpose,
    is_cancelled: AtomicBool,
    /// Bits of an `f32`.
    share: AtomicU32,
    /// Comes last of all.
    outcome: Mutex<Option<Outcome>>,
}

impl Job {
    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Shows how far it is; breaks if the user wants no more.
    fn go_on(&self, share: f32) -> ControlFlow<()> {
        self.share.store(share.to_bits(), Ordering::Relaxed);
        match self.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// What the thread does.
type Task = Box<dyn FnOnce(&Job) -> Result<Done, Failure> + Send>;

#[derive(Debug, Default)]
struct Desk {
    is_closed: bool,
    /// The last file, until its outcome was taken.
    job: Option<Arc<Job>>,
    thread: Option<JoinHandle<()>>,
    /// The stems that were written last.
    stems: Vec<PathBuf>,
}

impl Desk {
    fn running(&self) -> Option<&Arc<Job>> {
        let job = self.job.as_ref();
        job.filter(|job| lock(&job.outcome).is_none())
    }
}

/// Hears one file at a time. None of this is for the audio thread.
#[derive(Debug, Default)]
pub struct FileWork {
    desk: Mutex<Desk>,
}

impl FileWork {
    /// Begins to learn the kit from the file at `path`, with the settings of now.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn learn_kit(&self, path: &Path, params: &IdmParams) -> Result<(), String> {
        self.start(path, Purpose::Kit, learning::task(path, params))
    }

    /// Begins to write the stems of the file at `path` into a new folder in `parent`, with the
    /// settings and the kit of now.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn write_stems(
        &self,
        path: &Path,
        params: &IdmParams,
        parent: &Path,
    ) -> Result<(), String> {
        self.start(path, Purpose::Stems, stems::task(path, params, parent))
    }

    fn start(&self, path: &Path, purpose: Purpose, task: Task) -> Result<(), String> {
        let mut desk = lock(&self.desk);
        if let Some(job) = desk.running() {
            let name = &job.name;
            return Err(format!("Still hearing {name}: wait, or cancel it"));
        }
        if desk.is_closed {
            return Err("The plugin is being removed".to_owned());
        }
        let name = path.file_name().unwrap_or_default();
        let job = Arc::new(Job {
            name: name.to_string_lossy().into_owned(),
            purpose,
            is_cancelled: AtomicBool::new(false),
            share: AtomicU32::new(0),
            outcome: Mutex::new(None),
        });
        let thread = thread::Builder::new().name("idm file".into());
        let shared = job.clone();
        let thread = thread
            .spawn(move || run(&shared, task))
            .map_err(|error| format!("No file can be heard now: {error}"))?;
        desk.job = Some(job);
        // That of the file before is at its end.
        desk.thread = Some(thread);
        Ok(())
    }

    /// How far it is; none if nothing is being heard.
    pub fn progress(&self) -> Option<Progress> {
        let desk = lock(&self.desk);
        let job = desk.running()?;
        Some(Progress {
            name: job.name.clone(),
            purpose: job.purpose,
            share: f32::from_bits(job.share.load(Ordering::Relaxed)),
        })
    }

    /// Stops within a block; all stays as it is, unless it was done already.
    pub fn cancel(&self) {
        if let Some(job) = &lock(&self.desk).job {
            job.is_cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// What became of the last file, once.
    pub fn take_outcome(&self) -> Option<Outcome> {
        let mut desk = lock(&self.desk);
        let outcome = lock(&desk.job.as_ref()?.outcome).take()?;
        desk.job = None;
        if let Ok(Done::Stems(written)) = &outcome.result {
            desk.stems.clone_from(&written.files);
        }
        Some(outcome)
    }

    /// The stems that were written last, as far as they are still there.
    pub fn last_stems(&self) -> Vec<PathBuf> {
        let stems = lock(&self.desk).stems.clone();
        stems.into_iter().filter(|path| path.is_file()).collect()
    }

    /// Whether stems were written.
    pub fn has_stems(&self) -> bool {
        !lock(&self.desk).stems.is_empty()
    }

    /// Ends the thread, for good.
    pub fn close(&self) {
        let thread = {
            let mut desk = lock(&self.desk);
            desk.is_closed = true;
            if let Some(job) = &desk.job {
                job.is_cancelled.store(true, Ordering::Relaxed);
            }
            desk.thread.take()
        };
        if let Some(thread) = thread {
            // It has nothing left to give.
            let _ = thread.join();
        }
    }
}

fn run(job: &Job, task: Task) {
    // Of what no test has foreseen the window is to hear, too.
    let broken = |_| Err(Failure::Impossible("it cannot be heard".to_owned()));
    let result = catch_unwind(AssertUnwindSafe(|| task(job))).unwrap_or_else(broken);
    *lock(&job.outcome) = Some(Outcome {
        name: job.name.clone(),
        purpose: job.purpose,
        result,
    });
}

/// Why the file at `path` was not heard, in words.
fn impossible(error: &FromFileError, path: &Path) -> Failure {
    // Its path is long, and known.
    let (error, path) = (error.to_string(), format!("{}: ", path.display()));
    let why = error.strip_prefix(&path).unwrap_or(&error);
    Failure::Impossible(why.to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
