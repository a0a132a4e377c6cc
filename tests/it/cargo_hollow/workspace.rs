//! A workspace, Cargo, and what became of its units.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Ran, Scratch, run};

/// The front end under test. `hollow` is beside it.
pub const CARGO_HOLLOW: &str = env!("CARGO_BIN_EXE_cargo-hollow");

/// A workspace of its own for one test.
pub struct Workspace {
    pub scratch: Scratch,
}

impl Workspace {
    /// From files: a path and its content each.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let workspace = Self { scratch: Scratch::new() };
        for (path, content) in files {
            workspace.write(path, content);
        }
        workspace
    }

    pub fn write(&self, path: &str, content: &str) {
        self.scratch.write(path, content);
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.scratch.path(path)).unwrap()
    }

    /// Replaces text that must be there.
    #[track_caller]
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no `{from}`");
        self.write(path, &text.replacen(from, to, 1));
    }

    /// Cargo as it is, in a target directory of its own.
    pub fn plain(&self, arguments: &str) -> Command {
        let mut command = self.clean_command("cargo");
        command.args(arguments.split_whitespace()).arg("--offline").env("CARGO_TARGET_DIR", self.scratch.path("plain"));
        command
    }

    /// `cargo hollow`, not yet started.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.clean_command(CARGO_HOLLOW);
        command.arg("hollow").args(arguments.split_whitespace());
        command
    }

    fn clean_command(&self, program: &str) -> Command {
        let mut command = self.scratch.command(program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let is_cargos = name.starts_with("CARGO") && name != "CARGO_HOME";
            if is_cargos || name.starts_with("RUSTC") || name.starts_with("RUSTFLAGS") || name.starts_with("HOLLOW_") {
                command.env_remove(&*name);
            }
        }
        command.env("CARGO_NET_OFFLINE", "true");
        command
    }

    pub fn hollow(&self, arguments: &str) -> Ran {
        run(&mut self.command(arguments))
    }

    /// What became of each unit that the last run of Cargo started: the words of `cargo hollow why`, by package and kind.
    pub fn why(&self) -> BTreeMap<String, String> {
        let said = self.hollow("why").ok().stdout;
        let line = |line: &str| {
            let (outcome, rest) = line.split_once(' ').unwrap();
            let (unit, reason) = rest.trim_start().split_once(": ").unwrap();
            (unit.to_owned(), format!("{outcome}: {reason}"))
        };
        said.lines().map(line).collect()
    }

    /// Runs it, and tells the outcome of each unit, such as `compiled base lib, skipped middle lib`.
    #[track_caller]
    pub fn outcomes(&self, arguments: &str) -> String {
        self.hollow(arguments).ok();
        self.last_outcomes()
    }

    /// The outcome of each unit of the last run.
    pub fn last_outcomes(&self) -> String {
        let mut outcomes: Vec<_> =
            self.why().into_iter().map(|(unit, said)| format!("{} {unit}", said.split(':').next().unwrap())).collect();
        outcomes.sort();
        outcomes.join(", ")
    }

    /// What a program in the target directory prints.
    pub fn prints(&self, program: &str) -> String {
        run(&mut self.scratch.command(self.scratch.path(program))).ok().stdout
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.scratch.path(path)
    }
}

/// The manifest of a package.
pub fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n{rest}\n")
}
