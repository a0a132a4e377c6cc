//! The files of a crate, found from its root by rustc's rules (`rustc_expand::module`).
//!
//! Every configuration is treated alike: a module under a `cfg` is followed if its file is there, and a `#[path]` in a `cfg_attr` is
//! one more place to look. What only a macro can lead to (`mod x;` in a macro call, `include!`) is read for the names in it, and its
//! text stays as it is.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::file::File;
use super::lex::{Kind, Tokens};
use super::shape::{PathAttribute, Segment};

/// Where source files come from.
pub trait Files {
    /// The text of a file; an error if it is not there or no UTF-8.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// A file of the crate.
#[derive(Debug)]
pub(super) struct Source {
    pub path: PathBuf,
    pub file: File,
    /// A macro leads to it, so that nothing is known of the module that it is, and its text stays.
    pub opaque: bool,
    /// The `mod` declarations that lead to it: the source and which of its modules.
    pub declared: Vec<(usize, usize)>,
}

/// Everything that could be read.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub sources: Vec<Source>,
    /// Some file may hold code of the crate and could not be found or understood: why.
    pub incomplete: Option<String>,
}

/// A directory in which the files of modules are looked for, and the name of the file that is not a `mod.rs`, below which they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Directory {
    path: PathBuf,
    relative: Option<String>,
}

/// A file to read.
struct Lead {
    path: PathBuf,
    relative: Option<String>,
    opaque: bool,
    declared: Option<(usize, usize)>,
}

impl Tree {
    /// Reads the crate whose root is at a path. An error if there is no such file.
    pub fn load(root: &Path, files: &dyn Files, out_dir: Option<&Path>) -> io::Result<Self> {
        let mut tree = Self::default();
        let mut known: HashMap<PathBuf, usize> = HashMap::new();
        let mut followed: HashSet<(usize, Option<String>, bool)> = HashSet::new();
        let mut leads = VecDeque::from([Lead { path: root.into(), relative: None, opaque: false, declared: None }]);
        while let Some(lead) = leads.pop_front() {
            let path = normal(&lead.path);
            let index = match known.get(&path) {
                Some(index) => *index,
                None => {
                    let text = match files.read(&path) {
                        Ok(text) => text,
                        Err(error) if tree.sources.is_empty() => return Err(error),
                        // A module of another configuration, or rustc will say that it is missing.
                        Err(_) => continue,
                    };
                    tree.sources.push(Source { path: path.clone(), file: File::read(text), opaque: false, declared: Vec::new() });
                    known.insert(path, tree.sources.len() - 1);
                    tree.sources.len() - 1
                }
            };
            let source = &mut tree.sources[index];
            source.opaque |= lead.opaque;
            source.declared.extend(lead.declared);
            if followed.insert((index, lead.relative.clone(), lead.opaque)) {
                let mut follow = Follow { index, source, relative: lead.relative, opaque: lead.opaque, leads: &mut leads };
                let incomplete = [follow.modules(), follow.hidden_modules(), follow.includes(files, out_dir)];
                tree.incomplete = tree.incomplete.take().or(incomplete.into_iter().flatten().next());
            }
        }
        Ok(tree)
    }
}

/// One file, reached in one way.
struct Follow<'a> {
    index: usize,
    source: &'a Source,
    relative: Option<String>,
    opaque: bool,
    leads: &'a mut VecDeque<Lead>,
}

