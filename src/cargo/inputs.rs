//! What a unit is made from, and what of it has changed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::files::{Digest, Stamp};
use super::settings;
use super::state::Place;
use super::unit::Unit;
use crate::rustc::{Codegen, DepInfo, Extern, Name, SearchKind, SearchPath};

/// What is read from the file system and from the environment while a unit is compiled, as dep-info tells.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Variables {
    /// Files.
    pub files: Vec<Tracked>,
    /// Variables, with their values.
    pub environment: Vec<(String, Option<String>)>,
}

/// A file, and by what it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// Where it is.
    pub path: PathBuf,
    stamp: Stamp,
    /// When anything about it was changed, in nanoseconds since 1970; nobody can set that.
    changed: i64,
    /// Of its content. None if it was changed while it may have been read: then nobody knows what was read.
    pub digest: Option<Digest>,
}

/// What is known before a unit is compiled: everything but what the source leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    compiler: (PathBuf, Option<Digest>),
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    externs: Vec<Dependency>,
    /// For what is linked: every library that may be linked, and its objects.
    objects: BTreeMap<PathBuf, Digest>,
    /// Directories with native libraries, and files that are named in arguments of the linker.
    native: BTreeMap<PathBuf, Digest>,
    /// What the package's build script has said and left in `OUT_DIR`.
    script: BTreeMap<PathBuf, Digest>,
}

/// A dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The name of the crate here.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What can be observed of it while this unit is compiled.
    pub metadata: Digest,
    /// The proc-macros that can be reached through it.
    macros: Digest,
}

/// Everything that a unit is made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inputs {
    /// What is known beforehand.
    pub given: Given,
    /// What the source leads to.
    pub read: Variables,
}

/// Why something has to be compiled again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the objects of dependencies have changed: for the compiler all is as it was.
    Objects(String),
    /// Anything else.
    Other(String),
}

impl Tracked {
    /// A file that was read after `started`. `None` if it is not there.
    fn of(path: &Path, started: i64) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        let changed = changed(&metadata);
        let digest = if changed < started { Digest::of_file(path).ok() } else { None };
        Some(Self { path: path.to_owned(), stamp: Stamp::of_metadata(&metadata), changed, digest })
    }

    /// Whether it has the content that it had. If only its times are new, it takes those.
    fn is_same(&mut self, started: i64) -> bool {
        let Ok(metadata) = self.path.metadata() else { return false };
        let Some(digest) = &self.digest else { return false };
        let now = (Stamp::of_metadata(&metadata), changed(&metadata));
        if now == (self.stamp, self.changed) {
            return true;
        }
        if metadata.len() != self.stamp.size || Digest::of_file(&self.path).ok().as_ref() != Some(digest) {
            return false;
        }
        // One that is being written at this moment is looked at again the next time.
        if now.1 < started {
            (self.stamp, self.changed) = now;
        }
        true
    }
}

fn changed(metadata: &std::fs::Metadata) -> i64 {
    metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
}

impl Variables {
    /// What dep-info names, as it is now. `started` is when the first of it may have been read, in nanoseconds since 1970.
    /// `None` if a file is gone already.
    pub fn of(dep_info: DepInfo, started: i64) -> Option<Self> {
        let files = dep_info.files.iter().map(|path| Tracked::of(path, started)).collect::<Option<_>>()?;
        Some(Self { files, environment: dep_info.environment })
    }

    /// A file that was written or touched since.
    pub fn touched(&self) -> Option<&Path> {
        let is_touched = |file: &&Tracked| Stamp::of(&file.path) != Some(file.stamp);
        self.files.iter().find(is_touched).map(|file| &*file.path)
    }

    /// Whether the variables have the values that they had.
    pub fn environment_is_same(&self) -> bool {
        self.environment.iter().all(|(name, value)| std::env::var_os(name).map(|value| text(&value)) == *value)
    }

