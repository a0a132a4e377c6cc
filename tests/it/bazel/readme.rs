//! README's page on Bazel.

use super::workspace::Workspace;
use crate::readme::{commands, shell};
use crate::support::repository;

#[test]
fn the_page_on_bazel_leads_from_nothing_to_a_program() {
    let Some(workspace) = Workspace::empty() else { return };
    let [write_workspace, library, program, build, edit] = &commands("From Bazel")[..] else { panic!("not five steps") };
    std::os::unix::fs::symlink(repository(), workspace.path("../rustc-hollow")).unwrap();
    let startup = String::from_utf8(workspace.read(".bazelrc")).unwrap();
    // What Bazel 4 would fetch, as the example has it.
    let absent = ["remote_coverage_tools", "rules_cc", "rules_java"].map(|name| {
        format!("build --override_repository={name}={}\n", repository().join("fixtures/bazel/absent").join(name).display())
    });
    let log = format!("build --execution_log_json_file={}\n", workspace.execution_log().display());
    workspace.write(".bazelrc", [startup, absent.concat(), log].concat());

    // hollow is built by Cargo, as it is for somebody who starts with nothing.
    let session = |script: &str| {
        let mut command = workspace.command("sh");
        shell(command.env_remove("RUSTC_HOLLOW").env_remove("CARGO_TARGET_DIR"), script)
    };
    assert_eq!(session(&[&**write_workspace, library, program, build].concat()), "hello, Bazel\n");
    assert_eq!(session(edit), "good morning, Bazel\n");
    let expected = ["RustcMetadata libgreeting", "Rustc libgreeting", "RustcLink main"];
    assert_eq!(workspace.logged(), expected.map(str::to_owned).into());
}
