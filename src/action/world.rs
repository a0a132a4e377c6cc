//! What planning an action must know of the machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::rlib;

/// Answers the questions that a command line alone can't.
pub trait World {
    /// Whether there is such a file.
    fn is_file(&self, path: &Path) -> bool;
    /// Whether there is such a directory.
    fn is_directory(&self, path: &Path) -> bool;
    /// Hollow or full, or `None` if it can't be read as an rlib: then rustc will say so.
    fn rlib_kind(&self, path: &Path) -> Option<rlib::Kind>;
    /// Whether an rlib holds only a metadata stub.
    fn is_stub(&self, path: &Path) -> bool;
    /// The rlibs in a directory, sorted; none if it can't be read.
    fn rlibs_in(&self, directory: &Path) -> Vec<PathBuf>;
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<OsString>;
    /// The working directory, under each name that paths in the outputs may start with: as the shell wrote it, and without links.
    fn working_directory(&self) -> Vec<PathBuf>;
}

/// The machine this process runs on.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

impl World for Machine {
    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn rlib_kind(&self, path: &Path) -> Option<rlib::Kind> {
        rlib::kind(path).ok()
    }

    fn is_stub(&self, path: &Path) -> bool {
        rlib::is_stub(path)
    }

    fn rlibs_in(&self, directory: &Path) -> Vec<PathBuf> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let Ok(entries) = directory.read_dir() else { return Vec::new() };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut rlibs: Vec<_> = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rlib")).collect();
        rlibs.sort();
        rlibs
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn working_directory(&self) -> Vec<PathBuf> {
        let Ok(current) = std::env::current_dir() else { return Vec::new() };
        let canonical = current.canonicalize().unwrap_or_else(|_| current.clone());
        // What the shell calls it, if that is still true.
        let logical = std::env::var_os("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
        let logical = logical.filter(|path| path.canonicalize().is_ok_and(|path| path == canonical));
        let mut names: Vec<PathBuf> = logical.into_iter().collect();
        for name in [current, canonical] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