    /// The first thing that has changed.
    pub fn change(&mut self, started: i64) -> Option<String> {
        for (name, value) in &self.environment {
            let now = std::env::var_os(name).map(|value| text(&value));
            if now != *value {
                return Some(format!("environment variable {name} changed"));
            }
        }
        let mut files = self.files.iter_mut();
        let changed = files.find_map(|file| (!file.is_same(started)).then_some(file))?;
        let what = match changed.path.try_exists() {
            Ok(false) => "is gone",
            _ if changed.digest.is_none() => "was being written during the last compilation",
            _ => "changed",
        };
        Some(format!("source {} {what}", changed.path.display()))
    }
}

impl Given {
    /// Looks at everything around a unit.
    pub fn of(unit: &Unit, rustc: &Path) -> Self {
        let externs: Vec<_> = unit.line.values(Name::Extern).filter_map(Dependency::of).collect();
        let objects = if unit.links() { objects(&externs) } else { BTreeMap::new() };
        Self {
            compiler: compiler(rustc),
            arguments: arguments(unit),
            environment: std::env::vars_os()
                .filter(|(name, _)| decides(name))
                .map(|(name, value)| (text(&name), text(&value)))
                .collect(),
            externs,
            objects,
            native: native(unit),
            script: script(),
        }
    }

    /// The first thing in which `now` differs.
    pub fn change(&self, now: &Self) -> Option<Change> {
        let other = |text: String| Some(Change::Other(text));
        if self.compiler != now.compiler {
            return other("rustc changed".into());
        }
        if self.arguments != now.arguments {
            let is_new = |argument: &&String| !self.arguments.contains(argument);
            let new = now.arguments.iter().find(is_new);
            let old = self.arguments.iter().find(|argument| !now.arguments.contains(argument));
            return other(match (new, old) {
                (Some(new), _) => format!("argument `{new}` is new"),
                (None, Some(old)) => format!("argument `{old}` is gone"),
                (None, None) => "the order of the arguments changed".into(),
            });
        }
        if self.environment != now.environment {
            let names = self.environment.keys().chain(now.environment.keys());
            let name = { names }.find(|name| self.environment.get(*name) != now.environment.get(*name));
            return other(format!("environment variable {} changed", name.map_or("", |name| name)));
        }
        if let Some((old, new)) = self.externs.iter().zip(&now.externs).find(|(old, new)| old != new) {
            return other(new.change(old));
        }
        if let Some((path, _)) =
            self.native.iter().chain(&now.native).find(|(path, _)| self.native.get(*path) != now.native.get(*path))
        {
            return other(format!("native library or directory {} changed", path.display()));
        }
        if self.script != now.script {
            let paths = self.script.keys().chain(now.script.keys());
            let path = { paths }.find(|path| self.script.get(*path) != now.script.get(*path));
            return other(format!(
                "what its build script made changed: {}",
                path.map_or("", |path| path.to_str().unwrap_or_default())
            ));
        }
        let paths = self.objects.keys().chain(now.objects.keys());
        let path = { paths }.find(|path| self.objects.get(*path) != now.objects.get(*path))?;
        Some(Change::Objects(format!("objects of {} changed", file_name(path))))
    }

    /// The proc-macros that can be reached through the dependencies.
    pub fn macros(&self) -> Digest {
        Digest::of_all(self.externs.iter().map(|dependency| dependency.macros.as_bytes()))
    }

    /// The files of the dependencies.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.externs.iter().map(|dependency| dependency.path.clone())
    }

    /// Whether the file of some dependency is newer than this, in nanoseconds since 1970: then that is why Cargo asks.
    pub fn is_newer_than(&self, time: i64) -> bool {
        self.externs.iter().filter_map(|dependency| Stamp::of(&dependency.path)).any(|stamp| stamp.modified > time)
    }
}

impl Dependency {
    fn of(value: &OsStr) -> Option<Self> {
        let parsed = Extern::parse(value);
        let path = parsed.path?;
        let (metadata, macros) = observed(&path);
        Some(Self { name: text(&parsed.name), path, metadata, macros })
    }

