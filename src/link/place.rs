//! From a recorded call to a plan's: each path in it gets the name that it has wherever the plan is used.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::manifest::{Call, Piece, PlanFile, Rlib};
use super::record::Recorded;
use crate::rlib;

/// The directory of the objects in a plan.
pub(super) const OBJECTS: &str = "objects";

/// What must be known to place the paths of a recorded call.
pub struct Surroundings<'a> {
    /// The linker, as rustc would have started it.
    pub linker: &'a OsStr,
    /// Where rustc was told to put the program.
    pub output: &'a Path,
    /// The working directory, under each of its names.
    pub directories: Vec<PathBuf>,
    /// Whether object names end in something random: with an incremental cache.
    pub incremental: bool,
    /// The full rlib that belongs to one that rustc was given; `None` if it is full itself.
    pub full_twin: &'a dyn Fn(&Path) -> Option<PathBuf>,
}

/// The call as a plan has it, and the kept files under their names in the plan. An error says what has no place; then the action can't be
/// split.
pub(super) fn call(recorded: &Recorded, kept: &Path, scratch: &Path, surroundings: &Surroundings<'_>) -> Result<Call> {
    let placer = Placer::new(recorded, kept, scratch, surroundings)?;
    let arguments = recorded.arguments.iter().map(|argument| placer.argument(argument)).collect::<Result<Vec<_>>>()?;
    if arguments.iter().filter(|argument| **argument == [Piece::Output]).count() != 1 {
        bail!("the linker is not told of the output `{}` as rustc was", surroundings.output.display());
    }
    let path = placer.path(&recorded.path);
    let rustc = placer.rustc.context("it links no rlib of rustc's own")?;
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    list(kept, "", &mut files, &mut directories)?;
    let used = |name: &str| !placer.packed.contains_key(name);
    files.retain(|file| used(&file.name));
    for name in placer.packed.keys() {
        fs::remove_file(kept.join(name))?;
    }
    files.sort();
    directories.sort();
    Ok(Call {
        rustc,
        linker: surroundings.linker.into(),
        arguments,
        path,
        environment: recorded.environment.iter().map(|(name, value)| (name.clone(), value.as_os_str().into())).collect(),
        rlibs: placer.rlibs,
        files,
        directories,
    })
}

struct Placer<'a> {
    surroundings: &'a Surroundings<'a>,
    kept: &'a Path,
    /// No argument may name anything in here.
    scratch: &'a Path,
    temporary: Option<&'a Path>,
    /// Names in the plan by arguments.
    objects: BTreeMap<OsString, String>,
    sysroot: Option<PathBuf>,
    /// By the path that rustc was given.
    known: BTreeMap<PathBuf, usize>,
    rlibs: Vec<Rlib>,
    /// Files that are members of an rlib, by their names in the plan.
    packed: BTreeMap<String, (usize, String)>,
    rustc: Option<String>,
}

impl<'a> Placer<'a> {
    fn new(recorded: &'a Recorded, kept: &'a Path, scratch: &'a Path, surroundings: &'a Surroundings<'a>) -> Result<Self> {
        let mut objects = BTreeMap::new();
        for (argument, name) in &recorded.objects {
            let stable = if surroundings.incremental { without_random_part(name) } else { name.clone() };
            if stable != *name {
                if kept.join(&stable).exists() {
                    bail!("two objects are called `{stable}`");
                }
                fs::rename(kept.join(name), kept.join(&stable))?;
            }
            objects.insert(argument.clone(), stable);
        }
        let sysroot = std::env::split_paths(&recorded.path).find_map(|entry| sysroot_of_tools(&entry));
        let mut placer = Self {
            surroundings,
            kept,
            scratch,
            temporary: recorded.temporary.as_deref(),
            objects,
            sysroot,
            known: BTreeMap::new(),
            rlibs: Vec::new(),
            packed: BTreeMap::new(),
            rustc: None,
        };
        let rlibs = recorded.arguments.iter().map(Path::new).filter(|path| path.extension() == Some("rlib".as_ref()));
        for path in rlibs {
            placer.rlib(path)?;
        }
        Ok(placer)
    }

