//! Streaming decoder over symphonia.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{
    FORMAT_ID_AIFF, FORMAT_ID_FLAC, FORMAT_ID_OGG, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use super::ending::{self, Shortfall};
use super::long_wave::{LONG_MARKS, LongWave};
use super::tags::{self, Untagged};
use super::{AudioFileError, MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};

/// Bytes shown of a file that is no audio: a container's mark and its kind.
const PEEKED_BYTES: usize = 12;

/// An open audio file, decoded packet by packet.
pub struct AudioReader {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    sample_rate_hz: u32,
    channels: usize,
    announced_frames: Option<u64>,
    /// Whether fewer frames than announced are an error.
    length_is_exact: bool,
    /// Frames after which the decoder is given silence.
    ends_at: Option<u64>,
    /// Frames of which fewer are no error, but tell that something is missing.
    lossy_frames: Option<u64>,
    shortfall: Option<Shortfall>,
    decoded_frames: u64,
    packet: Vec<Vec<f32>>,
}

impl std::fmt::Debug for AudioReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioReader")
            .field("path", &self.path)
            .field("sample_rate_hz", &self.sample_rate_hz)
            .field("channels", &self.channels)
            .field("announced_frames", &self.announced_frames)
            .field("decoded_frames", &self.decoded_frames)
            .finish_non_exhaustive()
    }
}

impl AudioReader {
    /// Opens a file and reads its header. Allocates.
    ///
    /// # Errors
    /// As [`read`](super::read), but for damage and truncation, which show
    /// while reading.
    pub fn open(path: impl AsRef<Path>) -> Result<AudioReader, AudioFileError> {
        let path = path.as_ref().to_path_buf();
        let (mut file, audio_at, start) = open_and_peek(&path)?;
        let io_error = |source| AudioFileError::Io {
            path: path.clone(),
            source,
        };
        let long_wave = LongWave::look(&mut file, &start)
            .map_err(|error| header_error(&path, &start, SymphoniaError::IoError(error)))?;
        let is_finished = long_wave.as_ref().is_none_or(LongWave::is_finished);
        let long_wave_frames = long_wave.as_ref().map(LongWave::frames);
        let mp3_announces_length = ending::mp3_announces_length(&mut file, audio_at);
        let is_ogg = start.starts_with(b"OggS");
        let ogg_end = is_ogg.then(|| ending::ogg_end(&mut file)).flatten();
        file.rewind().map_err(io_error)?;

        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let source: Box<dyn MediaSource> = match long_wave {
            Some(wave) => Box::new(wave.source(file).map_err(io_error)?),
            None if audio_at > 0 => Box::new(Untagged::new(file, audio_at).map_err(io_error)?),
            None => Box::new(file),
        };
        let stream = MediaSourceStream::new(source, Default::default());
        let format = symphonia::default::get_probe()
            .probe(
                &hint,
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(|error| header_error(&path, &start, error))?;

        let unsupported = |found: &str| AudioFileError::Unsupported {
            path: path.clone(),
            found: found.to_string(),
        };
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| unsupported("no audio track with a known codec"))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(unsupported("no audio track with a known codec"));
        };
        let sample_rate_hz = parameters
            .sample_rate
            .ok_or_else(|| unsupported("no sample rate"))?;
        if !(MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&f64::from(sample_rate_hz)) {
            return Err(AudioFileError::FileSampleRate {
                path,
                found_hz: sample_rate_hz,
            });
        }
        let channels = parameters
            .channels
            .as_ref()
            .map(|channels| channels.count())
            .ok_or_else(|| unsupported("no channel count"))?;
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(AudioFileError::FileChannelCount {
                path,
                found: channels,
            });
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| unsupported(&error.to_string()))?;

        let format_id = format.format_info().format;
        let announced_frames = long_wave_frames.or(track.num_frames);
        let track_id = track.id;
        Ok(AudioReader {
            decoder,
            track_id,
            sample_rate_hz,
            channels,
            announced_frames,
            length_is_exact: [FORMAT_ID_WAVE, FORMAT_ID_AIFF, FORMAT_ID_FLAC].contains(&format_id),
            ends_at: long_wave_frames,
            lossy_frames: if format_id == FORMAT_ID_OGG {
                // What was cut out of a longer one begins later.
                let start = u64::try_from(track.start_ts.get()).unwrap_or(0);
                ogg_end.map(|end| end.saturating_sub(start))
            } else {
                track.num_frames.filter(|_| mp3_announces_length)
            },
            shortfall: (!is_finished).then_some(Shortfall::Unfinished),
            decoded_frames: 0,
            packet: vec![Vec::new(); channels],
            format,
            path,
        })
    }

    /// Sample rate in hertz.
    pub fn sample_rate_hz(&self) -> f64 {
        f64::from(self.sample_rate_hz)
    }

    /// Number of channels, 1 or 2.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Length in frames as far as the header tells. It may be an estimate: good
    /// for progress, not for allocation.
    pub fn announced_frames(&self) -> Option<u64> {
        self.announced_frames
    }

    /// What is missing of a file that was read to its end: MP3 and Ogg files that were cut
    /// off or are damaged, and WAV files that were not finished, are read as far as they go.
    /// Any other such file is an error.
    pub fn shortfall(&self) -> Option<Shortfall> {
        self.shortfall
    }

    /// The next samples, shape `(channels, frames)` with at least one frame, or
    /// `None` at the end. Allocates.
    ///
    /// # Errors
    /// When the content is damaged or ends before the length that the header
    /// announces, or there was not a single sample.
    pub fn next_packet(&mut self) -> Result<Option<&[Vec<f32>]>, AudioFileError> {
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return self.at_end(),
                // Containers without an end mark end with the file.
                Err(SymphoniaError::IoError(e)) if e.kind() == ErrorKind::UnexpectedEof => {
                    if self.format.format_info().format == FORMAT_ID_OGG {
                        self.shortfall = Some(Shortfall::NoEnd);
                    }
                    return self.at_end();
                }
                Err(error) => return Err(self.content_error(error)),
            };
            if packet.track_id != self.track_id {
                continue;
            }
            let decoded = match self.decoder.decode(&packet) {
                Ok(decoded) => decoded,
                Err(error) => return Err(self.content_error(error)),
            };
            if decoded.frames() == 0 {
                continue;
            }
            let (rate_hz, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
            if rate_hz != self.sample_rate_hz || channels != self.channels {
                return Err(AudioFileError::Unsupported {
                    path: self.path.clone(),
                    found: format!(
                        "a change from {} Hz, {} channel(s) to {rate_hz} Hz, {channels} channel(s) at {:.3} s",
                        self.sample_rate_hz,
                        self.channels,
                        self.position_s()
                    ),
                });
            }
            decoded.copy_to_vecs_planar(&mut self.packet);
            self.cut_silence();
            if self.packet[0].is_empty() {
                continue;
            }
            self.decoded_frames += self.packet[0].len() as u64;
            return Ok(Some(&self.packet));
        }
    }

    /// Takes off what the packet has beyond the end.
    fn cut_silence(&mut self) {
        if let Some(frames) = self.ends_at {
            let left = usize::try_from(frames.saturating_sub(self.decoded_frames));
            for channel in &mut self.packet {
                channel.truncate(left.unwrap_or(usize::MAX));
            }
        }
    }

    fn position_s(&self) -> f64 {
        self.decoded_frames as f64 / f64::from(self.sample_rate_hz)
    }

    fn at_end(&mut self) -> Result<Option<&[Vec<f32>]>, AudioFileError> {
        match self.announced_frames {
            Some(expected) if self.length_is_exact && self.decoded_frames < expected => {
                Err(AudioFileError::Truncated {
                    path: self.path.clone(),
                    expected_frames: expected,
                    found_frames: self.decoded_frames,
                })
            }
            _ if self.decoded_frames == 0 => Err(AudioFileError::Empty {
                path: self.path.clone(),
                found: "a header without samples",
            }),
            _ => {
                let missing = ending::frames_missing(self.lossy_frames, self.decoded_frames);
                self.shortfall = self.shortfall.or(missing);
                Ok(None)
            }
        }
    }

    fn content_error(&self, error: SymphoniaError) -> AudioFileError {
        match error {
            SymphoniaError::IoError(source) => AudioFileError::Io {
                path: self.path.clone(),
                source,
            },
            SymphoniaError::ResetRequired => AudioFileError::Unsupported {
                path: self.path.clone(),
                found: format!("a second stream chained on at {:.3} s", self.position_s()),
            },
            SymphoniaError::Unsupported(found) => AudioFileError::Unsupported {
                path: self.path.clone(),
                found: found.to_string(),
            },
            other => AudioFileError::Damaged {
                path: self.path.clone(),
                at_s: self.position_s(),
                found: other.to_string(),
            },
        }
    }
}

