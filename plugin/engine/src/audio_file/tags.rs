//! Titles and pictures before the audio: ID3 tags, at the front of MP3 files and of some others.
//!
//! A picture is often larger than what the decoder searches for a beginning, and may hold bytes
//! that look like one. It is given the file without them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of a tag's header, and of a footer that repeats it.
const HEADER_BYTES: u64 = 10;
/// The flag that says that there is a footer.
const HAS_FOOTER: u8 = 0x10;
/// Tags in a row that are looked at: nobody writes so many.
const MAX_TAGS: usize = 16;

/// Where the audio of what begins at the byte `start` of `file` begins, behind all tags; may be
/// beyond its end.
///
/// # Errors
/// When the file system refuses.
pub fn audio_start(file: &mut File, mut start: u64) -> io::Result<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn start_of(content: &[u8]) -> u64 {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        audio_start(&mut file, 0).expect("read")
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
}
