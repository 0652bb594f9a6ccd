//! Loading a VST3 library: entry points, factory, classes, text.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use libloading::{Library, Symbol};
use vst3::ComPtr;
use vst3::Steinberg::Vst::TChar;
use vst3::Steinberg::{IPluginFactory, IPluginFactoryTrait, PClassInfo, TUID, kResultOk, tresult};

use super::no_plugin;
use crate::bundle::vst3_library;

/// The class category of audio processors.
const AUDIO_MODULE_CLASS: &[u8] = b"Audio Module Class";

/// A loaded and initialised plugin library.
pub(super) struct Module {
    library: Library,
}

impl Module {
    /// Loads the library of a bundle and runs its entry point.
    pub(super) fn open(bundle: &Path) -> Result<Self> {
        let path = library_path(bundle)?;
        // SAFETY: loading runs the library's initialisers; the caller wants to
        // run this plugin.
        let library = unsafe { Library::new(&path) }
            .with_context(|| format!("{}: cannot be loaded", path.display()))?;
        // SAFETY: the VST3 specification gives the entry points these types.
        unsafe {
            if cfg!(windows) {
                if let Ok(entry) = library.get::<unsafe extern "system" fn() -> bool>(b"InitDll\0")
                {
                    ensure!(entry(), "InitDll failed");
                }
            } else {
                let name: &[u8] = if cfg!(target_os = "macos") {
                    b"bundleEntry\0"
                } else {
                    b"ModuleEntry\0"
                };
                let entry: Symbol<'_, unsafe extern "system" fn(*mut c_void) -> bool> = library
                    .get(name)
                    .context("the library has no VST3 entry point")?;
                // The plugin is told no handle of its own: it needs none.
                ensure!(entry(std::ptr::null_mut()), "the VST3 entry point failed");
            }
        }
        Ok(Self { library })
    }

    /// The library's factory.
    pub(super) fn factory(&self) -> Result<ComPtr<IPluginFactory>> {
        // SAFETY: the VST3 specification gives the symbol this type, and the
        // factory comes with a reference of ours.
        unsafe {
            let get: Symbol<'_, unsafe extern "system" fn() -> *mut IPluginFactory> = self
                .library
                .get(b"GetPluginFactory\0")
                .context("the library has no GetPluginFactory")?;
            ComPtr::from_raw(get()).context("the plugin has no factory")
        }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let name: &[u8] = if cfg!(windows) {
            b"ExitDll\0"
        } else if cfg!(target_os = "macos") {
            b"bundleExit\0"
        } else {
            b"ModuleExit\0"
        };
        // SAFETY: the specification gives the symbol this type; all objects of
        // the module have been released before.
        unsafe {
            if let Ok(exit) = self
                .library
                .get::<unsafe extern "system" fn() -> bool>(name)
            {
                exit();
            }
        }
    }
}

/// The library inside a bundle folder, or the path itself when it is a file.
fn library_path(bundle: &Path) -> Result<PathBuf> {
    if bundle.is_file() {
        return Ok(bundle.to_owned());
    }
    let path = vst3_library(bundle, None);
    ensure!(path.is_file(), "{}: no such plugin", path.display());
    Ok(path)
}

/// Turns a result code into an error that names the call.
pub(super) fn check(result: tresult, call: &str) -> Result<()> {
    if result == kResultOk {
        Ok(())
    } else {
        bail!("{call} failed with {result}")
    }
}

/// Id and name of the audio processor class of this name, or of the first.
pub(super) fn audio_class(
    factory: &ComPtr<IPluginFactory>,
    name: Option<&str>,
) -> Result<(TUID, String)> {
    // SAFETY: the info is a plain struct of integers, for which zeros are valid,
    // and the indices are those that the factory declares.
    unsafe {
        for index in 0..factory.countClasses() {
            let mut info: PClassInfo = std::mem::zeroed();
            check(factory.getClassInfo(index, &mut info), "getClassInfo")?;
            let found = chars8(&info.name);
            let is_processor = chars8(&info.category).as_bytes() == AUDIO_MODULE_CLASS;
            if is_processor && name.is_none_or(|name| name == found) {
                return Ok((info.cid, found));
            }
        }
    }
    bail!(no_plugin(name))
}

/// A zero-terminated 8-bit string.
fn chars8(units: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = units
        .iter()
        .take_while(|&&unit| unit != 0)
        .map(|&unit| unit as u8)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A zero-terminated UTF-16 string.
pub(super) fn chars16(units: &[TChar]) -> String {
    let units: Vec<u16> = units
        .iter()
        .take_while(|&&unit| unit != 0)
        .copied()
        .collect();
    String::from_utf16_lossy(&units)
}