/// Opens the file and finds where its audio begins, with the first bytes of that, for the message
/// should it turn out to be none.
fn open_and_peek(path: &Path) -> Result<(File, u64, Vec<u8>), AudioFileError> {
    let io_error = |source| AudioFileError::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut file = File::open(path).map_err(io_error)?;
    let audio_at = tags::audio_start(&mut file).map_err(io_error)?;
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(audio_at)).map_err(io_error)?;
    (&mut file)
        .take(PEEKED_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(io_error)?;
    if start.is_empty() {
        return Err(AudioFileError::Empty {
            path: path.to_path_buf(),
            found: if audio_at > 0 {
                "nothing behind its tag"
            } else {
                "an empty file (0 bytes)"
            },
        });
    }
    file.seek(SeekFrom::Start(0)).map_err(io_error)?;
    Ok((file, audio_at, start))
}

/// Explains why no container was recognised or its header was refused.
fn header_error(path: &Path, start: &[u8], error: SymphoniaError) -> AudioFileError {
    let path = path.to_path_buf();
    let ends_early = match &error {
        SymphoniaError::IoError(source) => source.kind() == ErrorKind::UnexpectedEof,
        _ => start.len() < PEEKED_BYTES,
    };
    match error {
        // The mark of a container, but not all of its header.
        _ if ends_early && is_known_mark(start) => AudioFileError::Damaged {
            path,
            at_s: 0.0,
            found: "the file ends within its header or before its last chunk does".to_string(),
        },
        SymphoniaError::IoError(source) if !ends_early => AudioFileError::Io { path, source },
        SymphoniaError::DecodeError(found) => AudioFileError::Damaged {
            path,
            at_s: 0.0,
            found: found.to_string(),
        },
        SymphoniaError::Unsupported(found) if is_known_mark(start) => AudioFileError::Unsupported {
            path,
            found: found.to_string(),
        },
        _ => AudioFileError::NotAudio {
            path,
            found: format!("\"{}\"", start.escape_ascii()),
        },
    }
}

fn is_known_mark(start: &[u8]) -> bool {
    let marks = [b"RIFF", b"FORM", b"fLaC", b"OggS"];
    let mut marks = marks.into_iter().chain(&LONG_MARKS);
    marks.any(|mark| start.starts_with(mark))
}
