//! Writing a file so that its old content survives a failure.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of the destination's name that tell whose an unfinished file is.
const MAX_NAME_BYTES: usize = 100;

/// A file under construction beside its destination.
///
/// The destination is replaced, in one step, only by [`commit`](Self::commit);
/// dropped before, the unfinished file is removed and the destination keeps
/// what it had.
#[derive(Debug)]
pub struct PartialFile {
    destination: PathBuf,
    temporary: PathBuf,
    committed: bool,
}

impl PartialFile {
    /// Creates an empty file beside `destination`, open for writing. Allocates.
    ///
    /// # Errors
    /// When the folder does not exist or does not accept a new file.
    pub fn create(destination: impl AsRef<Path>) -> io::Result<(PartialFile, File)> {
        // Distinguishes the files of one process; other processes differ by id.
        static COUNTER: AtomicU32 = AtomicU32::new(0);

        let destination = destination.as_ref().to_path_buf();
        let Some(name) = destination.file_name() else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "expected a file name, found a folder",
            ));
        };
        if destination.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "expected a file, found a folder of this name",
            ));
        }
        // A name that is as long as it can be has no room for more.
        let name = name.to_string_lossy();
        let start = &name[..name.floor_char_boundary(MAX_NAME_BYTES)];
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary_name = format!(".{start}.{}-{count}.partial", std::process::id());
        let temporary = destination.with_file_name(temporary_name);

        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        let partial = PartialFile {
            destination,
            temporary,
            committed: false,
        };
        Ok((partial, file))
    }

    /// Writes `content` to `destination` in one step. Allocates.
    ///
    /// # Errors
    /// When any step fails; the destination then keeps what it had.
    pub fn write(destination: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
        let (partial, mut file) = PartialFile::create(destination)?;
        io::Write::write_all(&mut file, content)?;
        drop(file);
        partial.commit()
    }

    /// Where the file will be.
    pub fn destination(&self) -> &Path {
        &self.destination
    }

    /// Puts the file at its destination. Close the handle first.
    ///
    /// # Errors
    /// When the destination cannot be replaced; it then keeps what it had.
    pub fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.destination)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing can be done about a file that does not go away.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
