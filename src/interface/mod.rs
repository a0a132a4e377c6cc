//! Interface source: a crate's source with every body that no dependent can observe replaced by `loop {}`.
//!
//! A hollow rlib made from it costs less, and stays byte-identical when only such bodies change. The way from files to text:
//!
//! | module | what it does |
//! |---|---|
//! | `tree` | finds the files of the crate by rustc's rules |
//! | `unit_tests` | takes out what is compiled for tests only |
//! | `file`, `shape`, `lex` | one file: its tokens, and from syn the places of its functions, modules and `use` statements |
//! | `facts` | what must be known of all files first: macros that the crate defines, features |
//! | `own_macros` | what the crate's own macros make of what they are given |
//! | `platform` | modules that are there on other systems only |
//! | `inert` | the lists of what does not matter, with reasons |
//! | `scan`, `judge` | the rules: which bodies stay, and why |
//! | `modules` | the modules as a graph: what is inside what, where globs lead |
//! | `expansions` | where macros of dependencies may name what is private |
//! | `positions` | what turns positions into values, which forbids canonical text |
//! | `note` | what a hollow rlib tells of its macros and functions |
//! | `loads` | which dependencies emptied bodies load |
//! | `prune` | private functions that nothing kept can name |
//! | `emit`, `canonical`, `uses` | the text, with or without the old lines |
//! | `verbatim` | what macros can see, which stays as it was written |
//! | `origins` | where what is in canonical text is in the true source |
//! | `items` | how two interface sources differ |
//! | [`overlay`] | the text on disk, among links to everything else |
//!
//! Kept text is copied, never printed from a syntax tree. Everything that is unknown stays.

mod canonical;
pub mod command;
mod emit;
mod expansions;
mod facts;
mod file;
mod inert;
mod items;
mod judge;
mod lex;
mod loads;
mod modules;
mod note;
mod origins;
pub mod overlay;
mod own_macros;
mod platform;
mod positions;
mod prune;
mod reason;
pub mod report;
mod scan;
mod shape;
mod tree;
mod unit_tests;
mod uses;
mod verbatim;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use emit::{Copied, Form};
use expansions::Expansions;
use facts::Facts;
pub use items::difference;
use judge::{Judge, Verdict};
use lex::Tokens;
use loads::Loads;
use modules::Modules;
pub use note::{Dependencies, Note};
pub use origins::Origins;
pub use reason::Reason;
pub use report::{Outcome, Report};
use scan::Scanner;
use serde::{Deserialize, Serialize};
pub(crate) use tree::normal;
pub use tree::{Disk, Files};
use tree::{Source, Tree};
pub use unit_tests::WithoutTests;

use crate::rustc::{CommandLine, CrateType, Extern, Name, Settings};

/// What becomes of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lines {
    /// Each line of kept code is on its old line.
    #[default]
    Keep,
    /// The text is canonical: comments, blank lines, formatting, the order of `use` statements and private functions that nothing names
    /// do not show.
    Drop,
}

/// How to make interface source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What becomes of lines.
    pub lines: Lines,
    /// Names of macros, besides the standard library's, that expand to expressions.
    pub expression_macros: HashSet<String>,
    /// A proc-macro crate: everything stays.
    pub proc_macro: bool,
    /// A flag such as `-Zcrate-attr` enables a feature by which bodies define types: everything stays.
    pub body_features: bool,
    /// `cfg(test)` holds, so that what is there for tests counts.
    pub with_tests: bool,
    /// The edition is 2015, in which the paths of `use` begin at the crate root.
    pub edition_2015: bool,
    /// The names of externs whose macros name nothing that they were not given.
    pub trusted: HashSet<String>,
    /// The target, if it is not this machine.
    pub target: Option<String>,
    /// Names of crates, of those whose macros are known, by which the command line means other ones.
    pub renamed: HashSet<String>,
    /// The names of externs.
    pub externs: BTreeSet<String>,
}

/// The source of a crate.
#[derive(Debug)]
pub struct Crate {
    tree: Tree,
    facts: Facts,
}

/// Interface source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The files that differ from the true source, with their text, in the order of their paths.
    pub files: Vec<(PathBuf, String)>,
    /// What became of each function.
    pub report: Report,
    /// The names of dependencies that the crate certainly loads, be it in a body that is emptied.
    pub loads: BTreeSet<String>,
}

/// What was decided on each function of each source.
#[derive(Clone, Debug)]
struct Decisions {
    /// None where the text stays as it is.
    verdicts: Vec<Option<Vec<Verdict>>>,
    left_out: Vec<Vec<bool>>,
    /// For each source: a glob import may give any name to a macro somewhere in it.
    any_macro: Vec<bool>,
    /// Why no private function is left out, if that is so.
    keeps_private: Option<String>,
    /// The names of dependencies that are certainly loaded.
    loads: BTreeSet<String>,
}

