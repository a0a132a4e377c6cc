//! Interface source on disk: the files that differ, and links to everything around them.
//!
//! rustc reads the crate from the overlay, so whatever a path in the source leads to must be there: `mod` in macros, `include_str!`,
//! `#[path]`. Each directory on the way to a rewritten file is a real one, in which every other file and directory is a symbolic link to
//! the original. Where the source has a path with `..`, the overlay begins that much higher, because `..` in a linked directory
//! would lead out of the overlay, and above its top to nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use fs_err::os::unix::fs::symlink;

use super::tree::normal;
use super::{Crate, Interface};

/// An overlay that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// The crate root to give to rustc.
    pub root: PathBuf,
    /// For `--remap-path-prefix`, in this order: a directory of the overlay, and what rustc would have called it.
    pub directories: Vec<(PathBuf, PathBuf)>,
}

/// Writes an overlay into a directory, which must be empty or not exist. If something fails, what was written is removed.
pub fn write(krate: &Crate, interface: &Interface, directory: &Path) -> Result<Overlay> {
    let is_new = match fs_err::read_dir(directory).map(Iterator::count) {
        Ok(0) => false,
        Ok(_) => bail!("`{}` is not empty: name a new or an empty directory for the interface source", directory.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(error.into()),
    };
    let layout = Layout::of(krate, interface, directory)?;
    layout.write().inspect_err(|_| {
        // The first error is the one to report.
        if is_new {
            drop(fs_err::remove_dir_all(directory));
        }
    })?;
    Ok(layout.overlay())
}

/// The texts that the files of interface source have in an overlay that was written earlier. Files that are not there are left out.
pub fn texts(krate: &Crate, interface: &Interface, directory: &Path) -> Vec<(PathBuf, String)> {
    let places = places(krate, interface, directory);
    places.into_iter().filter_map(|(path, place)| Some((path, fs_err::read_to_string(place).ok()?))).collect()
}

/// Where the files of interface source are in an overlay.
pub fn places(krate: &Crate, interface: &Interface, directory: &Path) -> Vec<(PathBuf, PathBuf)> {
    let Ok(layout) = Layout::of(krate, interface, directory) else { return Vec::new() };
    let place = |path: &Path| Some(layout.place(&absolute(path).ok()?));
    interface.files.iter().filter_map(|(path, _)| Some((path.clone(), place(path)?))).collect()
}

/// What goes where. All paths are absolute, but those that rustc is to see.
struct Layout<'a> {
    directory: &'a Path,
    /// The directory of which the overlay is the copy.
    top: PathBuf,
    root: PathBuf,
    /// The crate root as it was given.
    given_root: &'a Path,
    files: BTreeMap<PathBuf, &'a str>,
    /// The directories that are real ones in the overlay.
    real: BTreeSet<PathBuf>,
}

impl<'a> Layout<'a> {
    fn of(krate: &'a Crate, interface: &'a Interface, directory: &'a Path) -> Result<Self> {
        let root = absolute(krate.root())?;
        let mut top = parent(&root).to_owned();
        let mut files = BTreeMap::new();
        for (path, text) in &interface.files {
            let path = absolute(path)?;
            top = common(&top, parent(&path));
            files.insert(path, text.as_str());
        }
        for (path, literal) in krate.climbing_literals() {
            let from = parent(&absolute(path)?).to_owned();
            let highest = from.ancestors().nth(climb(literal));
            if let Some(highest) = highest.filter(|highest| top.starts_with(highest) && from.join(literal).exists()) {
                top = highest.to_owned();
            }
        }
        let mut real = BTreeSet::new();
        for path in files.keys().chain([&root]) {
            let ancestors = path.ancestors().skip(1);
            real.extend(ancestors.take_while(|ancestor| ancestor.starts_with(&top)).map(Path::to_owned));
        }
        Ok(Self { directory, top, root, given_root: krate.root(), files, real })
    }

    fn write(&self) -> Result<()> {
        let own = absolute(self.directory)?;
        for original in &self.real {
            let copy = self.place(original);
            fs_err::create_dir_all(&copy)?;
            for entry in fs_err::read_dir(original)? {
                let path = entry?.path();
                if !self.files.contains_key(&path) && !self.real.contains(&path) && path != own {
                    symlink(&path, self.place(&path))?;
                }
            }
        }
        for (path, text) in &self.files {
            fs_err::write(self.place(path), text)?;
        }
        Ok(())
    }

    /// Where something beneath the top is in the overlay.
    fn place(&self, original: &Path) -> PathBuf {
        let relative = original.strip_prefix(&self.top).unwrap_or(original);
        if relative.as_os_str().is_empty() { self.directory.to_owned() } else { self.directory.join(relative) }
    }

    fn overlay(&self) -> Overlay {
        let directory = self.place(parent(&self.root));
        let given = parent(self.given_root);
        let levels = parent(&self.root).strip_prefix(&self.top).map_or(0, |relative| relative.components().count());
        let mut given_top = given.to_owned();
        for _ in 0..levels {
            if matches!(given_top.components().next_back(), Some(Component::Normal(_))) {
                given_top.pop();
            } else {
                given_top.push("..");
            }
        }
        let mut directories = vec![(self.directory.to_owned(), given_top)];
        if levels > 0 {
            // The last that matches holds; it differs from what follows from the first if that has `..`.
            directories.push((directory, given.to_owned()));
        }
        Overlay { root: self.place(&self.root), directories }
    }
}

/// How many directories a relative path climbs above the one that it starts from.
fn climb(path: &str) -> usize {
    let (mut depth, mut highest) = (0_isize, 0_isize);
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        highest = highest.min(depth);
    }
    highest.unsigned_abs()
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).with_context(|| format!("cannot tell where `{}` is", path.display()))?;
    Ok(normal(&path))
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The longest path that both begin with.
fn common(one: &Path, other: &Path) -> PathBuf {
    one.components().zip(other.components()).take_while(|(one, other)| one == other).map(|(one, _)| one).collect()
}
