//! Where the pieces of a run come from: rendered, recorded, or both.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, ensure};

use super::{DataFolders, renderer};
use crate::{
    config::Config,
    kits::Split,
    random::Random,
    recordings::{Recordings, RecordingsConfig},
    render::{Renderer, TrainingExample},
};

/// Pieces by number, each the same whenever it is asked for.
#[derive(Debug, Clone)]
pub struct Pieces {
    renderer: Arc<Renderer>,
    recordings: Option<Arc<Recordings>>,
    recordings_share: f32,
    piece_s: f64,
    seed: u64,
}

impl Pieces {
    /// The training side of the kits and grooves in `folders` and of the
    /// recordings below `recordings`. Allocates.
    ///
    /// # Errors
    /// Material that cannot be loaded; recordings of which none is for
    /// training.
    pub fn open(config: &Config, folders: &DataFolders, recordings: &[PathBuf]) -> Result<Pieces> {
        let renderer = Arc::new(renderer(config, folders, Split::Train)?);
        let opened = open_recordings(config, recordings, &renderer, Split::Train)?;
        ensure!(
            opened.is_some() || recordings.is_empty(),
            "expected recordings to train on, found only ones below folders called valid, validation or test"
        );
        Ok(Pieces {
            renderer,
            recordings: opened.map(Arc::new),
            recordings_share: config.data.recordings_share,
            piece_s: config.data.piece_s,
            seed: config.seed,
        })
    }

    /// What is rendered.
    pub fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    /// What is recorded, if anything.
    pub fn recordings(&self) -> Option<&Recordings> {
        self.recordings.as_deref()
    }

    /// Whether piece `index` is cut from a recording.
    pub fn is_recorded(&self, index: u64) -> bool {
        let mut random = Random::new(&[self.seed, index, 0x736f_7572]);
        self.recordings.is_some() && random.chance(self.recordings_share)
    }

    /// Piece `index`. Allocates.
    ///
    /// # Errors
    /// A recording that cannot be read.
    pub fn example(&self, index: u64) -> Result<TrainingExample> {
        match &self.recordings {
            Some(recordings) if self.is_recorded(index) => {
                recordings.example(self.seed, index, self.piece_s)
            }
            _ => Ok(self.renderer.example(index)),
        }
    }
}

/// One side of the recordings below `folders`, if there are any on it.
/// Allocates.
///
/// # Errors
/// Recordings that cannot be found or read.
pub fn open_recordings(
    config: &Config,
    folders: &[PathBuf],
    renderer: &Renderer,
    split: Split,
) -> Result<Option<Recordings>> {
    let recordings = RecordingsConfig {
        folders: folders.to_vec(),
        use_stems: config.data.recordings_stems,
        ..RecordingsConfig::default()
    };
    Recordings::open(&recordings, split, renderer.kits())
}
