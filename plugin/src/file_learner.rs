//! Learns the kit from a file, before anything is played.
//!
//! A thread of its own hears the file with an engine of its own, and hands the kit over as a
//! project's is. It outlives windows, and ends with the plugin.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use idm_engine::drum::Drum;
use idm_engine::from_file::{FromFileError, KitFromFile, KitHearing, kit_from_file};

use crate::corrections::lessons;
use crate::kit_state::KitState;
use crate::lock::lock;
use crate::model_choice::{ChosenModel, ModelChoice};
use crate::params::IdmParams;

/// What became of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the file is called.
    pub name: String,
    /// What was learnt, or why nothing was.
    pub result: Result<Learnt, Failure>,
}

/// What was learnt from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Learnt {
    /// The drums that the kit has from it.
    pub drums: Vec<Drum>,
    /// Those that it has from before.
    pub kept: Vec<Drum>,
    /// How much was heard, in seconds, if that is not all of it.
    pub part_s: Option<f64>,
}

/// Why nothing was learnt from a file. The kit is as it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The user said so.
    Cancelled,
    /// Another kit was loaded meanwhile.
    Overtaken,
    /// In words.
    Impossible(String),
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What the file is called.
    pub name: String,
    /// 0 to 1.
    pub share: f32,
}

/// What the thread and others share.
#[derive(Debug, Default)]
struct Job {
    name: String,
    is_cancelled: AtomicBool,
    /// Bits of an `f32`.
    share: AtomicU32,
    /// Comes last of all.
    outcome: Mutex<Option<Outcome>>,
}

#[derive(Debug, Default)]
struct Desk {
    is_closed: bool,
    /// The last file, until its outcome was taken.
    job: Option<Arc<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    fn running(&self) -> Option<&Arc<Job>> {
        let job = self.job.as_ref();
        job.filter(|job| lock(&job.outcome).is_none())
    }
}

/// Learns from one file at a time. None of this is for the audio thread.
#[derive(Debug, Default)]
pub struct FileLearner {
    desk: Mutex<Desk>,
}

impl FileLearner {
    /// Begins to learn from the file at `path`, with the settings of now.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn start(&self, path: &Path, params: &IdmParams) -> Result<(), String> {
        let mut desk = lock(&self.desk);
        if let Some(job) = desk.running() {
            let name = &job.name;
            return Err(format!("Still learning from {name}: wait, or cancel it"));
        }
        if desk.is_closed {
            return Err("The plugin is being removed".to_owned());
        }
        let job = Arc::new(Job {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            ..Job::default()
        });
        let task = Task {
            path: path.to_owned(),
            hearing: KitHearing {
                quality: params.quality.value().engine(),
                controls: params.controls(),
                lessons: lessons(&params.corrections.current()).collect(),
            },
            changes: params.kit.changes(),
            kit: params.kit.clone(),
            model: params.model.clone(),
            job: job.clone(),
        };
        let thread = thread::Builder::new().name("idm file learner".into());
        let thread = thread
            .spawn(move || task.run())
            .map_err(|error| format!("Nothing can be learnt now: {error}"))?;
        desk.job = Some(job);
        // That of the file before is at its end.
        desk.thread = Some(thread);
        Ok(())
    }

    /// How far it is; none if nothing is being learnt.
    pub fn progress(&self) -> Option<Progress> {
        let desk = lock(&self.desk);
        let job = desk.running()?;
        Some(Progress {
            name: job.name.clone(),
            share: f32::from_bits(job.share.load(Ordering::Relaxed)),
        })
    }

    /// Stops within a block; the kit stays as it is, unless it was learnt already.
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
        Some(outcome)
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

/// What the thread needs.
struct Task {
    path: PathBuf,
    hearing: KitHearing,
    kit: KitState,
    model: ModelChoice,
    /// Those of the kit when it began.
    changes: u64,
    job: Arc<Job>,
}

impl Task {
    fn run(self) {
        // Of what no test has foreseen the window is to hear, too.
        let learn = AssertUnwindSafe(|| self.learn());
        let broken = |_| Err(Failure::Impossible("it cannot be heard".to_owned()));
        let result = catch_unwind(learn).unwrap_or_else(broken);
        *lock(&self.job.outcome) = Some(Outcome {
            name: self.job.name.clone(),
            result,
        });
    }

    fn learn(&self) -> Result<Learnt, Failure> {
        let model = self.model.current();
        let ChosenModel { model, .. } =
            model.map_err(|error| Failure::Impossible(error.to_string()))?;
        let mut go_on = |share: f32| {
            self.job.share.store(share.to_bits(), Ordering::Relaxed);
            match self.is_wanted() {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        match kit_from_file(&self.path, &model, &self.hearing, &mut go_on) {
            Ok(found) => self.hand_over(found),
            Err(FromFileError::Stopped) => {
                Err(self.is_wanted().err().unwrap_or(Failure::Cancelled))
            }
            Err(error) => {
                // Its path is long, and known.
                let (error, path) = (error.to_string(), format!("{}: ", self.path.display()));
                let why = error.strip_prefix(&path).unwrap_or(&error);
                Err(Failure::Impossible(why.to_owned()))
            }
        }
    }

    /// Whether the kit is still to be learnt.
    fn is_wanted(&self) -> Result<(), Failure> {
        if self.job.is_cancelled.load(Ordering::Relaxed) {
            return Err(Failure::Cancelled);
        }
        if self.kit.changes() != self.changes {
            return Err(Failure::Overtaken);
        }
        Ok(())
    }

    fn hand_over(&self, found: KitFromFile) -> Result<Learnt, Failure> {
        self.is_wanted()?;
        let drums = found.kit.drums.iter().map(|learnt| learnt.drum).collect();
        let kept = self.kit.take_learnt(found.kit, self.changes);
        Ok(Learnt {
            drums,
            kept: kept.ok_or(Failure::Overtaken)?,
            part_s: found.is_part.then_some(found.heard_s),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