impl Options {
    /// Those that a command line of rustc implies.
    pub fn of(line: &CommandLine, lines: Lines, expression_macros: HashSet<String>) -> Self {
        let enables = |value: &OsStr| {
            let value = value.to_string_lossy();
            let attribute = value.strip_prefix("crate-attr=").or_else(|| value.strip_prefix("crate_attr="));
            attribute.is_some_and(|attribute| inert::BODY_FEATURES.iter().any(|feature| attribute.contains(feature)))
        };
        Self {
            lines,
            expression_macros,
            proc_macro: Settings::of(line).crate_types.contains(&CrateType::ProcMacro),
            body_features: line.values(Name::Unstable).any(enables),
            with_tests: line.has(Name::Test) || line.values(Name::Cfg).any(|cfg| cfg == "test"),
            edition_2015: line.values(Name::Edition).last().is_none_or(|edition| edition == "2015"),
            externs: line.values(Name::Extern).filter_map(|value| Extern::parse(value).name.into_string().ok()).collect(),
            trusted: line.values(Name::Extern).filter_map(|value| trusted(&Extern::parse(value))).collect(),
            target: line.values(Name::Target).last().map(|target| target.to_string_lossy().into_owned()),
            renamed: line.values(Name::Extern).filter_map(|value| renamed(&Extern::parse(value))).collect(),
        }
    }

    /// The source of the crate, as these options let it be seen. As [`Crate::load`].
    pub fn load(&self, root: &Path, files: impl Files + Sync, out_dir: Option<&Path>) -> io::Result<Crate> {
        if self.with_tests { Crate::load(root, &files, out_dir) } else { Crate::load(root, &WithoutTests(files), out_dir) }
    }
}

/// The name of an extern that is a trusted crate.
fn trusted(dependency: &Extern) -> Option<String> {
    let krate = crate_of(dependency)?;
    inert::TRUSTED.iter().any(|(trusted, ..)| *trusted == krate).then(|| dependency.name.to_string_lossy().into_owned())
}

/// The name of an extern, if it is that of a crate whose macros are known, and its file is of another.
fn renamed(dependency: &Extern) -> Option<String> {
    let name = dependency.name.to_str().filter(|name| inert::macros_of(name).is_some())?;
    (crate_of(dependency) != Some(name)).then(|| name.to_owned())
}

/// The crate that an extern is, as its file tells.
fn crate_of(dependency: &Extern) -> Option<&str> {
    let file = match &dependency.path {
        Some(path) => path.file_stem()?.to_str()?,
        None => dependency.name.to_str()?,
    };
    let stem = file.strip_prefix("lib").filter(|_| dependency.path.is_some()).unwrap_or(file);
    let stem = stem.strip_suffix("_meta").unwrap_or(stem);
    Some(stem.split_once('-').map_or(stem, |(krate, _)| krate))
}

impl Crate {
    /// Reads the crate whose root is at a path. `out_dir` is the value of `OUT_DIR`, if rustc will see one. An error if the root can't
    /// be read; any other file that can't is not rewritten.
    pub fn load(root: &Path, files: &(dyn Files + Sync), out_dir: Option<&Path>) -> io::Result<Self> {
        let mut tree = apart(|| Tree::load(root, files, out_dir))??;
        let mut facts = Facts::default();
        tree.sources.iter().for_each(|source| facts.add(source.file.facts.clone()));
        facts.settle();
        judge::mark_opaque(&mut tree.sources, &facts);
        Ok(Self { tree, facts })
    }

    /// The path of the crate root.
    pub fn root(&self) -> &Path {
        self.tree.sources.first().map_or(Path::new(""), |source| &source.path)
    }

