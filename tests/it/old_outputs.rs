//! What becomes of an old output when the action fails: it stays as it was. And what is not hollow's stays in any case.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use crate::faults::{script, wait_until};
use crate::support::{HOLLOW, Ran, Scratch};

/// Which file it is, how it may be used, and what is in it.
fn state(path: &Path) -> (u64, u64, u32, Vec<u8>) {
    let found = path.symlink_metadata().unwrap();
    (found.ino(), found.nlink(), found.mode(), fs::read(path).unwrap())
}

/// Crates that do not compile, and a linker that fails when it has written half of the output.
fn broken() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("fails.rs", "pub fn a() -> u32 { \"seven\" }");
    scratch.write("signature.rs", "pub fn a() -> Gone { 7 }");
    scratch.write("main.rs", "fn main() {}");
    script(
        &scratch,
        "linker",
        "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\necho partial > $2; touch started\nwhile [ -e slow ]; do sleep 0.1; done; touch ended; exit 1\n",
    );
    scratch
}

/// Puts something old in the place of an output, in each way in which it could be in rustc's way.
fn each_kind_of_old_output(scratch: &Scratch, output: &str, mut check: impl FnMut(&str)) {
    for (kind, mode, linked) in
        [("ordinary", 0o644, false), ("read-only", 0o444, false), ("hard-linked", 0o644, true), ("both", 0o444, true)]
    {
        let _ = fs::remove_dir_all(scratch.path("out"));
        let path = scratch.write(output, "old");
        let _ = fs::remove_file(scratch.path("cached"));
        if linked {
            fs::hard_link(&path, scratch.path("cached")).unwrap();
        }
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        check(kind);
    }
}

#[test]
fn an_old_output_stays_as_it_was_when_rustc_fails() {
    let scratch = broken();
    for (output, line) in [
        ("out/_hollow/libfails_meta.rlib", "metadata -- rustc --crate-type=lib --out-dir=out fails.rs"),
        ("out/_hollow/libsignature_meta.rlib", "metadata --interface=drop -- rustc --crate-type=lib --out-dir=out signature.rs"),
        ("out/_hollow/fails.d", "metadata -- rustc --crate-type=lib --emit=dep-info,link --out-dir=out fails.rs"),
        ("out/libfails.rlib", "link -- rustc --crate-type=lib --out-dir=out fails.rs"),
        ("out/libfails.rlib", "link -- rustc --crate-type=lib --out-dir=out -Cincremental=cache fails.rs"),
        ("out/fails.d", "link -- rustc --crate-type=lib --emit=dep-info,link --out-dir=out fails.rs"),
        ("out/fails.d", "link -- rustc --crate-type=lib --emit=dep-info,link --out-dir=out -Cincremental=cache fails.rs"),
        ("out/libfails.rlib", "link --diagnostics=said -- rustc --crate-type=lib --out-dir=out fails.rs"),
        ("out/main", "link -- rustc --out-dir=out -Clinker=./linker main.rs"),
        ("out/main", "link -- rustc --out-dir=out -Clinker=./linker -Cincremental=cache main.rs"),
        ("out/main", "link -- rustc --out-dir=out -Clinker=./linker --error-format=json --json=artifacts main.rs"),
        ("out/main.d", "link -- rustc --out-dir=out --emit=dep-info,link -Clinker=./linker -Cincremental=cache main.rs"),
    ] {
        each_kind_of_old_output(&scratch, output, |kind| {
            // Where rustc writes in place, it leaves its objects when the linker fails.
            let in_place = line.contains("incremental") || line.contains("artifacts");
            let is_output = |name: &String| !(in_place && name.ends_with(".rcgu.o"));
            let outputs = || scratch.list("out").into_iter().filter(is_output).collect::<Vec<_>>();
            let before = (state(&scratch.path(output)), outputs());
            let failed = scratch.hollow(&line.split_whitespace().collect::<Vec<_>>());
            assert_eq!(failed.code, Some(1), "{line}: {failed:?}");
            assert!((state(&scratch.path(output)), outputs()) == before, "{kind}, {line}: {:?}", scratch.list("out"));
        });
    }
}

