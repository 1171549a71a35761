//! Links `demo-worker` with a static C library, so that it runs in any image: the others are linked as ever.
//!
//! Where no standard library for a static target is installed, and without a second build with flags of its own (rustc's
//! `crt-static` is of all that is built with it): the linker is told `-static-pie`, and finds, in a folder before its own, each library
//! that rustc asks for as a script that names the static ones.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// What rustc names for `*-linux-gnu`: its own list for the standard library, and the compiler's for unwinding.
const ASKED_FOR: [&str; 7] = ["c", "dl", "gcc_s", "m", "pthread", "rt", "util"];
const STATIC: &str = "GROUP ( -l:libc.a -l:libm.a -l:libgcc_eh.a -l:libgcc.a )\n";
/// What must be there for that.
const NEEDED: [&str; 4] = ["libc.a", "libm.a", "libgcc_eh.a", "rcrt1.o"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let of_target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let is_static = of_target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if of_target("OS") != "linux" || of_target("ENV") != "gnu" || is_static {
        return Ok(());
    }
    if let Some(missing) = NEEDED.into_iter().find(|file| !is_installed(file)) {
        println!(
            "cargo:warning=demo-worker is not static, and runs only where this machine's C library does: no {missing} here"
        );
        return Ok(());
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("static");
    write_scripts(&folder)?;
    println!("cargo:rustc-link-arg-bin=demo-worker=-static-pie");
    println!("cargo:rustc-link-arg-bin=demo-worker=-L{}", folder.display());
    // LLVM's linker keeps the exception tables of functions that it drops: half as much as the program again.
    if is_runnable("ld.bfd") {
        println!("cargo:rustc-link-arg-bin=demo-worker=-fuse-ld=bfd");
    }
    Ok(())
}

/// Whether the linker finds this file: it answers with the bare name of one that it does not.
fn is_installed(file: &str) -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let found = Command::new(linker).arg(format!("-print-file-name={file}")).output();
    found.is_ok_and(|found| Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_absolute())
}

fn is_runnable(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success())
}

fn write_scripts(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    ASKED_FOR.iter().try_for_each(|name| fs::write(folder.join(format!("lib{name}.so")), STATIC))
}
