//! A scratch directory and the programs that are run in it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A directory of its own for one test.
pub struct Scratch {
    directory: TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        Self { directory: tempfile::Builder::new().prefix("hollow-test-").tempdir().unwrap() }
    }

    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(relative)
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file, and the directories above it.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, relative: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(relative);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn exists(&self, relative: &str) -> bool {
        self.path(relative).symlink_metadata().is_ok()
    }

    /// Every file and directory below a directory, relative to it and sorted.
    pub fn list(&self, relative: &str) -> Vec<String> {
        walk(&self.path(relative))
    }

    /// A program to be run here, with `RUSTC_BOOTSTRAP` unset.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root()).env("PWD", self.root()).env_remove("RUSTC_BOOTSTRAP");
        command
    }

    /// `hollow` with these arguments.
    pub fn hollow(&self, arguments: &[&str]) -> Ran {
        run(self.command(HOLLOW).args(arguments))
    }

    /// `hollow ACTION OPTIONS -- rustc ARGUMENTS`, where everything is separated by spaces.
    pub fn action(&self, action: &str, rustc: &str) -> Ran {
        let line = format!("{action} -- rustc --edition=2021 {rustc}");
        self.hollow(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// rustc by itself, unstable options allowed.
    pub fn rustc(&self, arguments: &str) -> Ran {
        run(self.command("rustc").env("RUSTC_BOOTSTRAP", "1").arg("--edition=2021").args(arguments.split_whitespace()))
    }

    /// rustc by itself, as it is without `RUSTC_BOOTSTRAP`.
    pub fn stable_rustc(&self, arguments: &str) -> Ran {
        run(self.command("rustc").arg("--edition=2021").args(arguments.split_whitespace()))
    }
}

/// Every file and directory below a directory, relative to it and sorted. Links are not followed.
pub fn walk(base: &Path) -> Vec<String> {
    fn add(directory: &Path, base: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(base).unwrap().display().to_string());
            if path.is_dir() && !path.is_symlink() {
                add(&path, base, found);
            }
        }
    }
    let mut found = Vec::new();
    add(base, base, &mut found);
    found.sort();
    found
}

/// The binary under test.
pub const HOLLOW: &str = env!("CARGO_BIN_EXE_hollow");

/// The root of this repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a test needs is absent: it is skipped with a message, unless `HOLLOW_REQUIRE_TOOLS=1` says that everything must be there.
pub fn missing(what: &str) {
    assert!(std::env::var_os("HOLLOW_REQUIRE_TOOLS").is_none_or(|required| required != "1"), "missing: {what}");
    eprintln!("skipped: {what}");
}

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Ran {
        code: output.status.code(),
        signal: output.status.signal(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    /// Panics unless it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "it failed:\n{}{}", self.stdout, self.stderr);
        self
    }

    /// Panics unless it failed with this status and one line of hollow's own, which is the result, without `hollow: error: `.
    #[track_caller]
    pub fn stopped(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        let own = self.stderr.strip_prefix("hollow: error: ").unwrap_or_else(|| panic!("not a line of hollow's: {self:?}"));
        assert_eq!(own.matches('\n').count(), 1, "more than one line: {own}");
        own.trim_end().to_owned()
    }
}
