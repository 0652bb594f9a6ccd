//! Where the user's files are.

use std::path::PathBuf;

/// The user's folder.
pub fn home_folder() -> PathBuf {
    // On Windows ports of Unix programs set the other one too, to somewhere else.
    let names = if cfg!(windows) {
        ["USERPROFILE", "HOME"]
    } else {
        ["HOME", "USERPROFILE"]
    };
    let home = names.into_iter().find_map(std::env::var_os);
    home.map_or_else(std::env::temp_dir, PathBuf::from)
}

/// Where kits are saved: `Music/Inverse Drum Machine` in the user's folder.
pub fn kits_folder() -> PathBuf {
    home_folder().join("Music").join("Inverse Drum Machine")
}