    /// The files that were read, rewritten or not.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.tree.sources.iter().map(|source| &*source.path)
    }

    /// Whether the crate root enables features of the language or the library.
    pub fn enables_features(&self) -> bool {
        let Some(root) = self.tree.sources.first() else { return false };
        let tokens = root.file.tokens();
        (0..tokens.len()).any(|index| tokens.is_word(index, "feature") && tokens.is_open(index + 1))
    }

    /// The modules of the crate with their true source, in the order of their paths; files that only a macro leads to are none.
    pub fn modules(&self) -> Vec<(&Path, &str)> {
        let modules = self.tree.sources.iter().filter(|source| !source.opaque);
        let mut modules: Vec<_> = modules.map(|source| (&*source.path, &*source.file.text)).collect();
        modules.sort_unstable_by_key(|(path, _)| *path);
        modules
    }

    /// What the hollow rlib tells dependents of the crate.
    pub fn note(&self, dependencies: &Dependencies) -> Note {
        positions::of_crate(&self.tree.sources, &dependencies.note)
    }

    /// Why lines have to be kept: something in what is kept may turn a position into a value, which would be another where lines have moved.
    pub fn keeps_lines(&self, options: &Options, dependencies: &Dependencies, note: &Note) -> Option<String> {
        if let Some(silent) = &dependencies.silent {
            return Some(format!("`{silent}` does not tell whether it turns positions into values"));
        }
        if note.others {
            return Some("a dependency, or a macro of the crate, may turn any position into a value".into());
        }
        let Decisions { mut verdicts, left_out, .. } = self.decide(options);
        if let Some(name) = positions::in_kept(&self.tree.sources, &verdicts, &left_out, note) {
            return Some(format!("`{name}` turns a position into a value"));
        }
        if !dependencies.unknown_macros {
            return None;
        }
        if dependencies.of_cargo {
            let stays = verdicts.iter_mut().flatten().flatten().map(|verdict| &mut verdict.stays);
            stays.for_each(|stays| drop(stays.take_if(|stays| matches!(stays, Reason::Macro(_)))));
        }
        let modules = Modules::of(&self.tree.sources, &self.facts, options.edition_2015);
        let expansions = Expansions::of(&self.tree.sources, &verdicts, &modules, self.scanner(options));
        expansions.seeing.contains(&true).then(|| "a macro of a dependency may turn a position into a value".into())
    }

    fn scanner<'a>(&'a self, options: &'a Options) -> Scanner<'a> {
        Scanner {
            facts: &self.facts,
            expression_macros: &options.expression_macros,
            trusted: &options.trusted,
            renamed: &options.renamed,
        }
    }

    /// Whether a module may be included as text or as code somewhere, too: then more of it can be observed than its interface.
    pub fn includes_modules(&self) -> bool {
        let names: HashSet<_> =
            self.tree.sources.iter().filter(|source| !source.opaque).filter_map(|source| source.path.file_name()).collect();
        let is_module = |literal: &str| Path::new(literal).file_name().is_some_and(|name| names.contains(name));
        self.tree.sources.iter().any(|source| {
            let tokens = source.file.tokens();
            let includes =
                |index: &usize| ["include", "include_str", "include_bytes"].iter().any(|name| tokens.is_word(*index, name));
            let calls =
                (0..tokens.len()).filter(includes).filter(|index| tokens.is_punct(index + 1, b'!') && tokens.is_open(index + 2));
            { calls }.any(|index| {
                let literals: Vec<_> =
                    (index + 3..tokens.behind_group(index + 2)).filter_map(|index| tokens.string(index)).collect();
                literals.is_empty() || literals.into_iter().any(is_module)
            })
        })
    }

    /// The string literals of the true source that have `..` in them, each with its file: paths of modules and of included files are
    /// among them.
    pub(crate) fn climbing_literals(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.tree.sources.iter().flat_map(|source| {
            let tokens = source.file.tokens();
            let literals = (0..tokens.len()).filter_map(move |index| tokens.string(index));
            { literals }.filter(|literal| literal.contains("..")).map(|literal| (&*source.path, literal))
        })
    }

    /// The interface source.
    pub fn interface(&self, options: &Options) -> Interface {
        self.write(options.lines, self.decide(options))
    }

    /// What becomes of each function.
    fn decide(&self, options: &Options) -> Decisions {
        let sources = &self.tree.sources;
        let everything = match options {
            Options { proc_macro: true, .. } => Some(Reason::ProcMacro),
            Options { body_features: true, .. } => Some(Reason::Feature),
            _ if self.unwinds(options) => Some(Reason::ForeignUnwinding),
            _ => None,
        };
        let keeps_private = match options.lines {
            Lines::Keep => None,
            Lines::Drop => self.keeps_private(everything.as_ref()),
        };
        let leave_out = options.lines == Lines::Drop && keeps_private.is_none();
        let scanner = self.scanner(options);
        let modules = Modules::of(sources, &self.facts, options.edition_2015);
        let loads = Loads::of(sources, &modules, scanner, &options.externs);
        let verdicts = Judge::new(sources, &modules, scanner, everything).all(leave_out, &loads);
        let left_out = if leave_out { prune::left_out(sources, &verdicts) } else { all_kept(&verdicts) };
        let any_macro = (0..sources.len()).map(|source| modules.any_macro_in(source)).collect();
        Decisions { verdicts, left_out, any_macro, keeps_private, loads: loads.certain }
    }

    /// Whether something that is there on the target may unwind from foreign code.
    fn unwinds(&self, options: &Options) -> bool {
        let sources = &self.tree.sources;
        let unwinding = |source: &Source| source.file.facts.foreign_unwinding;
        if !sources.iter().any(unwinding) {
            return false;
        }
        let elsewhere = platform::elsewhere(sources, platform::target_os(options.target.as_deref()));
        sources.iter().zip(elsewhere).any(|(source, elsewhere)| unwinding(source) && !elsewhere)
    }

    /// Where everything in the interface source is in the true source, for each file that differs. Only lines that were dropped have moved.
    pub fn origins(&self, options: &Options) -> Vec<(PathBuf, Origins)> {
        if options.lines == Lines::Keep {
            return Vec::new();
        }
        let Decisions { verdicts, left_out, any_macro, .. } = self.decide(options);
        let origins = self.tree.sources.iter().enumerate().filter_map(|(index, source)| {
            let mut tokens = Vec::new();
            let (verdicts, left_out) = (verdicts[index].as_ref()?, &left_out[index]);
            self.dropping_lines(source, verdicts, left_out, any_macro[index], |token| tokens.push(token))?;
            Some((source.path.clone(), Origins::new(source.file.text.clone(), tokens)))
        });
        origins.collect()
    }

    fn dropping_lines(
        &self,
        source: &Source,
        verdicts: &[Verdict],
        left_out: &[bool],
        any_macro: bool,
        place: impl FnMut(Copied),
    ) -> Option<String> {
        let shape = source.file.shape.as_ref()?;
        let none = HashSet::new();
        let scanner = Scanner { facts: &self.facts, expression_macros: &none, trusted: &none, renamed: &none };
        let is_inert = |tokens: Tokens<'_>, pound: usize| scanner.is_blind(tokens, pound, any_macro);
        let form = Form { sort_modules: !self.facts.inner_macro_use, is_inert: &is_inert };
        emit::dropping_lines(&source.file, shape, verdicts, left_out, form, place)
    }

    fn write(&self, lines: Lines, decisions: Decisions) -> Interface {
        let sources = &self.tree.sources;
        let Decisions { verdicts, left_out, any_macro, keeps_private, loads } = decisions;
        let mut interface = Interface { report: Report { keeps_private, ..Report::default() }, loads, ..Interface::default() };
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by(|&one, &other| sources[one].path.cmp(&sources[other].path));
        for index in order {
            let (source, left_out) = (&sources[index], &left_out[index]);
            let text = verdicts[index].as_deref().and_then(|verdicts| match lines {
                Lines::Keep => Some(emit::keeping_lines(&source.file, source.file.shape.as_ref()?, verdicts)),
                Lines::Drop => self.dropping_lines(source, verdicts, left_out, any_macro[index], |_| {}),
            });
            interface.add(source, verdicts[index].as_deref(), left_out, text);
        }
        interface
    }

    /// Why no private function may be left out.
    fn keeps_private(&self, everything: Option<&Reason>) -> Option<String> {
        if let Some(reason) = everything.cloned().or(self.facts.everything()) {
            return Some(reason.to_string());
        }
        if self.facts.names_unknown {
            return Some("a macro of the crate may build identifiers".into());
        }
        self.tree.incomplete.clone()
    }
}

