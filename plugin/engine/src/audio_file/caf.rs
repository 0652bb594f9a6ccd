//! CAF files: how long they are, and what is in them.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use super::chunks::{Form, chunks};
use super::window::Change;

/// How such files begin, and the bytes before the first chunk.
pub const CAF_MARK: &[u8; 4] = b"caff";
const HEADER_BYTES: u64 = 8;
/// Bytes of a length, and of what stands before the samples in their chunk.
const LENGTH_BYTES: u64 = 8;
const EDITS_BYTES: u64 = 4;
/// Length of samples that reach to the end of the file, in place of one that is known.
const UNKNOWN: u64 = u64::MAX;

/// What the header of a CAF file tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caf {
    /// What the samples are coded in.
    pub codec: [u8; 4],
    /// Frames before the sound begins.
    pub silent_frames: u64,
    /// Frames of the sound, if it says so.
    pub frames: Option<u64>,
    /// Whether the file ends before its samples do.
    pub is_cut: bool,
    /// What has to be changed for the decoder.
    pub changes: Vec<Change>,
}

impl Caf {
    /// Reads the header of the CAF `file`; none if it ends in it.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn look(file: &mut File) -> io::Result<Option<Caf>> {
        let file_bytes = file.seek(SeekFrom::End(0))?;
        let mut parts = chunks(file, HEADER_BYTES, Form::Caf, *b"data")?;
        if let Some(data) = parts.last()
            && let Some(behind) = data.at.checked_add(data.bytes)
        {
            parts.extend(chunks(file, behind, Form::Caf, *b"data")?);
        }
        let of = |mark: &[u8; 4]| parts.iter().find(|chunk| &chunk.mark == mark);
        let (Some(description), Some(data)) = (of(b"desc"), of(b"data")) else {
            return Ok(None);
        };
        let Some(description) = description.read::<32>(file)? else {
            return Ok(None);
        };
        let mut caf = Caf {
            codec: [8, 9, 10, 11].map(|at| description[at]),
            is_cut: data.bytes != UNKNOWN && data.at.saturating_add(data.bytes) > file_bytes,
            ..Caf::default()
        };
        if let Some(table) = of(b"pakt")
            && let Some(table) = table.read::<24>(file)?
        {
            let (frames, rest) = table[8..].split_at(8);
            let long = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap_or_default());
            let silent = i32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]);
            caf.silent_frames = u64::try_from(silent).unwrap_or(0);
            caf.frames = Some(long(frames));
        }
        // The decoder would look for chunks among the samples.
        if data.bytes == UNKNOWN && file_bytes >= data.at + EDITS_BYTES {
            caf.changes.push(Change {
                at: data.at - LENGTH_BYTES,
                bytes: (file_bytes - data.at).to_be_bytes().to_vec(),
            });
        }
        Ok(Some(caf))
    }
}
