//! WAV files whose length is not where it usually is: RF64 and BW64, for which 32 bits are
//! too few, those of programs that wrote to a pipe and did not know it, and those of
//! programs that ended before they wrote it down.
//!
//! The decoder knows only one way of not knowing it and reads such files in whole packets to
//! their end, whatever follows the samples. It is therefore given a file of this kind: the
//! format and the samples, filled up with silence to a whole packet, which is cut off again.

use std::fs::File;
use std::io::{self, Chain, Cursor, Read, Repeat, Seek, SeekFrom, Take};

use symphonia::core::io::ReadOnlySource;

use super::wave_format::whole_bytes;

/// How files with lengths of 64 bits begin.
pub const LONG_MARKS: [[u8; 4]; 2] = [*b"RF64", *b"BW64"];

/// Length that is written in place of one that does not fit or is not known.
const UNKNOWN: u32 = u32::MAX;

/// What SoX writes in its place, less what is no whole frame.
const UNKNOWN_TO_SOX: std::ops::RangeInclusive<u32> = 0x7FFF_EF00..=0x7FFF_F000;

/// Bytes before those that the length of the file counts.
const RIFF_HEADER_BYTES: u64 = 8;

/// Frames that the decoder reads at a time.
const PACKET_FRAMES: u64 = 1152;

/// Longest format chunk that makes sense; the usual ones have 16 to 40 bytes.
const MAX_FORMAT_BYTES: u32 = 1024;

/// Chunks that are looked at: nobody writes so many.
const MAX_CHUNKS: usize = 4096;

/// Tags of formats whose frames have one size: integers, floats, and either with an
/// extended header.
const PLAIN_FORMATS: [u16; 3] = [1, 3, 0xFFFE];

/// Format, samples and silence, as the decoder reads them.
type Content = Chain<Chain<Cursor<Vec<u8>>, Take<File>>, Take<Repeat>>;

/// Where the samples of a long file are, and how many.
#[derive(Debug)]
pub struct LongWave {
    format: Vec<u8>,
    data_at: u64,
    data_bytes: u64,
    frame_bytes: u64,
    file_bytes: u64,
    is_finished: bool,
}

impl LongWave {
    /// Reads the header of `file`, which begins with `start`; none if it is no WAV file of
    /// this kind.
    ///
    /// # Errors
    /// When the file system refuses, or it is one and ends within its header.
    pub fn look(file: &mut File, start: &[u8]) -> io::Result<Option<LongWave>> {
        let is_early = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        let is_ours = LONG_MARKS.iter().any(|mark| start.starts_with(mark));
        match LongWave::parse(file) {
            // The decoder says what is wrong with others.
            Err(error) if is_early(&error) && !is_ours => Ok(None),
            found => found,
        }
    }