impl Follow<'_> {
    /// Those that syn found.
    fn modules(&mut self) -> Option<String> {
        let Some(shape) = &self.source.file.shape else {
            return Some(format!("`{}` could not be parsed", self.source.path.display()));
        };
        for (number, module) in shape.modules.iter().enumerate() {
            let directories = self.directories(&module.around);
            self.lead(&directories, &module.name, &module.path, Some((self.index, number)));
        }
        None
    }

    /// `mod x;` in a macro call or in a body.
    fn hidden_modules(&mut self) -> Option<String> {
        let shape = self.source.file.shape.as_ref()?;
        let tokens = self.source.file.tokens();
        let mut unknown = None;
        for index in (0..tokens.len()).filter(|&index| tokens.is_word(index, "mod")) {
            if tokens.is_punct(index + 1, b'$') {
                let path = self.source.path.display();
                unknown = Some(format!("a macro in `{path}` declares modules by names that it was given"));
            }
            let Some(name) = tokens.name(index + 1).filter(|_| tokens.is_punct(index + 2, b';')) else { continue };
            let keyword = tokens.tokens[index].start;
            if shape.modules.iter().any(|module| module.keyword == keyword) {
                continue;
            }
            let path = path_before(tokens, index);
            let around = std::iter::once(&[][..]).chain(shape.inline.iter().map(Vec::as_slice));
            let directories: Vec<Directory> = around.flat_map(|around| self.directories(around)).collect();
            self.opaque = true;
            self.lead(&directories, name, &path, None);
        }
        unknown
    }

    /// `include!` of files with code.
    fn includes(&mut self, files: &dyn Files, out_dir: Option<&Path>) -> Option<String> {
        let tokens = self.source.file.tokens();
        let mut unknown = None;
        let here = self.source.path.parent().unwrap_or(Path::new(""));
        for index in 0..tokens.len() {
            if !(tokens.is_word(index, "include") && tokens.is_punct(index + 1, b'!') && tokens.is_open(index + 2)) {
                continue;
            }
            let literal = tokens.string(index + 3).map(|name| here.join(name));
            let path = literal.or_else(|| Some(generated(tokens, index + 3, out_dir?)));
            let included = path.as_ref().and_then(|path| files.read(path).ok()).map(File::read);
            let declares = |file: &File| {
                let tokens = file.tokens();
                (0..tokens.len()).any(|index| tokens.is_word(index, "mod") && tokens.is_punct(index + 2, b';'))
            };
            if included.as_ref().is_none_or(declares) {
                unknown = Some(format!("`{}` includes code that could not be found", self.source.path.display()));
            }
            self.leads.extend(path.map(|path| Lead { path, relative: None, opaque: true, declared: None }));
        }
        unknown
    }

    /// Where the modules inside some inline modules of this file are.
    fn directories(&self, around: &[Segment]) -> Vec<Directory> {
        let path = self.source.path.parent().unwrap_or(Path::new("")).to_owned();
        let mut directories = vec![Directory { path, relative: self.relative.clone() }];
        for segment in around {
            let inside = directories.iter().flat_map(|directory| directory.inside(segment)).collect();
            directories = inside;
        }
        directories
    }

    fn lead(&mut self, directories: &[Directory], name: &str, path: &PathAttribute, declared: Option<(usize, usize)>) {
        for directory in directories {
            let mut add = |path: PathBuf, relative: Option<String>, opaque: bool| {
                self.leads.push_back(Lead { path, relative, opaque, declared });
            };
            // A file with a `#[path]` counts as a `mod.rs`, and is looked for beside the file that declares it. No overlay can stand
            // between rustc and an absolute path.
            for value in &path.values {
                add(directory.path.join(value), None, self.opaque || Path::new(value).is_absolute());
            }
            if !path.always {
                let prefix = match &directory.relative {
                    Some(relative) => directory.path.join(relative),
                    None => directory.path.clone(),
                };
                add(prefix.join(format!("{name}.rs")), Some(name.to_owned()), self.opaque);
                add(prefix.join(name).join("mod.rs"), None, self.opaque);
            }
        }
    }
}

impl Directory {
    /// The directories of an inline module.
    fn inside(&self, segment: &Segment) -> Vec<Self> {
        let mut all: Vec<Self> =
            segment.path.values.iter().map(|value| Self { path: self.path.join(value), relative: None }).collect();
        if !segment.path.always {
            let mut path = self.path.clone();
            path.extend(&self.relative);
            path.push(&segment.name);
            all.push(Self { path, relative: None });
        }
        all
    }
}

/// `concat!(env!("OUT_DIR"), "/name.rs")`, as build scripts' output is included.
fn generated(tokens: Tokens<'_>, start: usize, out_dir: &Path) -> PathBuf {
    let mut path = out_dir.as_os_str().to_owned();
    let is_out_dir = (start..start + 8).any(|index| tokens.string(index) == Some("OUT_DIR"));
    if !is_out_dir || !tokens.is_word(start, "concat") {
        return PathBuf::new();
    }
    let end = tokens.behind_group(start + 2);
    for index in (start..end).filter(|&index| tokens.kind(index) == Some(Kind::Text)) {
        match tokens.string(index) {
            Some("OUT_DIR") => {}
            Some(part) => path.push(part),
            None => return PathBuf::new(),
        }
    }
    path.into()
}

/// The `#[path]` before a declaration, as tokens tell it.
fn path_before(tokens: Tokens<'_>, declaration: usize) -> PathAttribute {
    let earliest = declaration.saturating_sub(24);
    let start = (earliest..declaration).rev().find(|&index| {
        let ends = tokens.is_punct(index, b';') || matches!(tokens.kind(index), Some(Kind::Open(b'{') | Kind::Close(b'}')));
        ends && index < declaration
    });
    let values = (start.unwrap_or(earliest)..declaration)
        .filter(|&index| tokens.is_word(index, "path") && tokens.is_punct(index + 1, b'='))
        .filter_map(|index| tokens.string(index + 2).map(str::to_owned));
    PathAttribute { values: values.collect(), always: false }
}

/// The path without `.` and without `x/..`, so that a file is known by one name.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
