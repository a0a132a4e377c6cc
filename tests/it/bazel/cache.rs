//! What was built in one place is not built again in another.

use super::server::Server;
use super::workspace::Workspace;

#[test]
fn from_another_output_base_with_a_shared_remote_cache_no_rustc_runs() {
    let Some(server) = Server::start() else { return };
    let build = format!("//chain //hello:all --@rustc_hollow//bzl:interface=drop --remote_cache={}", server.address());
    let mut programs = Vec::new();
    for _ in 0..2 {
        let Some(workspace) = Workspace::example() else { return };
        let executed = workspace.executed(&build);
        assert_eq!(executed.is_empty(), !programs.is_empty(), "{executed:?}");
        programs.push(workspace.read("bazel-bin/hello/hello"));
    }
    assert!(programs[0] == programs[1]);
}

#[test]
fn outputs_do_not_depend_on_where_they_are_made() {
    let mut made = Vec::new();
    for strategy in ["sandboxed", "local"] {
        let Some(workspace) = Workspace::example() else { return };
        workspace.bazel(&format!("build //hello --spawn_strategy={strategy} --compilation_mode=dbg")).ok();
        made.push(workspace.read("bazel-bin/hello/hello"));
    }
    assert!(made[0] == made[1]);
}
