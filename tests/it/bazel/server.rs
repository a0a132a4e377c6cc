//! A real remote-execution server and remote cache: buildbox-casd. Its sandbox has the system's directories, for the linker, and nothing else: not
//! even a Rust toolchain, which the actions bring with them.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::workspace::is_here;
use crate::support::Scratch;

/// A server, which ends with it.
pub struct Server {
    process: Child,
    port: u16,
    _storage: Scratch,
}

impl Server {
    /// `None`, and a message, if there is no such server here.
    pub fn start() -> Option<Self> {
        if !["buildbox-casd", "buildbox-run", "bwrap"].into_iter().all(is_here) {
            return None;
        }
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
        let mut server = Self { process, port, _storage: storage };
        let patience = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(server.process.try_wait().unwrap().is_none(), "buildbox-casd has ended");
            assert!(Instant::now() < patience, "buildbox-casd does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Some(server)
    }

    /// As Bazel's flags take it.
    pub fn address(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
