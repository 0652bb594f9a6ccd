//! Sounds of the user's own, which play in place of the kit's.

use std::{path::Path, sync::Arc};

use thiserror::Error;

use super::{BankError, DrumSound, Evidence, OneShot, OneShotError};
use crate::{
    audio_file::{AudioFileError, AudioReader},
    drum::{DRUM_COUNT, Drum},
    front_end::{Framing, FrontEnd},
};

/// Longest sample that is read; what comes after it is left out.
pub const LONGEST_OWN_S: f64 = 7.5;
/// Level relative to the peak below which a sample has not begun: −46 dB.
const BEGIN: f32 = 0.005;
/// What is kept before that.
const LEAD_S: f64 = 0.0005;

/// Why a file cannot be a drum's sound.
#[derive(Debug, Error)]
pub enum OwnSoundError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] AudioFileError),
    /// It is no one-shot.
    #[error("{file}: {source}")]
    OneShot {
        /// The file's name.
        file: String,
        /// The reason.
        source: OneShotError,
    },
    /// Nothing is heard.
    #[error("{file}: expected a sound, found silence")]
    Silent {
        /// The file's name.
        file: String,
    },
}

/// Reads the sound in the audio file at `path`: its first [`LONGEST_OWN_S`]
/// seconds from the attack on. Allocates.
///
/// # Errors
/// A file that cannot be read, is silent, or has another rate than a one-shot can
/// have.
pub fn read_one_shot(path: &Path) -> Result<OneShot, OwnSoundError> {
    let file = || {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let mut reader = AudioReader::open(path)?;
    let rate_hz = reader.sample_rate_hz();
    let longest = (LONGEST_OWN_S * rate_hz) as usize;
    let mut channels: Vec<Vec<f32>> = vec![Vec::new(); reader.channels()];
    // Some more, in case the sound begins late.
    while channels[0].len() < 2 * longest
        && let Some(packet) = reader.next_packet()?
    {
        for (channel, samples) in channels.iter_mut().zip(packet) {
            channel.extend_from_slice(samples);
        }
    }
    let peak = channels
        .iter()
        .flatten()
        .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let sounds = |sample: &f32| sample.abs() > BEGIN * peak;
    let begins = channels
        .iter()
        .filter_map(|channel| channel.iter().position(sounds));
    let Some(first) = begins.min() else {
        return Err(OwnSoundError::Silent { file: file() });
    };
    let first = first.saturating_sub((LEAD_S * rate_hz) as usize);
    for channel in &mut channels {
        channel.drain(..first);
        channel.truncate(longest);
    }
    OneShot::new(rate_hz, channels)
        .map(|one_shot| one_shot.trimmed())
        .map_err(|source| OwnSoundError::OneShot {
            file: file(),
            source,
        })
}

/// The user's sound of each drum that has one, at one sample rate. Immutable and
/// shared, as a bank is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnSounds {
    sounds: [Option<DrumSound>; DRUM_COUNT],
}

impl OwnSounds {
    /// Converts the sounds to `sample_rate_hz` and measures their levels.
    /// Allocates and takes milliseconds.
    ///
    /// # Errors
    /// An unsupported rate or a sound that cannot be converted.
    pub fn new(
        sounds: &[(Drum, Arc<OneShot>)],
        sample_rate_hz: f64,
    ) -> Result<OwnSounds, BankError> {
        let mut front_end = FrontEnd::new(Framing::for_rate(sample_rate_hz)?);
        let mut own = OwnSounds::default();
        for (drum, one_shot) in sounds {
            let layer = [(1.0, one_shot.clone())];
            let sound = DrumSound::new(*drum, &layer, Evidence::default(), &mut front_end)?;
            own.sounds[drum.index()] = Some(sound);
        }
        Ok(own)
    }

    /// The user's sound of `drum`. Real-time safe.
    pub fn sound(&self, drum: Drum) -> Option<&DrumSound> {
        self.sounds[drum.index()].as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio_file::{AudioBuffer, write_wav};

    /// Closed: an open file cannot be replaced on every system.
    fn file(samples: Vec<f32>) -> tempfile::TempPath {
        let file = tempfile::Builder::new().suffix(".wav").tempfile().unwrap();
        let path = file.into_temp_path();
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![samples],
        };
        write_wav(&path, &audio).unwrap();
        path
    }

    #[test]
    fn a_sample_begins_with_its_attack() {
        let mut samples = vec![0.0; 9_000];
        samples[5_000..6_000].fill(0.5);
        let sample = read_one_shot(&file(samples)).unwrap();
        assert_eq!(sample.frames(), 24 + 1_000);
        assert_eq!(sample.channel(0)[24], 0.5);
    }

    #[test]
    fn what_cannot_be_a_sound_is_refused_by_name() {
        let silent = file(vec![0.0; 100]);
        let error = read_one_shot(&silent).unwrap_err().to_string();
        assert!(error.contains(".wav: expected a sound"), "{error}");
        assert!(read_one_shot(Path::new("/no/such/file.wav")).is_err());
    }

    #[test]
    fn sounds_are_converted_to_the_engines_rate() {
        let one_shot = Arc::new(OneShot::new(48_000.0, vec![vec![0.3; 4_800]]).unwrap());
        let own = OwnSounds::new(&[(Drum::Snare, one_shot)], 96_000.0).unwrap();
        let sound = own.sound(Drum::Snare).unwrap();
        let frames = sound.layers[0].one_shot.frames();
        assert!((9_500..=9_700).contains(&frames), "{frames}");
        assert!(own.sound(Drum::Kick).is_none());
        assert!(OwnSounds::new(&[], f64::NAN).is_err());
    }
}
