//! Files written in one step.

use std::path::Path;

use anyhow::{Context, Result};
use idm_engine::audio_file::PartialFile;

/// Writes `content` to `path` in one step.
///
/// # Errors
/// Failing file operations, with the path; what was there then stays.
pub fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    PartialFile::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nothing_half_written_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        // A file cannot take the place of a folder.
        fs::create_dir(folder.path().join("table.md")).unwrap();
        let error = write_file(&folder.path().join("table.md"), b"x");
        assert!(error.unwrap_err().to_string().contains("cannot write"));
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1);
    }
}
