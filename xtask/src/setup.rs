//! System packages for building, running the editor and testing it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace;

/// One thing that must be on the machine, and the Debian package that brings it.
#[derive(Debug, Clone, Copy)]
struct Need {
    /// Program or shared library.
    what: What,
    /// Debian (and Ubuntu) package.
    package: &'static str,
    /// Why it is needed.
    why: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Program(&'static str),
    Library(&'static str),
    /// Mesa's software renderer.
    Driver,
    /// Any Vulkan driver; a software one will do.
    VulkanDriver,
}

const NEEDS: &[Need] = &[
    need(What::Program("cc"), "gcc", "linking"),
    need(What::Library("libEGL.so.1"), "libegl1", "editor"),
    need(What::Library("libGL.so.1"), "libgl1", "editor"),
    need(What::Driver, "libgl1-mesa-dri", "editor"),
    need(What::Library("libX11.so.6"), "libx11-6", "editor"),
    need(What::Library("libX11-xcb.so.1"), "libx11-xcb1", "editor"),
    need(What::Library("libxcb.so.1"), "libxcb1", "editor"),
    need(
        What::Library("libxkbcommon.so.0"),
        "libxkbcommon0",
        "editor",
    ),
    need(
        What::Library("libxkbcommon-x11.so.0"),
        "libxkbcommon-x11-0",
        "editor",
    ),
    need(What::Program("Xvfb"), "xvfb", "editor tests"),
    need(What::Program("xdotool"), "xdotool", "editor tests"),
    need(
        What::Library("libvulkan.so.1"),
        "libvulkan1",
        "the test of training on a graphics processor",
    ),
    need(
        What::VulkanDriver,
        "mesa-vulkan-drivers",
        "the test of training on a graphics processor",
    ),
];

const fn need(what: What, package: &'static str, why: &'static str) -> Need {
    Need { what, package, why }
}

/// As [`setup`], but goes on when something is missing that cannot be
/// installed: what follows needs less than the tests.
pub fn advise() {
    if let Err(error) = setup() {
        println!("System packages: {error:#}");
        println!("Going on without them.");
    }
}

/// Checks the system packages. What is missing is installed when this runs as
/// root on Debian or a relative of it; otherwise the error says which command
/// to run.
pub fn setup() -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("System packages: nothing to install on this platform.");
        return Ok(());
    }
    let missing = missing_packages();
    if missing.is_empty() {
        println!("System packages: all {} are there.", NEEDS.len());
        return Ok(());
    }
    let install = format!(
        "apt-get install -y --no-install-recommends {}",
        missing.join(" ")
    );
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "these are missing (Debian package names): {}; install them with your package manager",
            missing.join(" ")
        );
    }
    if !is_root() {
        bail!("system packages are missing; run:\n\n    sudo {install}\n");
    }
    println!("System packages: installing {}", missing.join(" "));
    let mut update = apt();
    update.args(["update", "-qq"]);
    workspace::run(&mut update)?;
    let mut command = apt();
    command.args(["install", "-y", "-qq", "--no-install-recommends"]);
    command.args(&missing);
    workspace::run(&mut command)?;
    let missing = missing_packages();
    if !missing.is_empty() {
        bail!(
            "still missing after the installation: {}",
            missing.join(" ")
        );
    }
    Ok(())
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.stdout(std::process::Stdio::null());
    command
}

fn missing_packages() -> Vec<&'static str> {
    let libraries = known_libraries();
    NEEDS
        .iter()
        .filter(|need| {
            let found = match need.what {
                What::Program(name) => program_exists(name),
                What::Library(name) => libraries.contains(name),
                What::Driver => driver_exists(),
                What::VulkanDriver => vulkan_driver_exists(),
            };
            if !found {
                println!("  missing: {} (for {})", need.package, need.why);
            }
            !found
        })
        .map(|need| need.package)
        .collect()
}

fn program_exists(name: &str) -> bool {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(&file).is_file()))
}

/// What the dynamic linker knows, as text.
fn known_libraries() -> String {
    ["/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"]
        .iter()
        .find_map(|program| Command::new(program).arg("-p").output().ok())
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

/// Whether Mesa's software renderer is there: a driver file of its own up to
/// Mesa 24, a shared library since.
fn driver_exists() -> bool {
    let libraries = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let driver = [libraries.as_str(), "/usr/lib64", "/usr/lib"]
        .iter()
        .any(|folder| Path::new(folder).join("dri/swrast_dri.so").exists());
    let gallium = || {
        std::fs::read_dir(&libraries).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("libgallium")
            })
        })
    };
    driver || gallium()
}

/// Whether a Vulkan driver has announced itself.
fn vulkan_driver_exists() -> bool {
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .any(|folder| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()))
}

fn is_root() -> bool {
    // Without a libc binding: the owner of this process' own entry is its user.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
    }
    #[cfg(not(unix))]
    {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_up_on_the_path() {
        assert!(program_exists("cargo"));
        assert!(!program_exists("no-such-program-anywhere"));
    }

    #[test]
    fn packages_are_named_once() {
        let mut packages: Vec<_> = NEEDS.iter().map(|need| need.package).collect();
        packages.sort_unstable();
        packages.dedup();
        assert_eq!(packages.len(), NEEDS.len());
    }
}
