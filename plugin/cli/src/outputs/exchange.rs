//! New files in the place of those of an earlier run: all of them or none, and never some of
//! both side by side.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use idm_engine::audio_file::PartialFile;

/// Where the old files lie meanwhile. In sight: if the program is killed then, they are there.
const ASIDE: &str = "files_of_before";

/// Puts the `new` files of `folder` in their place; what has their names and `gone` go. First
/// all old ones are moved aside, then the new ones come.
///
/// # Errors
/// When the file system refuses: everything is then as it was before, or the error says what is
/// not.
pub fn exchange(folder: &Path, new: Vec<PartialFile>, gone: &[PathBuf]) -> Result<()> {
    let mut exchange = Exchange {
        aside: free_name(folder),
        old: Vec::new(),
        placed: Vec::new(),
    };
    match exchange.run(new, gone) {
        Ok(()) => exchange.forget_old(),
        Err(error) => Err(exchange.undo(error)),
    }
}

/// A name in `folder` that nothing has.
fn free_name(folder: &Path) -> PathBuf {
    let numbered = (2..).map(|number| folder.join(format!("{ASIDE}_{number}")));
    let mut names = std::iter::once(folder.join(ASIDE)).chain(numbered);
    let is_free = |name: &PathBuf| name.symlink_metadata().is_err();
    names.find(is_free).unwrap_or_default()
}

struct Exchange {
    aside: PathBuf,
    /// Places of the files that are aside.
    old: Vec<PathBuf>,
    /// Places in which new files are.
    placed: Vec<PathBuf>,
}

impl Exchange {
    fn run(&mut self, new: Vec<PartialFile>, gone: &[PathBuf]) -> Result<()> {
        let places = new.iter().map(PartialFile::destination);
        for place in places.chain(gone.iter().map(PathBuf::as_path)) {
            self.move_aside(place)
                .with_context(|| place.display().to_string())?;
        }
        for file in new {
            let place = file.destination().to_path_buf();
            file.commit().with_context(|| place.display().to_string())?;
            self.placed.push(place);
        }
        Ok(())
    }

    fn move_aside(&mut self, place: &Path) -> io::Result<()> {
        if place.symlink_metadata().is_err() {
            return Ok(());
        }
        if !self.aside.is_dir() {
            fs::create_dir(&self.aside)?;
        }
        fs::rename(place, self.aside_of(place))?;
        self.old.push(place.to_path_buf());
        Ok(())
    }

    fn aside_of(&self, place: &Path) -> PathBuf {
        self.aside.join(place.file_name().unwrap_or_default())
    }

