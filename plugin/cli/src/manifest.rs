//! Which files of a folder `idm` wrote: only those are ever replaced or taken away.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use idm_engine::audio_file::PartialFile;
use idm_engine::drum::{Drum, Group};
use idm_engine::kit_files::KitFiles;
use serde::{Deserialize, Serialize};

/// The file that lists them, beside them.
pub const NAME: &str = "idm.json";
/// In the first line of every instrument that we write.
const OUR_INSTRUMENT: &str = "one-shots learnt from a recording";

/// The files of a folder that `idm` wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// By name.
    files: BTreeMap<String, Entry>,
}

/// What is known of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// FNV-1a of what was written, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fnv1a64: Option<String>,
}

impl Manifest {
    /// Reads that of `folder`; without one, recognises what versions that wrote none left
    /// for a recording called `title`.
    ///
    /// # Errors
    /// A manifest that cannot be read: nobody knows then whose the files are.
    pub fn load(folder: &Path, title: &str) -> Result<Manifest> {
        let path = folder.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Manifest::of_older(folder, title));
            }
            Err(error) => return Err(error).context(path.display().to_string()),
        };
        serde_json::from_str(&text).with_context(|| {
            format!(
                "{}: expected the list of files that idm wrote there, found something else: choose another --out",
                path.display()
            )
        })
    }

    /// Every run left both files of hits. Beside them, the residual is a sign of stems, and an
    /// instrument of ours one of the samples that it names.
    fn of_older(folder: &Path, title: &str) -> Manifest {
        let is_there = |name: &str| folder.join(name).is_file();
        let mut manifest = Manifest::default();
        let hits = ["onsets.csv", "onsets.mid"];
        if !hits.into_iter().all(is_there) {
            return manifest;
        }
        manifest.claim(hits);
        if is_there("residual.wav") {
            let wav = |stem: &str| format!("{stem}.wav");
            let drums = Drum::ALL.map(|drum| wav(drum.file_stem()));
            let groups = Group::ALL.map(|group| wav(group.file_stem()));
            // Groups and drums never lay side by side; some may have been thrown away.
            let is_group_only = |name: &String| is_there(name) && !drums.contains(name);
            let stems = if groups.iter().any(is_group_only) {
                &groups[..]
            } else {
                &drums[..]
            };
            let stems = stems.iter().map(String::as_str);
            manifest.claim(stems.filter(|name| is_there(name)));
            manifest.claim(["residual.wav"]);
        }
        let instrument = fs::read_to_string(folder.join("kit.sfz")).unwrap_or_default();
        let title_line = instrument.lines().next().unwrap_or_default();
        if title_line.ends_with(OUR_INSTRUMENT) {
            let possible = KitFiles::possible_names(title);
            let named = instrument
                .split_whitespace()
                .filter_map(|word| word.strip_prefix("sample="))
                .filter(|name| possible.iter().any(|possible| possible == name));
            manifest.claim(
                named
                    .chain(["kit.sfz", "kit.png"])
                    .filter(|name| is_there(name)),
            );
        }
        manifest
    }

    /// Whether `idm` wrote the file `name`.
    pub fn lists(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// Adds files that are about to be written.
    pub fn claim<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.files.entry(name.to_owned()).or_default();
        }
    }

    /// Adds a file with what is written there.
    pub fn claim_content(&mut self, name: &str, content: &[u8]) {
        let fnv1a64 = Some(fnv1a64(content));
        self.files.insert(name.to_owned(), Entry { fnv1a64 });
    }

    /// Whether `content` is what was written as `name`; not where that is not known.
    pub fn wrote(&self, name: &str, content: &[u8]) -> bool {
        let entry = self.files.get(name);
        let known = entry.and_then(|entry| entry.fnv1a64.as_ref());
        known.is_some_and(|known| *known == fnv1a64(content))
    }

    /// Forgets a file.
    pub fn forget(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// Writes it to `folder`, without the files that are no longer there; with none left, its
    /// own file goes.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn settle(&mut self, folder: &Path) -> Result<()> {
        self.files
            .retain(|name, _| folder.join(name).symlink_metadata().is_ok());
        if !self.files.is_empty() {
            return self.save(folder);
        }
        let path = folder.join(NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }

    /// Writes it to `folder`.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        PartialFile::write(&path, text.as_bytes()).with_context(|| path.display().to_string())
    }
}

