//! What is done to a file before the decoder gets it.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use symphonia::core::io::MediaSource;

use super::caf::{CAF_MARK, Caf};
use super::chunks::Chunk;
use super::long_wave::LongWave;
use super::mp4::{self, Found};
use super::wave_format::WaveFormat;
use super::window::{Change, Window};
use super::{AudioFileError, Shortfall, aiff, ending, foreign};

/// A file as the decoder takes it, and what it does not say.
pub struct Prepared {
    /// What is decoded.
    pub source: Box<dyn MediaSource>,
    /// Where the sound is in what is decoded.
    pub stretch: Stretch,
    /// What is known to be missing.
    pub shortfall: Option<Shortfall>,
    /// Whether the file ends before the sound does.
    pub is_cut: bool,
    /// Whether an MP3 says itself how long it is.
    pub mp3_announces_length: bool,
    /// Where another MP3 begins behind it.
    pub next_mp3_at: Option<u64>,
    /// Where the last page of an Ogg file ends.
    pub ogg_end: Option<u64>,
}

/// Where the sound is in what is decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stretch {
    /// Everything.
    All,
    /// So many frames.
    Frames {
        /// Frames before it.
        skipped: u64,
        /// Its length, if known.
        length: Option<u64>,
    },
    /// So many seconds.
    Seconds {
        /// Seconds before it.
        skipped_s: f64,
        /// Its length, if known.
        length_s: Option<f64>,
    },
}

impl Stretch {
    /// Frames before it and, if known, its length, at a rate of `rate_hz`.
    pub fn frames(self, rate_hz: u32) -> (u64, Option<u64>) {
        let frames = |s: f64| (s * f64::from(rate_hz)).round() as u64;
        match self {
            Stretch::All => (0, None),
            Stretch::Frames { skipped, length } => (skipped, length),
            Stretch::Seconds {
                skipped_s,
                length_s,
            } => (frames(skipped_s), length_s.map(frames)),
        }
    }
}

/// What the decoder is shown of a file.
enum Shown {
    /// The file behind its tags, with changes.
    Changed(Vec<Change>),
    /// A part of it, which is an MP3 file.
    Mp3(Chunk),
    /// The samples of a WAV file whose length is elsewhere.
    Wave(LongWave),
}

/// A file that was looked at.
struct Looked {
    shown: Shown,
    stretch: Stretch,
    shortfall: Option<Shortfall>,
    is_cut: bool,
}

impl Looked {
    fn new(shown: Shown) -> Looked {
        Looked {
            shown,
            stretch: Stretch::All,
            shortfall: None,
            is_cut: false,
        }
    }
}

/// Why a file is not decoded.
enum Refusal {
    Foreign(String),
    CutOff(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Refusal::CutOff(WITHIN_HEADER),
            _ => Refusal::Io(error),
        }
    }
}

/// Where a file may end that is not whole.
pub const WITHIN_HEADER: &str = "the file ends within its header or before its last chunk does";
const BEFORE_INDEX: &str =
    "the file ends before its index, as where a recording was interrupted: nothing can be read";
const BEFORE_SOUND: &str = "the file ends before the sound does of which its header tells";

impl Prepared {
    /// Looks at the `file` at `path`, whose audio begins at `audio_at` with the bytes `start`.
    ///
    /// # Errors
    /// What is known not to be decoded, or to have no index; when the file system refuses.
    pub fn new(
        path: &Path,
        file: File,
        audio_at: u64,
        start: &[u8],
    ) -> Result<Prepared, AudioFileError> {
        Prepared::look(file, audio_at, start).map_err(|refusal| {
            let path = path.to_path_buf();
            match refusal {
                Refusal::Foreign(found) => AudioFileError::Foreign { path, found },
                Refusal::CutOff(found) => AudioFileError::Damaged {
                    path,
                    at_s: 0.0,
                    found: found.to_owned(),
                },
                Refusal::Io(source) => AudioFileError::Io { path, source },
            }
        })
    }