    /// How this one differs from an older one.
    fn change(&self, old: &Self) -> String {
        if self.path != old.path || self.name != old.name {
            return format!("dependency {} is another file", self.name);
        }
        let metadata = Place::of_output(&self.path).read().and_then(|state| state.metadata);
        match metadata.and_then(|metadata| metadata.change) {
            Some((before, what)) if before == old.metadata => format!("interface of dependency {} changed: {what}", self.name),
            _ if is_loaded(&self.path) => format!("proc-macro {} changed", self.name),
            _ if self.macros != old.macros => format!("a proc-macro that dependency {} leads to changed", self.name),
            _ => format!("interface of dependency {} changed", self.name),
        }
    }
}

/// Whether it is a shared library: as a dependency, that is a proc-macro or a dylib.
fn is_loaded(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "so" || extension == "dylib" || extension == "dll")
}

/// What a dependent can observe of a file: its metadata, and the proc-macros that can be reached through it. Of what hollow has made, the content
/// is known; of other files, times and sizes: Cargo makes them again only for a reason.
fn observed(path: &Path) -> (Digest, Digest) {
    let state = Place::of_output(path).read();
    if is_loaded(path) {
        let made = state.and_then(|state| state.made);
        let made = made.filter(|made| made.outputs.iter().any(|output| output.path == path && output.is_there()));
        let digest = made.map_or_else(|| unknown(path), |made| made.objects);
        return (digest.clone(), digest);
    }
    let Some(state) = state else { return (unknown(path), Digest::default()) };
    let Some(metadata) = state.metadata else { return (unknown(path), unknown(path)) };
    let made = state.made.iter().flat_map(|made| &made.outputs);
    if metadata.rmeta.iter().chain(made).any(|output| output.path == path && output.is_there()) {
        (metadata.digest, metadata.macros)
    } else {
        (unknown(path), unknown(path))
    }
}

fn unknown(path: &Path) -> Digest {
    Stamp::of(path).map_or_else(Digest::default, |stamp| stamp.digest())
}

/// The objects of everything that may be linked: of these libraries, and through unit state, of those that they were made from.
fn objects(externs: &[Dependency]) -> BTreeMap<PathBuf, Digest> {
    let mut found = BTreeMap::new();
    let mut paths: Vec<PathBuf> = externs.iter().map(|dependency| dependency.path.clone()).collect();
    while let Some(path) = paths.pop() {
        let rlib = path.with_extension("rlib");
        let path = if path.extension().is_some_and(|extension| extension == "rmeta") { rlib } else { path };
        if found.contains_key(&path) {
            continue;
        }
        let made = Place::of_output(&path).read().and_then(|state| state.made);
        let made = made.filter(|made| made.outputs.iter().any(|output| output.path == path && output.is_there()));
        let digest = match made {
            None => unknown(&path),
            Some(made) => {
                paths.extend(made.inputs.given.externs.into_iter().map(|dependency| dependency.path));
                made.objects
            }
        };
        found.insert(path, digest);
    }
    found
}

/// rustc, by what it is: a toolchain's is known by its files. A script, or rustup's proxy, starts whatever it wants to, and so it is asked.
fn compiler(rustc: &Path) -> (PathBuf, Option<Digest>) {
    let path = which::which(rustc).unwrap_or_else(|_| rustc.to_owned());
    let library = path.parent().and_then(Path::parent).map(|toolchain| toolchain.join("lib"));
    let entries = library.into_iter().flat_map(|library| std::fs::read_dir(library).into_iter().flatten().flatten());
    let driver = { entries }.map(|entry| entry.path()).find(|path| file_name(path).starts_with("librustc_driver-"));
    let said = match driver {
        Some(driver) => unknown(&driver),
        None => Command::new(&path).arg("-vV").output().map(|output| Digest::of(&output.stdout)).unwrap_or_default(),
    };
    let stamp = Stamp::of(&path).map(|stamp| Digest::of_all([stamp.digest().as_bytes(), said.as_bytes()]));
    (path, stamp)
}

