//! What Cargo does on nightly, and soon everywhere: a directory for each unit, and metadata that are in the `.rmeta` alone.

use std::process::Command;

use super::workspace::{Workspace, manifest};
use crate::support::{missing, run};

/// The path of a program of the nightly toolchain.
fn nightly(program: &str) -> Option<String> {
    let ran = Command::new("rustup").args(["which", "--toolchain", "nightly", program]).output().ok()?;
    ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap().trim().to_owned())
}

#[test]
fn the_layouts_of_newer_cargos_are_known() {
    let (Some(cargo), Some(rustc)) = (nightly("cargo"), nightly("rustc")) else { return missing("the nightly toolchain") };
    let low = "pub fn shown<T: std::fmt::Debug>(value: T) -> String {\n    format!(\"{value:?}\")\n}\npub fn value() -> String {\n    shown(1u8)\n}\n";
    let workspace = Workspace::new(&[
        ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"low\", \"mid\", \"top\"]\n"),
        ("low/Cargo.toml", &manifest("low", "")),
        ("low/src/lib.rs", low),
        (
            "low/build.rs",
            "fn main() {\n    println!(\"cargo:rustc-env=SAID={}\", std::fs::read_to_string(\"said\").unwrap());\n    println!(\"cargo:rerun-if-changed=said\");\n}\n",
        ),
        ("low/said", "a"),
        ("mid/Cargo.toml", &manifest("mid", "[dependencies]\nlow = { path = \"../low\" }")),
        ("mid/src/lib.rs", "pub fn mid() -> String {\n    low::value() + &low::shown(2u8)\n}\n"),
        ("top/Cargo.toml", &manifest("top", "[dependencies]\nmid = { path = \"../mid\" }")),
        ("top/src/main.rs", "fn main() {\n    println!(\"{}\", mid::mid());\n}\n"),
    ]);
    let variants = [
        "-Zbuild-dir-new-layout",
        "-Zno-embed-metadata",
        "-Zbuild-dir-new-layout -Zno-embed-metadata",
        "-Zbuild-dir-new-layout -Zchecksum-freshness",
        // And a directory for everything but what is for people.
        "",
    ];
    for (number, flags) in variants.into_iter().enumerate() {
        workspace.write("low/src/lib.rs", low);
        if flags.is_empty() {
            workspace.write(".cargo/config.toml", "[build]\nbuild-dir = \"elsewhere\"\n");
        }
        let hollow = |arguments: &str| {
            let mut command = workspace.command(arguments);
            command.env("CARGO", &cargo).env("RUSTC", &rustc).env("CARGO_TARGET_DIR", workspace.path(&format!("target{number}")));
            run(&mut command).ok()
        };
        let built = |command: &str, expected: [&str; 3]| {
            hollow(&format!("{command} {flags}"));
            let why = hollow("why").stdout;
            let kind = if command == "check" { ["check of lib", "check of lib", "check of bin"] } else { ["lib", "lib", "bin"] };
            for ((package, kind), expected) in ["low", "mid", "top"].iter().zip(kind).zip(expected) {
                assert!(why.lines().any(|line| line.starts_with(&format!("{expected:<9}{package} {kind}:"))), "{flags}: {why}");
            }
        };
        built("build", ["compiled", "compiled", "compiled"]);
        built("check", ["compiled", "compiled", "compiled"]);
        workspace.edit("low/src/lib.rs", "    shown(1u8)", "    String::from(\"3\")");
        built("build", ["compiled", "skipped", "relinked"]);
        assert_eq!(workspace.prints(&format!("target{number}/debug/top")), "32\n", "{flags}");
        built("check", ["compiled", "skipped", "skipped"]);
        // What it has said is an input.
        workspace.write("low/said", &format!("b{number}"));
        built("build", ["compiled", "compiled", "compiled"]);
        workspace.edit("low/src/lib.rs", "pub fn value() -> String {", "pub fn more() {}\npub fn value() -> String {");
        built("build", ["compiled", "compiled", "compiled"]);
        assert_eq!(workspace.prints(&format!("target{number}/debug/top")), "32\n", "{flags}");
        hollow("clean");
    }
}
