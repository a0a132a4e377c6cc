//! Unit state: what hollow knows of a unit from its last run.
//!
//! It is a directory beside the unit's outputs, `_hollow/{stem}.unit/`, with a file `state` and a second name of each output: Cargo deletes
//! outputs before it starts rustc (`cargo::core::compiler::rustc`), and an output that is still right has to come back.
//!
//! The file appears complete or not at all, and what it says of outputs is only believed if they are the very files that it says it of. So whatever
//! was interrupted, damaged or made by another hollow is the same as no state at all: the unit is compiled.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::files::{Digest, Output, Stamp, copy};
use super::inputs::{Inputs, Variables};
use crate::interface::Options;
use crate::rlib::Staged;

/// The directory in `_hollow/` of a unit whose files have this stem is `{stem}.unit`.
const SUFFIX: &str = ".unit";
/// The name of the file in it.
const FILE: &str = "state";
/// Changes with the form of the file.
const FORMAT: u32 = 2;

/// What is known of a unit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// What became of it in its last run.
    pub last: Last,
    /// Its metadata, once those are made.
    pub metadata: Option<Metadata>,
    /// All of it, once it has been compiled without an error.
    pub made: Option<Made>,
}

/// The metadata that dependents see.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// The `.rmeta`, if the unit has one.
    pub rmeta: Option<Output>,
    /// What a dependent observes: the metadata's content, and all proc-macros that can be reached through it.
    pub digest: Digest,
    /// Those proc-macros.
    pub macros: Digest,
    /// How they were made, if by interface.
    pub interface: Option<Interface>,
    /// How they differ from those before them: their digest, and words for it.
    pub change: Option<(Digest, String)>,
}

/// What a hollow pass over interface source was made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interface {
    /// The interface source, rustc and its arguments.
    pub key: Digest,
    /// What the source includes.
    pub inputs: Variables,
    /// The hollow rlib, if the unit is not only checked.
    pub hollow: Option<Output>,
    /// The crate root.
    pub root: PathBuf,
    /// The value of `OUT_DIR`.
    pub out_dir: Option<PathBuf>,
    /// How the interface source was made.
    pub options: Options,
    /// The directory of the interface source, if it is kept.
    pub overlay: Option<PathBuf>,
    /// What can be observed of the dependencies.
    pub dependencies: Digest,
    /// Whether there was an incremental cache.
    pub cached: bool,
}

/// A unit that was compiled without an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Made {
    /// What it was made from.
    pub inputs: Inputs,
    /// What was made.
    pub outputs: Vec<Output>,
    /// The content of what can be linked or loaded.
    pub objects: Digest,
    /// What the compiler said, line by line.
    pub said: Vec<String>,
}

/// What became of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Which run of Cargo's that was.
    pub run: String,
    /// When it began, in nanoseconds since 1970.
    pub when: i64,
    /// The package.
    pub package: String,
    /// What the unit is, such as `lib`.
    pub kind: String,
    /// Its crate.
    pub crate_name: String,
    /// What was done.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// What became of its metadata, if it is a library's.
    pub interface: String,
}

/// What was done with a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was compiled; or is being compiled.
    #[default]
    Compiled,
    /// Nothing that it was made from had changed.
    Skipped,
    /// It was linked again, because only objects of its dependencies had changed.
    Relinked,
    /// It does not compile.
    Failed,
}

/// Where the state of a unit is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    directory: PathBuf,
}

impl Place {
    /// Of the unit that makes this output, such as `deps/liba-1f.rmeta` or `deps/liba-1f.so`.
    pub fn of_output(path: &Path) -> Self {
        Self::of(&path.with_file_name(crate::action::HOLLOW_DIRECTORY), path.file_stem().unwrap_or_default())
    }

    /// Of the unit whose files have this stem.
    pub fn of(hollow_directory: &Path, stem: &std::ffi::OsStr) -> Self {
        let mut name = stem.to_owned();
        name.push(SUFFIX);
        Self { directory: hollow_directory.join(name) }
    }

    /// Of all units with state in a `_hollow` directory.
    pub fn all(hollow_directory: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(hollow_directory).into_iter().flatten().flatten().map(|entry| entry.path());
        let places = entries.filter(|path| path.extension().is_some_and(|extension| extension == &SUFFIX[1..]));
        places.map(|directory| Self { directory }).collect()
    }

    /// Reads the state. `None` if there is none that can be believed.
    pub fn read(&self) -> Option<State> {
        let bytes = std::fs::read(self.directory.join(FILE)).ok()?;
        let (head, body) = bytes.split_at_checked(bytes.iter().position(|&byte| byte == b'\n')? + 1)?;
        (head == head_of(body).as_bytes()).then(|| serde_json::from_slice(body).ok()).flatten()
    }

