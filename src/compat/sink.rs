//! Where diagnostics go.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

/// A file, standard error or standard output. The first failure is kept for the end, so that the compilation goes on.
#[derive(Debug)]
pub enum Sink {
    /// This process's standard error. A reader that has gone away is no reason to fail.
    Stderr,
    /// This process's standard output.
    Stdout,
    /// A file, and why it has not got everything.
    File(PathBuf, File, Option<io::Error>),
}

impl Sink {
    /// Makes or empties a file. `flag` is who asked for it.
    pub fn file(flag: &str, path: &Path) -> Result<Self> {
        Ok(Self::File(path.to_owned(), create(flag, path)?, None))
    }

    /// Writes, if nothing has gone wrong before.
    pub fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Stderr => drop(io::stderr().write_all(bytes)),
            Self::Stdout => drop(io::stdout().write_all(bytes).and_then(|()| io::stdout().flush())),
            Self::File(_, file, failed @ None) => *failed = file.write_all(bytes).err(),
            Self::File(..) => {}
        }
    }

    /// Says what has gone wrong.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::File(path, _, Some(error)) => Err(anyhow!("cannot write `{}`: {error}", path.display())),
            _ => Ok(()),
        }
    }
}

/// Makes or empties a file that `flag` names.
pub fn create(flag: &str, path: &Path) -> Result<File> {
    File::create(path).map_err(|error| anyhow!("{flag}: cannot write `{}`: {error}", path.display()))
}
