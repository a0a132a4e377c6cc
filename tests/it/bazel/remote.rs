//! On a real remote-execution server. Its sandbox has the system's directories, for the linker, and nothing else: not even a Rust toolchain,
//! which the actions bring with them.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::workspace::{Workspace, is_here};
use crate::support::Scratch;

/// A server, which ends with it.
struct Server {
    process: Child,
    port: u16,
    _storage: Scratch,
}

impl Server {
    fn start() -> Self {
        let storage = Scratch::new();
        // Whoever takes the port in between makes the test fail, not pass.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("buildbox-casd");
        command.arg(format!("--bind=127.0.0.1:{port}"));
        command.arg(format!("--buildbox-run={}", which::which("buildbox-run").unwrap().display()));
        for directory in ["/usr", "/bin", "/lib", "/lib64", "/etc"] {
            command.arg(format!("--runner-arg=--bind-mount={directory}:{directory}"));
        }
        command.args(["--jobs", "2"]).arg(storage.root());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { process, port, _storage: storage };
        let patience = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "buildbox-casd does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn everything_is_compiled_tested_and_cut_off_remotely() {
    if !["buildbox-casd", "buildbox-run", "bwrap"].into_iter().all(is_here) {
        return;
    }
    let Some(workspace) = Workspace::example() else { return };
    let server = Server::start();
    let remote =
        format!("--remote_executor=grpc://127.0.0.1:{} --spawn_strategy=remote --@rustc_hollow//bzl:interface=drop", server.port);
    let tested = workspace.bazel(&format!("test {remote} //hello:all //chain")).ok();
    assert_eq!(tested.stdout.matches(" PASSED in ").count(), 2, "{tested:?}");
    assert!(tested.stderr.contains(" remote.") && !tested.stderr.contains("sandbox"), "{tested:?}");
    assert_eq!(workspace.run("hello/hello"), "hello, world! a Guest 1.2.3 42\n");

    workspace.replace("chain/base.rs", "    helper(x) * 2", "    // Thrice.\n    helper(x) * 3");
    let expected = ["RustcMetadata libbase", "Rustc libbase", "Rustc chain"];
    assert_eq!(workspace.executed(&format!("{remote} //chain")), expected.map(str::to_owned).into());
    assert_eq!(workspace.run("chain/chain"), "12 10\n");
}
