//! WAV files, written as 32-bit float; in the end they may become 24-bit integers.

use std::fs::File;
use std::io::{Error as IoError, Seek, SeekFrom, Write};
use std::path::Path;

use super::integers::make_integers;
use super::wav_header::{MAX_DATA_BYTES, SampleKind, WavHeader};
use super::{AudioBuffer, AudioFileError, MAX_CHANNELS, PartialFile, whole_rate_hz};

/// Bytes of one 32-bit float sample.
const SAMPLE_BYTES: usize = size_of::<f32>();

/// Bytes that are gathered before the system is asked to write: ten files at a
/// time are written in small blocks, and each call costs as much as copying this.
const GATHERED_BYTES: usize = 256 * 1024;

/// A 32-bit float WAV file being written, chunk by chunk.
///
/// It replaces a file of the same name only when [`finish`](Self::finish)
/// succeeds; dropped before, it leaves nothing behind.
pub struct WavFile {
    // Declared before `partial`: the handle closes before the file is removed.
    file: File,
    partial: PartialFile,
    header: WavHeader,
    channels: usize,
    data_bytes: u64,
    /// Interleaved samples that are not written yet.
    gathered: Vec<u8>,
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
    /// Starts a file of up to 4 GiB. The sample rate is rounded to whole hertz. Allocates.
    ///
    /// # Errors
    /// When rate or channel count is out of range or the file cannot be
    /// created.
    pub fn create(
        path: impl AsRef<Path>,
        sample_rate_hz: f64,
        channels: usize,
    ) -> Result<WavFile, AudioFileError> {
        WavFile::begin(path.as_ref(), sample_rate_hz, channels, false)
    }

