//! What Windows alone needs of the system.

use std::ptr;

use windows_sys::Win32::Storage::FileSystem::GetLogicalDrives;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

/// Keeps this library mapped until the process ends, as a linker flag does on
/// Linux. With MinGW, every loading of a Rust library takes slots of
/// thread-local storage that unloading does not give back, and a process that
/// has none left is ended: after some dozen loadings.
pub fn stay_loaded() {
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let mut module = ptr::null_mut();
    // SAFETY: the address is one of this library's, the handle's place a local.
    // A failure leaves the library as it was.
    unsafe { GetModuleHandleExW(flags, (stay_loaded as *const ()).cast(), &mut module) };
}

/// The roots of the drives, such as `C:\`, without asking the drives
/// themselves: a disconnected one answers late.
pub fn drives() -> Vec<String> {
    // SAFETY: a plain call.
    roots(unsafe { GetLogicalDrives() })
}

/// Bit 0 of `mask` stands for A.
fn roots(mask: u32) -> Vec<String> {
    ('A'..='Z')
        .enumerate()
        .filter(|(bit, _)| mask >> bit & 1 == 1)
        .map(|(_, letter)| format!("{letter}:\\"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_are_named_by_their_roots() {
        assert_eq!(roots(0b1101), ["A:\\", "C:\\", "D:\\"]);
        assert!(!drives().is_empty());
        stay_loaded();
    }
}
