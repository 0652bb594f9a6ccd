//! One sound and one template per drum.

use thiserror::Error;

use super::{OneShot, OneShotError, Template};
use crate::{
    audio_file::{self, AudioBuffer},
    drum::{DRUM_COUNT, Drum},
    front_end::{Framing, FrontEnd, UnsupportedSampleRate},
};

/// Why a bank could not be made.
#[derive(Debug, Error)]
pub enum BankError {
    /// Not one sound per class.
    #[error("a bank has {DRUM_COUNT} one-shots, found {found}")]
    Count {
        /// Number of sounds given.
        found: usize,
    },
    /// A sound was refused.
    #[error("one-shot of {}: {source}", drum.name())]
    OneShot {
        /// Its class.
        drum: Drum,
        /// The reason.
        source: OneShotError,
    },
    /// A sound could not be converted to the engine's rate.
    #[error("one-shot of {}: {source}", drum.name())]
    Resample {
        /// Its class.
        drum: Drum,
        /// The reason.
        source: audio_file::AudioFileError,
    },
    /// The engine cannot run at this rate.
    #[error(transparent)]
    SampleRate(#[from] UnsupportedSampleRate),
}

/// The one-shots of all classes at one sample rate, with their templates.
///
/// Immutable and shared: the audio thread plays it while others read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bank {
    one_shots: Vec<OneShot>,
    templates: Vec<Template>,
}

impl Bank {
    /// Converts one sound per class to `sample_rate_hz` and analyses it.
    /// Allocates and takes tens of milliseconds: not for the audio thread.
    ///
    /// # Errors
    /// Not nine sounds, a sound that is refused, an unsupported rate.
    pub fn new(one_shots: &[OneShot], sample_rate_hz: f64) -> Result<Bank, BankError> {
        if one_shots.len() != DRUM_COUNT {
            return Err(BankError::Count {
                found: one_shots.len(),
            });
        }
        let mut front_end = FrontEnd::new(Framing::for_rate(sample_rate_hz)?);
        let mut bank = Bank {
            one_shots: Vec::with_capacity(DRUM_COUNT),
            templates: Vec::with_capacity(DRUM_COUNT),
        };
        for (drum, one_shot) in Drum::ALL.into_iter().zip(one_shots) {
            let one_shot = at_rate(drum, &one_shot.trimmed(), sample_rate_hz)?;
            bank.templates.push(Template::of(&one_shot, &mut front_end));
            bank.one_shots.push(one_shot);
        }
        Ok(bank)
    }

    /// The sound of `drum`. Real-time safe.
    pub fn one_shot(&self, drum: Drum) -> &OneShot {
        &self.one_shots[drum.index()]
    }

    /// The template of `drum`. Real-time safe.
    pub fn template(&self, drum: Drum) -> &Template {
        &self.templates[drum.index()]
    }
}

fn at_rate(drum: Drum, one_shot: &OneShot, sample_rate_hz: f64) -> Result<OneShot, BankError> {
    if one_shot.sample_rate_hz() == sample_rate_hz {
        return Ok(one_shot.clone());
    }
    let buffer = AudioBuffer {
        sample_rate_hz: one_shot.sample_rate_hz(),
        channels: one_shot.channels().to_vec(),
    };
    let buffer = audio_file::resample(&buffer, sample_rate_hz)
        .map_err(|source| BankError::Resample { drum, source })?;
    OneShot::new(sample_rate_hz, buffer.channels)
        .map_err(|source| BankError::OneShot { drum, source })
}
