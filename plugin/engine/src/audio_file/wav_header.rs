//! Headers of WAV files; those of more than 4 GiB are RF64 files (EBU Tech 3306).

/// Most bytes of samples in a plain WAV file: the 32-bit length less the header.
pub const MAX_DATA_BYTES: u64 = u32::MAX as u64 - 256;

/// Bytes that are kept for the long lengths: those of the file, of the samples, their
/// number, and an empty table.
const LONG_LENGTHS_BYTES: u32 = 28;

/// Bytes before those that the length of the file counts.
const RIFF_HEADER_BYTES: usize = 8;

/// How the samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// 32-bit float.
    Float,
    /// 24-bit integers.
    Integer,
}

impl SampleKind {
    /// Bytes of one sample.
    pub const fn bytes(self) -> usize {
        match self {
            SampleKind::Float => size_of::<f32>(),
            SampleKind::Integer => 3,
        }
    }

    /// Its number in WAV files. Many readers do not know the extended header, which says the
    /// same and would have to name a loudspeaker for mono.
    const fn tag(self) -> u16 {
        match self {
            SampleKind::Float => 3,
            SampleKind::Integer => 1,
        }
    }
}

/// What the header of a file says beside its length.
#[derive(Debug, Clone, Copy)]
pub struct WavHeader {
    /// In hertz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u16,
    /// How the samples are written.
    pub samples: SampleKind,
    /// Whether there is room for lengths of 64 bits.
    pub may_be_long: bool,
    /// More bytes of samples make an RF64 file.
    pub max_data_bytes: u64,
}

impl WavHeader {
    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        usize::from(self.channels) * self.samples.bytes()
    }

    /// Whether so many bytes of samples exceed lengths of 32 bits.
    pub fn is_long(&self, data_bytes: u64) -> bool {
        data_bytes > self.max_data_bytes
    }

    /// The header of a file with so many bytes of samples: as long as with any other number of
    /// them.
    pub fn bytes(&self, data_bytes: u64) -> Vec<u8> {
        let frame_bytes = self.frame_bytes() as u16;
        let frames = data_bytes / u64::from(frame_bytes);
        let is_long = self.may_be_long && self.is_long(data_bytes);
        // Long lengths stand in a place of their own.
        let length = |length: u64| match is_long {
            true => u32::MAX,
            // All fit: the samples are limited and the header is short.
            false => length as u32,
        };
        let mut format = b"fmt ".to_vec();
        let is_integer = self.samples == SampleKind::Integer;
        format.extend_from_slice(&if is_integer { 16_u32 } else { 18 }.to_le_bytes());
        format.extend_from_slice(&self.samples.tag().to_le_bytes());
        format.extend_from_slice(&self.channels.to_le_bytes());
        format.extend_from_slice(&self.sample_rate.to_le_bytes());
        format.extend_from_slice(&(self.sample_rate * u32::from(frame_bytes)).to_le_bytes());
        format.extend_from_slice(&frame_bytes.to_le_bytes());
        format.extend_from_slice(&(8 * self.samples.bytes() as u16).to_le_bytes());
        if !is_integer {
            // No more about the format; all but integers must say so, and how many frames
            // there are.
            format.extend_from_slice(&0_u16.to_le_bytes());
            format.extend_from_slice(b"fact");
            format.extend_from_slice(&4_u32.to_le_bytes());
            format.extend_from_slice(&length(frames).to_le_bytes());
        }
        format.extend_from_slice(b"data");
        format.extend_from_slice(&length(data_bytes).to_le_bytes());

        let long_bytes = match self.may_be_long {
            true => RIFF_HEADER_BYTES + LONG_LENGTHS_BYTES as usize,
            false => 0,
        };
        // Chunks end at even places.
        let padding = data_bytes % 2;
        let after_length =
            (b"WAVE".len() + long_bytes + format.len()) as u64 + data_bytes + padding;
        let mut header = if is_long { *b"RF64" } else { *b"RIFF" }.to_vec();
        header.extend_from_slice(&length(after_length).to_le_bytes());
        header.extend_from_slice(b"WAVE");
        if self.may_be_long {
            header.extend_from_slice(if is_long { b"ds64" } else { b"JUNK" });
            header.extend_from_slice(&LONG_LENGTHS_BYTES.to_le_bytes());
            for long in [after_length, data_bytes, frames] {
                let long = if is_long { long } else { 0 };
                header.extend_from_slice(&long.to_le_bytes());
            }
            // The empty table.
            header.extend_from_slice(&0_u32.to_le_bytes());
        }
        header.extend_from_slice(&format);
        header
    }
}