    fn look(mut file: File, audio_at: u64, start: &[u8]) -> Result<Prepared, Refusal> {
        if let Some(found) = foreign::name(start) {
            return Err(Refusal::Foreign(found.to_owned()));
        }
        let looked = if audio_at > 0 {
            // Lengths count from the tag on, or not: what has one here is an MP3 in nearly all
            // cases.
            Looked::new(Shown::Changed(Vec::new()))
        } else if let Some(wave) = LongWave::look(&mut file, start)? {
            let is_finished = wave.is_finished();
            let stretch = Stretch::Frames {
                skipped: 0,
                length: Some(wave.frames()),
            };
            Looked {
                stretch,
                shortfall: (!is_finished).then_some(Shortfall::Unfinished),
                ..Looked::new(Shown::Wave(wave))
            }
        } else {
            match start.get(..4) {
                Some(b"RIFF") => wave(&mut file)?,
                Some(b"FORM") => aiff(&mut file, start)?,
                Some(mark) if mark == CAF_MARK => caf(&mut file)?,
                _ if mp4::is_mp4(start) => mp4(&mut file)?,
                _ => Looked::new(Shown::Changed(Vec::new())),
            }
        };

        let mp3_at = match &looked.shown {
            Shown::Mp3(data) => data.at,
            _ => audio_at,
        };
        let mp3_announces_length = ending::mp3_announces_length(&mut file, mp3_at);
        let next_mp3_at = match &looked.shown {
            Shown::Changed(_) => ending::next_mp3(&mut file, mp3_at)?,
            _ => None,
        };
        let is_ogg = start.starts_with(b"OggS");
        let ogg_end = is_ogg.then(|| ending::ogg_end(&mut file)).flatten();
        file.rewind()?;
        let source: Box<dyn MediaSource> = match looked.shown {
            Shown::Wave(wave) => Box::new(wave.source(file)?),
            Shown::Mp3(data) => Box::new(Window::new(file, data.at, data.bytes, Vec::new())?),
            Shown::Changed(changes) if changes.is_empty() && audio_at == 0 => Box::new(file),
            Shown::Changed(changes) => Box::new(Window::new(file, audio_at, u64::MAX, changes)?),
        };
        Ok(Prepared {
            source,
            stretch: looked.stretch,
            shortfall: looked.shortfall,
            is_cut: looked.is_cut,
            mp3_announces_length,
            next_mp3_at,
            ogg_end,
        })
    }
}

fn wave(file: &mut File) -> Result<Looked, Refusal> {
    Ok(match WaveFormat::look(file)? {
        Some(WaveFormat::Samples { changes, frames }) => Looked {
            stretch: match frames {
                Some(_) => Stretch::Frames {
                    skipped: 0,
                    length: frames,
                },
                None => Stretch::All,
            },
            ..Looked::new(Shown::Changed(changes))
        },
        Some(WaveFormat::Mp3(data)) => Looked::new(Shown::Mp3(data)),
        Some(WaveFormat::Foreign(found)) => return Err(Refusal::Foreign(found)),
        None => Looked::new(Shown::Changed(Vec::new())),
    })
}

fn aiff(file: &mut File, start: &[u8]) -> Result<Looked, Refusal> {
    let changes = aiff::unfinished(file, start)?;
    Ok(Looked {
        shortfall: changes.is_some().then_some(Shortfall::Unfinished),
        ..Looked::new(Shown::Changed(changes.unwrap_or_default()))
    })
}

fn caf(file: &mut File) -> Result<Looked, Refusal> {
    let Some(caf) = Caf::look(file)? else {
        return Err(Refusal::CutOff(WITHIN_HEADER));
    };
    if let Some(found) = foreign::codec_name(caf.codec) {
        return Err(Refusal::Foreign(format!("{found} in CAF")));
    }
    if caf.is_cut {
        return Err(Refusal::CutOff(BEFORE_SOUND));
    }
    let stretch = match caf.frames {
        Some(_) => Stretch::Frames {
            skipped: caf.silent_frames,
            length: caf.frames,
        },
        None => Stretch::All,
    };
    Ok(Looked {
        stretch,
        ..Looked::new(Shown::Changed(caf.changes))
    })
}

fn mp4(file: &mut File) -> Result<Looked, Refusal> {
    let Found::Index(index) = mp4::look(file)? else {
        return Err(Refusal::CutOff(BEFORE_INDEX));
    };
    if let Some(found) = index.codec.and_then(foreign::codec_name) {
        return Err(Refusal::Foreign(format!("{found} in MP4")));
    }
    if index.parts > 1 {
        let found = format!("an MP4 file of {} edited parts", index.parts);
        return Err(Refusal::Foreign(found));
    }
    Ok(Looked {
        stretch: Stretch::Seconds {
            skipped_s: index.silent_s,
            length_s: index.length_s,
        },
        is_cut: index.cut.is_some(),
        ..Looked::new(Shown::Changed(index.cut.into_iter().collect()))
    })
}
