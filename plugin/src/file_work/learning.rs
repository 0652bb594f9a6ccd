//! Learns the kit from a file, before anything is played, and hands it over as a project's is.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use idm_engine::drum::Drum;
use idm_engine::from_file::{FromFileError, KitFromFile, KitHearing, kit_from_file};

use super::{Done, Failure, Job, Task, impossible};
use crate::corrections::lessons;
use crate::kit_state::KitState;
use crate::model_choice::{ChosenModel, ModelChoice};
use crate::params::IdmParams;

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

/// Learns from the file at `path` with the settings of now.
pub(super) fn task(path: &Path, params: &IdmParams) -> Task {
    let learning = Learning {
        path: path.to_owned(),
        hearing: KitHearing {
            quality: params.quality.value().engine(),
            controls: params.controls(),
            lessons: lessons(&params.corrections.current()).collect(),
        },
        changes: params.kit.changes(),
        kit: params.kit.clone(),
        model: params.model.clone(),
    };
    Box::new(move |job| learning.run(job).map(Done::Kit))
}

/// What the thread needs.
struct Learning {
    path: PathBuf,
    hearing: KitHearing,
    kit: KitState,
    model: ModelChoice,
    /// Those of the kit when it began.
    changes: u64,
}

impl Learning {
    fn run(&self, job: &Job) -> Result<Learnt, Failure> {
        let model = self.model.current();
        let ChosenModel { model, .. } =
            model.map_err(|error| Failure::Impossible(error.to_string()))?;
        let mut go_on = |share: f32| match (job.go_on(share), self.is_wanted(job)) {
            (ControlFlow::Continue(()), Ok(())) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        match kit_from_file(&self.path, &model, &self.hearing, &mut go_on) {
            Ok(found) => self.hand_over(job, found),
            Err(FromFileError::Stopped) => {
                Err(self.is_wanted(job).err().unwrap_or(Failure::Cancelled))
            }
            Err(error) => Err(impossible(&error, &self.path)),
        }
    }

    /// Whether the kit is still to be learnt.
    fn is_wanted(&self, job: &Job) -> Result<(), Failure> {
        if job.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        if self.kit.changes() != self.changes {
            return Err(Failure::Overtaken);
        }
        Ok(())
    }

    fn hand_over(&self, job: &Job, found: KitFromFile) -> Result<Learnt, Failure> {
        self.is_wanted(job)?;
        let drums = found.kit.drums.iter().map(|learnt| learnt.drum).collect();
        let kept = self.kit.take_learnt(found.kit, self.changes);
        Ok(Learnt {
            drums,
            kept: kept.ok_or(Failure::Overtaken)?,
            part_s: found.is_part.then_some(found.heard_s),
        })
    }
}