    /// Notes an rlib, and the native libraries that rustc has unpacked from it.
    fn rlib(&mut self, path: &Path) -> Result<()> {
        let identity = rlib::Identity::read(path)?;
        if self.is_in_sysroot(path) {
            self.rustc.get_or_insert(identity.rustc);
            return Ok(());
        }
        if self.known.contains_key(path) {
            return Ok(());
        }
        let full = (self.surroundings.full_twin)(path).unwrap_or_else(|| path.to_owned());
        let file = full.file_name().and_then(OsStr::to_str).context("an rlib's name is not UTF-8")?.to_owned();
        let number = self.rlibs.len();
        self.known.insert(path.to_owned(), number);
        self.rlibs.push(Rlib { file, identity: identity.text });
        for member in identity.packed {
            if self.kept.join(&member).is_file() && rlib::packed_library(path, &member)? == fs::read(self.kept.join(&member))? {
                self.packed.entry(member.clone()).or_insert((number, member));
            }
        }
        Ok(())
    }

    fn is_in_sysroot(&self, path: &Path) -> bool {
        self.sysroot.as_ref().is_some_and(|sysroot| path.starts_with(sysroot.join("lib/rustlib")))
    }

    fn argument(&self, argument: &OsString) -> Result<Vec<Piece>> {
        if let Some(name) = self.objects.get(argument) {
            return Ok(vec![Piece::Plan(name.clone())]);
        }
        if let Some(&number) = self.known.get(Path::new(argument)) {
            return Ok(vec![Piece::Rlib(number)]);
        }
        if *argument == *self.surroundings.output.as_os_str() {
            return Ok(vec![Piece::Output]);
        }
        let mut pieces = Vec::new();
        let mut rest = argument.as_bytes();
        let mut text = Vec::new();
        while !rest.is_empty() {
            if starts_path(&text)
                && let Some((piece, length)) = self.path_piece(rest)?
            {
                if !text.is_empty() {
                    pieces.push(Piece::Text(text.as_slice().into()));
                    text.clear();
                }
                pieces.push(piece);
                rest = &rest[length..];
                // What follows in it is no other path.
                let end = rest.iter().position(|byte| b",:".contains(byte)).unwrap_or(rest.len());
                text.extend_from_slice(&rest[..end]);
                rest = &rest[end..];
            } else {
                text.push(rest[0]);
                rest = &rest[1..];
            }
        }
        if !text.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(text.as_slice().into()));
        }
        self.check(argument, &pieces)?;
        Ok(pieces)
    }

    /// The piece that a path starts with, and how long that is.
    fn path_piece(&self, path: &[u8]) -> Result<Option<(Piece, usize)>> {
        if let Some(temporary) = self.temporary
            && let Some(end) = starts_with(path, temporary)
        {
            let rest = &path[end..];
            let length = rest.iter().position(|byte| b",:".contains(byte)).unwrap_or(rest.len());
            let name = rest[..length].strip_prefix(b"/").unwrap_or_default();
            let name = std::str::from_utf8(name).context("a temporary file's name is not UTF-8")?;
            if let Some((rlib, member)) = self.packed.get(name) {
                return Ok(Some((Piece::Packed { rlib: *rlib, member: member.clone() }, end + length)));
            }
            if !name.is_empty() && self.kept.join(name).exists() {
                return Ok(Some((Piece::Plan(name.to_owned()), end + length)));
            }
            bail!("the linker is told of `{}`, and there is no such file", temporary.join(name).display());
        }
        if let Some(sysroot) = &self.sysroot
            && let Some(end) = starts_with(path, sysroot)
        {
            return Ok(Some((Piece::Sysroot, end)));
        }
        for directory in &self.surroundings.directories {
            // The root is in every path.
            if directory.parent().is_some()
                && let Some(end) = starts_with(path, directory)
            {
                return Ok(Some((Piece::Directory, end)));
            }
        }
        Ok(None)
    }

    /// Nothing that is gone when rustc has ended may be left in the text.
    fn check(&self, argument: &OsStr, pieces: &[Piece]) -> Result<()> {
        let scratch = self.scratch.file_name().into_iter();
        let gone: Vec<&OsStr> = scratch.chain(self.temporary.and_then(Path::file_name)).collect();
        for piece in pieces {
            if let Piece::Text(text) = piece
                && gone.iter().any(|name| memchr::memmem::find(text.to_os_string().as_bytes(), name.as_bytes()).is_some())
            {
                bail!("the linker's argument `{}` names a temporary file", argument.display());
            }
        }
        Ok(())
    }

    /// What rustc puts in front of `PATH`: directories of its own. (rustup puts others between.)
    fn path(&self, path: &OsStr) -> Vec<Vec<Piece>> {
        let Some(sysroot) = &self.sysroot else { return Vec::new() };
        let entries = std::env::split_paths(path).take_while(|entry| entry.starts_with(sysroot));
        let rest = |entry: &Path| entry.as_os_str().as_bytes()[sysroot.as_os_str().len()..].to_vec();
        entries.map(|entry| vec![Piece::Sysroot, Piece::Text(rest(&entry).as_slice().into())]).collect()
    }
}

