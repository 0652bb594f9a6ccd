//! AIFF files of programs that ended before they wrote down how long they are.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use super::chunks::{Form, chunks};
use super::window::Change;

/// Bytes before the first chunk, and of the place and length of a chunk's header.
const HEADER_BYTES: u64 = 12;
const LENGTH_BYTES: u64 = 4;
/// Bytes before those that the length of the file counts, and before the samples of their chunk.
const FORM_HEADER_BYTES: u64 = 8;
const OFFSET_BYTES: u64 = 8;
/// Where the number of frames stands.
const FRAMES_AT: u64 = 2;
/// Kinds of AIFC in which a sample has as many bits as the header says.
const PLAIN: [&[u8; 4]; 11] = [
    b"NONE", b"none", b"sowt", b"twos", b"raw ", b"in24", b"in32", b"23ni", b"fl32", b"FL32",
    b"fl64",
];

/// What has to be changed in the AIFF `file`, if its lengths were not written: samples to the
/// end of the file.
///
/// # Errors
/// When the file system refuses.
pub fn unfinished(file: &mut File, start: &[u8]) -> io::Result<Option<Vec<Change>>> {
    let is_compressed = match start.get(8..12) {
        Some(b"AIFF") => false,
        Some(b"AIFC") => true,
        _ => return Ok(None),
    };
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let chunks = chunks(file, HEADER_BYTES, Form::Iff, *b"SSND")?;
    let of = |mark: &[u8; 4]| chunks.iter().find(|chunk| &chunk.mark == mark);
    let (Some(common), Some(sound)) = (of(b"COMM"), of(b"SSND")) else {
        return Ok(None);
    };
    if is_compressed {
        let kind = common.read::<22>(file)?;
        if !kind.is_some_and(|kind| PLAIN.iter().any(|plain| kind.ends_with(*plain))) {
            return Ok(None);
        }
    }
    let Some(format) = common.read::<8>(file)? else {
        return Ok(None);
    };
    let [channels, bits] = [[format[0], format[1]], [format[6], format[7]]];
    let [channels, bits] = [channels, bits].map(|word| u64::from(u16::from_be_bytes(word)));
    let frames = u64::from(u32::from_be_bytes([
        format[2], format[3], format[4], format[5],
    ]));
    let frame_bytes = channels * bits.div_ceil(8);
    let rest = file_bytes.saturating_sub(sound.at + OFFSET_BYTES);
    let form_bytes = start.get(4..8).map_or(0, |bytes| {
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    });
    let is_unknown = |length: u64| length == 0 || length == u64::from(u32::MAX);
    let has_no_sound = sound.bytes <= OFFSET_BYTES || is_unknown(sound.bytes);
    let is_unfinished = is_unknown(u64::from(form_bytes)) || is_unknown(frames) || has_no_sound;
    if frame_bytes == 0 || rest < frame_bytes || !is_unfinished {
        return Ok(None);
    }
    let bytes = if has_no_sound {
        rest
    } else {
        rest.min(sound.bytes - OFFSET_BYTES)
    };
    let found = bytes / frame_bytes;
    let frames = if is_unknown(frames) {
        found
    } else {
        frames.min(found)
    };
    let sound_bytes = OFFSET_BYTES + frames * frame_bytes;
    let change = |at: u64, value: u64| {
        let value = u32::try_from(value).ok()?;
        Some(Change {
            at,
            bytes: value.to_be_bytes().to_vec(),
        })
    };
    let form_bytes = (sound.at + sound_bytes.next_multiple_of(2)).min(file_bytes);
    Ok([
        change(4, form_bytes - FORM_HEADER_BYTES),
        change(common.at + FRAMES_AT, frames),
        change(sound.at - LENGTH_BYTES, sound_bytes),
    ]
    .into_iter()
    .collect())
}