/// What the build script of the package has said, and all that it has left: Cargo starts rustc again because of them, or because the script ran.
fn script() -> BTreeMap<PathBuf, Digest> {
    /// What is larger than this is known by its times.
    const LARGE: u64 = 4 << 20;
    let mut found = BTreeMap::new();
    let Some(out_dir) = std::env::var_os("OUT_DIR").map(PathBuf::from) else { return found };
    let mut directories = vec![out_dir.clone()];
    let mut files: Vec<PathBuf> = said_by_script(&out_dir).collect();
    while let Some(directory) = directories.pop() {
        for path in std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() && !path.is_symlink() { directories.push(path) } else { files.push(path) }
        }
    }
    for path in files {
        let is_large = path.metadata().is_ok_and(|metadata| metadata.len() > LARGE);
        let content = if is_large { None } else { Digest::of_file(&path).ok() };
        found.insert(path.clone(), content.unwrap_or_else(|| unknown(&path)));
    }
    found
}

/// Where Cargo keeps what a build script has printed: beside `OUT_DIR`, or with the newer layout in a directory `run` beside it.
fn said_by_script(out_dir: &Path) -> impl Iterator<Item = PathBuf> {
    ["../output", "../run/output", "../stdout", "../run/stdout"]
        .map(|path| out_dir.join(path))
        .into_iter()
        .filter(|path| path.is_file())
}

/// By what it shows that the build script ran or the manifest was written, even if nothing is different for it: a macro may read what they have changed.
pub fn around() -> BTreeMap<PathBuf, Digest> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(|directory| Path::new(&directory).join("Cargo.toml"));
    let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from);
    let said = out_dir.iter().flat_map(|out_dir| said_by_script(out_dir));
    manifest.into_iter().chain(said).map(|path| (path.clone(), unknown(&path))).collect()
}

/// The arguments that decide on what is made: all, but for the width of the terminal.
fn arguments(unit: &Unit) -> Vec<String> {
    let tokens = unit.line.clone().into_tokens();
    let mut kept = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        if token == "--diagnostic-width" {
            tokens.next();
        } else if !token.as_encoded_bytes().starts_with(b"--diagnostic-width=") {
            kept.push(text(token));
        }
    }
    kept
}

/// The variables that Cargo sets for a unit, and those that rustc and hollow obey. Macros may read them without telling rustc.
fn decides(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    let names =
        ["CARGO_CRATE_NAME", "OUT_DIR", "RUSTC_BOOTSTRAP", "RUSTUP_TOOLCHAIN", "SOURCE_DATE_EPOCH", settings::INNER_WRAPPER];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

/// What rustc or the linker read without any dep-info: the directories of native libraries, and files that are named in the linker's arguments.
fn native(unit: &Unit) -> BTreeMap<PathBuf, Digest> {
    let mut found = BTreeMap::new();
    if let Some(specification) = unit.settings.target.as_ref().map(Path::new).filter(|target| target.is_file()) {
        found.insert(specification.to_owned(), unknown(specification));
    }
    if unit.is_checked() {
        return found;
    }
    for value in unit.line.values(Name::LibraryPath) {
        let search = SearchPath::parse(value);
        if !search.kind.finds_crates() || search.kind == SearchKind::All {
            let digest = listing(&search.path);
            found.insert(search.path, digest);
        }
    }
    for value in unit.line.values(Name::Codegen) {
        let codegen = Codegen::parse(value);
        let names_files = codegen.name.contains("link") || codegen.name.contains("profile");
        let Some(value) = codegen.value.filter(|_| names_files) else { continue };
        for part in value.to_string_lossy().split([',', '=', ' ', ':']) {
            let path = PathBuf::from(part.strip_prefix("-T").unwrap_or(part));
            if path.is_file() {
                let digest = unknown(&path);
                found.insert(path, digest);
            }
        }
    }
    found
}

fn listing(directory: &Path) -> Digest {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_file() {
            entries.push([entry.file_name().as_encoded_bytes(), b" ", unknown(&path).as_bytes()].concat());
        }
    }
    entries.sort();
    Digest::of_all(entries.iter().map(|entry| &**entry))
}

/// Text that differs where the original does.
fn text(original: &OsStr) -> String {
    original.to_str().map_or_else(|| format!("{original:?}"), str::to_owned)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}
