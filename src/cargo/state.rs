//! Unit state: what hollow knows of a unit from its last run.
//!
//! It is a directory beside the unit's outputs, `_hollow/{stem}.unit/`, with a file `state` and a second name of each output: Cargo deletes
//! outputs before it starts rustc (`cargo::core::compiler::rustc`), and an output that is still right has to come back.
//!
//! The file appears complete or not at all, and what it says of outputs is only believed if they are the very files that it says it of. So whatever
//! was interrupted, damaged or made by another hollow is the same as no state at all: the unit is compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::files::{Digest, Output, Stamp, copy, set_modified};
use super::inputs::Inputs;
use crate::interface::Options;
use crate::rlib::Staged;

/// The directory in `_hollow/` of a unit whose files have this stem is `{stem}.unit`.
const SUFFIX: &str = ".unit";
/// The name of the file in it.
const FILE: &str = "state";
/// Changes with the form of the file.
const FORMAT: u32 = 3;

/// What is known of a unit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// What became of it in its last run.
    pub last: Last,
    /// The metadata that dependents see. None while it is compiled, until rustc has made them, and when it does not compile.
    pub metadata: Option<Metadata>,
    /// All of it, as it was when it was last compiled without an error. Its outputs may be gone or changed since, but they have second names.
    pub made: Option<Made>,
    /// What its dependents were compiled against, if that can be kept.
    pub published: Option<Published>,
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
    /// How they differ from those before them: their digest, and words for it.
    pub change: Option<(Digest, String)>,
}

impl Metadata {
    /// The same, with the `.rmeta` as it is now.
    pub fn among(&self, outputs: &[Output]) -> Self {
        let is_metadata = |output: &&Output| output.content.is_some();
        Self { rmeta: outputs.iter().find(is_metadata).cloned(), ..self.clone() }
    }
}

/// The version of a library whose metadata are kept as long as its interface is the same. Its files are beside the state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Published {
    /// What it was made from.
    pub inputs: Inputs,
    /// What dependents observe of it.
    pub digest: Digest,
    /// The crates that were loaded, as its metadata tell.
    pub loaded: BTreeSet<String>,
    /// The content of its `.rmeta` and its rlib, whichever there are.
    pub files: Vec<Digest>,
    /// The crate root.
    pub root: PathBuf,
    /// How interfaces are compared.
    pub options: Options,
}

/// A unit that was compiled without an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Made {
    /// What it was made from.
    pub inputs: Inputs,
    /// What shows that the package was touched otherwise.
    pub around: BTreeMap<PathBuf, Digest>,
    /// A macro in its reach that may read what nobody knows of.
    pub doubt: Option<String>,
    /// What was made.
    pub outputs: Vec<Output>,
    /// What dependents see of it.
    pub metadata: Option<Metadata>,
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

    /// Forgets everything, the second names of the outputs included.
    pub fn remove_all(&self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.directory)?)
    }

    /// Gives an output a second name, or a copy where the file system has none.
    pub fn keep(&self, output: &Path) -> Result<()> {
        fs::create_dir_all(&self.directory)?;
        Ok(put(output, &self.kept(output))?)
    }

    /// Brings an output back that was deleted, or overwritten by a compilation that failed. Whether it is there now, and the very file, or a copy of it.
    pub fn restore(&self, output: &mut Output) -> bool {
        if output.is_there() {
            return true;
        }
        let kept = self.kept(&output.path);
        output.is_same_as(&kept) && put(&kept, &output.path).and_then(|()| output.look_again()).is_ok()
    }

    /// Makes an output look new, because Cargo compares its time with those of dependencies and dependents (`Fingerprint::check_filesystem`).
    pub fn touch(&self, output: &mut Output) -> std::io::Result<()> {
        let now = SystemTime::now();
        set_modified(&output.path, now)?;
        let kept = self.kept(&output.path);
        if kept.exists() {
            set_modified(&kept, now)?;
        }
        output.look_again()
    }

    /// Where a file of the published version is.
    pub fn published(&self, extension: &str) -> PathBuf {
        self.directory.join("published").with_extension(extension)
    }

    fn kept(&self, output: &Path) -> PathBuf {
        self.directory.join(output.file_name().unwrap_or_default())
    }
}

/// Gives a file another name, in the place of whatever has it.
pub fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    forget(to);
    if std::fs::hard_link(from, to).is_ok() { Ok(()) } else { copy(from, to) }
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
        place.remove_all().unwrap();
        assert!(place.read().is_none());
    }

    #[test]
    fn an_output_comes_back_unless_its_second_name_was_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("liba-1.rlib");
        let place = Place::of_output(&path);
        std::fs::write(&path, "one").unwrap();
        let mut output = Output::of(&path).unwrap();
        place.keep(&path).unwrap();
        assert!(place.restore(&mut output));
        std::fs::remove_file(&path).unwrap();
        assert!(!output.is_there() && place.restore(&mut output) && output.is_there());
        place.touch(&mut output).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "two, by a compilation that failed").unwrap();
        assert!(place.restore(&mut output));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        // Patched in place: both names have the new content.
        std::fs::write(&path, "two").unwrap();
        set_modified(&path, SystemTime::UNIX_EPOCH).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!place.restore(&mut output));
    }

    #[test]
    fn metadata_are_known_by_their_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("liba-1.rmeta");
        let place = Place::of_output(&path);
        std::fs::write(&path, "one").unwrap();
        let mut output = Output::of(&path).unwrap();
        place.keep(&path).unwrap();
        // As Cargo does.
        set_modified(&path, SystemTime::UNIX_EPOCH).unwrap();
        assert!(output.is_there());
        std::fs::remove_file(&path).unwrap();
        assert!(place.restore(&mut output));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(directory.path().join("_hollow/liba-1.unit/liba-1.rmeta"), "two").unwrap();
        assert!(!place.restore(&mut output));
    }
}