    /// As [`create`](Self::create), for about `frames` frames, if that is known: if they
    /// may exceed 4 GiB, the file becomes an RF64 file when they do.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_for(
        path: impl AsRef<Path>,
        sample_rate_hz: f64,
        channels: usize,
        frames: Option<u64>,
    ) -> Result<WavFile, AudioFileError> {
        let frame_bytes = (channels * SAMPLE_BYTES) as u64;
        // Announced lengths may be estimates.
        let may_be_long =
            frames.is_none_or(|frames| frames > MAX_DATA_BYTES / 2 / frame_bytes.max(1));
        WavFile::begin(path.as_ref(), sample_rate_hz, channels, may_be_long)
    }

    fn begin(
        path: &Path,
        sample_rate_hz: f64,
        channels: usize,
        may_be_long: bool,
    ) -> Result<WavFile, AudioFileError> {
        let sample_rate = whole_rate_hz(sample_rate_hz)?;
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(AudioFileError::ChannelCount { found: channels });
        }
        let (partial, file) = PartialFile::create(path).map_err(|e| io_error(path, e))?;
        let header = WavHeader {
            sample_rate,
            channels: channels as u16,
            samples: SampleKind::Float,
            may_be_long,
            max_data_bytes: MAX_DATA_BYTES,
        };
        let mut gathered = Vec::with_capacity(GATHERED_BYTES);
        gathered.extend_from_slice(&header.bytes(0));
        Ok(WavFile {
            file,
            partial,
            header,
            channels,
            data_bytes: 0,
            gathered,
        })
    }

    /// Appends `channels`, shape `(channels, frames)`.
    ///
    /// # Errors
    /// When the number of channels differs from that of the file, the channels
    /// differ in length, the file would exceed 4 GiB and was not
    /// [meant to](Self::create_for), or writing fails.
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
        self.data_bytes += (frames * self.channels * SAMPLE_BYTES) as u64;
        if self.header.is_long(self.data_bytes) && !self.header.may_be_long {
            return Err(AudioFileError::TooLong {
                path: path.to_path_buf(),
                limit_bytes: MAX_DATA_BYTES,
            });
        }
        let frame_bytes = self.channels * SAMPLE_BYTES;
        let mut from = 0;
        while from < frames {
            if self.gathered.len() + frame_bytes > GATHERED_BYTES {
                self.flush()?;
            }
            let room = (GATHERED_BYTES - self.gathered.len()) / frame_bytes;
            let to = frames.min(from + room);
            let start = self.gathered.len();
            self.gathered.resize(start + (to - from) * frame_bytes, 0);
            // Lengths that the compiler knows: no call for every sample.
            let (samples, _) = self.gathered[start..].as_chunks_mut::<SAMPLE_BYTES>();
            if let [left, right] = channels {
                // In one pass over the memory.
                let frames = left[from..to].iter().zip(&right[from..to]);
                let (places, _) = samples.as_chunks_mut::<2>();
                for (place, (left, right)) in places.iter_mut().zip(frames) {
                    *place = [left.to_le_bytes(), right.to_le_bytes()];
                }
            } else {
                for (place, sample) in samples.iter_mut().zip(&channels[0][from..to]) {
                    *place = sample.to_le_bytes();
                }
            }
            from = to;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), AudioFileError> {
        let written = self.file.write_all(&self.gathered);
        self.gathered.clear();
        written.map_err(|e| io_error(self.partial.destination(), e))
    }

    /// Completes the file and puts it in its place.
    ///
    /// # Errors
    /// When writing or renaming fails; a former file of that name then stays.
    pub fn finish(self) -> Result<(), AudioFileError> {
        let partial = self.complete()?;
        let path = partial.destination().to_path_buf();
        partial.commit().map_err(|e| io_error(&path, e))
    }

    /// Completes the file, which then waits for its place.
    ///
    /// # Errors
    /// When writing fails.
    pub fn complete(mut self) -> Result<PartialFile, AudioFileError> {
        self.flush()?;
        let header = self.header.bytes(self.data_bytes);
        self.end_with(&header)
    }

    /// As [`complete`](Self::complete), with all samples times `gain` as 24-bit integers: rounded
    /// to the nearest, and clipped at full scale. Takes no further room on the disk.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub fn complete_as_integers(mut self, gain: f64) -> Result<PartialFile, AudioFileError> {
        self.flush()?;
        let floats = self.header.bytes(0).len() as u64;
        let samples = self.data_bytes / SAMPLE_BYTES as u64;
        let header = WavHeader {
            samples: SampleKind::Integer,
            ..self.header
        };
        let header = header.bytes(samples * SampleKind::Integer.bytes() as u64);
        let places = (floats, header.len() as u64);
        make_integers(&mut self.file, places, samples, gain)
            .map_err(|e| io_error(self.partial.destination(), e))?;
        self.end_with(&header)
    }

    /// Puts `header` before the samples and closes the file.
    fn end_with(mut self, header: &[u8]) -> Result<PartialFile, AudioFileError> {
        let begun = self.file.seek(SeekFrom::Start(0));
        begun
            .and_then(|_| self.file.write_all(header))
            .map_err(|e| io_error(self.partial.destination(), e))?;
        Ok(self.partial)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The file by the letter of the specification, sample by sample.
    fn expected(channels: &[Vec<f32>]) -> Vec<u8> {
        let (count, frames) = (channels.len() as u32, channels[0].len() as u32);
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((50 + 4 * count * frames).to_le_bytes());
        bytes.extend(b"WAVEfmt \x12\0\0\0\x03\0");
        bytes.extend([count as u8, 0]);
        bytes.extend(48_000_u32.to_le_bytes());
        bytes.extend((48_000 * 4 * count).to_le_bytes());
        bytes.extend([4 * count as u8, 0, 32, 0, 0, 0]);
        bytes.extend(b"fact\x04\0\0\0");
        bytes.extend(frames.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend((4 * count * frames).to_le_bytes());
        for frame in 0..frames as usize {
            for channel in channels {
                bytes.extend(channel[frame].to_le_bytes());
            }
        }
        bytes
    }

    #[test]
    fn files_are_as_specified_however_they_are_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stem.wav");
        // More than is gathered, and no whole number of blocks.
        let frames = GATHERED_BYTES / SAMPLE_BYTES + 777;
        let sample = |n: usize| (n as f32 * 0.37).sin();
        let left: Vec<f32> = (0..frames).map(sample).collect();
        let right: Vec<f32> = (0..frames).map(|n| -sample(n + 5)).collect();
        for channels in [vec![left.clone()], vec![left, right]] {
            for block in [1_000, frames] {
                let mut file = WavFile::create(&path, 48_000.0, channels.len()).expect("created");
                for from in (0..frames).step_by(block) {
                    let to = frames.min(from + block);
                    let block: Vec<&[f32]> = channels.iter().map(|c| &c[from..to]).collect();
                    file.write(&block).expect("written");
                }
                file.finish().expect("finished");
                let found = std::fs::read(&path).expect("read");
                assert!(found == expected(&channels), "blocks of {block}");
            }
            // Somebody else's reader.
            let mut reader = hound::WavReader::open(&path).expect("a WAV file");
            assert_eq!(reader.spec().sample_format, hound::SampleFormat::Float);
            let mut read = reader.samples::<f32>().map(|sample| sample.expect("read"));
            for frame in 0..frames {
                for channel in &channels {
                    assert_eq!(read.next(), Some(channel[frame]));
                }
            }
            assert_eq!(read.next(), None);
        }
    }

    #[test]
    fn files_that_may_be_long_are_rf64_when_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stem.wav");
        let left: Vec<f32> = (0..2_000).map(|n| (n as f32 * 0.37).sin()).collect();
        let right: Vec<f32> = left.iter().map(|sample| -sample).collect();
        let channels = [&left[..], &right[..]];
        let written = |frames: Option<u64>, max_data_bytes: u64| {
            let mut file = WavFile::create_for(&path, 48_000.0, 2, frames).expect("created");
            file.header.max_data_bytes = max_data_bytes;
            file.write(&channels)?;
            file.finish()?;
            Ok::<_, AudioFileError>(std::fs::read(&path).expect("read"))
        };
        let audio = || crate::audio_file::read(&path).expect("read").channels;
        let plain = written(Some(2_000), MAX_DATA_BYTES).expect("written");
        assert!(plain == expected(&[left.clone(), right.clone()]));

        for (limit, mark) in [(MAX_DATA_BYTES, b"RIFF"), (15_999, b"RF64")] {
            for frames in [None, Some(MAX_DATA_BYTES)] {
                let bytes = written(frames, limit).expect("written");
                assert_eq!(&bytes[..4], mark);
                assert_eq!(bytes.len(), plain.len() + 36);
                assert_eq!(audio(), [left.clone(), right.clone()]);
            }
        }
        let bytes = std::fs::read(&path).expect("read");
        let long =
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        assert_eq!(
            [long(20), long(28), long(36)],
            [bytes.len() as u64 - 8, 16_000, 2_000]
        );
        assert!(bytes[82..86] == [0xFF; 4] && bytes[90..94] == [0xFF; 4]);
        let refused = written(Some(2_000), 15_999).expect_err("not meant to be long");
        assert!(matches!(refused, AudioFileError::TooLong { .. }));
    }

    #[test]
    fn long_files_of_integers_are_rf64_if_they_still_are_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stem.wav");
        let samples: Vec<f32> = (0..2_001).map(|n| n as f32 / 4_096.0).collect();
        // Both are long, the floats are, neither is.
        for (limit, mark) in [(6_002, b"RF64"), (6_003, b"RIFF"), (8_004, b"RIFF")] {
            let mut file = WavFile::create_for(&path, 48_000.0, 1, None).expect("created");
            file.header.max_data_bytes = limit;
            file.write(&[&samples]).expect("written");
            let complete = file.complete_as_integers(1.0).expect("complete");
            complete.commit().expect("in its place");
            let bytes = std::fs::read(&path).expect("read");
            assert_eq!(&bytes[..4], mark, "{limit}");
            // An odd number of bytes ends with one more.
            assert_eq!(bytes.len(), 80 + 6_003 + 1, "{limit}");
            let audio = crate::audio_file::read(&path).expect("read");
            assert!(audio.channels == [samples.clone()], "{limit}");
            if mark == b"RF64" {
                let long = |at: usize| u64::from_le_bytes(*bytes[at..].first_chunk().expect("8"));
                assert_eq!([long(20), long(28), long(36)], [6_076, 6_003, 2_001]);
            }
        }
    }
}
