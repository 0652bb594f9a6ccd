//! Where results go: one folder per input, nothing that was given ever overwritten.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
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
    pub fn new(inputs: &[PathBuf], samples: &[PathBuf], hits: Option<&Path>) -> Protected {
        let samples = samples.iter().flat_map(|path| match fs::read_dir(path) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![path.clone()],
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

/// Coarsest times that file systems keep, and more than that.
const COARSE: Duration = Duration::from_secs(2);
const LONG_BEFORE: Duration = Duration::from_secs(60);

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

    /// Keeps the file `name` of an earlier run under another name if it is not `content` and
    /// was changed since `mate`, which is written right after it: somebody has worked on it.
    /// Answers where it is now.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn keep_if_edited(
        &self,
        name: &str,
        content: &[u8],
        mate: &str,
    ) -> Result<Option<PathBuf>> {
        let path = self.path.join(name);
        let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
        let is_given = path
            .canonicalize()
            .is_ok_and(|path| self.is_given_hits(&path) || self.protected.inputs.contains(&path));
        let Some(at) = changed(&path).filter(|_| !is_given) else {
            return Ok(None);
        };
        let is_edited = changed(&self.path.join(mate)).is_none_or(|mate| at > mate + COARSE);
        if !is_edited || fs::read(&path).is_ok_and(|found| found == content) {
            return Ok(None);
        }
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let kept = (1..)
            .map(|number| {
                self.path
                    .join(format!("{stem}_edited_{number}.{extension}"))
            })
            .find(|kept| !kept.exists())
            .unwrap_or_default();
        fs::rename(&path, &kept).with_context(|| path.display().to_string())?;
        Ok(Some(kept))
    }

    /// Keeps what [`OutputFolder::keep_if_edited`] goes by where `name` or `mate` was given and
    /// left, and the other written anew: the order of their ages. Where the file system keeps
    /// none, an edited table may be taken for one that is not.
    pub fn keep_ages(&self, name: &str, mate: &str) {
        let [name, mate] = [name, mate].map(|name| self.path.join(name));
        let is_given = |path: &Path| {
            let path = path.canonicalize();
            path.is_ok_and(|path| self.is_given_hits(&path))
        };
        let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
        let (from, to, back) = if is_given(&name) {
            (&name, &mate, LONG_BEFORE)
        } else if is_given(&mate) {
            (&mate, &name, Duration::ZERO)
        } else {
            return;
        };
        let file = fs::File::options().write(true).open(to);
        if let (Ok(time), Ok(file)) = (changed(from), file) {
            let _ = file.set_modified(time - back);
        }
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
    fn hits_that_were_edited_are_kept() {
        let out = tempfile::tempdir().expect("a folder");
        let path = |name: &str| out.path().join(name);
        let protected = Protected::default();
        let outputs = OutputFolder::create(out.path().to_path_buf(), &protected).expect("there");
        let keep = |content: &[u8]| {
            outputs
                .keep_if_edited("onsets.csv", content, "onsets.mid")
                .expect("no failure")
        };
        assert_eq!(keep(b"x"), None, "nothing is there");
        for name in ["onsets.csv", "onsets.mid"] {
            fs::write(path(name), "as written").expect("written");
        }
        assert_eq!(keep(b"x"), None, "nobody has worked on it");
        let later = fs::metadata(path("onsets.mid"))
            .and_then(|data| data.modified())
            .expect("a time")
            + Duration::from_secs(60);
        let edited = fs::File::options().write(true).open(path("onsets.csv"));
        let edited = edited.expect("a file");
        edited.set_modified(later).expect("set");
        assert_eq!(keep(b"as written"), None, "nothing is lost");
        assert_eq!(keep(b"x"), Some(path("onsets_edited_1.csv")));
        assert!(!path("onsets.csv").exists());
        fs::write(path("onsets.csv"), "again").expect("written");
        fs::remove_file(path("onsets.mid")).expect("removed");
        assert_eq!(keep(b"x"), Some(path("onsets_edited_2.csv")));
        assert_eq!(
            fs::read(path("onsets_edited_1.csv")).expect("kept"),
            b"as written"
        );
    }

    #[test]
    fn hits_that_were_edited_and_used_are_kept_later_too() {
        let out = tempfile::tempdir().expect("a folder");
        let path = |name: &str| out.path().join(name);
        let names = ["onsets.csv", "onsets.mid"];
        for (given, is_edited) in [(names[0], true), (names[1], false)] {
            for name in names {
                fs::write(path(name), "as given").expect("written");
            }
            let given = path(given);
            let protected = Protected::new(&[], &[], Some(&given));
            let outputs = OutputFolder::create(out.path().to_path_buf(), &protected);
            let outputs = outputs.expect("there");
            for name in names {
                let _ = outputs.write(name, b"anew").expect("no failure");
            }
            outputs.keep_ages(names[0], names[1]);
            let protected = Protected::default();
            let outputs = OutputFolder::create(out.path().to_path_buf(), &protected);
            let kept = outputs
                .expect("there")
                .keep_if_edited(names[0], b"other", names[1])
                .expect("no failure");
            assert_eq!(kept.is_some(), is_edited);
        }
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
        let protected = Protected::new(&[], &[out.path().to_path_buf()], Some(&hits));
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
