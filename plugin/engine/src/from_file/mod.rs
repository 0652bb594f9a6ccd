//! A recording in a file, heard faster than it plays: its kit, or the stems of it.

use thiserror::Error;

use crate::{audio_file::AudioFileError, engine::EngineError, one_shots::BankError};

mod ear;
mod kit;
mod stems;

pub use kit::{KitFromFile, KitHearing, MOST_HEARD_S, kit_from_file};
pub use stems::{StemsFromFile, StemsHearing, stem_file_names, stems_from_file};

/// Why a file gave nothing.
#[derive(Debug, Error)]
pub enum FromFileError {
    /// It cannot be read, or its stems cannot be written.
    #[error(transparent)]
    File(#[from] AudioFileError),
    /// There is no engine for it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It holds a sound or two.
    #[error("expected a recording of at least {least_s} s, found {found_s:.1} s")]
    Short {
        /// The shortest that is heard.
        least_s: f64,
        /// Its length.
        found_s: f64,
    },
    /// Nothing sounds.
    #[error("expected drums, found silence in the {heard_s:.0} s that were heard")]
    Silent {
        /// How much was heard.
        heard_s: f64,
    },
    /// No drum was heard well enough.
    #[error(
        "no drum was heard well enough: expected several clear hits of one, found {hits} hits of \
         all drums"
    )]
    NoDrum {
        /// Accepted hits.
        hits: usize,
    },
    /// A sample of the user's own cannot be converted to the rate of the file.
    #[error(transparent)]
    Samples(#[from] BankError),
    /// Somebody said so.
    #[error("stopped")]
    Stopped,
}
