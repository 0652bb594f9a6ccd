//! Where the pieces of a run come from: rendered, recorded, or both.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, ensure};
use idm_engine::note_map::NoteMap;

use super::{DataFolders, ensure_some, renderer};
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
    /// recordings below `recordings`, whose MIDI files have the notes of `notes`. Allocates.
    ///
    /// # Errors
    /// Material that cannot be loaded; recordings of which none is for
    /// training; folders of which nothing is, without recordings.
    pub fn open(
        config: &Config,
        folders: &DataFolders,
        recordings: &[PathBuf],
        notes: &NoteMap,
    ) -> Result<Pieces> {
        let renderer = Arc::new(renderer(config, folders, Split::Train)?);
        let opened = open_recordings(config, recordings, notes, &renderer, Split::Train)?;
        ensure!(
            opened.is_some() || recordings.is_empty(),
            "expected recordings to train on, found only ones below folders called valid, validation or test"
        );
        if opened.is_none() {
            ensure_some(folders, &renderer, Split::Train)?;
        }
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

/// One side of the recordings below `folders`, whose MIDI files have the notes of `notes`, if
/// there are any on it. Allocates.
///
/// # Errors
/// Recordings that cannot be found or read.
pub fn open_recordings(
    config: &Config,
    folders: &[PathBuf],
    notes: &NoteMap,
    renderer: &Renderer,
    split: Split,
) -> Result<Option<Recordings>> {
    let recordings = RecordingsConfig {
        folders: folders.to_vec(),
        use_stems: config.data.recordings_stems,
        notes: *notes,
        ..RecordingsConfig::default()
    };
    Recordings::open(&recordings, split, renderer.kits())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use idm_engine::audio_file::{AudioBuffer, write_wav};

    use super::*;

    #[test]
    fn material_that_is_all_held_out_is_no_material_to_train_on() {
        let data = tempfile::tempdir().unwrap();
        let kit = data.path().join("drums/valid/kit");
        fs::create_dir_all(&kit).unwrap();
        let mut audio = AudioBuffer::silent(44_100.0, 1, 100);
        audio.channels[0][3] = 0.5;
        write_wav(kit.join("kick.wav"), &audio).unwrap();
        let mut config = Config::default();
        config.data.procedural_kits = 1;
        let open = || {
            let folders = DataFolders::inside(data.path()).unwrap();
            Pieces::open(&config, &folders, &[], &NoteMap::default())
        };
        let error = open().unwrap_err().to_string();
        let expected = format!(
            "{}: expected training kits or performances, found none",
            data.path().display()
        );
        assert!(error.starts_with(&expected), "{error}");

        // On the other side it is some.
        let folders = DataFolders::inside(data.path()).unwrap();
        let held_out = renderer(&config, &folders, Split::Valid).unwrap();
        ensure_some(&folders, &held_out, Split::Valid).unwrap();
        let own = data.path().join("drums/own");
        fs::create_dir(&own).unwrap();
        fs::copy(kit.join("kick.wav"), own.join("kick.wav")).unwrap();
        assert_eq!(open().unwrap().renderer().material(), (1, 0));
        // Without a folder, all is procedural.
        Pieces::open(&config, &DataFolders::default(), &[], &NoteMap::default()).unwrap();
    }
}
