//! What a clean build through the wrapper costs: Cargo with hollow as `RUSTC_WRAPPER` against plain Cargo, over ripgrep, or over the corpus with
//! `-- corpus`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark: a failure is a panic.

#[allow(dead_code)] // What the tests need of it.
#[path = "../tests/it/recorded.rs"]
mod recorded;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use recorded::{Recording, vendored_cargo};

/// Ways to build: what `HOLLOW_INTERFACE` is, if there is a wrapper.
const WAYS: [(&str, Option<&str>); 4] =
    [("plain Cargo", None), ("hollow, off", Some("off")), ("hollow, keep", Some("keep")), ("hollow, drop", Some("drop"))];

fn main() {
    let corpus = std::env::args().any(|argument| argument == "corpus");
    println!("{:<16}{:>10}{:>10}{:>16}", if corpus { "corpus" } else { "ripgrep" }, "CPU s", "wall s", "CPU ratio");
    let mut first = None;
    for (name, interface) in WAYS {
        let target = tempfile::tempdir().unwrap();
        let mut command = if corpus { corpus_build() } else { ripgrep_build() };
        command.env("CARGO_TARGET_DIR", target.path()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(interface) = interface {
            command.env("RUSTC_WRAPPER", env!("CARGO_BIN_EXE_hollow")).env("HOLLOW_INTERFACE", interface);
        }
        let (before, start) = (children(), Instant::now());
        assert!(command.status().unwrap().success(), "{command:?}");
        let (cpu, wall) = ((children() - before).as_secs_f64(), start.elapsed().as_secs_f64());
        let ratio = cpu / *first.get_or_insert(cpu);
        println!("{name:<16}{cpu:>10.1}{wall:>10.1}{ratio:>16.2}");
    }
}

fn ripgrep_build() -> Command {
    let recording = Recording::of_ripgrep(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap_or_else(|reason| panic!("{reason}"));
    vendored_cargo(&recording.source, "build")
}

fn corpus_build() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/corpus/Cargo.toml")]);
    cargo
}

/// The processor time of all children that have ended, user and system.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.try_into().unwrap())
}
