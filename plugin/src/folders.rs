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
    let set = names.into_iter().filter_map(std::env::var_os);
    home_among(set).unwrap_or_else(std::env::temp_dir)
}

/// The first that is a place: one that is set to nothing would be wherever the host runs.
fn home_among(mut set: impl Iterator<Item = std::ffi::OsString>) -> Option<PathBuf> {
    set.find(|home| !home.is_empty()).map(PathBuf::from)
}

/// Where kits are saved: `Music/Inverse Drum Machine` in the user's folder.
pub fn kits_folder() -> PathBuf {
    home_folder().join("Music").join("Inverse Drum Machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_is_nothing_is_none() {
        let found = |names: &[&str]| home_among(names.iter().map(Into::into));
        assert_eq!(found(&["", "/home/me"]), Some(PathBuf::from("/home/me")));
        assert_eq!(found(&[""]), None);
        assert_eq!(found(&[]), None);
    }
}
