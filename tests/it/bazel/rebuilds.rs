//! Early cutoff: after each kind of edit to a library five levels below a program, what Bazel executes, by its own log.

use std::collections::BTreeSet;

use super::workspace::Workspace;
use crate::rebuilds::{EDITS, Edit, LIBRARY, MIDDLE, PRINTED, Rebuilt};

const BOTTOM: [&str; 2] = ["RustcMetadata libbase", "Rustc libbase"];
const LINK: &str = "Rustc chain";

/// Everything above the library.
fn dependents() -> BTreeSet<String> {
    let levels = (1..=4).flat_map(|level| [format!("RustcMetadata liblevel{level}"), format!("Rustc liblevel{level}")]);
    levels.chain([LINK.to_owned()]).collect()
}

fn full_rlib(workspace: &Workspace) -> Vec<u8> {
    workspace.read(&workspace.output("chain", "libbase-", ".rlib").unwrap())
}

fn every_edit(lines: &str, expected: impl Fn(&Edit) -> Rebuilt) {
    let Some(workspace) = Workspace::example() else { return };
    workspace.write("chain/base.rs", LIBRARY);
    workspace.write("chain/level4.rs", MIDDLE);
    let cache = workspace.path("../cache");
    let build = format!("//chain --@rustc_hollow//bzl:interface={lines} --disk_cache={}", cache.display());
    let bottom: BTreeSet<String> = BOTTOM.map(str::to_owned).into();
    assert_eq!(workspace.executed(&build), bottom.union(&dependents()).cloned().collect());
    assert_eq!(workspace.run("chain/chain"), PRINTED);
    let unedited = full_rlib(&workspace);
    let mut wrong = Vec::new();
    for edit in EDITS {
        workspace.write("chain/base.rs", LIBRARY.replacen(edit.from, edit.to, 1));
        let executed = workspace.executed(&build);
        assert_eq!(workspace.run("chain/chain"), edit.printed, "{lines}: {}", edit.what);
        let mut all = bottom.clone();
        match expected(edit) {
            Rebuilt::Dependents => all.extend(dependents()),
            // Not even that, where the objects are the same.
            Rebuilt::Nothing if full_rlib(&workspace) != unedited => all.extend([LINK.to_owned()]),
            Rebuilt::Nothing => {}
        }
        if executed != all {
            wrong.push(format!("{}: {executed:?}", edit.what));
        }
        workspace.write("chain/base.rs", LIBRARY);
        assert_eq!(workspace.executed(&build), BTreeSet::new(), "the cache has everything for the way back");
    }
    assert_eq!(wrong, [] as [String; 0], "--interface={lines}");
}

#[test]
fn with_lines_kept_bazel_executes_what_the_table_says() {
    every_edit("keep", |edit| edit.keep);
}

#[test]
fn with_lines_dropped_bazel_executes_what_the_table_says() {
    every_edit("drop", |edit| edit.drop);
}