/// Tells one content from another; nobody has a reason to forge it.
fn fnv1a64(content: &[u8]) -> String {
    let hash = content
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for name in names {
            fs::write(folder.path().join(name), name).expect("written");
        }
        folder
    }

    fn listed(folder: &Path) -> Vec<String> {
        let manifest = Manifest::load(folder, "song").expect("read");
        manifest.files.into_keys().collect()
    }

    #[test]
    fn hashes_are_those_of_the_algorithm() {
        assert_eq!(fnv1a64(b""), "cbf29ce484222325");
        assert_eq!(fnv1a64(b"a"), "af63dc4c8601ec8c");
    }

    #[test]
    fn what_is_written_is_read_and_what_is_gone_is_forgotten() {
        let folder = folder_with(&["kick.wav", "onsets.csv"]);
        let mut manifest = Manifest::default();
        manifest.claim(["kick.wav", "snare.wav"]);
        manifest.claim_content("onsets.csv", b"hits");
        manifest.settle(folder.path()).expect("written");
        let mut read = Manifest::load(folder.path(), "song").expect("read");
        assert_eq!(read, manifest);
        assert!(read.lists("kick.wav") && !read.lists("snare.wav"));
        assert!(read.wrote("onsets.csv", b"hits") && !read.wrote("onsets.csv", b"other"));
        assert!(!read.wrote("kick.wav", b"kick.wav"), "nobody knows");

        for name in ["kick.wav", "onsets.csv"] {
            fs::remove_file(folder.path().join(name)).expect("removed");
        }
        read.settle(folder.path()).expect("removed");
        assert!(!folder.path().join(NAME).exists());

        fs::write(folder.path().join(NAME), "mine").expect("written");
        let error = Manifest::load(folder.path(), "song").expect_err("refused");
        assert!(
            error.to_string().contains("found something else"),
            "{error}"
        );
    }

    #[test]
    fn folders_of_older_versions_are_recognised() {
        let hits = ["onsets.csv", "onsets.mid"];
        let with = |more: &[&str]| folder_with(&[&hits[..], more].concat());
        let own = with(&["kick.wav", "song_crash.wav"]);
        assert_eq!(listed(own.path()), hits, "no sign of stems or a kit");
        let lonely = folder_with(&["kick.wav", "residual.wav", "onsets.csv"]);
        assert!(listed(lonely.path()).is_empty());
        let drums = with(&["kick.wav", "crash.wav", "residual.wav", "mine.wav"]);
        assert_eq!(
            listed(drums.path()),
            [
                "crash.wav",
                "kick.wav",
                "onsets.csv",
                "onsets.mid",
                "residual.wav"
            ]
        );
        let groups = with(&["kick.wav", "toms.wav", "residual.wav", "crash.wav"]);
        assert_eq!(
            listed(groups.path()),
            [
                "kick.wav",
                "onsets.csv",
                "onsets.mid",
                "residual.wav",
                "toms.wav"
            ]
        );

        let kit = with(&["song_kick.wav", "song_snare.wav", "mine.wav", "kit.png"]);
        let instrument = "// song: one-shots learnt from a recording\n<region> \
                          sample=song_kick.wav lovel=1\n<region> sample=mine.wav\n";
        fs::write(kit.path().join("kit.sfz"), instrument).expect("written");
        assert_eq!(
            listed(kit.path()),
            [
                "kit.png",
                "kit.sfz",
                "onsets.csv",
                "onsets.mid",
                "song_kick.wav"
            ]
        );
        fs::write(
            kit.path().join("kit.sfz"),
            "<region> sample=song_kick.wav\n",
        )
        .expect("written");
        assert_eq!(listed(kit.path()), hits, "somebody else's instrument");
    }
}
