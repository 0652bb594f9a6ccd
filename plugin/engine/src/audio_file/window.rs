//! A part of a file in which some bytes are others than on disk.
//!
//! Headers that were not finished, or that say what no decoder expects, are put right in what
//! the decoder is given; the file stays as it is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Bytes that stand in place of those of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where, from the beginning of the file.
    pub at: u64,
    /// What.
    pub bytes: Vec<u8>,
}

/// A file from one of its bytes to another.
#[derive(Debug)]
pub struct Window {
    file: File,
    start: u64,
    bytes: u64,
    changes: Vec<Change>,
}

impl Window {
    /// `file` from the byte `start` on, of which `bytes` are shown if it has so many.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn new(mut file: File, start: u64, bytes: u64, changes: Vec<Change>) -> io::Result<Window> {
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(start))?;
        Ok(Window {
            file,
            start,
            bytes: end.saturating_sub(start).min(bytes),
            changes,
        })
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = self.file.stream_position()?;
        let left = (self.start + self.bytes).saturating_sub(at);
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..most])?;
        for change in &self.changes {
            for (place, byte) in (change.at..).zip(&change.bytes) {
                let offset = place.checked_sub(at).map(|offset| offset as usize);
                if let Some(shown) = offset.and_then(|offset| buffer[..read].get_mut(offset)) {
                    *shown = *byte;
                }
            }
        }
        Ok(read)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let from = |base: u64, by: i64| base.checked_add_signed(by);
        let place = match to {
            SeekFrom::Start(place) => self.start.checked_add(place),
            SeekFrom::End(by) => from(self.start + self.bytes, by),
            SeekFrom::Current(by) => from(self.file.stream_position()?, by),
        };
        let place = place.filter(|place| *place >= self.start).ok_or_else(|| {
            let kind = io::ErrorKind::InvalidInput;
            io::Error::new(kind, "expected a place in the audio, found one before it")
        })?;
        self.file.seek(SeekFrom::Start(place))?;
        Ok(place - self.start)
    }
}

impl MediaSource for Window {
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

    #[test]
    fn places_are_those_of_the_part_and_changes_are_shown() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"tag: audio, rest").expect("written");
        let changes = vec![
            Change {
                at: 3,
                bytes: b"--A".to_vec(),
            },
            Change {
                at: 9,
                bytes: b"O!".to_vec(),
            },
        ];
        let mut audio = Window::new(file, 5, 6, changes).expect("opened");
        let mut text = String::new();
        audio.read_to_string(&mut text).expect("read");
        assert_eq!((text.as_str(), audio.byte_len()), ("AudiO!", Some(6)));
        assert_eq!(audio.seek(SeekFrom::Start(2)).expect("in it"), 2);
        assert_eq!(audio.stream_position().expect("known"), 2);
        assert_eq!(audio.seek(SeekFrom::End(-1)).expect("in it"), 5);
        assert!(audio.seek(SeekFrom::End(-7)).is_err());
        assert!(audio.seek(SeekFrom::Current(-6)).is_err());
    }
}
