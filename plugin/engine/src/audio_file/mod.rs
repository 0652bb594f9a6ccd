//! Audio files: decoding, resampling, WAV of 32-bit float or 24-bit integers.
//!
//! Two levels: [`read`] and [`write_wav`] take and give whole files;
//! [`AudioReader`] and [`WavFile`] stream them, for recordings that should not
//! be held in memory. Everything here allocates and does file access: none of
//! it belongs on an audio thread.

use std::path::Path;

mod aiff;
mod caf;
mod chunks;
mod ending;
mod error;
mod extensions;
mod foreign;
mod integers;
mod long_wave;
mod mp4;
mod opening;
mod partial;
mod prepared;
mod reader;
mod resampler;
mod tags;
mod vorbis;
mod wav_header;
mod wave_format;
mod window;
mod writer;

pub use ending::Shortfall;
pub use error::AudioFileError;
pub use extensions::{EXTENSIONS, FORMATS, LOSSY_EXTENSIONS, has_extension, is_called_audio};
pub use partial::PartialFile;
pub use reader::AudioReader;
pub use resampler::resample;
pub use writer::{WavFile, write_wav};

/// Lowest sample rate that is read, written or resampled.
pub const MIN_SAMPLE_RATE_HZ: f64 = 1_000.0;

/// Highest sample rate that is read, written or resampled.
pub const MAX_SAMPLE_RATE_HZ: f64 = 768_000.0;

/// Most channels of a file; files with more are refused rather than mixed
/// down, because no mixdown of a multichannel recording is right for all.
pub const MAX_CHANNELS: usize = 2;

/// Audio in memory, one vector per channel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AudioBuffer {
    /// Sample rate in hertz.
    pub sample_rate_hz: f64,
    /// Samples, shape `(channels, frames)`; every channel has the same length.
    pub channels: Vec<Vec<f32>>,
}

impl AudioBuffer {
    /// A silent buffer of the given shape. Allocates.
    pub fn silent(sample_rate_hz: f64, channels: usize, frames: usize) -> AudioBuffer {
        AudioBuffer {
            sample_rate_hz,
            channels: vec![vec![0.0; frames]; channels],
        }
    }

    /// Samples per channel; the shortest channel counts.
    pub fn frames(&self) -> usize {
        self.channels.iter().map(Vec::len).min().unwrap_or(0)
    }

    /// Whether there is no audio in it.
    pub fn is_empty(&self) -> bool {
        self.frames() == 0
    }

    /// Length in seconds; 0 when the sample rate is not positive.
    pub fn duration_s(&self) -> f64 {
        if self.sample_rate_hz > 0.0 {
            self.frames() as f64 / self.sample_rate_hz
        } else {
            0.0
        }
    }

    /// Largest absolute sample value.
    pub fn peak(&self) -> f32 {
        self.channels
            .iter()
            .flatten()
            .fold(0.0, |peak, sample| peak.max(sample.abs()))
    }

    /// Checks that rate, channel count and channel lengths make sense, and
    /// gives the rate in whole hertz.
    fn validated_rate_hz(&self) -> Result<u32, AudioFileError> {
        let rate_hz = whole_rate_hz(self.sample_rate_hz)?;
        if !(1..=MAX_CHANNELS).contains(&self.channels.len()) {
            return Err(AudioFileError::ChannelCount {
                found: self.channels.len(),
            });
        }
        let frames = self.channels[0].len();
        match self.channels.iter().find(|channel| channel.len() != frames) {
            Some(channel) => Err(AudioFileError::RaggedChannels {
                expected: frames,
                found: channel.len(),
            }),
            None => Ok(rate_hz),
        }
    }
}

/// Sample rate rounded to whole hertz, as files and resampling need it.
fn whole_rate_hz(rate_hz: f64) -> Result<u32, AudioFileError> {
    // A NaN is in no range and is refused here too.
    if (MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&rate_hz) {
        Ok(rate_hz.round() as u32)
    } else {
        Err(AudioFileError::SampleRate { found_hz: rate_hz })
    }
}

/// Reads a whole file: WAV (8 to 32 bit, float), AIFF, FLAC, MP3, Ogg Vorbis, M4A or CAF
/// (AAC, Apple Lossless and others), mono or stereo, at its own sample rate. Allocates.
///
/// # Errors
/// When the file cannot be opened, is empty, is no audio of these formats, has
/// more than [`MAX_CHANNELS`] channels or an absurd sample rate, is damaged, or
/// is shorter than its header says. Every message names the file.
pub fn read(path: impl AsRef<Path>) -> Result<AudioBuffer, AudioFileError> {
    let mut reader = AudioReader::open(path)?;
    let mut audio = AudioBuffer {
        sample_rate_hz: reader.sample_rate_hz(),
        channels: vec![Vec::new(); reader.channels()],
    };
    while let Some(packet) = reader.next_packet()? {
        for (channel, samples) in audio.channels.iter_mut().zip(packet) {
            channel.extend_from_slice(samples);
        }
    }
    Ok(audio)
}
