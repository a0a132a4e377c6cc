//! The actions in Bazel's persistent workers.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::workspace::Workspace;
use crate::support::{run, walk};

const TARGETS: &str = "//chain //hello:all //diamond:all";
const WORKER: &str = "--@rustc_hollow//bzl:worker=multiplex";
const SINGLEPLEX: &str = "--@rustc_hollow//bzl:worker=singleplex";
const PIPELINED: &str = "--@rustc_hollow//bzl:worker_pipelining=on";

/// The example, with a rustc that keeps a list of what it was started for.
struct Counted {
    workspace: Workspace,
}

impl Counted {
    fn new() -> Option<Self> {
        let workspace = Workspace::example()?;
        let sysroot = run(workspace.command("rustc").args(["--print", "sysroot"])).ok().stdout.trim().to_owned();
        let place = workspace.path("../sysroot");
        fs::create_dir_all(place.join("bin")).unwrap();
        std::os::unix::fs::symlink(format!("{sysroot}/lib"), place.join("lib")).unwrap();
        let rustc = place.join("bin/rustc");
        let script = format!(
            "#!/bin/sh\nif [ \"$*\" = '--print sysroot' ]; then echo {place}; exit; fi\n\
             echo \"$*\" >> {list}\nexec {sysroot}/bin/rustc \"$@\"\n",
            place = place.display(),
            list = workspace.path("../rustcs").display(),
        );
        fs::write(&rustc, script).unwrap();
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
        workspace.replace("WORKSPACE", "name = \"rust\"", &format!("name = \"rust\", rustc = {:?}", rustc));
        Some(Self { workspace })
    }

    /// Builds, and tells how often rustc was started for each library.
    fn build(&self, arguments: &str) -> BTreeMap<String, usize> {
        let list = self.workspace.path("../rustcs");
        let _ = fs::remove_file(&list);
        self.workspace.bazel(&format!("build {arguments}")).ok();
        let mut counts = BTreeMap::new();
        for line in fs::read_to_string(list).unwrap_or_default().lines().filter(|line| line.contains("--crate-type=rlib")) {
            let (_, name) = line.split_once("--crate-name=").unwrap();
            *counts.entry(name.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    /// What was built. Flagfiles differ, and so does what nobody declares.
    fn outputs(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.workspace.path("bazel-bin");
        let is_output =
            |path: &String| [".rlib", ".jsonl", ".so", "/hello", "/chain", "_test"].iter().any(|end| path.ends_with(end));
        let files =
            walk(&root).into_iter().filter(|path| is_output(path) && !path.contains(".runfiles") && root.join(path).is_file());
        files.map(|path| (path.clone(), fs::read(root.join(&path)).unwrap())).collect()
    }
}

#[test]
fn one_rustc_makes_both_rlibs_of_each_library_and_they_are_those_of_two() {
    let Some(counted) = Counted::new() else { return };
    let counts = counted.build(&format!("{TARGETS} {WORKER} {PIPELINED}"));
    assert!(counts.len() >= 10 && counts.values().all(|count| *count == 1), "{counts:?}");
    let outputs = counted.outputs();
    assert!(outputs.len() > 40, "{:?}", outputs.keys());
    assert_eq!(counted.workspace.run("hello/hello"), "hello, world! a Guest 1.2.3 42\n");

    for settings in ["--spawn_strategy=local", &format!("{SINGLEPLEX} --jobs=8")] {
        counted.workspace.bazel("clean").ok();
        let counts = counted.build(&format!("{TARGETS} {PIPELINED} {settings}"));
        assert!(counts.values().all(|count| *count == 2), "{settings}: {counts:?}");
        let others = counted.outputs();
        let differing: Vec<_> = outputs.iter().filter(|(path, content)| others.get(*path) != Some(content)).collect();
        let differing: Vec<_> = differing.iter().map(|(path, _)| path).collect();
        assert!(differing.is_empty() && others.len() == outputs.len(), "{settings}: {differing:?}");
    }
}

#[test]
fn a_worker_builds_what_was_edited_and_shows_errors_and_warnings() {
    let Some(counted) = Counted::new() else { return };
    let workspace = &counted.workspace;
    let build = format!("//chain {WORKER} {PIPELINED} --jobs=1");
    assert!(counted.build(&build).values().all(|count| *count == 1));
    workspace.replace("chain/base.rs", "helper(x) * 2", "let unused = 1; helper(x) * 3");
    let warned = workspace.bazel(&format!("build {build}")).ok();
    assert_eq!(warned.stderr.matches("unused variable: `unused`").count(), 1, "{warned:?}");
    assert_eq!(workspace.run("chain/chain"), "12 10\n");
    workspace.replace("chain/base.rs", "let unused = 1;", "let wrong: u8 = \"\";");
    let failed = workspace.bazel(&format!("build {build}"));
    assert_eq!((failed.code, failed.stderr.matches("error[E0308]").count()), (Some(1), 1), "{failed:?}");
    workspace.replace("chain/base.rs", "let wrong: u8 = \"\"; helper(x) * 3", "helper(x) * 2");
    workspace.bazel(&format!("build {build}")).ok();
    assert_eq!(workspace.run("chain/chain"), "8 10\n");
    workspace.bazel("clean").ok();
    assert!(counted.build(&build).values().all(|count| *count == 1));
}

#[test]
fn without_pipelining_the_worker_makes_what_processes_make() {
    let Some(counted) = Counted::new() else { return };
    for interface in ["off", "drop"] {
        let build = format!("{TARGETS} --@rustc_hollow//bzl:interface={interface}");
        counted.build(&format!("{build} {WORKER}"));
        let outputs = counted.outputs();
        counted.workspace.bazel("clean").ok();
        counted.build(&format!("{build} --spawn_strategy=local"));
        assert!(counted.outputs() == outputs, "{interface}");
    }
}
