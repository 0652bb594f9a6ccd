//! Where results go: one folder per input, nothing that was given or that is the user's own
//! ever overwritten.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use idm_engine::audio_file::PartialFile;

use crate::manifest::{self, Manifest};

mod exchange;
mod names;

pub use names::folder_names;

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
    if path.file_name().is_some_and(|name| name == manifest::NAME) {
        return true;
    }
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
    known: Mutex<Known>,
}

/// What `idm` wrote into the folder.
#[derive(Debug)]
struct Known {
    manifest: Manifest,
    /// Whether this run added to it.
    is_changed: bool,
}

impl OutputFolder<'_> {
    /// Creates the folder if need be.
    ///
    /// # Errors
    /// When the file system refuses, or a manifest in the folder cannot be read.
    pub fn create(path: PathBuf, protected: &Protected) -> Result<OutputFolder<'_>> {
        let title = path.file_name().unwrap_or_default().to_string_lossy();
        let manifest = Manifest::load(&path, &title)?;
        let created = create_folder(&path).with_context(|| path.display().to_string())?;
        Ok(OutputFolder {
            path,
            protected,
            created,
            known: Mutex::new(Known {
                manifest,
                is_changed: false,
            }),
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

    /// Refuses results of these `names` where a file has one that no run of `idm` wrote.
    ///
    /// # Errors
    /// There is one.
    pub fn refuse_others<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let known = self.known();
        for name in names {
            let path = self.path.join(name);
            if path.symlink_metadata().is_ok() && !known.manifest.lists(name) {
                bail!(
                    "{}: expected no file or one that idm wrote, found one that was not \
                     written by idm: choose another --out",
                    path.display()
                );
            }
        }
        Ok(())
    }

    /// Writes down that files of these `names` are ours, before they get their place: whatever
    /// happens then, the next run knows them.
    ///
    /// # Errors
    /// One that is there and not ours, or the file system refuses.
    pub fn claim<'a>(&self, names: impl IntoIterator<Item = &'a str> + Clone) -> Result<()> {
        self.refuse_others(names.clone())?;
        let mut known = self.known();
        known.manifest.claim(names);
        known.is_changed = true;
        known.manifest.save(&self.path)
    }

    /// Writes `content` as the file of hits `name`, in one step; the file of the given hits
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
        let mut known = self.known();
        known.manifest.claim_content(name, content);
        known.is_changed = true;
        Ok(Written::Anew)
    }

    /// Keeps the file `name` under another name if it is neither `content` nor what an earlier
    /// run wrote: it is somebody's work. Answers where it is now.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn keep_if_edited(&self, name: &str, content: &[u8]) -> Result<Option<PathBuf>> {
        let path = self.path.join(name);
        let is_given = path
            .canonicalize()
            .is_ok_and(|path| self.is_given_hits(&path) || self.protected.inputs.contains(&path));
        if is_given || path.symlink_metadata().is_err() {
            return Ok(None);
        }
        // What cannot be read is kept too.
        let is_ours =
            |found: Vec<u8>| found == content || self.known().manifest.wrote(name, &found);
        if fs::read(&path).is_ok_and(is_ours) {
            return Ok(None);
        }
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let kept = (1..)
            .map(|number| {
                self.path
                    .join(format!("{stem}_edited_{number}.{extension}"))
            })
            .find(|kept| kept.symlink_metadata().is_err())
            .unwrap_or_default();
        fs::rename(&path, &kept).with_context(|| path.display().to_string())?;
        Ok(Some(kept))
    }

    /// Removes the file `name` if an earlier run wrote it, unless it was given.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self, name: &str) -> Result<()> {
        let mut known = self.known();
        let Some(path) = self.file(name).ok().filter(|_| known.manifest.lists(name)) else {
            return Ok(());
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => {
                known.manifest.forget(name);
                known.is_changed = true;
                Ok(())
            }
        }
    }

    /// Puts `new` files in their place and removes those that an earlier run wrote of the
    /// `others`, all or none of it. They must be [claimed](Self::claim).
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn replace(
        &self,
        new: Vec<PartialFile>,
        others: impl IntoIterator<Item = String>,
    ) -> Result<()> {
        let mut known = self.known();
        let is_old = |name: &String| known.manifest.lists(name) && self.file(name).is_ok();
        let gone: Vec<String> = others.into_iter().filter(is_old).collect();
        let places: Vec<PathBuf> = gone.iter().map(|name| self.path.join(name)).collect();
        exchange::exchange(&self.path, new, &places)?;
        for name in &gone {
            known.manifest.forget(name);
        }
        known.is_changed = true;
        Ok(())
    }

    /// Refuses a folder that takes no files, before there is anything to write.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn check_writable(&self) -> Result<()> {
        // Every run writes this one.
        let path = self.path.join(manifest::NAME);
        let created = PartialFile::create(&path);
        let created = created.with_context(|| self.path.display().to_string())?;
        drop(created);
        Ok(())
    }

    /// Writes down what is there now.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn settle(&self) -> Result<()> {
        let mut known = self.known();
        if known.is_changed {
            known.manifest.settle(&self.path)?;
            known.is_changed = false;
        }
        Ok(())
    }

    fn is_given_hits(&self, existing: &Path) -> bool {
        self.protected.hits.as_deref() == Some(existing)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OutputFolder<'_> {
    fn drop(&mut self) {
        // Of a run that failed: why is told already.
        let _ = self.settle();
        remove_empty(&self.created);
    }
}

#[cfg(test)]
mod tests;