    /// Writes it in the place of whatever was there.
    pub fn write(&self, state: &State) -> Result<()> {
        fs::create_dir_all(&self.directory)?;
        let body = serde_json::to_vec(state).context("cannot write unit state")?;
        let path = self.directory.join(FILE);
        let mut staged = Staged::beside(&path)?;
        staged.file().write_all(head_of(&body).as_bytes())?;
        staged.file().write_all(&body)?;
        Ok(staged.publish(&path)?)
    }

    /// Forgets what is known.
    pub fn remove(&self) {
        // If it can't be removed, it can't have been written here either.
        let _ = std::fs::remove_file(self.directory.join(FILE));
    }

    /// Forgets everything, the second names of the outputs included.
    pub fn remove_all(&self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.directory)?)
    }

    /// Gives an output a second name, or a copy where the file system has none.
    pub fn keep(&self, output: &Path) -> Result<()> {
        let kept = self.kept(output);
        fs::create_dir_all(&self.directory)?;
        forget(&kept);
        if std::fs::hard_link(output, &kept).is_err() {
            copy(output, &kept)?;
        }
        Ok(())
    }

    /// An empty directory for what a pass writes, always the same: rustc throws its incremental cache away when a path in `--emit` is another one
    /// (`OutputTypes` is a tracked option). Cargo starts a unit once at a time. It goes away with the result.
    pub fn stage(&self, pass: &str) -> Result<Stage> {
        let stage = Stage { path: self.directory.join(format!("staged-{pass}")) };
        drop(std::fs::remove_dir_all(&stage.path));
        fs::create_dir_all(&stage.path)?;
        Ok(stage)
    }

    /// Takes the second name away, before something writes to the output.
    pub fn forget(&self, output: &Path) {
        forget(&self.kept(output));
    }

    /// Brings an output back that was deleted. Whether it is there now, and the very file, or a copy of it.
    pub fn restore(&self, output: &mut Output) -> bool {
        if output.is_there() {
            return true;
        }
        let kept = self.kept(&output.path);
        let old = output.stamp;
        // A link, or a copy that got the time of what it was copied from.
        let is_right = |kept: &Stamp| kept.size == old.size && (kept.inode == old.inode || kept.modified == old.modified);
        // What is in the way is somebody else's.
        if !Stamp::of(&kept).as_ref().is_some_and(is_right) || output.path.symlink_metadata().is_ok() {
            return false;
        }
        if std::fs::hard_link(&kept, &output.path).is_err() && copy(&kept, &output.path).is_err() {
            return false;
        }
        let Some(now) = Stamp::of(&output.path) else { return false };
        output.stamp = now;
        true
    }

    fn kept(&self, output: &Path) -> PathBuf {
        self.directory.join(output.file_name().unwrap_or_default())
    }
}

/// A directory that goes away with this.
pub struct Stage {
    path: PathBuf,
}

impl Stage {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Whatever stays is removed the next time.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

fn forget(kept: &Path) {
    // A name that is still there makes the next `keep` fail, which says why.
    let _ = std::fs::remove_file(kept);
}

/// The first line: what made the file, and whether it is whole.
fn head_of(body: &[u8]) -> String {
    // `cargo-hollow` reads what `hollow` writes.
    let own = std::env::current_exe().unwrap_or_default();
    let hollow = Stamp::of(&own.with_file_name("hollow")).or_else(|| Stamp::of(&own));
    let own = hollow.map_or_else(Digest::default, |stamp| stamp.digest());
    let digest = Digest::of(body);
    format!("hollow {} {FORMAT} {} {}\n", env!("CARGO_PKG_VERSION"), own.0, digest.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::files::touch;

    #[test]
    fn a_state_is_read_as_it_was_written_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::of_output(&directory.path().join("liba-1.rmeta"));
        assert!(place.read().is_none());
        let state = State { last: Last { reason: "é".into(), ..Last::default() }, ..State::default() };
        place.write(&state).unwrap();
        assert_eq!(place.read().unwrap().last, state.last);
        let path = directory.path().join("_hollow/liba-1.unit/state");
        let whole = std::fs::read(&path).unwrap();
        for end in 0..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            assert!(place.read().is_none(), "{end}");
        }
        for index in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert!(place.read().is_none(), "{index}");
        }
        std::fs::write(&path, &whole).unwrap();
        assert!(place.read().is_some());
        place.remove();
        assert!(place.read().is_none());
    }

    #[test]
    fn a_deleted_output_comes_back_and_a_changed_one_does_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("liba-1.rlib");
        let place = Place::of_output(&path);
        std::fs::write(&path, "one").unwrap();
        let mut output = Output::of(&path).unwrap();
        place.keep(&path).unwrap();
        assert!(place.restore(&mut output));
        std::fs::remove_file(&path).unwrap();
        assert!(!output.is_there() && place.restore(&mut output) && output.is_there());
        touch(&mut output).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(place.restore(&mut output));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "two, by somebody else").unwrap();
        assert!(!place.restore(&mut output));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two, by somebody else");
    }
}
