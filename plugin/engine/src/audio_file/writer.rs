//! 32-bit float WAV files.

use std::fs::File;
use std::io::{BufWriter, Error as IoError};
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::{AudioBuffer, AudioFileError, MAX_CHANNELS, PartialFile, whole_rate_hz};

/// Most bytes of samples in a WAV file: the 32-bit length less the header.
const MAX_DATA_BYTES: u64 = u32::MAX as u64 - 256;

/// Bytes of one 32-bit float sample.
const SAMPLE_BYTES: u64 = 4;

/// A 32-bit float WAV file being written, chunk by chunk.
///
/// It replaces a file of the same name only when [`finish`](Self::finish)
/// succeeds; dropped before, it leaves nothing behind.
pub struct WavFile {
    // Declared before `partial`: the handle closes before the file is removed.
    writer: WavWriter<BufWriter<File>>,
    partial: PartialFile,
    channels: usize,
    data_bytes: u64,
}

impl std::fmt::Debug for WavFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WavFile")
            .field("destination", &self.partial.destination())
            .field("channels", &self.channels)
            .field("data_bytes", &self.data_bytes)
            .finish_non_exhaustive()
    }
}

impl WavFile {
    /// Starts a file. The sample rate is rounded to whole hertz. Allocates.
    ///
    /// # Errors
    /// When rate or channel count is out of range or the file cannot be
    /// created.
    pub fn create(
        path: impl AsRef<Path>,
        sample_rate_hz: f64,
        channels: usize,
    ) -> Result<WavFile, AudioFileError> {
        let path = path.as_ref();
        let sample_rate = whole_rate_hz(sample_rate_hz)?;
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(AudioFileError::ChannelCount { found: channels });
        }
        let spec = WavSpec {
            channels: channels as u16,
            sample_rate,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let (partial, file) = PartialFile::create(path).map_err(|e| io_error(path, e))?;
        let writer =
            WavWriter::new(BufWriter::new(file), spec).map_err(|e| hound_error(path, e))?;
        Ok(WavFile {
            writer,
            partial,
            channels,
            data_bytes: 0,
        })
    }

    /// Appends `channels`, shape `(channels, frames)`.
    ///
    /// # Errors
    /// When the number of channels differs from that of the file, the channels
    /// differ in length, the file would exceed 4 GiB, or writing fails.
    pub fn write(&mut self, channels: &[&[f32]]) -> Result<(), AudioFileError> {
        if channels.len() != self.channels {
            return Err(AudioFileError::ChannelCount {
                found: channels.len(),
            });
        }
        let frames = channels[0].len();
        if let Some(other) = channels.iter().find(|channel| channel.len() != frames) {
            return Err(AudioFileError::RaggedChannels {
                expected: frames,
                found: other.len(),
            });
        }
        let path = self.partial.destination();
        self.data_bytes += frames as u64 * self.channels as u64 * SAMPLE_BYTES;
        if self.data_bytes > MAX_DATA_BYTES {
            return Err(AudioFileError::TooLong {
                path: path.to_path_buf(),
                limit_bytes: MAX_DATA_BYTES,
            });
        }
        for frame in 0..frames {
            for channel in channels {
                self.writer
                    .write_sample(channel[frame])
                    .map_err(|e| hound_error(path, e))?;
            }
        }
        Ok(())
    }

    /// Completes the header and puts the file in its place.
    ///
    /// # Errors
    /// When writing or renaming fails; a former file of that name then stays.
    pub fn finish(self) -> Result<(), AudioFileError> {
        let path = self.partial.destination().to_path_buf();
        self.writer.finalize().map_err(|e| hound_error(&path, e))?;
        self.partial.commit().map_err(|e| io_error(&path, e))
    }
}

/// Writes `audio` as a 32-bit float WAV file, replacing a file of that name in
/// one step. The sample rate is rounded to whole hertz. Allocates.
///
/// # Errors
/// When the audio has no or more than two channels, channels of different
/// length or an absurd rate, or the file cannot be written.
pub fn write_wav(path: impl AsRef<Path>, audio: &AudioBuffer) -> Result<(), AudioFileError> {
    audio.validated_rate_hz()?;
    let mut file = WavFile::create(path, audio.sample_rate_hz, audio.channels.len())?;
    let channels: Vec<&[f32]> = audio.channels.iter().map(Vec::as_slice).collect();
    file.write(&channels)?;
    file.finish()
}

fn io_error(path: &Path, source: IoError) -> AudioFileError {
    AudioFileError::Io {
        path: path.to_path_buf(),
        source,
    }
}

fn hound_error(path: &Path, error: hound::Error) -> AudioFileError {
    match error {
        hound::Error::IoError(source) => io_error(path, source),
        other => io_error(path, IoError::other(other.to_string())),
    }
}
