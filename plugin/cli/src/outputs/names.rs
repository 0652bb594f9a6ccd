//! Names of the result folders.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

/// Most bytes of a name with folders in it: file systems take 255, and names of results may
/// begin with it.
const MAX_BYTES: usize = 128;

/// Names of the result folders: the stem of each input. Where several inputs would share one,
/// the folders in which they lie go before it, as many as tell them apart (`song1/drums.wav`,
/// `song2/drums.wav` → `song1 drums`, `song2 drums`). What they do not tell apart is numbered
/// (`drums.wav`, `drums.flac` → `drums`, `drums_2`).
pub fn folder_names(inputs: &[PathBuf]) -> Vec<String> {
    let mut titles: Vec<Title> = inputs.iter().map(|input| Title::of(input)).collect();
    // Ends: every round adds a folder, and there are only so many.
    loop {
        let too_short: Vec<usize> = (0..titles.len())
            .filter(|&index| {
                let title = &titles[index];
                title.can_grow() && titles.iter().any(|other| title.is_taken_by(other))
            })
            .collect();
        if too_short.is_empty() {
            break;
        }
        for index in too_short {
            titles[index].folders += 1;
        }
    }
    // Case does not distinguish files everywhere.
    let mut taken = HashSet::new();
    let names = titles.iter().map(Title::name);
    names
        .map(|title| {
            let mut name = title.clone();
            let mut number = 2;
            while !taken.insert(name.to_lowercase()) {
                name = format!("{title}_{number}");
                number += 1;
            }
            name
        })
        .collect()
}

/// What a folder of results is called after.
struct Title {
    /// The folders around the input as far as it was given with them, from the outside in, and
    /// its stem.
    parts: Vec<String>,
    /// How many of the folders are in the name.
    folders: usize,
}

impl Title {
    fn of(input: &Path) -> Title {
        let parent = input.parent().unwrap_or(Path::new(""));
        let folders = parent.components().filter_map(|component| match component {
            Component::Normal(folder) => Some(plain(&folder.to_string_lossy())),
            _ => None,
        });
        let stem = input.file_stem().unwrap_or(input.as_os_str());
        let stem = plain(&stem.to_string_lossy());
        Title {
            parts: folders.chain([stem]).collect(),
            folders: 0,
        }
    }

    fn with(&self, folders: usize) -> String {
        self.parts[self.parts.len() - 1 - folders..].join(" ")
    }

    fn name(&self) -> String {
        self.with(self.folders)
    }

    fn can_grow(&self) -> bool {
        self.folders + 1 < self.parts.len() && self.with(self.folders + 1).len() <= MAX_BYTES
    }

    /// Whether `other` has this name and folders could tell them apart.
    fn is_taken_by(&self, other: &Title) -> bool {
        let lower = |title: &Title| title.name().to_lowercase();
        let lower_parts = |title: &Title| title.parts.join("/").to_lowercase();
        lower(self) == lower(other) && lower_parts(self) != lower_parts(other)
    }
}

/// Nothing but a name: never the parent or the folder itself.
fn plain(name: &str) -> String {
    let name = name.replace(['/', '\\', ':'], "_");
    match name.trim() {
        "" | "." | ".." => "audio".to_string(),
        name => name.to_string(),
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
            names(&["song1/drums.wav", "song2/drums.wav", "song2/bass.wav"]),
            ["song1 drums", "song2 drums", "bass"]
        );
        // Only what has folders takes them, and case is no difference.
        assert_eq!(names(&["drums.wav", "/a/Drums.wav"]), ["drums", "a Drums"]);
        // As many as are needed, of each.
        assert_eq!(
            names(&["x/a/drums.wav", "y/a/drums.wav", "y/b/drums.wav"]),
            ["x a drums", "y a drums", "b drums"]
        );
        // Another input's own name.
        assert_eq!(
            names(&["a/drums.wav", "b/drums.wav", "c/a drums.wav"]),
            ["a drums", "b drums", "c a drums"]
        );
    }

    #[test]
    fn what_folders_do_not_tell_apart_is_numbered() {
        assert_eq!(
            names(&["a/loop.wav", "b/loop.flac", "loop_2.wav", "a/loop.wav"]),
            ["a loop", "b loop", "loop_2", "a loop_2"]
        );
        assert_eq!(
            names(&["loop.wav", "loop.flac", "loop_2.wav", "../Loop.wav"]),
            ["loop", "loop_2", "loop_2_2", "Loop_3"]
        );
        let long = "x".repeat(MAX_BYTES);
        let paths = ["a", "b"].map(|folder| format!("{folder}/{long}.wav"));
        let found = names(&[&paths[0], &paths[1]]);
        assert_eq!(found, [long.clone(), format!("{long}_2")]);
    }

    #[test]
    fn odd_names_stay_inside_the_output_folder() {
        assert_eq!(
            names(&["..", "/", "a/..", "x y.wav"]),
            ["audio", "_", "a_..", "x y"]
        );
        assert_eq!(names(&["a/../b/x.wav", "./ /x.wav"]), ["b x", "audio x"]);
        // Elsewhere a colon ends the name of a drive.
        if cfg!(unix) {
            assert_eq!(names(&["x: y.wav"]), ["x_ y"]);
            assert_eq!(names(&["c:/x.wav", "d\\/x.wav"]), ["c_ x", "d_ x"]);
        }
    }
}
