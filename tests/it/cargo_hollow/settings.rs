//! The ways to turn it on, and what else may be in Cargo's way.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::kinds::workspace;
use crate::support::{HOLLOW, run};

const MINIMAL: &str = "25 5 0 7 None text\n";

#[test]
fn cargos_configuration_is_enough() {
    let workspace = workspace();
    workspace.write(".cargo/config.toml", &format!("[build]\nrustc-workspace-wrapper = \"{HOLLOW}\"\n"));
    let cargo = |arguments: &str| run(workspace.plain(arguments).env("CARGO_TARGET_DIR", workspace.path("target"))).ok();
    cargo("build");
    workspace.edit("low/src/lib.rs", "    10\n", "    20\n");
    assert!(cargo("run").stdout.starts_with("35 "));
    let outcomes = workspace.last_outcomes();
    assert!(outcomes.contains("compiled low lib") && outcomes.contains("skipped mid lib"), "{outcomes}");
}

#[test]
fn another_wrapper_of_rustc_keeps_working() {
    let workspace = workspace();
    let wrapper = workspace.path("wrapper");
    fs::write(&wrapper, "#!/bin/sh\necho \"$*\" >> \"$(dirname \"$0\")/seen\"\nexec \"$@\"\n").unwrap();
    fs::set_permissions(&wrapper, PermissionsExt::from_mode(0o755)).unwrap();
    for by_configuration in [true, false] {
        let mut command = workspace.command("run");
        command.env("CARGO_TARGET_DIR", workspace.path(if by_configuration { "one" } else { "two" }));
        if by_configuration {
            workspace.write(".cargo/config.toml", &format!("[build]\nrustc-wrapper = \"{}\"\n", wrapper.display()));
        } else {
            fs::remove_file(workspace.path(".cargo/config.toml")).unwrap();
            command.env("RUSTC_WRAPPER", &wrapper);
        }
        assert_eq!(run(&mut command).ok().stdout, MINIMAL);
        let seen = workspace.read("seen");
        // It sees rustc, never hollow.
        assert!(seen.lines().all(|line| line.split(' ').next().unwrap().ends_with("rustc")), "{seen}");
        assert!(seen.contains("--crate-name low"), "{seen}");
        fs::remove_file(workspace.path("seen")).unwrap();
    }
}

#[test]
fn what_is_said_is_what_cargo_says() {
    let workspace = workspace();
    workspace.write("low/src/part.rs", "pub fn part() -> u32 {\n    let unused = 1;\n    5\n}\n");
    let lines = |text: &str| {
        // Of a unit that is compiled and checked, Cargo names what comes first.
        let own = |line: &&str| !["Finished", "Compiling ", "Checking "].iter().any(|word| line.contains(word));
        let mut lines: Vec<_> = text.lines().filter(own).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for arguments in ["check", "check --message-format=short", "check --color=always", "check -q", "build -p low"] {
        let plain = run(&mut workspace.plain(arguments)).ok();
        let hollow = workspace.hollow(arguments).ok();
        assert_eq!(lines(&hollow.stderr), lines(&plain.stderr), "{arguments}");
    }
    let failed = workspace.hollow("build --no-such-flag");
    let plain = run(&mut workspace.plain("build --no-such-flag"));
    assert_eq!((failed.code, failed.stderr.lines().next()), (plain.code, plain.stderr.lines().next()));
    assert_eq!(workspace.hollow("no-such-command").code, Some(101));
}

#[test]
fn what_can_not_work_is_said_in_a_line() {
    let workspace = workspace();
    let other = run(workspace.command("build").env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"));
    assert_eq!(other.stopped(2), "RUSTC_WORKSPACE_WRAPPER is `clippy-driver`, and that is hollow's place: unset it");
    let alone = workspace.path("cargo-hollow");
    fs::copy(super::workspace::CARGO_HOLLOW, &alone).unwrap();
    let ran = run(workspace.scratch.command(&alone).args(["hollow", "build"]));
    assert!(ran.stopped(2).ends_with("hollow`: install `hollow` and `cargo-hollow` into one directory"));
    let ran = run(workspace.command("build").env("CARGO", "/no/cargo"));
    assert_eq!(ran.stopped(2), "cannot run Cargo as `/no/cargo`: No such file or directory (os error 2)");
}

/// `RUSTC_BOOTSTRAP` would open unstable features, and the compiler would advise to use them.
#[test]
fn nothing_of_hollow_is_seen_by_what_is_built() {
    let workspace = workspace();
    let source = workspace.read("low/src/lib.rs");
    workspace
        .write("low/src/lib.rs", &format!("{source}pub const BOOTSTRAP: Option<&str> = option_env!(\"RUSTC_BOOTSTRAP\");\n"));
    workspace.edit("top/src/main.rs", "fn main() {", "fn main() {\n    assert_eq!(low::BOOTSTRAP, None);");
    workspace.hollow("run").ok();
    workspace.write("low/src/lib.rs", &format!("#![feature(never_type)]\n{source}"));
    let plain = run(&mut workspace.plain("build"));
    let hollow = workspace.hollow("build");
    assert_eq!(hollow.code, plain.code);
    assert_eq!(hollow.stderr.contains("E0554"), plain.stderr.contains("E0554"), "{hollow:?}");
}
