//! What a WAV file holds: samples of odd widths, and what is no WAV inside.

use std::fs::File;
use std::io;

use super::chunks::{Chunk, Form, chunks};
use super::window::Change;

/// Bytes before the first chunk.
const HEADER_BYTES: u64 = 12;
/// Where the bits of a sample stand in the format chunk.
const BITS_AT: u64 = 14;
/// Tag of integers, of these with an extended header, and of MP3.
const INTEGERS: u16 = 1;
const EXTENDED: u16 = 0xFFFE;
const MP3: u16 = 0x55;
/// Tags of ADPCM, Microsoft's and IMA's.
const ADPCM: [u16; 2] = [0x02, 0x11];
/// Tags of formats that are decoded: integers, ADPCM, floats, A-law, µ-law.
const KNOWN: [u16; 8] = [INTEGERS, 0x02, 0x03, 0x06, 0x07, 0x11, MP3, EXTENDED];

/// The kind of content of a WAV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaveFormat {
    /// Samples, as the decoder takes them once `changes` are made.
    Samples {
        /// What is to be put right.
        changes: Vec<Change>,
        /// How many there are, where the last block of them is filled up.
        frames: Option<u64>,
    },
    /// An MP3 file in the data chunk.
    Mp3(Chunk),
    /// Something that is not decoded, by its name.
    Foreign(String),
}

impl WaveFormat {
    /// Reads the format of the WAV `file`; none if its header does not get as far.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn look(file: &mut File) -> io::Result<Option<WaveFormat>> {
        let chunks = chunks(file, HEADER_BYTES, Form::Riff, *b"data")?;
        let of = |mark: &[u8; 4]| chunks.iter().find(|chunk| &chunk.mark == mark);
        let Some(format) = of(b"fmt ") else {
            return Ok(None);
        };
        let Some(content) = format.read::<16>(file)? else {
            return Ok(None);
        };
        let word = |at: usize| u16::from_le_bytes([content[at], content[at + 1]]);
        let tag = word(0);
        Ok(Some(match (tag, of(b"data")) {
            (MP3, Some(data)) => WaveFormat::Mp3(*data),
            _ if KNOWN.contains(&tag) => WaveFormat::Samples {
                changes: whole_bytes(&content)
                    .map(|bits| Change {
                        at: format.at + BITS_AT,
                        bytes: bits.to_le_bytes().to_vec(),
                    })
                    .into_iter()
                    .collect(),
                frames: match of(b"data") {
                    Some(data) if ADPCM.contains(&tag) => {
                        let block_bytes = u64::from(word(12));
                        let blocks = data.bytes.checked_div(block_bytes).unwrap_or(0);
                        adpcm_frames(file, format, of(b"fact"), blocks)?
                    }
                    _ => None,
                },
            },
            _ => WaveFormat::Foreign(format!("a WAV file with {} inside", name(tag))),
        }))
    }
}

/// Frames of `blocks` blocks as the `fact` chunk tells them, if there are so many in them.
fn adpcm_frames(
    file: &mut File,
    format: &Chunk,
    fact: Option<&Chunk>,
    blocks: u64,
) -> io::Result<Option<u64>> {
    let Some(fact) = fact else {
        return Ok(None);
    };
    let (told, format) = (fact.read::<4>(file)?, format.read::<20>(file)?);
    Ok(told.zip(format).and_then(|(told, format)| {
        let in_block = u64::from(u16::from_le_bytes([format[18], format[19]]));
        let told = u64::from(u32::from_le_bytes(told));
        (told > 0 && told <= blocks.saturating_mul(in_block)).then_some(told)
    }))
}

/// The bits that samples of the `format` take up, if they are more than it says: those of 12
/// or 20 bits lie at the top of whole bytes, the rest of which is zero.
pub fn whole_bytes(format: &[u8]) -> Option<u16> {
    let word = |at: usize| Some(u16::from_le_bytes([*format.get(at)?, *format.get(at + 1)?]));
    let (tag, channels, block, bits) = (word(0)?, word(2)?, word(12)?, word(14)?);
    let whole = block.checked_div(channels)?.checked_mul(8)?;
    let is_odd = [INTEGERS, EXTENDED].contains(&tag) && bits % 8 != 0;
    (is_odd && bits < whole && whole <= 32 && block % channels == 0).then_some(whole)
}

fn name(tag: u16) -> String {
    match tag {
        0x31 | 0x32 => "GSM 6.10".to_owned(),
        0x50 => "MP2".to_owned(),
        0xFF | 0x706D | 0x1600..=0x1602 => "AAC".to_owned(),
        0x92 | 0x2000 => "Dolby Digital (AC-3)".to_owned(),
        0x2001 => "DTS".to_owned(),
        0x160..=0x163 => "Windows Media audio (WMA)".to_owned(),
        0x674F..=0x6771 => "Vorbis".to_owned(),
        0xF1AC => "FLAC".to_owned(),
        _ => format!("a format of the number {tag:#06x}"),
    }
}
