//! Opening a file: whether it is one, where its audio begins, and why it is none.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use symphonia::core::errors::Error as SymphoniaError;

use super::caf::CAF_MARK;
use super::foreign::LOOKED_AT_BYTES;
use super::long_wave::LONG_MARKS;
use super::mp4::is_mp4;
use super::prepared::WITHIN_HEADER;
use super::{AudioFileError, tags};

/// Bytes shown of a file that is no audio: a container's mark and its kind.
const SHOWN_BYTES: usize = 12;

/// Opens the file and finds where its audio begins, with the first bytes of that, for the message
/// should it turn out to be none.
pub(super) fn open_and_peek(
    path: &Path,
    from: u64,
) -> Result<(File, u64, Vec<u8>), AudioFileError> {
    let io_error = |source: io::Error| AudioFileError::Io {
        path: path.to_path_buf(),
        source,
    };
    let kind = fs::metadata(path).map_err(io_error)?.file_type();
    if !kind.is_file() {
        // A pipe would be waited for.
        let refused = if kind.is_dir() {
            io::Error::new(ErrorKind::IsADirectory, "expected a file, found a folder")
        } else {
            io::Error::new(
                ErrorKind::NotSeekable,
                "expected a file, found a pipe or a device: write it into a file first",
            )
        };
        return Err(io_error(refused));
    }
    let mut file = File::open(path).map_err(io_error)?;
    let audio_at = tags::audio_start(&mut file, from).map_err(io_error)?;
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(audio_at)).map_err(io_error)?;
    (&mut file)
        .take(LOOKED_AT_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(io_error)?;
    if start.is_empty() {
        return Err(AudioFileError::Empty {
            path: path.to_path_buf(),
            found: if audio_at > from {
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
pub(super) fn header_error(path: &Path, start: &[u8], error: SymphoniaError) -> AudioFileError {
    let path = path.to_path_buf();
    let ends_early = match &error {
        SymphoniaError::IoError(source) => source.kind() == ErrorKind::UnexpectedEof,
        _ => start.len() < SHOWN_BYTES,
    };
    match error {
        // The mark of a container, but not all of its header.
        _ if ends_early && is_known_mark(start) => AudioFileError::Damaged {
            path,
            at_s: 0.0,
            found: WITHIN_HEADER.to_string(),
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
            found: format!(
                "\"{}\"",
                start[..start.len().min(SHOWN_BYTES)].escape_ascii()
            ),
        },
    }
}

fn is_known_mark(start: &[u8]) -> bool {
    let marks = [b"RIFF", b"FORM", b"fLaC", b"OggS", CAF_MARK];
    let mut marks = marks.into_iter().chain(&LONG_MARKS);
    marks.any(|mark| start.starts_with(mark)) || is_mp4(start)
}
