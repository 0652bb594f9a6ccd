//! `cargo xtask install`: the bundles go where hosts look for plugins.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::bundle::Bundles;

/// Copies both bundles into the user's plugin folders and returns the copies.
pub fn install(bundles: &Bundles) -> Result<[PathBuf; 2]> {
    let [clap_folder, vst3_folder] = plugin_folders()?;
    Ok([
        install_into(&bundles.clap, &clap_folder)?,
        install_into(&bundles.vst3, &vst3_folder)?,
    ])
}

/// The user's CLAP and VST3 folders on this platform.
fn plugin_folders() -> Result<[PathBuf; 2]> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .with_context(|| format!("the environment has no {name}"))
    };
    if cfg!(windows) {
        let common = variable("LOCALAPPDATA")?.join("Programs").join("Common");
        Ok([common.join("CLAP"), common.join("VST3")])
    } else if cfg!(target_os = "macos") {
        let plugins = variable("HOME")?.join("Library/Audio/Plug-Ins");
        Ok([plugins.join("CLAP"), plugins.join("VST3")])
    } else {
        let home = variable("HOME")?;
        Ok([home.join(".clap"), home.join(".vst3")])
    }
}

/// Copies the bundle into `folder` in place of an older one. The copy is made
/// beside it and renamed, so that a host never sees half a plugin.
fn install_into(bundle: &Path, folder: &Path) -> Result<PathBuf> {
    let name = bundle.file_name().unwrap_or(OsStr::new("plugin"));
    let target = folder.join(name);
    let context = || format!("{}: cannot be installed", target.display());
    let mut new_name = name.to_owned();
    new_name.push(".new");
    let new = folder.join(new_name);
    std::fs::create_dir_all(folder).with_context(context)?;
    remove(&new).with_context(context)?;
    copy(bundle, &new).with_context(context)?;
    if target.is_dir() {
        remove(&target).with_context(context)?;
    }
    std::fs::rename(&new, &target).with_context(context)?;
    Ok(target)
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else if path.exists() {
        std::fs::remove_file(path)
    } else {
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(|_| ());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_replace_older_ones_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let bundle = folder.path().join("A.vst3");
        let inside = bundle.join("Contents/x");
        std::fs::create_dir_all(&inside).expect("makes");
        std::fs::write(inside.join("A.so"), "new").expect("writes");
        let target = folder.path().join("plugins");
        std::fs::create_dir_all(target.join("A.vst3/Old")).expect("makes");
        let copy = install_into(&bundle, &target).expect("installs");
        assert_eq!(copy, target.join("A.vst3"));
        assert_eq!(
            std::fs::read(copy.join("Contents/x/A.so")).expect("reads"),
            b"new"
        );
        assert!(!copy.join("Old").exists());
        assert!(!target.join("A.vst3.new").exists());
        // A plain file, twice.
        let file = folder.path().join("A.clap");
        std::fs::write(&file, "one").expect("writes");
        install_into(&file, &target).expect("installs");
        std::fs::write(&file, "two").expect("writes");
        let copy = install_into(&file, &target).expect("installs");
        assert_eq!(std::fs::read(copy).expect("reads"), b"two");
    }
}
