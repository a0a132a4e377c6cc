//! Interface source of real crates compiles.

use std::process::Command;

use super::*;
use crate::interface::{Disk, overlay};

/// Compiles the interface source of a dependency that itself has none, in its default configuration.
fn compile(name: &str, flags: &[&str]) {
    let packages = packages();
    let package = packages.iter().find(|package| package["name"] == name).unwrap();
    let target = package["targets"].as_array().unwrap().iter().find(|target| target["kind"][0] == "lib").unwrap();
    let root = target["src_path"].as_str().unwrap();
    let krate = Crate::load(Path::new(root), &Disk, None).unwrap();
    for lines in [Lines::Keep, Lines::Drop] {
        let directory = tempfile::tempdir().unwrap();
        let interface = krate.interface(&options(lines));
        let (_, emptied, _) = interface.report.totals();
        assert!(emptied > 0, "{}", interface.report);
        let overlay = overlay::write(&krate, &interface, &directory.path().join("overlay")).unwrap();
        let mut command = Command::new("rustc");
        command.env("RUSTC_BOOTSTRAP", "1").args([
            "-Zno-codegen",
            "--cap-lints=allow",
            "--crate-type=lib",
            "--crate-name",
            &name.replace('-', "_"),
        ]);
        command.arg(format!("--edition={}", target["edition"].as_str().unwrap())).args(flags).arg(&overlay.root);
        command.arg(format!("--emit=link={}", directory.path().join("lib.rlib").display()));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{name} {lines:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn real_crates_compile_by_their_interface() {
    compile("itoa", &[]);
    compile("bitflags", &[]);
    compile("once_cell", &["--cfg=feature=\"std\"", "--cfg=feature=\"alloc\"", "--cfg=feature=\"race\""]);
    compile("strsim", &[]);
    compile("memchr", &["--cfg=feature=\"std\"", "--cfg=feature=\"alloc\""]);
    compile("anyhow", &["--cfg=feature=\"std\"", "--cfg=std_backtrace"]);
    compile("shlex", &["--cfg=feature=\"std\""]);
    compile("fastrand", &["--cfg=feature=\"std\"", "--cfg=feature=\"alloc\""]);
    compile("utf8parse", &[]);
    compile("anstyle", &["--cfg=feature=\"std\""]);
    compile("clap_lex", &[]);
    compile("unicode-ident", &[]);
}
