//! How the function's binary is linked. LLD keeps the unwinding tables of code that it leaves out, and so of the
//! stand-in and the SQL engine: 14 MB that GNU ld drops.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-bin=demo-function=-fuse-ld=bfd");
    }
}