#[test]
fn an_old_program_stays_as_it_was_when_its_link_is_killed() {
    let scratch = broken();
    each_kind_of_old_output(&scratch, "out/main", |kind| {
        let before = state(&scratch.path("out/main"));
        scratch.write("slow", "");
        let mut command = scratch.command(HOLLOW);
        command.args(["link", "--", "rustc", "--out-dir=out", "-Clinker=./linker", "main.rs"]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        wait_until("the linker has written", || scratch.exists("started"));
        // Nobody can do anything after that.
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(state(&scratch.path("out/main")) == before, "{kind}");
        fs::remove_file(scratch.path("started")).unwrap();
        fs::remove_file(scratch.path("slow")).unwrap();
        wait_until("the linker has ended", || fs::remove_file(scratch.path("ended")).is_ok());
    });
}

const LIBRARY: &str = "metadata --interface=drop -- rustc --crate-type=lib --out-dir=out lib.rs";
const INTERFACE: &str = "out/_hollow/liblib_meta.interface";

fn action(scratch: &Scratch, line: &str) -> Ran {
    scratch.hollow(&line.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn old_interface_source_stays_as_it_was_when_no_new_hollow_rlib_is_made() {
    let scratch = Scratch::new();
    scratch.write("lib.rs", "pub fn f() -> u32 { 7 }");
    action(&scratch, LIBRARY).ok();
    let before = scratch.list("out");
    scratch.write("lib.rs", "pub fn f() -> Gone { 7 }");
    assert_eq!(action(&scratch, LIBRARY).code, Some(1));
    assert_eq!(scratch.list("out"), before);
    assert_eq!(scratch.read(format!("{INTERFACE}/lib.rs")), b"pub fn f() -> u32 { loop {} }\n");
}

#[test]
fn interface_source_from_which_no_hollow_rlib_was_made_does_not_stay() {
    let scratch = Scratch::new();
    scratch.write("lib.rs", "pub fn f() -> u32 { 7 }");
    action(&scratch, LIBRARY).ok();
    assert!(scratch.exists(INTERFACE));
    scratch.write("lib.rs", "pub const COLUMN: u32 = column!();\npub fn f() -> u32 { 7 }");
    action(&scratch, LIBRARY).ok();
    assert!(!scratch.exists(INTERFACE));
}

#[test]
fn what_hollow_did_not_make_is_not_removed_for_interface_source() {
    let scratch = Scratch::new();
    scratch.write("lib.rs", "pub fn f() -> u32 { 7 }");
    scratch.write("libx.interface/mine", "precious");
    scratch.write("liby.interface", "precious");
    std::os::unix::fs::symlink("libx.interface", scratch.path("libz.interface")).unwrap();
    for name in ["libx", "liby", "libz"] {
        let line = format!("metadata --interface=drop --output {name}.rlib -- rustc --crate-type=lib lib.rs");
        assert_eq!(
            action(&scratch, &line).stopped(2),
            format!(
                "`{name}.interface` is not interface source that hollow made, but that is where it would go: \
                 move it away, or choose another --output"
            )
        );
        assert!(!scratch.exists(&format!("{name}.rlib")));
    }
    assert_eq!(scratch.read("libx.interface/mine"), b"precious");
    assert_eq!(scratch.read("liby.interface"), b"precious");
    assert!(scratch.path("libz.interface").is_symlink());
    // Interface source that stays is replaced; so is what goes to an empty directory.
    fs::create_dir(scratch.path("libw.interface")).unwrap();
    for _ in 0..2 {
        action(&scratch, "metadata --interface=drop --output libw.rlib -- rustc --crate-type=lib lib.rs").ok();
        assert!(scratch.exists("libw.interface/lib.rs"));
    }
    // With lines kept, nothing goes there.
    action(&scratch, "metadata --interface=keep --output libx.rlib -- rustc --crate-type=lib lib.rs").ok();
    assert_eq!(scratch.read("libx.interface/mine"), b"precious");
}