    fn parse(file: &mut File) -> io::Result<Option<LongWave>> {
        let file_bytes = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let [mark, file_length, kind] = read_words(file)?;
        let has_long_lengths = LONG_MARKS.contains(&mark);
        if !(has_long_lengths || mark == *b"RIFF") || kind != *b"WAVE" {
            return Ok(None);
        }
        let file_length = u32::from_le_bytes(file_length);
        let mut is_finished = file_length != 0;
        let mut long_data_bytes = None;
        let mut format = Vec::new();
        for _ in 0..MAX_CHUNKS {
            let [mark, bytes] = read_words(file)?;
            let bytes = u32::from_le_bytes(bytes);
            let start = file.stream_position()?;
            match &mark {
                b"ds64" if has_long_lengths => {
                    let [file_low, file_high, low, high] = read_words(file)?;
                    let [low, high] = [low, high].map(|word| u64::from(u32::from_le_bytes(word)));
                    long_data_bytes = Some((high << 32) | low);
                    let [low, high] = [file_low, file_high].map(u32::from_le_bytes);
                    // Nothing, or what is left of nothing without the header.
                    is_finished = [low, high] != [0; 2] && i32::try_from(high).is_ok();
                }
                b"fmt " if (16..=MAX_FORMAT_BYTES).contains(&bytes) => {
                    format = vec![0; bytes as usize];
                    file.read_exact(&mut format)?;
                    if let Some(bits) = whole_bytes(&format) {
                        format[14..16].copy_from_slice(&bits.to_le_bytes());
                    }
                }
                b"data" => {
                    let rest_bytes = file_bytes.saturating_sub(start);
                    // Lengths that were written before there were samples.
                    let riff_end = RIFF_HEADER_BYTES + u64::from(file_length);
                    if !has_long_lengths && bytes == 0 && riff_end <= start && rest_bytes > 0 {
                        is_finished = false;
                    }
                    let is_to_end = match bytes {
                        UNKNOWN => long_data_bytes.is_none_or(|long| long == 0 && !is_finished),
                        0 => long_data_bytes.unwrap_or(0) == 0 && !is_finished,
                        bytes => UNKNOWN_TO_SOX.contains(&bytes) && u64::from(bytes) > rest_bytes,
                    };
                    // Plain files, and all that the decoder must explain.
                    let is_plain = !has_long_lengths && !is_to_end;
                    let Some(frame_bytes) = frame_bytes(&format).filter(|_| !is_plain) else {
                        return Ok(None);
                    };
                    let data_bytes = match (bytes, long_data_bytes) {
                        _ if is_to_end => rest_bytes,
                        (UNKNOWN | 0, Some(long_bytes)) => long_bytes,
                        (bytes, _) => u64::from(bytes),
                    };
                    return Ok(Some(LongWave {
                        format,
                        data_at: start,
                        data_bytes,
                        frame_bytes,
                        file_bytes,
                        is_finished,
                    }));
                }
                _ => {}
            }
            // Chunks begin at even places.
            file.seek(SeekFrom::Start(
                start + u64::from(bytes).next_multiple_of(2),
            ))?;
        }
        Ok(None)
    }

    /// Whether the program that wrote it came to its end: else it wrote no length.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Frames that the header announces; without a length, those that are there.
    pub fn frames(&self) -> u64 {
        self.data_bytes / self.frame_bytes
    }

    /// What the decoder reads in place of `file`: [`frames`](Self::frames) and some silence,
    /// or less if the file is truncated.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn source(self, mut file: File) -> io::Result<ReadOnlySource<Content>> {
        let bytes = self.frames() * self.frame_bytes;
        let is_whole = self.data_at.saturating_add(bytes) <= self.file_bytes;
        let silence = if is_whole {
            let missing = self.frames().next_multiple_of(PACKET_FRAMES) - self.frames();
            missing * self.frame_bytes
        } else {
            0
        };

        let mut header = Vec::new();
        let unknown = UNKNOWN.to_le_bytes();
        let format_bytes = self.format.len() as u32;
        header.extend_from_slice(b"RIFF");
        header.extend_from_slice(&unknown);
        header.extend_from_slice(b"WAVEfmt ");
        header.extend_from_slice(&format_bytes.to_le_bytes());
        header.extend_from_slice(&self.format);
        header.resize(header.len().next_multiple_of(2), 0);
        header.extend_from_slice(b"data");
        header.extend_from_slice(&unknown);

        file.seek(SeekFrom::Start(self.data_at))?;
        let samples = Cursor::new(header).chain(file.take(bytes));
        // Zeros are silence but for 8 bit; there they are cut off all the same.
        Ok(ReadOnlySource::new(
            samples.chain(io::repeat(0).take(silence)),
        ))
    }
}

/// Bytes of a frame of a plain format.
fn frame_bytes(format: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u16::from_le_bytes([*format.get(at)?, *format.get(at + 1)?]));
    let (tag, channels, bits) = (word(0)?, word(2)?, word(14)?);
    let bytes = u64::from(bits / 8) * u64::from(channels);
    (PLAIN_FORMATS.contains(&tag) && bytes > 0).then_some(bytes)
}

fn read_words<const N: usize>(file: &mut File) -> io::Result<[[u8; 4]; N]> {
    let mut words = [[0; 4]; N];
    for word in &mut words {
        file.read_exact(word)?;
    }
    Ok(words)
}
