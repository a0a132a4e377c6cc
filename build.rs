//! Compiles the library that hollow preloads into rustc (`src/process/seeds/preload.rs`), with the same rustc and for the same target.
//!
//! No C compiler is needed where rustc brings its own linker. Where neither that nor the target's linker is there, hollow is built without it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const SOURCE: &str = "src/process/seeds/preload.rs";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| env::var_os(name).ok_or_else(|| io::Error::other(format!("Cargo sets no {name}")));
    let library = PathBuf::from(variable("OUT_DIR")?).join("seeds.so");
    let (rustc, target) = (variable("RUSTC")?, variable("TARGET")?);
    let known = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux")
        && env::var("CARGO_CFG_TARGET_ARCH")
            .is_ok_and(|machine| ["x86_64", "aarch64", "riscv64", "loongarch64"].contains(&&*machine));
    let compiles = |options: &[&str]| compile(Command::new(&rustc).arg("--target").arg(&target).args(options), &library);
    // For a target of one's own, Cargo knows the linker.
    let linker = env::var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}"));
    let with_compiler: Vec<&str> = linker.iter().map(String::as_str).chain(["-Clink-arg=-nostdlib"]).collect();
    if known && !compiles(&["-Clinker=rust-lld", "-Clinker-flavor=ld.lld"]) && !compiles(&with_compiler) {
        println!("cargo::warning=there is no linker for {}, so macros will see random seeds", target.display());
    }
    if !library.exists() {
        fs::write(library, b"")?;
    }
    Ok(())
}

/// Whether there is a library then. It needs nothing of the C library that is there when it is linked.
fn compile(rustc: &mut Command, library: &Path) -> bool {
    let _ = fs::remove_file(library);
    rustc.args([
        "--crate-name=seeds",
        "--crate-type=cdylib",
        "--edition=2024",
        "-Copt-level=s",
        "-Cpanic=abort",
        "-Cstrip=symbols",
    ]);
    rustc.args(["-Ctarget-feature=-crt-static", "-o"]).arg(library).arg(SOURCE);
    rustc.output().is_ok_and(|compiled| compiled.status.success()) && library.exists()
}