/// Whether a path may start behind this text: at the start of an argument, behind the separators that rustc uses, or a short option.
fn starts_path(before: &[u8]) -> bool {
    matches!(before, [] | [.., b'=' | b',' | b':'] | [b'-', b'L' | b'B' | b'I' | b'F' | b'l'])
}

/// Where a directory's path ends in a path that is in it.
fn starts_with(path: &[u8], directory: &Path) -> Option<usize> {
    let directory = directory.as_os_str().as_bytes();
    let rest = path.strip_prefix(directory)?;
    matches!(rest, [] | [b'/' | b',' | b':', ..]).then_some(directory.len())
}

/// `S` of `S/lib/rustlib/TARGET/bin`, which rustc puts in front of `PATH` (`rustc_session::Session::get_tools_search_paths`).
fn sysroot_of_tools(tools: &Path) -> Option<PathBuf> {
    let rustlib = tools.parent()?.parent().filter(|_| tools.file_name() == Some("bin".as_ref()))?;
    rustlib.ends_with("lib/rustlib").then(|| rustlib.parent().and_then(Path::parent).map(Path::to_owned)).flatten()
}

/// `prog.<cgu>.<random>.rcgu.o` without the random part (`rustc_session::config::OutputFilenames::temp_path_for_cgu`).
fn without_random_part(name: &str) -> String {
    let stem = name.strip_suffix(".rcgu.o").unwrap_or(name);
    match stem.rsplit_once('.') {
        Some((stem, _)) => format!("{stem}.rcgu.o"),
        None => name.to_owned(),
    }
}

/// The files and directories of a plan, by their paths in it.
fn list(directory: &Path, prefix: &str, files: &mut Vec<PlanFile>, directories: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a kept file's name is not UTF-8")?;
        let name = format!("{prefix}{name}");
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            list(&entry.path(), &format!("{name}/"), files, directories)?;
            directories.push(name);
        } else {
            files.push(PlanFile { name, size: metadata.len() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_starts_where_a_linker_expects_one() {
        for (before, starts) in
            [("", true), ("-L", true), ("-Wl,", true), ("--version-script=", true), ("a", false), ("-o", false)]
        {
            assert_eq!(starts_path(before.as_bytes()), starts, "{before}");
        }
        assert_eq!(starts_with(b"/a/b/c", Path::new("/a/b")), Some(4));
        assert_eq!(starts_with(b"/a/bc", Path::new("/a/b")), None);
    }

    #[test]
    fn random_parts_of_names_go() {
        assert_eq!(without_random_part("objects/p.4w9y.0ifwvdd.rcgu.o"), "objects/p.4w9y.rcgu.o");
        assert_eq!(sysroot_of_tools(Path::new("/s/lib/rustlib/x/bin")), Some("/s".into()));
        assert_eq!(sysroot_of_tools(Path::new("/usr/bin")), None);
    }
}
