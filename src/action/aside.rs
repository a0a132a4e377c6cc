//! What is old, out of the way of what is new until that is known to be good.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use tempfile::{Builder, TempDir};

use crate::process::without_temporary_name;
use crate::report;

/// Something old that was moved away from its place. Dropped, it is removed.
pub struct Aside {
    place: PathBuf,
    /// Beside the place, because only within a file system can it be renamed.
    directory: TempDir,
}

impl Aside {
    /// Moves away what is there, if there is anything.
    pub fn of(place: &Path) -> Result<Option<Self>> {
        if place.symlink_metadata().is_err() {
            return Ok(None);
        }
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let moved = Builder::new().prefix(".hollow-").tempdir_in(parent).and_then(|directory| {
            let aside = Self { place: place.to_owned(), directory };
            std::fs::rename(place, aside.moved()).map(|()| aside)
        });
        moved.map(Some).map_err(|error| {
            anyhow!("cannot move the old `{}` out of the way: {}", place.display(), without_temporary_name(error))
        })
    }

    /// Puts it back, when the place is free again.
    pub fn put_back(self) {
        if let Err(error) = std::fs::rename(self.moved(), &self.place) {
            let (moved, place) = (self.moved(), self.place);
            // It is not removed, then.
            let _ = self.directory.keep();
            report(format_args!(
                "warning: the old `{}` is `{}` now: cannot move it back: {error}",
                place.display(),
                moved.display()
            ));
        }
    }

    fn moved(&self) -> PathBuf {
        self.directory.path().join("old")
    }
}
