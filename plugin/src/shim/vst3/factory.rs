//! VST3: the factory and the entry points of the module.

use std::ffi::c_void;

use nice_plug::prelude::Vst3Plugin;
use nice_plug::wrapper::vst3::PluginInfo;
use vst3::Steinberg::*;
use vst3::{Class, ComWrapper};

use super::Component;
use crate::{InverseDrumInstrument, InverseDrumMachine};

/// A class of the module.
#[derive(Debug)]
struct Offer {
    info: PluginInfo,
    id: [u8; 16],
    /// A new component with the interface of this id.
    create: unsafe fn(*const TUID, *mut *mut c_void) -> tresult,
}

impl Offer {
    fn of<P: Vst3Plugin>() -> Offer {
        Offer {
            info: PluginInfo::for_plugin::<P>(),
            id: P::PLATFORM_VST3_CLASS_ID,
            create: create::<P>,
        }
    }
}

/// A new component with one reference for the caller.
///
/// # Safety
/// `interface_id` is an interface's id, `object` a place for a pointer.
unsafe fn create<P: Vst3Plugin>(interface_id: *const TUID, object: *mut *mut c_void) -> tresult {
    let component = ComWrapper::new(Component::<P>::new());
    let Some(unknown) = component.as_com_ref::<FUnknown>() else {
        return kNoInterface;
    };
    let unknown = unknown.as_ptr();
    // SAFETY: the contract above. The wrapper's own reference is dropped at the end of the
    // scope; the host holds the one that `queryInterface` counts.
    unsafe { ((*(*unknown).vtbl).queryInterface)(unknown, interface_id, object) }
}

/// Makes components of the classes in this module.
#[derive(Debug)]
pub struct Factory {
    /// The usual one first: simple hosts take no other.
    offers: [Offer; 2],
}

impl Factory {
    /// A factory for the plugins. Allocates.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            offers: [
                Offer::of::<InverseDrumMachine>(),
                Offer::of::<InverseDrumInstrument>(),
            ],
        }
    }

    /// Writes what `describe` says to `info` if there is a class `index`.
    ///
    /// # Safety
    /// `info` is null or valid for writing.
    unsafe fn describe<T>(
        &self,
        index: int32,
        info: *mut T,
        describe: impl FnOnce(&PluginInfo) -> T,
    ) -> tresult {
        let offer = usize::try_from(index).ok();
        let offer = offer.and_then(|index| self.offers.get(index));
        let Some(offer) = offer.filter(|_| !info.is_null()) else {
            return kInvalidArgument;
        };
        // SAFETY: not null, and valid by the contract above.
        unsafe { info.write(describe(&offer.info)) };
        kResultOk
    }
}

impl Class for Factory {
    type Interfaces = (IPluginFactory, IPluginFactory2, IPluginFactory3);
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        // SAFETY: the host's pointer.
        unsafe { self.describe(0, info, PluginInfo::create_factory_info) }
    }

    unsafe fn countClasses(&self) -> int32 {
        self.offers.len() as int32
    }

    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        // SAFETY: the host's pointer.
        unsafe { self.describe(index, info, PluginInfo::create_class_info) }
    }

    unsafe fn createInstance(
        &self,
        class_id: FIDString,
        interface_id: FIDString,
        object: *mut *mut c_void,
    ) -> tresult {
        if class_id.is_null() || interface_id.is_null() || object.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: class and interface ids have 16 bytes each, `object` is a
        // place for a pointer.
        unsafe {
            let class_id = class_id.cast::<[u8; 16]>().read_unaligned();
            let offer = self.offers.iter().find(|offer| offer.id == class_id);
            offer.map_or(kInvalidArgument, |offer| {
                (offer.create)(interface_id.cast::<TUID>(), object)
            })
        }
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        // SAFETY: the host's pointer.
        unsafe { self.describe(index, info, PluginInfo::create_class_info_2) }
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        // SAFETY: the host's pointer.
        unsafe { self.describe(index, info, PluginInfo::create_class_info_unicode) }
    }

    unsafe fn setHostContext(&self, _: *mut FUnknown) -> tresult {
        kResultOk
    }
}

/// The factory, with one reference for the caller.
#[unsafe(no_mangle)]
pub extern "system" fn GetPluginFactory() -> *mut c_void {
    ComWrapper::new(Factory::new())
        .to_com_ptr::<IPluginFactory>()
        .map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
}

fn enter() -> bool {
    crate::shim::entered();
    true
}

/// Called once after loading (Linux).
#[cfg(all(target_family = "unix", not(target_os = "macos")))]
#[unsafe(no_mangle)]
pub extern "C" fn ModuleEntry(_: *mut c_void) -> bool {
    enter()
}

/// Called once before unloading (Linux).
#[cfg(all(target_family = "unix", not(target_os = "macos")))]
#[unsafe(no_mangle)]
pub extern "C" fn ModuleExit() -> bool {
    true
}

/// Called once after loading (macOS).
#[cfg(target_os = "macos")]
#[unsafe(no_mangle)]
pub extern "C" fn bundleEntry(_: *mut c_void) -> bool {
    enter()
}

/// Called once before unloading (macOS).
#[cfg(target_os = "macos")]
#[unsafe(no_mangle)]
pub extern "C" fn bundleExit() -> bool {
    true
}

/// Called once after loading (Windows).
#[cfg(target_os = "windows")]
#[unsafe(no_mangle)]
pub extern "system" fn InitDll() -> bool {
    enter()
}

/// Called once before unloading (Windows).
#[cfg(target_os = "windows")]
#[unsafe(no_mangle)]
pub extern "system" fn ExitDll() -> bool {
    true
}
