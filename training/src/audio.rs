//! Audio files as training takes them: every sample a number.

use std::path::Path;

use anyhow::{Result, bail};
use idm_engine::audio_file::{self, AudioBuffer, write_wav};

/// Sample rate of all material.
pub const SAMPLE_RATE_HZ: f64 = 44_100.0;

/// Decodes the file at `path`. Allocates.
///
/// # Errors
/// A file that cannot be decoded, or a sample that is NaN or infinite: it would spread
/// through all that is learnt.
pub fn read_audio(path: &Path) -> Result<AudioBuffer> {
    let buffer = audio_file::read(path)?;
    for (channel, samples) in buffer.channels.iter().enumerate() {
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            bail!(
                "{}: expected numbers, found {} at sample {at} of channel {}",
                path.display(),
                samples[at],
                channel + 1
            );
        }
    }
    Ok(buffer)
}

/// Writes one channel of training's rate to the WAV file at `path`.
///
/// # Errors
/// A file that cannot be written.
pub fn write_mono(path: &Path, samples: &[f32]) -> Result<()> {
    let audio = AudioBuffer {
        sample_rate_hz: SAMPLE_RATE_HZ,
        channels: vec![samples.to_vec()],
    };
    Ok(write_wav(path, &audio)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kits::load_folder, recordings::read_mono};

    #[test]
    fn samples_that_are_no_numbers_are_named_in_kits_and_recordings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kick.wav");
        let mut audio = AudioBuffer::silent(44_100.0, 2, 100);
        audio.channels[0][3] = 0.5;
        write_wav(&path, &audio).unwrap();
        assert_eq!(read_audio(&path).unwrap(), audio);
        for odd in [f32::NAN, f32::NEG_INFINITY] {
            audio.channels[1][17] = odd;
            write_wav(&path, &audio).unwrap();
            let expected = format!(
                "{}: expected numbers, found {odd} at sample 17 of channel 2",
                path.display()
            );
            for error in [
                load_folder(folder.path()).map(drop).unwrap_err(),
                read_mono(&path).map(drop).unwrap_err(),
            ] {
                assert_eq!(format!("{error:#}"), expected);
            }
        }
    }
}
