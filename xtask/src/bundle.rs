//! Building the plugin and putting it into the bundles that hosts load.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

use crate::workspace::{self, CLI_PACKAGE, PLUGIN_NAME, PLUGIN_PACKAGE};

/// What is compiled along with the plugin. Cargo compiles shared dependencies
/// with the features that all selected packages ask for, so that each
/// selection has dependencies of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Plugin and command line tool only: what users build.
    Product,
    /// The whole workspace: what developers and tests build anyway.
    Workspace,
}

/// What a build leaves behind.
#[derive(Debug, Clone)]
pub struct Bundles {
    /// The CLAP bundle (a file, or a folder on macOS).
    pub clap: PathBuf,
    /// The VST3 bundle folder.
    pub vst3: PathBuf,
    /// The command line tool.
    pub idm: PathBuf,
}

impl Bundles {
    fn in_folder(folder: &Path, tool: &str) -> Self {
        Self {
            clap: folder.join(format!("{PLUGIN_NAME}.clap")),
            vst3: folder.join(format!("{PLUGIN_NAME}.vst3")),
            idm: folder.join(tool),
        }
    }

    /// Both plugin bundles.
    pub fn plugins(&self) -> [&PathBuf; 2] {
        [&self.clap, &self.vst3]
    }
}

/// Where the VST3 bundle holds the library for `target`, a triple of Rust's, or
/// for this platform. A bundle may hold libraries for several.
pub fn vst3_library(bundle: &Path, target: Option<&str>) -> PathBuf {
    let own = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let target = target.unwrap_or(&own);
    let architecture = target.split('-').next().unwrap_or_default();
    let (folder, extension) = if target.contains("windows") {
        (format!("{architecture}-win"), "vst3")
    } else if target.contains("apple") || target.contains("macos") {
        ("MacOS".to_owned(), "")
    } else {
        (format!("{architecture}-linux"), "so")
    };
    let stem = bundle.file_stem().unwrap_or_default();
    let mut library = bundle.join("Contents").join(folder).join(stem);
    library.set_extension(extension);
    library
}

/// Builds `selection` in release mode, bundles the plugin, and puts the command
/// line tool beside the bundles. Cargo does nothing for what is fresh. `target`
/// cross-compiles.
///
/// A lock file in the target folder keeps concurrent callers apart.
pub fn bundle(selection: Selection, target: Option<&str>) -> Result<Bundles> {
    let target_dir = workspace::target_dir()?;
    std::fs::create_dir_all(&target_dir)?;
    let lock_path = target_dir.join("bundle.lock");
    let lock = File::create(&lock_path)
        .with_context(|| format!("{}: cannot be created", lock_path.display()))?;
    lock.lock()
        .with_context(|| format!("{}: cannot be locked", lock_path.display()))?;

    let mut build = workspace::cargo();
    build.args(["build", "--release", "--locked"]);
    match selection {
        Selection::Product => build.args(["-p", PLUGIN_PACKAGE, "-p", CLI_PACKAGE]),
        Selection::Workspace => build.arg("--workspace"),
    };
    if let Some(target) = target {
        build.args(["--target", target]);
    }
    workspace::run(&mut build)?;

    let release = match target {
        Some(target) => target_dir.join(target).join("release"),
        None => target_dir.join("release"),
    };
    let for_windows = target.map_or(cfg!(windows), |target| target.contains("windows"));
    let tool = if for_windows { "idm.exe" } else { "idm" };
    let bundles = Bundles::in_folder(&target_dir.join("bundled"), tool);

    // The bundler reads `bundler.toml` from the working directory; paths that the user gave
    // are relative to the one before.
    let users = std::env::current_dir()?;
    std::env::set_current_dir(workspace::root())?;
    let mut arguments = vec!["--release".to_owned()];
    if let Some(target) = target {
        arguments.extend(["--target".to_owned(), target.to_owned()]);
    }
    let bundled = nice_plug_xtask::bundle(&target_dir, PLUGIN_PACKAGE, &arguments, false);
    std::env::set_current_dir(users)?;
    bundled?;
    for path in [&bundles.clap, &vst3_library(&bundles.vst3, target)] {
        ensure!(
            path.exists(),
            "{}: was not made; the library exports no such plugin, or bundler.toml gives \
             another name",
            path.display()
        );
    }
    std::fs::copy(release.join(tool), &bundles.idm)
        .with_context(|| format!("{}: cannot be copied", release.join(tool).display()))?;
    Ok(bundles)
}

/// Environment variable naming a folder with bundles and command line tool
/// that were built elsewhere, for example of a release, to be tested as they
/// are.
pub const PREBUILT_VARIABLE: &str = "IDM_BUNDLES";

/// The bundles of this process: those in [`PREBUILT_VARIABLE`], or built at
/// the first call.
pub fn shared() -> Result<&'static Bundles> {
    static SHARED: OnceLock<std::result::Result<Bundles, String>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            match std::env::var_os(PREBUILT_VARIABLE) {
                Some(folder) => prebuilt(Path::new(&folder)),
                None => bundle(Selection::Workspace, None),
            }
            .map_err(|error| format!("{error:#}"))
        })
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{error}"))
}

fn prebuilt(folder: &Path) -> Result<Bundles> {
    let bundles = Bundles::in_folder(folder, if cfg!(windows) { "idm.exe" } else { "idm" });
    for path in [&bundles.clap, &bundles.vst3, &bundles.idm] {
        ensure!(
            path.exists(),
            "{}: missing, though {PREBUILT_VARIABLE} is set",
            path.display()
        );
    }
    Ok(bundles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_lie_where_the_hosts_of_the_target_look() {
        let bundle = Path::new("folder/A.vst3");
        let place = |target| vst3_library(bundle, target);
        for (target, expected) in [
            ("x86_64-pc-windows-gnu", "x86_64-win/A.vst3"),
            ("x86_64-pc-windows-msvc", "x86_64-win/A.vst3"),
            ("x86_64-unknown-linux-gnu", "x86_64-linux/A.so"),
            ("aarch64-unknown-linux-gnu", "aarch64-linux/A.so"),
            ("aarch64-apple-darwin", "MacOS/A"),
        ] {
            let expected = bundle.join("Contents").join(expected);
            assert_eq!(place(Some(target)), expected, "{target}");
        }
    }
}
