//! Kept metadata: a library whose interface is the same as that of the version that was published keeps the metadata of that one, so that no dependent is
//! compiled again. What has to be equal for that is compared in [`Work::candidate`], before rustc runs, and in [`Work::keep`], when it has run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;

use super::build::Work;
use super::files::{Digest, Output};
use super::inputs::{Change, Inputs, Variables};
use super::macros;
use super::state::{Metadata, Place, Published, State, put};
use crate::action::obstacle;
use crate::interface::{Crate, Dependencies, Disk, Files, Lines, Options, Origins, difference, normal};
use crate::rlib::{self, Header, Rlib, Staged, raw_metadata};
use crate::rustc::codegen;

/// What is larger than this is no source.
const LARGEST_SOURCE: usize = 8 << 20;

/// Texts, by their paths.
type Texts = BTreeMap<PathBuf, String>;

/// A library that may keep its metadata.
pub struct Candidate {
    /// The files that are compared by their interface, and not by their content.
    modules: BTreeSet<PathBuf>,
}

/// A version of a crate's source.
pub struct Source {
    krate: Crate,
    options: Options,
}

/// These files, as they are now.
struct Only<'a>(&'a Texts);

/// The same files, as they were.
struct Snapshot<'a>(&'a Texts);

impl Files for Snapshot<'_> {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(&normal(path)).cloned().ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Files for Only<'_> {
    fn read(&self, path: &Path) -> io::Result<String> {
        if self.0.contains_key(&normal(path)) { Disk.read(path) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

impl Source {
    /// The source of a unit as it was published and as it is now. Of both only the files that rustc has read: those of other configurations say nothing.
    pub fn versions(place: &Place, root: &Path, options: &Options, out_dir: Option<&Path>) -> Option<(Self, Self)> {
        let texts: Texts = serde_json::from_slice(&std::fs::read(place.published("sources")).ok()?).ok()?;
        let old = options.load(root, Snapshot(&texts), out_dir).ok()?;
        let new = options.load(root, Only(&texts), out_dir).ok()?;
        let version = |krate| Self { krate, options: options.clone() };
        Some((version(old), version(new)))
    }

    /// The interface text of each module.
    fn texts(&self) -> Vec<(PathBuf, String)> {
        let changed = self.krate.interface(&self.options).files;
        let text = |(path, text): (&Path, &str)| {
            let changed = changed.iter().find(|(changed, _)| changed == path).map(|(_, text)| text.clone());
            (path.to_owned(), changed.unwrap_or_else(|| text.to_owned()))
        };
        self.krate.modules().into_iter().map(text).collect()
    }

    fn keeps_lines(&self, dependencies: &Dependencies) -> bool {
        let note = self.krate.note(dependencies);
        self.krate.keeps_lines(&self.options, dependencies, &note).is_some()
    }

    /// Where everything in the interface text is in the source.
    pub fn origins(&self) -> Vec<(PathBuf, Origins)> {
        self.krate.origins(&self.options)
    }
}

impl Work<'_> {
    /// Whether the unit's metadata may be kept, as far as can be told before it is compiled; otherwise why not, in words.
    pub(super) fn candidate(&self, state: &State) -> Result<Candidate, String> {
        let how = self.settings.interface.as_ref().ok_or("interfaces are not compared")?;
        if let Some(obstacle) = obstacle(&self.unit.line, &self.unit.settings) {
            return Err(obstacle);
        }
        // An object that is carried over brings the name of debug information that is packed from files of then.
        if !self.unit.is_checked() && codegen(&self.unit.line, "split-debuginfo").is_some_and(|value| value == "packed") {
            return Err("its debug information is packed".into());
        }
        let Some(published) = &state.published else {
            let doubt = state.made.as_ref().and_then(|made| made.doubt.as_ref());
            return Err(doubt.map_or("for the first time".into(), |name| format!("nobody knows what macro library {name} reads")));
        };
        if let Some(Change::Other(reason)) = published.inputs.given.change(&self.given) {
            return Err(reason);
        }
        if !published.inputs.read.environment_is_same() {
            return Err("a variable of the environment changed".into());
        }
        let files: Vec<_> = self.published_files().iter().filter_map(|(_, path)| Digest::of_file(path).ok()).collect();
        if files != published.files {
            return Err("what was published is gone".into());
        }
        let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from);
        let options = Options::of(&self.unit.line, how.lines, how.expression_macros.clone());
        let versions = Source::versions(&self.place, &published.root, &options, out_dir.as_deref());
        let (mut old, mut new) = versions.ok_or("the source can't be read")?;
        let dependencies = Dependencies::read(&self.unit.line);
        if old.keeps_lines(&dependencies) || new.keeps_lines(&dependencies) {
            // What is not emptied has to stay where it is.
            (old.options.lines, new.options.lines) = (Lines::Keep, Lines::Keep);
        }
        if new.krate.includes_modules() || old.krate.includes_modules() {
            return Err("it includes its own source as text".into());
        }
        let (old, new) = (old.texts(), new.texts());
        if old != new {
            let difference = difference(&old, &new).unwrap_or_else(|| "something that has no name".into());
            return Err(format!("interface changed: {difference}"));
        }
        Ok(Candidate { modules: new.into_iter().map(|(path, _)| path).collect() })
    }

    /// Gives the unit, which was just compiled, the metadata that were published. The inner error says why it has to have its own; then everything is
    /// as rustc left it.
    pub(super) fn keep(&self, state: &mut State, candidate: &Candidate) -> Result<Result<(), String>> {
        let Some(published) = &state.published else { return Ok(Err("nothing was published".into())) };
        if let Err(reason) = self.may_keep(published, candidate) {
            return Ok(Err(reason));
        }
        let staged = self.place.published("staged");
        if let Some(rmeta) = &self.unit.rmeta {
            put(&self.place.published("rmeta"), &staged).with_context(|| format!("cannot write `{}`", rmeta.display()))?;
        }
        if let Some(rlib) = self.unit.rlib()
            && let Err(reason) = rlib::keep(&self.place.published("rlib"), rlib)
        {
            let _ = std::fs::remove_file(&staged);
            return Ok(Err(reason.to_string()));
        }
        if let Some(rmeta) = &self.unit.rmeta {
            fs::rename(&staged, rmeta)?;
            Output::of(rmeta).map(|mut output| self.place.touch(&mut output)).transpose()?;
        }
        state.metadata =
            Some(Metadata { rmeta: None, digest: published.digest.clone(), macros: self.given.macros(), change: None });
        Ok(Ok(()))
    }

    fn may_keep(&self, published: &Published, candidate: &Candidate) -> Result<(), String> {
        let read = self.read().map_err(|error| error.to_string())?;
        let content = |read: &Variables| -> Option<BTreeMap<PathBuf, Option<Digest>>> {
            let file = |file: &super::inputs::Tracked| {
                let digest = file.digest.clone()?;
                let is_module = candidate.modules.contains(&normal(&file.path));
                Some((file.path.clone(), Some(digest).filter(|_| !is_module)))
            };
            read.files.iter().map(file).collect()
        };
        let (old, new) = (content(&published.inputs.read), content(&read));
        if new.is_none() {
            return Err("its source was changed while it was compiled".into());
        }
        if old != new {
            return Err("a file that it includes changed".into());
        }
        if published.inputs.read.environment != read.environment {
            return Err("it reads other variables of the environment".into());
        }
        let older = self
            .metadata_at(&self.place.published("rmeta"), &self.place.published("rlib"))
            .ok_or("what was published is gone")?;
        let newer = self.own_metadata().ok_or("its metadata can't be read")?;
        let (Some(older), Some(head)) = (Header::decode(&older), Header::decode(&newer)) else {
            return Err("its metadata have an unknown layout".into());
        };
        if older.rustc != head.rustc || older.stable_crate_id != head.stable_crate_id {
            return Err("rustc changed".into());
        }
        if macros::loaded(&newer) != published.loaded {
            return Err("it loads other crates".into());
        }
        Ok(())
    }

    /// The metadata that rustc has made.
    pub(super) fn own_metadata(&self) -> Option<Vec<u8>> {
        self.metadata_at(self.unit.rmeta.as_deref().unwrap_or(Path::new("")), self.unit.rlib().unwrap_or(Path::new("")))
    }

    fn metadata_at(&self, rmeta: &Path, rlib: &Path) -> Option<Vec<u8>> {
        match &self.unit.rmeta {
            Some(_) => std::fs::read(rmeta).ok(),
            None => raw_metadata(&Rlib::read(rlib).ok()?.lib_rmeta).map(<[u8]>::to_vec),
        }
    }

    /// The outputs of which the published version has copies, and those.
    fn published_files(&self) -> Vec<(&Path, PathBuf)> {
        let rmeta = self.unit.rmeta.as_deref().map(|path| (path, self.place.published("rmeta")));
        let rlib = self.unit.rlib().map(|path| (path, self.place.published("rlib")));
        rmeta.into_iter().chain(rlib).collect()
    }

    /// Takes down what was just compiled as what dependents are compiled against.
    pub(super) fn publish(&self, inputs: &Inputs, metadata: &Metadata) -> Result<Option<Published>> {
        let (Some(how), Some(root)) = (&self.settings.interface, self.unit.line.inputs().next()) else { return Ok(None) };
        if obstacle(&self.unit.line, &self.unit.settings).is_some() {
            return Ok(None);
        }
        let mut sources = Texts::new();
        for file in &inputs.read.files {
            let content = fs::read(&file.path)?;
            if file.digest.as_ref() != Some(&Digest::of(&content)) {
                // It was written to while it was read.
                return Ok(None);
            }
            if content.len() <= LARGEST_SOURCE
                && let Ok(text) = String::from_utf8(content)
                && file.path.to_str().is_some()
            {
                sources.insert(normal(&file.path), text);
            }
        }
        let Some(newer) = self.own_metadata() else { return Ok(None) };
        let mut files = Vec::new();
        for (output, copy) in self.published_files() {
            put(output, &copy)?;
            files.push(Digest::of_file(&copy)?);
        }
        let path = self.place.published("sources");
        let mut staged = Staged::beside(&path)?;
        staged.file().write_all(&serde_json::to_vec(&sources)?)?;
        staged.publish(&path)?;
        Ok(Some(Published {
            inputs: inputs.clone(),
            digest: metadata.digest.clone(),
            loaded: macros::loaded(&newer),
            files,
            root: root.into(),
            options: Options::of(&self.unit.line, how.lines, how.expression_macros.clone()),
        }))
    }

    /// The metadata that rustc has just made, looking new. What changed for dependents is told in words.
    pub(super) fn metadata_of_rustc(&self, before: Option<&Digest>, change: &str) -> Option<Metadata> {
        let rmeta = self.unit.rmeta.as_deref()?;
        let mut output = Output::of(rmeta)?;
        // With an incremental cache it may be a second name of an older file.
        self.place.touch(&mut output).ok()?;
        let macros = self.given.macros();
        let digest = Digest::of_all([output.content.as_ref()?.as_bytes(), macros.as_bytes()]);
        let change = change.strip_prefix("interface changed: ").unwrap_or(change);
        let change = before.filter(|before| **before != digest).map(|before| (before.clone(), change.to_owned()));
        Some(Metadata { rmeta: Some(output), digest, macros, change })
    }
}
