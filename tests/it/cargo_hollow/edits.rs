//! The table of what rebuilds whom, in Cargo's terms.

use super::workspace::{Workspace, manifest};
use crate::rebuilds::{EDITS, LIBRARY, MIDDLE, PRINTED, Rebuilt};

fn workspace() -> Workspace {
    Workspace::new(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"base\", \"middle\", \"program\"]\n[profile.dev]\ndebug = false\n",
        ),
        ("base/Cargo.toml", &manifest("base", "")),
        ("base/src/lib.rs", LIBRARY),
        ("middle/Cargo.toml", &manifest("middle", "[dependencies]\nbase = { path = \"../base\" }")),
        ("middle/src/lib.rs", MIDDLE),
        ("program/Cargo.toml", &manifest("program", "[dependencies]\nmiddle = { path = \"../middle\" }")),
        ("program/src/main.rs", "fn main() { println!(\"{}\", middle::summary()); }"),
    ])
}

fn every_edit(lines: &str, expected: impl Fn(&crate::rebuilds::Edit) -> Rebuilt) {
    let workspace = workspace();
    let hollow = |command: &str| workspace.outcomes(&format!("--lines {lines} {command}"));
    assert_eq!(hollow("build"), "compiled base lib, compiled middle lib, compiled program bin");
    assert_eq!(workspace.prints("target/debug/program"), PRINTED);
    assert_eq!(hollow("check"), "compiled base check of lib, compiled middle check of lib, compiled program check of bin");
    let mut wrong = Vec::new();
    // Those that cost nothing first: then each edit is one to the interface of the one before it, too.
    let (free, dear): (Vec<_>, Vec<_>) = EDITS.iter().partition(|edit| expected(edit) == Rebuilt::Nothing);
    for edit in free.into_iter().chain(dear) {
        workspace.write("base/src/lib.rs", &LIBRARY.replacen(edit.from, edit.to, 1));
        let is_free = expected(edit) == Rebuilt::Nothing;
        let (build, check) = (hollow("build"), hollow("check"));
        assert_eq!(workspace.prints("target/debug/program"), edit.printed, "{lines}: {}", edit.what);
        // Where the objects are the same, too, not even the program is linked again.
        let programs = ["relinked program bin, skipped middle lib", "skipped middle lib, skipped program bin"];
        let build_is_free = programs.iter().any(|others| build == format!("compiled base lib, {others}"));
        let check_is_free = check == "compiled base check of lib, skipped middle check of lib, skipped program check of bin";
        if build_is_free != is_free || check_is_free != is_free {
            wrong.push(format!("{}: {build}; {check}", edit.what));
        }
    }
    assert_eq!(wrong, [] as [String; 0], "{lines}");
}

#[test]
fn with_lines_dropped_each_edit_costs_what_the_table_says() {
    every_edit("drop", |edit| edit.drop);
}

#[test]
fn with_lines_kept_each_edit_costs_what_the_table_says() {
    every_edit("keep", |edit| edit.keep);
}

#[test]
fn the_reason_has_a_name() {
    let workspace = workspace();
    workspace.hollow("build").ok();
    workspace.edit("base/src/lib.rs", "helper(x) * 2", "helper(x) * 3");
    workspace.hollow("build").ok();
    let why = workspace.why();
    assert_eq!(why["base lib"], "compiled: source base/src/lib.rs changed (interface unchanged)");
    assert_eq!(why["middle lib"], "skipped: nothing that it was made from has changed");
    assert!(why["program bin"].starts_with("relinked: objects of libbase-"), "{why:?}");
    let source = workspace.read("base/src/lib.rs");
    workspace.write("base/src/lib.rs", &format!("{source}\npub fn added() {{}}\n"));
    workspace.hollow("build").ok();
    let why = workspace.why();
    assert_eq!(why["base lib"], "compiled: source base/src/lib.rs changed (interface changed: fn added added)");
    assert_eq!(why["middle lib"], "compiled: interface of dependency base changed: fn added added (published)");
    let only = workspace.hollow("why middle").ok().stdout;
    assert_eq!(only.lines().count(), 1, "{only}");
    workspace.hollow("build").ok();
    // Cargo started nothing, so that was the last run in which it did.
    assert_eq!(workspace.why(), why);
    assert_eq!(workspace.hollow("why nobody").stopped(2), "there is no package `nobody` in this workspace");
    let cleaned = workspace.hollow("clean").ok();
    assert_eq!(cleaned.stderr, "hollow: removed the state of 3 units\n");
    assert_eq!(
        workspace.hollow("why").stopped(2),
        "nothing is known of a last run: run `cargo hollow check` or `cargo hollow build` first"
    );
    // Cargo's own view of what is fresh is as it was.
    let fresh = workspace.hollow("build").ok();
    assert!(!fresh.stderr.contains("Compiling"), "{fresh:?}");
}
