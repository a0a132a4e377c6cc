//! Running rustc: in place of this process where nothing follows, otherwise as a child whose end is awaited.

mod child;
mod exit;
mod limits;
mod seeds;

pub use child::Runner;
pub use exit::{Ended, die_of, signal_name};
pub use limits::Limits;
pub use seeds::{Preload, Seeds};

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use anyhow::anyhow;
use tempfile::TempDir;

use crate::rustc::{is_toolchain, response_file};

/// A directory for what nobody needs after this process.
pub fn temporary_directory() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("hollow-").tempdir().map_err(|error| {
        let place = std::env::temp_dir();
        anyhow!("cannot make a temporary directory in `{}` (see TMPDIR): {}", place.display(), without_temporary_name(error))
    })
}

/// What went wrong, but not with which name: it was made up and says nothing to anybody.
pub fn without_temporary_name(error: io::Error) -> io::Error {
    // tempfile writes it behind the error's own words, and does not give those away otherwise.
    match error.to_string().rsplit_once(" at path \"") {
        Some((what, _)) => io::Error::new(error.kind(), what),
        None => error,
    }
}

/// A program to start.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The program's path, with at least one `/` unless `PATH` is to be searched.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What is set in its environment on top of this process's own.
    pub env: Vec<(OsString, OsString)>,
}

impl Invocation {
    /// Replaces this process by the program. Returns only if that failed.
    pub fn exec(&self) -> io::Error {
        self.command().exec()
    }

    /// Whether the system would take this command line and environment as they are.
    pub fn fits(&self, limits: &Limits) -> bool {
        let inherited = std::env::vars_os().map(|(name, value)| name.len() + value.len() + 1);
        let added = self.env.iter().map(|(name, value)| name.len() + value.len() + 1);
        let program = std::iter::once(self.program.as_os_str().len());
        limits.allow(program.chain(self.args.iter().map(|arg| arg.len())).chain(inherited).chain(added))
    }

    /// Moves the longest run of arguments that a response file can hold into one, in `directory`. What can't be in a response file (a
    /// line end, bytes that are no UTF-8) stays on the command line, in its place. So does what rustup looks for there.
    pub fn use_response_file(&mut self, directory: &TempDir) -> io::Result<()> {
        let from = usize::from(self.args.first().is_some_and(|first| is_toolchain(first)));
        let Some(run) = longest_run(&self.args[from..]) else { return Ok(()) };
        let run = run.start + from..run.end + from;
        let path = directory.path().join("arguments");
        let content = response_file::render(self.args[run.clone()].iter().map(OsString::as_os_str)).unwrap_or_default();
        std::fs::write(&path, content)?;
        let mut token = OsString::from("@");
        token.push(&path);
        self.args.splice(run, [token]);
        Ok(())
    }

    /// As the standard library starts it.
    pub fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The run of representable arguments with the most bytes.
fn longest_run(args: &[OsString]) -> Option<std::ops::Range<usize>> {
    let bytes = |args: &[OsString]| args.iter().map(|arg| arg.len() + 1).sum::<usize>();
    let mut runs = Vec::new();
    let mut start = 0;
    for run in args.split(|arg| !response_file::is_representable(OsStr::new(arg))) {
        runs.push(start..start + run.len());
        start += run.len() + 1;
    }
    runs.into_iter().filter(|run| !run.is_empty()).max_by_key(|run| bytes(&args[run.clone()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_run_goes_into_the_response_file_and_the_rest_stays() {
        let args = ["-a", "x\ny", "-bb", "-cc", "-dd", "q\nr", "-e"].map(OsString::from).to_vec();
        let mut invocation = Invocation { program: "rustc".into(), args, env: Vec::new() };
        let directory = tempfile::tempdir().unwrap();
        invocation.use_response_file(&directory).unwrap();
        let file = directory.path().join("arguments");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "-bb\n-cc\n-dd\n");
        assert_eq!(invocation.args, ["-a", "x\ny", &format!("@{}", file.display()), "q\nr", "-e"]);
    }
}
