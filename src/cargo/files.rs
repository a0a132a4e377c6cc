//! Files, and by what they are known: the hash of their content, or what the file system says of them.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;
use serde::{Deserialize, Serialize};

/// A hash of content: BLAKE3, in hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub(super) String);

impl Digest {
    /// Of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().as_str().to_owned())
    }

    /// Of several things, whose borders count.
    pub fn of_all<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().to_hex().as_str().to_owned())
    }

    /// Of a file.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        Ok(Self(hasher.finalize().to_hex().as_str().to_owned()))
    }

    /// Its digits.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// By what a file that has not been touched is known. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When its content was changed last; anybody can set it.
    pub modified: i64,
    /// When it was made, which nobody can set; 0 where the file system does not know.
    pub born: i64,
    /// Its size in bytes.
    pub size: u64,
    /// Its number in its file system.
    pub inode: u64,
}

impl Stamp {
    /// Of the file at a path, whatever links lead there. `None` if there is none.
    pub fn of(path: &Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::of_metadata(&metadata))
    }

    /// The same of what is known already.
    pub fn of_metadata(metadata: &std::fs::Metadata) -> Self {
        let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        let born = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let born = born.and_then(|born| i64::try_from(born.as_nanos()).ok()).unwrap_or_default();
        Self { modified, born, size: metadata.size(), inode: metadata.ino() }
    }

    /// In the place of a hash, for files of which nobody keeps one.
    pub fn digest(&self) -> Digest {
        Digest(format!("{}.{}.{}.{}", self.modified, self.born, self.size, self.inode))
    }

    /// What counts of an output of hollow's. Cargo sets the time of an `.rmeta` that was checked to when it started rustc.
    fn that_counts(self, path: &Path) -> Self {
        if path.extension().is_some_and(|extension| extension == "rmeta") { Self { modified: 0, ..self } } else { self }
    }
}

/// A file that hollow or rustc has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Where it is.
    pub path: PathBuf,
    pub(super) stamp: Stamp,
    /// Of its content, where its time says nothing.
    pub(super) content: Option<Digest>,
}

impl Output {
    /// One that is there now. `None` if it is not.
    pub fn of(path: &Path) -> Option<Self> {
        let is_metadata = path.extension().is_some_and(|extension| extension == "rmeta");
        let content = if is_metadata { Some(Digest::of_file(path).ok()?) } else { None };
        Some(Self { path: path.to_owned(), stamp: Stamp::of(path)?, content })
    }

    /// The same file, looked at again.
    pub fn look_again(&mut self) -> io::Result<()> {
        self.stamp = Stamp::of(&self.path).ok_or(io::ErrorKind::NotFound)?;
        Ok(())
    }

    /// Whether another file has the same content, as far as can be told without a look into all of it.
    pub fn is_same_as(&self, other: &Path) -> bool {
        match &self.content {
            Some(content) => Digest::of_file(other).is_ok_and(|digest| digest == *content),
            None => Stamp::of(other).is_some_and(|stamp| (stamp.size, stamp.modified) == (self.stamp.size, self.stamp.modified)),
        }
    }

    /// Whether it is still the very file.
    pub fn is_there(&self) -> bool {
        let now = Stamp::of(&self.path).map(|stamp| stamp.that_counts(&self.path));
        now == Some(self.stamp.that_counts(&self.path))
    }
}

/// The time that a file would get that is written now, in nanoseconds since 1970. Linux gives files the time of the last tick of its clock, so
/// a finer clock would be ahead of them.
pub fn now() -> i64 {
    #[cfg(target_os = "linux")]
    let now = {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
    };
    #[cfg(not(target_os = "linux"))]
    let now = {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
    };
    now
}

/// Makes a file look as if it were written at this time.
pub fn set_modified(path: &Path, time: SystemTime) -> io::Result<()> {
    // Opened for reading: a program that runs can't be opened for writing.
    std::fs::File::open(path)?.set_modified(time)
}

/// Copies a file together with its time.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    set_modified(to, from.metadata()?.modified()?)
}
