//! README's page on Bazel.

use super::workspace::Workspace;
use crate::readme::{commands, shell};
use crate::support::{HOLLOW, repository, run};

#[test]
fn the_page_on_bazel_leads_from_nothing_to_a_program() {
    let Some(workspace) = Workspace::example() else { return };
    let [write_workspace, library, program, build, edit] = &commands("From Bazel")[..] else { panic!("not five steps") };
    let page = workspace.path("../page/new");
    std::fs::create_dir_all(&page).unwrap();
    std::os::unix::fs::symlink(repository(), page.join("../rustc-hollow")).unwrap();
    // What Bazel 4 would fetch, as the example has it.
    let absent = ["remote_coverage_tools", "rules_cc", "rules_java"];
    let absent = absent.map(|name| {
        format!("build --override_repository={name}={}\n", repository().join("fixtures/bazel/absent").join(name).display())
    });
    let log = workspace.execution_log();
    let log = format!("build --execution_log_json_file={}\n", log.display());
    std::fs::write(page.join(".bazelrc"), absent.concat() + &log).unwrap();

    let session = |script: &str| {
        let mut command = std::process::Command::new("sh");
        command
            .current_dir(&page)
            .env("PWD", &page)
            .env("RUSTC_HOLLOW", HOLLOW)
            .env("TEST_TMPDIR", workspace.path("../page-bazel"));
        shell(&mut command, script)
    };
    assert_eq!(session(&[&**write_workspace, library, program, build].concat()), "hello, Bazel\n");
    assert_eq!(session(edit), "good morning, Bazel\n");
    let expected = ["RustcMetadata libgreeting", "Rustc libgreeting", "Rustc main"];
    assert_eq!(workspace.logged(), expected.map(str::to_owned).into());
    let mut shutdown = std::process::Command::new("bazel");
    run(shutdown.arg("shutdown").current_dir(&page).env("TEST_TMPDIR", workspace.path("../page-bazel"))).ok();
}
