//! Samples of the user's own in place of drums: `--sample` and `--sample-kit`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::one_shots::{OneShot, OwnKit, OwnKitPlan, OwnSet, read_own_set};

use crate::drums::drum_of;

/// Samples in place of a drum.
#[derive(Debug, Clone)]
pub struct OwnSample {
    drum: Drum,
    /// File or folder.
    path: PathBuf,
    set: OwnSet,
}

impl OwnSample {
    /// Reads `DRUM=PATH`, and the files.
    ///
    /// # Errors
    /// Another form, an unknown drum, files of which none can be used.
    pub fn parse(text: &str) -> Result<OwnSample, String> {
        let (drum, path) = text
            .split_once('=')
            .ok_or_else(|| format!("expected DRUM=PATH, found {text:?}"))?;
        let drum = drum_of(drum)?;
        if path.is_empty() {
            return Err(format!("expected DRUM=PATH, found no path in {text:?}"));
        }
        let set = read_own_set(Path::new(path)).map_err(|error| error.to_string())?;
        Ok(OwnSample {
            drum,
            path: path.into(),
            set,
        })
    }
}

/// Samples of a whole kit.
#[derive(Debug, Clone)]
pub struct KitFolder {
    files: Vec<PathBuf>,
    kit: OwnKit,
}

impl KitFolder {
    /// Reads the folder called `text`.
    ///
    /// # Errors
    /// A folder that cannot be listed, or in which no drum is.
    pub fn parse(text: &str) -> Result<KitFolder, String> {
        let plan = OwnKitPlan::of(Path::new(text)).map_err(|error| error.to_string())?;
        Ok(KitFolder {
            files: plan.files().map(Path::to_path_buf).collect(),
            kit: plan.read().map_err(|error| error.to_string())?,
        })
    }
}

/// What plays in place of which drum.
#[derive(Debug, Default)]
pub struct OwnSamples {
    sets: [Option<OwnSet>; DRUM_COUNT],
    /// Files and folders that they came from.
    pub paths: Vec<PathBuf>,
    /// Files that cannot be used, and why.
    pub left_out: Vec<String>,
}

impl OwnSamples {
    /// `samples` before what `folder` has.
    ///
    /// # Errors
    /// A drum twice in `samples`.
    pub fn new(samples: &[OwnSample], folder: Option<&KitFolder>) -> Result<OwnSamples, String> {
        let mut own = OwnSamples::default();
        for sample in samples {
            let place = &mut own.sets[sample.drum.index()];
            if place.is_some() {
                let name = sample.drum.file_stem();
                return Err(format!(
                    "--sample: expected each drum once, found {name} again; a folder may hold several samples"
                ));
            }
            *place = Some(sample.set.clone());
            own.paths.push(sample.path.clone());
            own.left_out.extend_from_slice(&sample.set.left_out);
        }
        if let Some(KitFolder { files, kit }) = folder {
            for (drum, set) in &kit.sets {
                own.sets[drum.index()].get_or_insert_with(|| set.clone());
            }
            own.paths.extend_from_slice(files);
            own.left_out.extend_from_slice(&kit.left_out);
        }
        Ok(own)
    }

    /// The sounds of each drum that has any.
    pub fn sounds(&self) -> Vec<(Drum, Vec<Arc<OneShot>>)> {
        let sets = Drum::ALL.into_iter().zip(&self.sets);
        sets.filter_map(|(drum, set)| {
            let one_shots = set.as_ref()?.one_shots.iter().cloned();
            Some((drum, one_shots.map(Arc::new).collect()))
        })
        .collect()
    }
}
