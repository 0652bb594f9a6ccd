//! The parts that WAV, AIFF and CAF files are made of.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// Chunks that are looked at: nobody writes so many.
const MAX_CHUNKS: usize = 4096;

/// How chunks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lengths of 32 bits, the lowest byte first: WAV.
    Riff,
    /// Lengths of 32 bits, the highest byte first: AIFF.
    Iff,
    /// Lengths of 64 bits, the highest byte first: CAF.
    Caf,
}

/// Where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// What it holds.
    pub mark: [u8; 4],
    /// Where its content begins.
    pub at: u64,
    /// Length of its content as it says.
    pub bytes: u64,
}

impl Chunk {
    /// The first bytes of its content, if it and the file have so many.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn read<const N: usize>(&self, file: &mut File) -> io::Result<Option<[u8; N]>> {
        if self.bytes < N as u64 {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut content = [0; N];
        optional(file.read_exact(&mut content)).map(|read| read.map(|()| content))
    }
}

/// The chunks of `file` from the byte `at` on, with the first one called `last` and none
/// after it: where its length was not written, what follows makes no sense.
///
/// # Errors
/// When the file system refuses; a file that ends is none.
pub fn chunks(file: &mut File, mut at: u64, form: Form, last: [u8; 4]) -> io::Result<Vec<Chunk>> {
    let mut found = Vec::new();
    while found.len() < MAX_CHUNKS {
        file.seek(SeekFrom::Start(at))?;
        let mut mark = [0; 4];
        let (mut short, mut long) = ([0; 4], [0; 8]);
        let read = file.read_exact(&mut mark).and_then(|()| match form {
            Form::Caf => file.read_exact(&mut long),
            _ => file.read_exact(&mut short),
        });
        if optional(read)?.is_none() {
            break;
        }
        let (header, bytes) = match form {
            Form::Riff => (8, u64::from(u32::from_le_bytes(short))),
            Form::Iff => (8, u64::from(u32::from_be_bytes(short))),
            Form::Caf => (12, u64::from_be_bytes(long)),
        };
        let chunk = Chunk {
            mark,
            at: at + header,
            bytes,
        };
        found.push(chunk);
        if mark == last {
            break;
        }
        // But in CAF, chunks begin at even places.
        let bytes = match form {
            Form::Caf => bytes,
            _ => bytes.next_multiple_of(2),
        };
        let Some(next) = chunk.at.checked_add(bytes) else {
            break;
        };
        at = next;
    }
    Ok(found)
}

/// Nothing in place of the error that a file ends.
fn optional<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
