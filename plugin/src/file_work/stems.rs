//! Writes the stems of a file, for whoever wants audio on tracks and no buses to route.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use idm_engine::drum::Drum;
use idm_engine::from_file::{FromFileError, StemsFromFile, StemsHearing, stems_from_file};

use super::{Done, Failure, Job, Task, impossible};
use crate::corrections::lessons;
use crate::model_choice::{ChosenModel, ModelChoice};
use crate::params::IdmParams;

/// The stems of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Their folder.
    pub folder: PathBuf,
    /// The files, in the order of drums.
    pub files: Vec<PathBuf>,
    /// The drums that have none: they do not sound.
    pub silent: Vec<Drum>,
}

/// Writes the stems of the file at `path` into a new folder in `parent`, with the settings and
/// the kit of now.
pub(super) fn task(path: &Path, params: &IdmParams, parent: &Path) -> Task {
    let writing = Writing {
        path: path.to_owned(),
        parent: parent.to_owned(),
        hearing: StemsHearing {
            quality: params.quality.value().engine(),
            controls: params.controls(),
            lessons: lessons(&params.corrections.current()).collect(),
            kit: params.kit.current(),
            own: params.own_samples.sounds(),
        },
        model: params.model.clone(),
    };
    Box::new(move |job| writing.run(job).map(Done::Stems))
}

/// What the thread needs.
struct Writing {
    path: PathBuf,
    parent: PathBuf,
    hearing: StemsHearing,
    model: ModelChoice,
}

impl Writing {
    fn run(&self, job: &Job) -> Result<Written, Failure> {
        let model = self.model.current();
        let ChosenModel { model, .. } =
            model.map_err(|error| Failure::Impossible(error.to_string()))?;
        let folder = new_folder(&self.path, &self.parent).map_err(Failure::Impossible)?;
        let mut go_on = |share| job.go_on(share);
        let found = stems_from_file(&self.path, &folder, &model, &self.hearing, &mut go_on);
        if found.is_err() {
            // Somebody else's files in it keep it.
            let _ = fs::remove_dir(&folder);
        }
        match found {
            Ok(StemsFromFile { files, silent, .. }) => Ok(Written {
                folder,
                files,
                silent,
            }),
            Err(FromFileError::Stopped) => Err(Failure::Cancelled),
            Err(error) => Err(impossible(&error, &self.path)),
        }
    }
}

/// A folder that was not there, named after the file.
fn new_folder(path: &Path, parent: &Path) -> Result<PathBuf, String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    for number in 1_u32.. {
        let folder = match number {
            1 => parent.join(format!("{name} stems")),
            _ => parent.join(format!("{name} stems {number}")),
        };
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&folder, error)),
        }
    }
    Err(format!("{}: no name is free", parent.display()))
}