impl Interface {
    fn add(&mut self, source: &Source, verdicts: Option<&[Verdict]>, left_out: &[bool], text: Option<String>) {
        let (Some(verdicts), Some(shape)) = (verdicts, &source.file.shape) else {
            let reason = if source.opaque { "a macro leads to it" } else { "it could not be parsed" };
            return self.report.files.push((source.path.clone(), reason.into()));
        };
        let (mut line, mut behind) = (1, 0);
        for ((function, verdict), left_out) in shape.functions.iter().zip(verdicts).zip(left_out) {
            let start = function.place.start as usize;
            line += source.file.text[behind..start].bytes().filter(|&byte| byte == b'\n').count();
            behind = start;
            let outcome = match &verdict.stays {
                _ if *left_out => Outcome::LeftOut,
                Some(reason) => Outcome::Stayed(reason.clone()),
                None => Outcome::Emptied,
            };
            let label = shape.label(function.scope);
            let name = format!("{label}{}", function.name);
            self.report.functions.push(report::Function { file: source.path.clone(), line, name, outcome });
        }
        self.files.extend(text.filter(|text| *text != source.file.text).map(|text| (source.path.clone(), text)));
    }
}

/// Does something on a thread of its own, so that whatever goes wrong there is an error and no more: plain rustc is right then. Parsers are
/// recursive, so it has a stack that no depth which they accept can fill.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    const STACK: usize = 256 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        thread.join().map_err(|_| io::Error::other("hollow failed at its interface source"))
    })
}

fn all_kept(verdicts: &[Option<Vec<Verdict>>]) -> Vec<Vec<bool>> {
    verdicts.iter().map(|verdicts| vec![false; verdicts.as_ref().map_or(0, Vec::len)]).collect()
}
