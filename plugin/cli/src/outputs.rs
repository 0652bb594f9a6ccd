//! Where results go: one folder per input, no input ever overwritten.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use idm_engine::audio_file::PartialFile;

/// Names of the result folders: the stem of each input, numbered where several
/// inputs would share one (`a/loop.wav`, `b/loop.flac` → `loop`, `loop_2`).
pub fn folder_names(inputs: &[PathBuf]) -> Vec<String> {
    // Case does not distinguish files everywhere.
    let mut taken = HashSet::new();
    inputs
        .iter()
        .map(|input| {
            let stem = input.file_stem().unwrap_or(input.as_os_str());
            let stem = stem.to_string_lossy().replace(['/', '\\', ':'], "_");
            // Nothing but a name: never the parent or the folder itself.
            let stem = match stem.trim() {
                "" | "." | ".." => "audio".to_string(),
                name => name.to_string(),
            };
            let mut name = stem.clone();
            let mut number = 2;
            while !taken.insert(name.to_lowercase()) {
                name = format!("{stem}_{number}");
                number += 1;
            }
            name
        })
        .collect()
}

/// The inputs as the file system knows them, to recognise them among outputs.
pub fn protected(inputs: &[PathBuf]) -> HashSet<PathBuf> {
    inputs
        .iter()
        .filter_map(|input| input.canonicalize().ok())
        .collect()
}

/// The folder that takes the results of one input. Dropped before anything is
/// in it, it goes away again if it was not there before.
#[derive(Debug)]
pub struct OutputFolder<'a> {
    path: PathBuf,
    protected: &'a HashSet<PathBuf>,
    is_new: bool,
}

impl OutputFolder<'_> {
    /// Creates the folder if need be.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn create(path: PathBuf, protected: &HashSet<PathBuf>) -> Result<OutputFolder<'_>> {
        let is_new = !path.exists();
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(OutputFolder {
            path,
            protected,
            is_new,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the result `name`.
    ///
    /// # Errors
    /// When that is one of the inputs.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        if let Ok(existing) = path.canonicalize()
            && self.protected.contains(&existing)
        {
            bail!(
                "{}: is an input and would be overwritten: choose another --out",
                path.display()
            );
        }
        Ok(path)
    }

    /// Writes `content` as the result `name`, in one step.
    ///
    /// # Errors
    /// When that is one of the inputs or the file system refuses.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.file(name)?;
        PartialFile::write(&path, content).with_context(|| path.display().to_string())
    }
}

impl Drop for OutputFolder<'_> {
    fn drop(&mut self) {
        if self.is_new {
            // Succeeds on empty folders only, which is what is wanted.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[&str]) -> Vec<String> {
        folder_names(&inputs.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn equal_stems_get_folders_of_their_own() {
        assert_eq!(
            names(&[
                "a/loop.wav",
                "b/loop.flac",
                "c/Loop.wav",
                "loop_2.wav",
                "a/loop.wav"
            ]),
            ["loop", "loop_2", "Loop_3", "loop_2_2", "loop_4"]
        );
    }

    #[test]
    fn odd_names_stay_inside_the_output_folder() {
        assert_eq!(
            names(&["..", "/", "a/..", "x y.wav"]),
            ["audio", "_", "a_..", "x y"]
        );
        // Elsewhere a colon ends the name of a drive.
        if cfg!(unix) {
            assert_eq!(names(&["x: y.wav"]), ["x_ y"]);
        }
    }

    #[test]
    fn inputs_are_not_overwritten_and_empty_folders_go() {
        let out = tempfile::tempdir().expect("a folder");
        let folder = out.path().join("loop");
        fs::create_dir(&folder).expect("created");
        let input = folder.join("kick.wav");
        fs::write(&input, "precious").expect("written");
        let protected = protected(std::slice::from_ref(&input));
        let outputs = OutputFolder::create(folder, &protected).expect("created");
        assert!(outputs.write("kick.wav", b"x").is_err());
        assert_eq!(fs::read(&input).expect("read"), b"precious");
        outputs.write("snare.wav", b"x").expect("written");
        assert!(outputs.path().join("snare.wav").exists());

        let fresh = out.path().join("fresh");
        drop(OutputFolder::create(fresh.clone(), &protected).expect("created"));
        assert!(!fresh.exists());
    }
}
