//! Files that are shorter than they were meant to be, where the decoder does not say so.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::tags;

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

/// The first packet of an MP3 file whose audio begins at the byte `start`, as far as it is
/// looked at.
fn first_packet(file: &mut File, start: u64) -> io::Result<Vec<u8>> {
    let mut packet = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(64).read_to_end(&mut packet)?;
    Ok(packet)
}

/// Whether an MP3 file whose audio begins at the byte `start` says itself how long it is. Others
/// are guessed from their first packets, which tells nothing.
pub fn mp3_announces_length(file: &mut File, start: u64) -> bool {
    // The mark lies behind the side information, whose length depends on the format.
    let packet = first_packet(file, start).unwrap_or_default();
    let is_mark = |word: &[u8]| [b"Xing", b"Info", b"VBRI"].iter().any(|mark| word == *mark);
    packet.windows(4).any(is_mark)
}

/// Where another MP3 file begins behind one whose audio begins at the byte `start`, if two
/// were put one after the other: the first says that it ends there.
///
/// # Errors
/// When the file system refuses.
pub fn next_mp3(file: &mut File, start: u64) -> io::Result<Option<u64>> {
    let packet = first_packet(file, start)?;
    if !is_mp3_packet(&packet) {
        return Ok(None);
    }
    let is_mark = |word: &[u8]| word == b"Xing" || word == b"Info";
    let Some(mark_at) = packet.windows(4).position(is_mark) else {
        return Ok(None);
    };
    let word = |at: usize| {
        let bytes = packet.get(mark_at + at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    // Number of packets and of bytes, each if it is there.
    let bytes = match word(4).map(|flags| flags & 3) {
        Some(3) => word(12),
        Some(2) => word(8),
        _ => None,
    };
    let Some(bytes) = bytes.filter(|bytes| *bytes > 0) else {
        return Ok(None);
    };
    let mut end = start + u64::from(bytes);
    // A title of the old kind, at the end of the first.
    if first_packet(file, end)?.starts_with(b"TAG") {
        end += 128;
    }
    let next = tags::audio_start(file, end)?;
    Ok(is_mp3_packet(&first_packet(file, next)?).then_some(end))
}

/// Whether `packet` begins as those of MP3 do.
fn is_mp3_packet(packet: &[u8]) -> bool {
    matches!(packet, [0xFF, second, third, ..]
        if second & 0xE6 == 0xE2 && third >> 4 != 15 && third >> 2 & 3 != 3)
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
