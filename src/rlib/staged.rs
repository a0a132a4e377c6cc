//! A file that appears complete or not at all.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempPath};

const PREFIX: &str = ".hollow-";

/// A new file without its final name. If it is dropped before it gets that, nothing is left.
pub struct Staged {
    file: File,
    name: Name,
}

enum Name {
    /// It has none yet, so that the system removes it even if this process is killed.
    #[cfg(target_os = "linux")]
    None,
    Temporary(TempPath),
}

impl Staged {
    /// Makes a file in the directory of `path`, because only within a file system can it be renamed.
    pub fn beside(path: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless(directory(path)) {
            return Ok(Self { file, name: Name::None });
        }
        Self::with_temporary_name(path)
    }

    /// What is left to systems and file systems without nameless files: one that stays if this process is killed.
    fn with_temporary_name(path: &Path) -> io::Result<Self> {
        let (file, name) = Builder::new().prefix(PREFIX).tempfile_in(directory(path))?.into_parts();
        Ok(Self { file, name: Name::Temporary(name) })
    }

    /// Where to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it its name, in the place of whatever had it.
    pub fn publish(self, path: &Path) -> io::Result<()> {
        let name = match self.name {
            Name::Temporary(name) => name,
            #[cfg(target_os = "linux")]
            Name::None => named(&self.file, directory(path))?,
        };
        Ok(name.persist(path)?)
    }
}

/// A file of `O_TMPFILE`; `None` where the file system has no such thing (NFS), or where it could not be named later.
#[cfg(target_os = "linux")]
fn nameless(directory: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, directory, flags, Mode::RUSR | Mode::WUSR).ok()?);
    link_source(&file).exists().then_some(file)
}

/// `linkat` gives no name that is taken, so there is one step between none and the final one.
#[cfg(target_os = "linux")]
fn named(file: &File, directory: &Path) -> io::Result<TempPath> {
    use rustix::fs::{AtFlags, CWD, linkat};
    let link = |path: &Path| Ok(linkat(CWD, link_source(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?);
    Builder::new().prefix(PREFIX).make_in(directory, link).map(NamedTempFile::into_temp_path)
}

#[cfg(target_os = "linux")]
fn link_source(file: &File) -> std::path::PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn it_replaces_what_was_there_and_leaves_no_other_name() {
        for make in [Staged::beside, Staged::with_temporary_name] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            std::fs::write(&path, "old").unwrap();
            let mut staged = make(&path).unwrap();
            staged.file().write_all(b"new").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
            staged.publish(&path).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
            assert_eq!(names(directory.path()), ["file"]);
        }
    }

    #[test]
    fn what_is_not_published_is_gone() {
        for make in [Staged::beside, Staged::with_temporary_name] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            drop(make(&path).unwrap());
            assert!(names(directory.path()).is_empty());
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("child"), "").unwrap();
            make(&path).unwrap().publish(&path).unwrap_err();
            assert_eq!(names(directory.path()), ["file"]);
        }
    }
}
