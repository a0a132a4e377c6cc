//! Real workspaces, put together from packages of crates.io that belong together: their own tests pass under `cargo hollow test`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::workspace::Workspace;
use crate::support::{missing, repository, run};

/// The members of a workspace, each with its version. Its lock file is `fixtures/workspaces/NAME.lock`.
struct Family {
    name: &'static str,
    members: &'static [&'static str],
    /// How many of its tests pass at least.
    tests: u32,
}

const RIPGREP: Family = Family {
    name: "ripgrep",
    members: &[
        "ripgrep@15.1.0",
        "globset@0.4.18",
        "ignore@0.4.25",
        "grep@0.4.1",
        "grep-cli@0.1.12",
        "grep-matcher@0.1.8",
        "grep-printer@0.3.1",
        "grep-regex@0.1.14",
        "grep-searcher@0.1.16",
    ],
    tests: 900,
};

const TOML: Family = Family {
    name: "toml",
    members: &["toml@0.9.8", "toml_datetime@0.7.3", "toml_parser@1.0.4", "toml_writer@1.0.4", "toml_edit@0.23.7"],
    tests: 40,
};

const CROSSBEAM: Family = Family {
    name: "crossbeam",
    members: &["crossbeam-deque@0.8.6", "crossbeam-epoch@0.9.18", "crossbeam-queue@0.3.12", "crossbeam-utils@0.8.21"],
    tests: 100,
};

/// Gets the packages by ordinary Cargo, once. `None` with a message if they can't be had.
fn sources(family: &Family) -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workspaces").join(family.name);
    fs::create_dir_all(&directory).unwrap();
    // Another process may be at it.
    let lock = File::create(directory.join("lock")).unwrap();
    lock.lock().unwrap();
    let (get, sources, unfinished) = (directory.join("get"), directory.join("sources"), directory.join("unfinished"));
    if sources.is_dir() {
        return Some(sources);
    }
    drop(fs::remove_dir_all(&unfinished));
    fs::create_dir_all(get.join("src")).unwrap();
    let dependency = |member: &&str| member.replace('@', " = \"=") + "\"\n";
    let dependencies: String = family.members.iter().map(dependency).collect();
    fs::write(get.join("Cargo.toml"), super::workspace::manifest("get", &format!("[dependencies]\n{dependencies}\n[workspace]")))
        .unwrap();
    fs::write(get.join("src/lib.rs"), "").unwrap();
    let vendored = run(Command::new("cargo").args(["vendor", "--quiet"]).arg(&unfinished).current_dir(&get));
    if vendored.code != Some(0) {
        missing(&format!("the packages of {}: {}", family.name, vendored.stderr));
        return None;
    }
    fs::rename(&unfinished, &sources).unwrap();
    Some(sources)
}

fn workspace(family: &Family) -> Option<Workspace> {
    let sources = sources(family)?;
    let names = family.members.iter().map(|member| member.split('@').next().unwrap());
    let patches: String = names
        .clone()
        .filter(|name| *name != "ripgrep")
        .map(|name| format!("{name} = {{ path = \"members/{name}\" }}\n"))
        .collect();
    let workspace = Workspace::new(&[
        ("Cargo.toml", &format!("[workspace]\nresolver = \"2\"\nmembers = [\"members/*\"]\n[patch.crates-io]\n{patches}")),
        ("members/.keep", ""),
    ]);
    fs::remove_file(workspace.path("members/.keep")).unwrap();
    for name in names {
        run(Command::new("cp").arg("-R").arg(sources.join(name)).arg(workspace.path("members"))).ok();
    }
    fs::copy(repository().join(format!("fixtures/workspaces/{}.lock", family.name)), workspace.path("Cargo.lock")).unwrap();
    Some(workspace)
}

fn tests_pass(family: &Family, edited: &str, from: &str, to: &str) {
    let Some(workspace) = workspace(family) else { return };
    let test = || {
        let ran = run(workspace.command("test --workspace --locked").env_remove("CARGO_NET_OFFLINE")).ok();
        let passed = |line: &str| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<u32>().ok();
        let passed: u32 = ran.stdout.lines().filter_map(passed).sum();
        assert!(passed >= family.tests, "{passed} tests of {}", family.name);
    };
    test();
    // After an edit of a private body no library is compiled but that one.
    workspace.hollow("build --workspace --locked").ok();
    workspace.edit(edited, from, to);
    workspace.hollow("build --workspace --locked").ok();
    let compiled = |(_, said): &(String, String)| said.starts_with("compiled");
    let compiled: Vec<_> = workspace.why().into_iter().filter(compiled).map(|(unit, _)| unit).collect();
    let edited = edited.split('/').nth(1).unwrap();
    assert_eq!(compiled, [format!("{edited} lib")]);
}

#[test]
fn the_tests_of_ripgreps_workspace_pass() {
    tests_pass(&RIPGREP, "members/globset/src/pathutil.rs", "let last_slash = path", "let last_slash: usize = path");
}

#[test]
fn the_tests_of_tomls_workspace_pass() {
    tests_pass(&TOML, "members/toml_datetime/src/datetime.rs", "let mut nanosecond = 0;", "let mut nanosecond = 0_u32;");
}

#[test]
fn the_tests_of_crossbeams_workspace_pass() {
    tests_pass(
        &CROSSBEAM,
        "members/crossbeam-utils/src/sync/wait_group.rs",
        "let mut count = inner.count.lock().unwrap();",
        "let mut count = { inner.count.lock().unwrap() };",
    );
}
