//! What can go wrong with audio files.

use std::path::PathBuf;

use thiserror::Error;

use super::{FORMATS, MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};

/// Why a file could not be read or written, or audio could not be resampled.
/// Every message fits on one line; those about a file begin with its path.
#[derive(Debug, Error)]
pub enum AudioFileError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The file has no bytes, or a header without a single sample.
    #[error("{}: holds no audio: expected at least one sample, found {found}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        found: &'static str,
    },
    /// The content is of no known format.
    #[error(
        "{}: not an audio file: expected {FORMATS}, found content that starts with {found}",
        path.display()
    )]
    NotAudio {
        /// The file.
        path: PathBuf,
        /// Its first bytes, printable.
        found: String,
    },
    /// A known container with content that is not supported.
    #[error(
        "{}: unsupported audio: expected PCM, FLAC, MP3, Vorbis, AAC or Apple Lossless in WAV, AIFF, FLAC, MP3, Ogg, M4A or CAF, found: {found}",
        path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// A format that is known and not read.
    #[error(
        "{}: expected {FORMATS}, found {found}: convert it to WAV or FLAC",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// A header or a part of the content makes no sense.
    #[error("{}: damaged at {at_s:.3} s: {found}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Time of the damage in seconds.
        at_s: f64,
        /// What the decoder found.
        found: String,
    },
    /// The content ends before the length that the header announces.
    #[error("{}: truncated: expected {expected_frames} frames, found {found_frames}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Frames according to the header.
        expected_frames: u64,
        /// Frames in the file.
        found_frames: u64,
    },
    /// The file's sample rate is outside the supported range.
    #[error(
        "{}: sample rate: expected {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz, found {found_hz} Hz",
        path.display()
    )]
    FileSampleRate {
        /// The file.
        path: PathBuf,
        /// Rate in its header.
        found_hz: u32,
    },
    /// The file has no or too many channels.
    #[error("{}: channels: expected 1 to {MAX_CHANNELS}, found {found}: export it in stereo", path.display())]
    FileChannelCount {
        /// The file.
        path: PathBuf,
        /// Channels in its header.
        found: usize,
    },
    /// A WAV file would be longer than its format can express.
    #[error("{}: too long for a WAV file: expected at most {limit_bytes} bytes of audio", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Limit of the format.
        limit_bytes: u64,
    },
    /// A sample rate given by the caller is outside the supported range.
    #[error(
        "sample rate: expected {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz, found {found_hz} Hz"
    )]
    SampleRate {
        /// The rate given.
        found_hz: f64,
    },
    /// Audio given by the caller has no or too many channels.
    #[error("channels: expected 1 to {MAX_CHANNELS}, found {found}")]
    ChannelCount {
        /// The number given.
        found: usize,
    },
    /// Channels given by the caller differ in length.
    #[error("channels of different length: expected {expected} frames, found {found}")]
    RaggedChannels {
        /// Frames of the first channel.
        expected: usize,
        /// Frames of the first channel that differs.
        found: usize,
    },
    /// The resampler refused.
    #[error("resampling from {from_hz} Hz to {to_hz} Hz: {reason}")]
    Resample {
        /// Rate of the audio.
        from_hz: u32,
        /// Rate wanted.
        to_hz: u32,
        /// The resampler's own message.
        reason: String,
    },
}
