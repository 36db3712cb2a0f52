//! Links the unwinder into the program where the toolchain has it as an archive (docs/design.md, "Start-up").

#![expect(clippy::disallowed_macros, reason = "a build script answers cargo on stdout")]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    if is_release_for_this_system() && has_archive() {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Only where std would load the unwinder as a library of GCC, and where the compiler at hand is the target's.
fn is_release_for_this_system() -> bool {
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|found| found == value);
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && env::var("HOST").is_ok_and(|host| is("TARGET", &host))
        && !features.split(',').any(|feature| feature == "crt-static")
}

/// Asks the linker; one that does not know, or that is no compiler, leaves everything as it is.
fn has_archive() -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let answer = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output();
    // Where there is none, it answers with the bare name.
    answer.is_ok_and(|answer| {
        let path = String::from_utf8_lossy(&answer.stdout);
        let path = Path::new(path.trim_end());
        path.is_absolute() && path.is_file()
    })
}
