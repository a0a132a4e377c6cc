//! On a real remote-execution server.

use super::server::Server;
use super::workspace::{ALL, Workspace};

#[test]
fn everything_is_compiled_tested_and_cut_off_remotely() {
    let Some(workspace) = Workspace::example() else { return };
    let Some(server) = Server::start() else { return };
    workspace.vendor();
    let remote = format!("--remote_executor={} --spawn_strategy=remote --@rustc_hollow//bzl:interface=drop", server.address());
    let tested = workspace.bazel(&format!("test {remote} {ALL}")).ok();
    assert_eq!(tested.stdout.matches(" PASSED in ").count(), 2, "{tested:?}");
    assert!(tested.stderr.contains(" remote.") && !tested.stderr.contains("sandbox"), "{tested:?}");
    workspace.check_programs();

    workspace.replace("chain/base.rs", "    helper(x) * 2", "    // Thrice.\n    helper(x) * 3");
    let expected = ["RustcMetadata libbase", "Rustc libbase", "RustcLink chain"];
    assert_eq!(workspace.executed(&format!("{remote} //chain")), expected.map(str::to_owned).into());
    assert_eq!(workspace.run("chain/chain"), "12 10\n");
}
