//! Writing a file so that its old content survives a failure.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// An unfinished file to which nothing was written for so long is one of a program that was
/// killed, or of a computer that lost its power.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// How the names of unfinished files end.
const ENDING: &str = ".partial";

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
    /// Creates an empty file beside `destination`, open for reading and writing. Takes away unfinished
    /// files for it that were abandoned a day ago. Allocates.
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
        remove_abandoned(&destination, start);
        let (temporary, file) = loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary_name = format!(".{start}.{}-{count}{ENDING}", std::process::id());
            let temporary = destination.with_file_name(temporary_name);
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&temporary);
            match file {
                // In a container the number of a process is soon another one's, too.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => break (temporary, file?),
            }
        };
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

/// Removes unfinished files beside `destination`, whose name begins with `start`, that nobody
/// writes to any more: they may be large, and nobody sees them.
fn remove_abandoned(destination: &Path, start: &str) {
    let folder = match destination.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let is_ours = |name: &str| {
        let name = name
            .strip_prefix('.')
            .and_then(|name| name.strip_prefix(start));
        let numbers = name
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(ENDING))
            .and_then(|numbers| numbers.split_once('-'));
        let is_number = |text: &str| text.parse::<u32>().is_ok();
        numbers.is_some_and(|(process, count)| is_number(process) && is_number(count))
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(is_ours) {
            continue;
        }
        let age = entry.metadata().and_then(|found| found.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED) {
            // Nothing can be done about a file that does not go away.
            let _ = fs::remove_file(entry.path());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn what_a_killed_program_left_is_taken_away_a_day_later() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * ABANDONED;
        let names = [
            ".kick.wav.4711-3.partial",
            ".kick.wav.4711-4.partial",
            ".snare.wav.4711-5.partial",
            ".kick.wav.mine-1.partial",
            ".kick.wav.partial",
            "kick.wav.4711-3.partial",
        ];
        for name in names {
            let file = File::create(folder.path().join(name)).unwrap();
            if name != names[1] {
                file.set_modified(old).unwrap();
            }
        }
        PartialFile::write(folder.path().join("kick.wav"), b"new").unwrap();
        let is_there = |name: &&str| folder.path().join(name).exists();
        let left: Vec<&str> = names.into_iter().filter(is_there).collect();
        assert_eq!(left, names[1..]);
        assert!(is_there(&"kick.wav"));
    }
}
