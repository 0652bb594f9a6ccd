//! Files that are shorter than they were meant to be, where the decoder does not say so.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Frames by which the length of an MP3 or Ogg file may differ from what it announces:
/// encoders count the silence around the samples differently, two packets of it at most.
const TOLERANCE_FRAMES: u64 = 2 * 1152;

/// What tells that a file was read short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall {
    /// It announces more frames than were found.
    Frames {
        /// Frames that it announces.
        expected: u64,
    },
    /// It does not have the mark that stands at the end.
    NoEnd,
    /// It has no length in its header: the program that wrote it was interrupted.
    Unfinished,
}

/// Whether `found` frames are fewer than the `expected` ones.
pub fn frames_missing(expected: Option<u64>, found: u64) -> Option<Shortfall> {
    let expected = expected.filter(|expected| expected.saturating_sub(found) > TOLERANCE_FRAMES)?;
    Some(Shortfall::Frames { expected })
}

/// Whether an MP3 file whose audio begins at the byte `start` says itself how long it is. Others
/// are guessed from their first packets, which tells nothing.
pub fn mp3_announces_length(file: &mut File, start: u64) -> bool {
    // The mark lies behind the side information, whose length depends on the format.
    let mut packet = Vec::new();
    let at_packet = file.seek(SeekFrom::Start(start));
    if at_packet.is_err() || file.take(64).read_to_end(&mut packet).is_err() {
        return false;
    }
    let is_mark = |word: &[u8]| [b"Xing", b"Info", b"VBRI"].iter().any(|mark| word == *mark);
    packet.windows(4).any(is_mark)
}

/// Where the last page of an Ogg Vorbis file ends, in frames, if it is there.
pub fn ogg_end(file: &mut File) -> Option<u64> {
    /// Bytes of the header up to and with this place, and most bytes of a page.
    const PLACE_BYTES: usize = 14;
    const PAGE_BYTES: u64 = 65_307;

    let bytes = file.seek(SeekFrom::End(0)).ok()?;
    file.seek(SeekFrom::Start(bytes.saturating_sub(PAGE_BYTES)))
        .ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    let page = end
        .windows(PLACE_BYTES)
        .rfind(|bytes| bytes.starts_with(b"OggS\0"))?;
    let is_last = page[5] & 4 != 0;
    let place: [u8; 8] = page[6..].try_into().ok()?;
    is_last.then(|| u64::from_le_bytes(place))
}
