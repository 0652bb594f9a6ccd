//! Where results go: one folder per input, nothing that was given ever overwritten.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

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

/// Files that were given to the program, as the file system knows them, to recognise
/// them among outputs.
#[derive(Debug, Default)]
pub struct Protected {
    inputs: HashSet<PathBuf>,
    hits: Option<PathBuf>,
}

impl Protected {
    /// `inputs` and the samples that play in place of drums are never written to;
    /// neither are `hits`, but all else is: they were corrected where they lie, and the
    /// other results follow them.
    pub fn new(inputs: &[PathBuf], samples: &[&Path], hits: Option<&Path>) -> Protected {
        let samples = samples.iter().flat_map(|path| match fs::read_dir(path) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![path.to_path_buf()],
        });
        let inputs = inputs.iter().cloned();
        Protected {
            inputs: inputs
                .chain(samples.filter(|path| !is_result_only(path)))
                .filter_map(|path| path.canonicalize().ok())
                .collect(),
            hits: hits.and_then(|path| path.canonicalize().ok()),
        }
    }
}

/// Whether no sample has this name, but a result may: what lies beside samples.
fn is_result_only(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["csv", "mid", "sfz", "png"]
        .iter()
        .any(|result| extension.eq_ignore_ascii_case(result))
}

/// Creates `folder` with what is missing above it; what was created, from the inside
/// out.
///
/// # Errors
/// When the file system refuses.
pub fn create_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing = folder.ancestors().take_while(is_missing);
    let missing = missing.map(Path::to_path_buf).collect();
    fs::create_dir_all(folder)?;
    Ok(missing)
}

/// Takes `folders` away again, from the inside out, as far as they are empty.
pub fn remove_empty(folders: &[PathBuf]) {
    for folder in folders {
        // Succeeds on empty folders only, which is what is wanted.
        let _ = fs::remove_dir(folder);
    }
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// The file is new.
    Anew,
    /// The file was given and stays as it is.
    LeftAsItWas,
}

/// The folder that takes the results of one input. Dropped before anything is
/// in it, it goes away again if it was not there before.
#[derive(Debug)]
pub struct OutputFolder<'a> {
    path: PathBuf,
    protected: &'a Protected,
    created: Vec<PathBuf>,
}

impl OutputFolder<'_> {
    /// Creates the folder if need be.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn create(path: PathBuf, protected: &Protected) -> Result<OutputFolder<'_>> {
        let created = create_folder(&path).with_context(|| path.display().to_string())?;
        Ok(OutputFolder {
            path,
            protected,
            created,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the result `name`.
    ///
    /// # Errors
    /// When that is one of the files that were given.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        if let Ok(existing) = path.canonicalize()
            && (self.protected.inputs.contains(&existing) || self.is_given_hits(&existing))
        {
            bail!(
                "{}: is an input and would be overwritten: choose another --out",
                path.display()
            );
        }
        Ok(path)
    }

    /// Writes `content` as the result `name`, in one step; the file of the given hits
    /// stays as it is.
    ///
    /// # Errors
    /// When that is one of the inputs or the file system refuses.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<Written> {
        let existing = self.path.join(name).canonicalize();
        if existing.is_ok_and(|existing| self.is_given_hits(&existing)) {
            return Ok(Written::LeftAsItWas);
        }
        let path = self.file(name)?;
        PartialFile::write(&path, content).with_context(|| path.display().to_string())?;
        Ok(Written::Anew)
    }

    /// Removes the file `name` of an earlier run, unless it was given.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self, name: &str) -> Result<()> {
        let Ok(path) = self.file(name) else {
            return Ok(());
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }

    fn is_given_hits(&self, existing: &Path) -> bool {
        self.protected.hits.as_deref() == Some(existing)
    }
}

impl Drop for OutputFolder<'_> {
    fn drop(&mut self) {
        remove_empty(&self.created);
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
        let protected = Protected::new(std::slice::from_ref(&input), &[], None);
        let outputs = OutputFolder::create(folder, &protected).expect("created");
        assert!(outputs.write("kick.wav", b"x").is_err());
        assert_eq!(fs::read(&input).expect("read"), b"precious");
        let written = outputs.write("snare.wav", b"x").expect("written");
        assert_eq!(written, Written::Anew);
        assert!(outputs.path().join("snare.wav").exists());

        outputs.remove("kick.wav").expect("left alone");
        outputs.remove("snare.wav").expect("removed");
        outputs.remove("snare.wav").expect("not there");
        assert!(input.exists() && !outputs.path().join("snare.wav").exists());

        let fresh = out.path().join("fresh");
        drop(OutputFolder::create(fresh.join("deep"), &protected).expect("created"));
        assert!(!fresh.exists());
    }

    #[test]
    fn given_hits_stay_and_samples_are_refused() {
        let out = tempfile::tempdir().expect("a folder");
        let file = |name: &str| {
            let path = out.path().join(name);
            fs::write(&path, "precious").expect("written");
            path
        };
        let hits = file("onsets.csv");
        file("snare.wav");
        file("onsets.mid");
        let protected = Protected::new(&[], &[out.path()], Some(&hits));
        let outputs = OutputFolder::create(out.path().to_path_buf(), &protected).expect("there");
        let written = outputs.write("onsets.csv", b"x").expect("no failure");
        assert_eq!(written, Written::LeftAsItWas);
        assert_eq!(fs::read(&hits).expect("read"), b"precious");
        let refused = outputs.write("snare.wav", b"x").expect_err("a sample");
        assert!(refused.to_string().contains("is an input"), "{refused}");
        let written = outputs.write("onsets.mid", b"x").expect("no sample");
        assert_eq!(written, Written::Anew);
    }
}
