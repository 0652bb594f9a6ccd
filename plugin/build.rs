//! Linker settings of the plugin library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The window's thread may run on for a moment after a host has closed the
    // editor; a host that unloads the library then would pull its code away.
    // Marked so, the library stays mapped until the process ends.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