    fn forget_old(&self) -> Result<()> {
        for place in &self.old {
            let path = self.aside_of(place);
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        // Is not there if nothing was moved.
        let _ = fs::remove_dir(&self.aside);
        Ok(())
    }

    /// Brings the old files back after `error`; that, with what became of them.
    fn undo(&self, error: Error) -> Error {
        let mut left_new: Vec<&Path> = Vec::new();
        for place in &self.placed {
            if fs::remove_file(place).is_err() {
                left_new.push(place);
            }
        }
        let is_lost = |place: &&PathBuf| fs::rename(self.aside_of(place), place).is_err();
        let left_aside: Vec<&PathBuf> = self.old.iter().filter(is_lost).collect();
        let _ = fs::remove_dir(&self.aside);
        // What an old file replaced is no longer new.
        left_new.retain(|place| {
            !self.old.iter().any(|old| old == place) || left_aside.iter().any(|old| old == place)
        });
        if left_new.is_empty() && left_aside.is_empty() {
            return error;
        }
        let words = |places: &[&Path]| {
            let names = places.iter().filter_map(|place| place.file_name());
            let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
            match names.is_empty() {
                true => "none".to_owned(),
                false => names.join(", "),
            }
        };
        let left_aside: Vec<&Path> = left_aside.into_iter().map(PathBuf::as_path).collect();
        error.context(format!(
            "files of two runs are left: new are {}; of before, and now in {}, are {}",
            words(&left_new),
            self.aside.display(),
            words(&left_aside)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with files of two names, and new ones for three.
    fn folder() -> (tempfile::TempDir, Vec<PartialFile>) {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["kick.wav", "toms.wav"] {
            fs::write(folder.path().join(name), "old").expect("written");
        }
        let new = ["kick.wav", "snare.wav", "residual.wav"].map(|name| {
            let (partial, mut file) =
                PartialFile::create(folder.path().join(name)).expect("created");
            io::Write::write_all(&mut file, b"new").expect("written");
            partial
        });
        (folder, new.into())
    }

    fn content(folder: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder).expect("listed").flatten();
        let read = |path: PathBuf| {
            let text = match path.is_dir() {
                true => "folder".to_owned(),
                false => fs::read_to_string(&path).expect("read"),
            };
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), text)
        };
        let mut content: Vec<_> = entries.map(|entry| read(entry.path())).collect();
        content.sort();
        content
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = expected.iter().map(|(a, b)| (a.to_string(), b.to_string()));
        pairs.collect()
    }

    #[test]
    fn new_files_come_and_old_ones_go() {
        let (folder, new) = folder();
        fs::write(folder.path().join(ASIDE), "mine").expect("written");
        let gone = ["toms.wav", "hihat.wav"].map(|name| folder.path().join(name));
        exchange(folder.path(), new, &gone).expect("done");
        let expected = [
            (ASIDE, "mine"),
            ("kick.wav", "new"),
            ("residual.wav", "new"),
            ("snare.wav", "new"),
        ];
        assert_eq!(content(folder.path()), pairs(&expected));
    }

    #[test]
    fn nothing_has_changed_if_one_does_not_get_its_place() {
        let before = [("kick.wav", "old"), ("toms.wav", "old")];
        // The last of the new ones is lost.
        let (lost, new) = folder();
        for entry in fs::read_dir(lost.path()).expect("listed").flatten() {
            if entry.file_name().to_string_lossy().starts_with(".residual") {
                fs::remove_file(entry.path()).expect("removed");
            }
        }
        let gone = [lost.path().join("toms.wav")];
        let error = exchange(lost.path(), new, &gone).expect_err("no such file");
        assert!(error.to_string().ends_with("residual.wav"), "{error:#}");
        assert_eq!(content(lost.path()), pairs(&before));

        // The last of the old ones does not go.
        let (stuck, new) = folder();
        let gone = ["toms.wav", "no_file/hihat.wav"].map(|name| stuck.path().join(name));
        fs::create_dir(stuck.path().join("no_file")).expect("created");
        fs::create_dir(&gone[1]).expect("created");
        let aside = stuck.path().join(ASIDE);
        let mut exchange = Exchange {
            aside: aside.clone(),
            old: Vec::new(),
            placed: Vec::new(),
        };
        fs::create_dir_all(aside.join("hihat.wav/full")).expect("created");
        let error = exchange.run(new, &gone).expect_err("something is there");
        assert!(error.to_string().ends_with("hihat.wav"), "{error:#}");
        let error = exchange.undo(error);
        assert!(error.to_string().ends_with("hihat.wav"), "{error:#}");
        let [kick, toms] = pairs(&before).try_into().expect("two");
        let kept = content(stuck.path());
        assert!(kept.contains(&kick) && kept.contains(&toms), "{kept:?}");
        assert!(!kept.iter().any(|(_, text)| text == "new"), "{kept:?}");
    }

    #[test]
    fn what_cannot_be_brought_back_is_told() {
        let (folder, new) = folder();
        let mut exchange = Exchange {
            aside: folder.path().join(ASIDE),
            old: Vec::new(),
            placed: Vec::new(),
        };
        exchange.run(new, &[]).expect("done");
        // Two places are taken by what does not give way.
        for name in ["kick.wav", "snare.wav"] {
            fs::remove_file(folder.path().join(name)).expect("removed");
            fs::create_dir_all(folder.path().join(name).join("full")).expect("created");
        }
        let error = exchange.undo(anyhow::anyhow!("full"));
        let expected = format!(
            "files of two runs are left: new are kick.wav, snare.wav; of before, and now in {}, \
             are kick.wav: full",
            folder.path().join(ASIDE).display()
        );
        assert_eq!(format!("{error:#}"), expected);
        let kept = fs::read_to_string(folder.path().join(ASIDE).join("kick.wav"));
        assert_eq!(kept.expect("kept"), "old");
        assert!(!folder.path().join("residual.wav").exists());
    }
}
