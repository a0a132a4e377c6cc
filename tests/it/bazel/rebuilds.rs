//! Early cutoff: after each kind of edit to a library five levels below a program, what Bazel executes, by its own log.

use std::collections::BTreeSet;

use super::graph::{self, Size};
use super::workspace::Workspace;
use crate::rebuilds::{EDITS, Edit, LIBRARY, MIDDLE, PRINTED, Rebuilt};

const BOTTOM: [&str; 2] = ["RustcMetadata libbase", "Rustc libbase"];
const LINK: &str = "RustcLink chain";

/// Everything above the library.
fn dependents() -> BTreeSet<String> {
    let levels = (1..=4).flat_map(|level| [format!("RustcMetadata liblevel{level}"), format!("Rustc liblevel{level}")]);
    levels.chain(["RustcCompile chain.plan".to_owned(), LINK.to_owned()]).collect()
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

#[test]
fn a_private_body_far_down_reruns_the_rustc_of_one_crate_and_the_linkers_above_it() {
    let Some(workspace) = Workspace::example() else { return };
    graph::write(&workspace, &Size { layers: 3, width: 4, tests: 4 });
    for (settings, link) in [("", "RustcLink"), ("--@rustc_hollow//bzl:split_link=off", "Rustc")] {
        let build = format!("//graph:all --@rustc_hollow//bzl:interface=drop {settings}");
        workspace.executed(&build);
        workspace.replace("graph/c0_0.rs", "value * 31", "value * 37");
        let linked = ["graph", "t0", "t1", "t2", "t3"].map(|name| format!("{link} {name}"));
        let edited = ["RustcMetadata libc0_0", "Rustc libc0_0"].map(str::to_owned);
        assert_eq!(workspace.executed(&build), edited.into_iter().chain(linked).collect());
        workspace.replace("graph/c0_0.rs", "value * 37", "value * 31");
    }
    workspace.bazel("test //graph:all --@rustc_hollow//bzl:interface=drop").ok();
}
