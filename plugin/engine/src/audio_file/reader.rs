//! Streaming decoder over symphonia.

use std::io::ErrorKind;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP3, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{
    FORMAT_ID_AIFF, FORMAT_ID_FLAC, FORMAT_ID_ISOMP4, FORMAT_ID_OGG, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::ending::{self, Shortfall};
use super::foreign;
use super::opening::{header_error, open_and_peek};
use super::prepared::Prepared;
use super::{AudioFileError, MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ, vorbis};

/// Most frames of a packet: the decoder makes room for as many as a header says, and nobody
/// writes a tenth of it.
const MAX_PACKET_FRAMES: u64 = 1 << 20;

/// An open audio file, decoded packet by packet.
pub struct AudioReader {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    codec: AudioCodecId,
    sample_rate_hz: u32,
    channels: usize,
    announced_frames: Option<u64>,
    /// Whether fewer frames than announced are an error.
    length_is_exact: bool,
    /// Frames that still come before the sound: silence of the encoder.
    skipped_frames: u64,
    /// Frames after which silence follows, of the encoder or of ours.
    ends_at: Option<u64>,
    /// Frames of which fewer are no error, but tell that something is missing.
    lossy_frames: Option<u64>,
    shortfall: Option<Shortfall>,
    /// Whether the file is known to end before its sound does.
    is_cut: bool,
    /// Where another file begins behind this one.
    next_at: Option<u64>,
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
        AudioReader::open_from(path.as_ref(), 0)
    }

    /// The same of what begins at the byte `from` of the file.
    fn open_from(path: &Path, from: u64) -> Result<AudioReader, AudioFileError> {
        let path = path.to_path_buf();
        let (file, audio_at, start) = open_and_peek(&path, from)?;
        let prepared = Prepared::new(&path, file, audio_at, &start)?;
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(prepared.source, Default::default());
        let probe = || {
            let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
            symphonia::default::get_probe().probe(&hint, stream, format, metadata)
        };
        let format =
            guarded(&path, 0.0, probe)?.map_err(|error| header_error(&path, &start, error))?;

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
            .ok_or_else(|| match parameters.codec {
                CODEC_ID_MP3 => AudioFileError::Foreign {
                    path: path.clone(),
                    found: "MP3 in MP4".to_owned(),
                },
                _ => unsupported("no channel count"),
            })?;
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(AudioFileError::FileChannelCount {
                path,
                found: channels,
            });
        }
        if let Some(frames) = parameters.max_frames_per_packet
            && frames > MAX_PACKET_FRAMES
        {
            return Err(unsupported(&format!(
                "packets of {frames} frames (at most {MAX_PACKET_FRAMES} are read)"
            )));
        }
        let codec = parameters.codec;
        let extra = parameters.extra_data.as_deref().unwrap_or_default();
        if codec == CODEC_ID_AAC && extra.windows(3).any(is_second_generation) {
            return Err(he_aac(&path));
        }
        let numbers = match codec {
            CODEC_ID_VORBIS => vorbis::table_numbers(extra),
            _ => 0,
        };
        if numbers > vorbis::MOST_NUMBERS {
            let most = vorbis::MOST_NUMBERS;
            return Err(unsupported(&format!(
                "tables of {numbers} numbers (at most {most} are read)"
            )));
        }
        let make = || {
            let options = AudioDecoderOptions::default();
            symphonia::default::get_codecs().make_audio_decoder(parameters, &options)
        };
        let decoder = guarded(&path, 0.0, make)?.map_err(|error| match codec {
            CODEC_ID_AAC => he_aac(&path),
            _ => unsupported(&error.to_string()),
        })?;

        let format_id = format.format_info().format;
        let (skipped, length) = prepared.stretch.frames(sample_rate_hz);
        let announced_frames = length.or(track.num_frames);
        let has_exact_codec = !is_lossy(codec);
        let is_exact = match format_id {
            FORMAT_ID_WAVE | FORMAT_ID_AIFF | FORMAT_ID_FLAC => true,
            // Some programs count whole packets in CAF, and cut files are told by its header.
            FORMAT_ID_ISOMP4 => has_exact_codec && length.is_some(),
            _ => false,
        };
        let track_id = track.id;
        Ok(AudioReader {
            decoder,
            track_id,
            codec,
            sample_rate_hz,
            channels,
            announced_frames,
            length_is_exact: is_exact,
            skipped_frames: skipped,
            ends_at: length,
            lossy_frames: if format_id == FORMAT_ID_OGG {
                // What was cut out of a longer one begins later.
                let start = u64::try_from(track.start_ts.get()).unwrap_or(0);
                let end = prepared.ogg_end;
                end.map(|end| end.saturating_sub(start))
            } else if format_id == FORMAT_ID_ISOMP4 {
                length
            } else {
                let announces_length = prepared.mp3_announces_length;
                track.num_frames.filter(|_| announces_length)
            },
            shortfall: prepared.shortfall,
            is_cut: prepared.is_cut,
            next_at: prepared.next_mp3_at,
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

    /// Whether the content leaves out what is hard to hear: MP3, Vorbis and AAC.
    pub fn is_lossy(&self) -> bool {
        is_lossy(self.codec)
    }

    /// What is missing of a file that was read to its end: MP3, Ogg and AAC files that were cut
    /// off or are damaged, and WAV and AIFF files that were not finished, are read as far as they
    /// go.
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
            let at_s = self.position_s();
            let packet = match guarded(&self.path, at_s, || self.format.next_packet())? {
                Ok(Some(packet)) => packet,
                Ok(None) if self.go_on()? => continue,
                Ok(None) => return self.at_end(),
                // Containers without an end mark end with the file.
                Err(SymphoniaError::IoError(e)) if e.kind() == ErrorKind::UnexpectedEof => {
                    if self.format.format_info().format == FORMAT_ID_OGG {
                        self.shortfall = Some(Shortfall::NoEnd);
                    }
                    return self.at_end();
                }
                Err(SymphoniaError::DecodeError(_)) if self.is_cut => return self.at_end(),
                Err(error) => return Err(self.content_error(error)),
            };
            if packet.track_id != self.track_id {
                continue;
            }
            let decoded = match guarded(&self.path, at_s, || self.decoder.decode(&packet))? {
                Ok(decoded) => decoded,
                Err(error) => return Err(self.content_error(error)),
            };
            if decoded.frames() == 0 {
                continue;
            }
            let (rate_hz, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
            let is_half = rate_hz.checked_mul(2) == Some(self.sample_rate_hz);
            if self.codec == CODEC_ID_AAC && self.decoded_frames == 0 && is_half {
                return Err(he_aac(&self.path));
            }
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
                if self.skipped_frames == 0 && self.ends_at == Some(self.decoded_frames) {
                    // There may be any number of packets behind the end.
                    return self.at_end();
                }
                continue;
            }
            self.decoded_frames += self.packet[0].len() as u64;
            return Ok(Some(&self.packet));
        }
    }

    /// Takes off what the packet has before the beginning and beyond the end.
    fn cut_silence(&mut self) {
        let frames = self.packet[0].len();
        let skipped = usize::try_from(self.skipped_frames).map_or(frames, |skip| skip.min(frames));
        self.skipped_frames -= skipped as u64;
        for channel in &mut self.packet {
            channel.drain(..skipped);
        }
        if let Some(frames) = self.ends_at {
            let left = usize::try_from(frames.saturating_sub(self.decoded_frames));
            for channel in &mut self.packet {
                channel.truncate(left.unwrap_or(usize::MAX));
            }
        }
    }

    /// Goes on with the file that was put behind this one, if there is any.
    fn go_on(&mut self) -> Result<bool, AudioFileError> {
        let Some(at) = self.next_at.take() else {
            return Ok(false);
        };
        let next = AudioReader::open_from(&self.path, at)?;
        let sum = |frames: Option<u64>, more: Option<u64>| Some(frames? + more?);
        self.announced_frames = sum(self.announced_frames, next.announced_frames);
        self.lossy_frames = sum(self.lossy_frames, next.lossy_frames);
        self.format = next.format;
        self.decoder = next.decoder;
        self.track_id = next.track_id;
        self.next_at = next.next_at;
        Ok(true)
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

/// What the decoder does with the file at `path`, which fails where it panics: a few damaged
/// headers are beyond what it reckons with, and a file may not bring down whoever reads it.
fn guarded<T>(path: &Path, at_s: f64, work: impl FnOnce() -> T) -> Result<T, AudioFileError> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| AudioFileError::Damaged {
        path: path.to_path_buf(),
        at_s,
        found: "nothing that the decoder can make sense of".to_owned(),
    })
}

/// Whether `codec` leaves out what is hard to hear.
fn is_lossy(codec: AudioCodecId) -> bool {
    [CODEC_ID_MP3, CODEC_ID_VORBIS, CODEC_ID_AAC].contains(&codec)
}

/// Whether these bytes of AAC's configuration say that the upper half of the spectrum is coded
/// apart: the decoder would pass over it.
fn is_second_generation(bytes: &[u8]) -> bool {
    matches!(bytes, [0x56, 0xE5, flags] if flags >> 7 == 1)
}

/// The decoder knows the first generation of AAC, as nearly all programs write it.
fn he_aac(path: &Path) -> AudioFileError {
    AudioFileError::Foreign {
        path: path.to_path_buf(),
        found: foreign::HE_AAC.to_owned(),
    }
}
