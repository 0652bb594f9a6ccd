//! Titles and pictures before the audio: ID3 tags, at the front of MP3 files and of some others.
//!
//! A picture is often larger than what the decoder searches for a beginning, and may hold bytes
//! that look like one. It is given the file without them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Bytes of a tag's header, and of a footer that repeats it.
const HEADER_BYTES: u64 = 10;
/// The flag that says that there is a footer.
const HAS_FOOTER: u8 = 0x10;
/// Tags in a row that are looked at: nobody writes so many.
const MAX_TAGS: usize = 16;

/// Where the audio of `file` begins, behind all tags; may be beyond its end.
///
/// # Errors
/// When the file system refuses.
pub fn audio_start(file: &mut File) -> io::Result<u64> {
    let mut start = 0;
    for _ in 0..MAX_TAGS {
        let mut header = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(HEADER_BYTES).read_to_end(&mut header)?;
        let Some(bytes) = tag_bytes(&header) else {
            break;
        };
        start += bytes;
    }
    Ok(start)
}

/// Bytes of the tag with this `header`, if it is one.
fn tag_bytes(header: &[u8]) -> Option<u64> {
    let &[b'I', b'D', b'3', version, _, flags, ref length @ ..] = header else {
        return None;
    };
    // Each byte of the length has seven bits; nothing else would be a tag.
    let is_tag = version < 0xFF && length.len() == 4 && length.iter().all(|byte| byte >> 7 == 0);
    is_tag.then(|| {
        let seven_bits = length.iter().map(|&byte| u64::from(byte));
        let content = seven_bits.fold(0, |length, bits| (length << 7) | bits);
        let footer = u64::from(flags & HAS_FOOTER != 0) * HEADER_BYTES;
        HEADER_BYTES + content + footer
    })
}

/// A file from one of its bytes on.
#[derive(Debug)]
pub struct Untagged {
    file: File,
    start: u64,
    bytes: u64,
}

impl Untagged {
    /// `file` from the byte `start` on.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn new(mut file: File, start: u64) -> io::Result<Untagged> {
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(start))?;
        Ok(Untagged {
            file,
            start,
            bytes: end.saturating_sub(start),
        })
    }
}

impl Read for Untagged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Untagged {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => self
                .file
                .seek(SeekFrom::Start(self.start.saturating_add(place)))?,
            relative => self.file.seek(relative)?,
        };
        place.checked_sub(self.start).ok_or_else(|| {
            let kind = io::ErrorKind::InvalidInput;
            io::Error::new(kind, "expected a place in the audio, found one before it")
        })
    }
}

impl MediaSource for Untagged {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn start_of(content: &[u8]) -> u64 {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        audio_start(&mut file).expect("read")
    }

    #[test]
    fn tags_end_where_they_say() {
        let tag = |flags: u8, length: [u8; 4]| [&b"ID3\x04\0"[..], &[flags], &length].concat();
        assert_eq!(start_of(b""), 0);
        assert_eq!(start_of(b"RIFF....WAVEfmt "), 0);
        assert_eq!(start_of(b"ID3\x04\0"), 0, "cut off");
        assert_eq!(start_of(&tag(0, [0, 0, 0x80, 0])), 0, "no length");
        assert_eq!(start_of(&tag(0, [1, 0, 2, 3])), 10 + (1 << 21) + 256 + 3);
        assert_eq!(start_of(&tag(0x10, [0, 0, 0, 4])), 24, "a footer");
        let mut two = tag(0, [0, 0, 0, 2]);
        two.extend_from_slice(b"xx");
        two.extend(tag(0, [0, 0, 1, 0]));
        assert_eq!(start_of(&two), 12 + 138);
    }

    #[test]
    fn places_are_those_behind_the_tags() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"tag: audio").expect("written");
        let mut audio = Untagged::new(file, 5).expect("opened");
        let mut text = String::new();
        audio.read_to_string(&mut text).expect("read");
        assert_eq!((text.as_str(), audio.byte_len()), ("audio", Some(5)));
        assert_eq!(audio.seek(SeekFrom::Start(2)).expect("in it"), 2);
        assert_eq!(audio.stream_position().expect("known"), 2);
        assert_eq!(audio.seek(SeekFrom::End(-1)).expect("in it"), 4);
        assert!(audio.seek(SeekFrom::End(-6)).is_err());
    }
}
