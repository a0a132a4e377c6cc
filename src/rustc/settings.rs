//! What a command line asks for, where several options, or the last of several, decide.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Codegen, CommandLine, Name, Opt};

/// The parts of a command line that decide what is compiled and where it goes. Read it once; rustc's rule holds that the last of several
/// values wins, except for those options that add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The source file, or `-`.
    pub input: Option<OsString>,
    /// `--crate-name`.
    pub crate_name: Option<String>,
    /// `--crate-type`, in order and without repetition; `lib` is `rlib`. Empty if there is none: then an attribute of the source may
    /// say it, and a program is what rustc makes otherwise.
    pub crate_types: Vec<CrateType>,
    /// `--test`: a test program, whatever the crate type.
    pub test: bool,
    /// `--emit`, in order; a kind that occurs again replaces its earlier path.
    pub emits: Vec<Emit>,
    /// `-o`.
    pub output: Option<PathBuf>,
    /// `--out-dir`.
    pub out_dir: Option<PathBuf>,
    /// `-Cextra-filename`.
    pub extra_filename: OsString,
    /// `--target`: a target name, or the path of a target specification.
    pub target: Option<OsString>,
}

/// A crate type as `--crate-type` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are rustc's own words.
pub enum CrateType {
    Bin,
    Rlib,
    Dylib,
    Cdylib,
    Staticlib,
    ProcMacro,
    Other(String),
}

/// One kind of output that `--emit` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emit {
    /// What is written.
    pub kind: EmitKind,
    /// Where; rustc derives a name if there is none.
    pub path: Option<PathBuf>,
}

/// A kind of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmitKind {
    /// The linked thing: rlib, program, shared library.
    Link,
    /// A makefile of the files that were read.
    DepInfo,
    /// `.rmeta`.
    Metadata,
    /// Another, such as `asm` or `llvm-ir`.
    Other(String),
}

impl Settings {
    /// Reads them from a command line.
    pub fn of(line: &CommandLine) -> Self {
        let mut settings = Self { input: line.inputs().next().map(OsStr::to_owned), ..Self::default() };
        for option in line.options() {
            let value = option.value();
            match option.name() {
                Name::CrateName => settings.crate_name = Some(value.to_string_lossy().into_owned()),
                Name::CrateType => {
                    for name in value.to_string_lossy().split(',') {
                        let crate_type = CrateType::parse(name);
                        if !settings.crate_types.contains(&crate_type) {
                            settings.crate_types.push(crate_type);
                        }
                    }
                }
                Name::Test => settings.test = true,
                Name::Emit => value.as_bytes().split(|&byte| byte == b',').for_each(|emit| settings.add_emit(emit)),
                Name::Output => settings.output = Some(value.into()),
                Name::OutDir => settings.out_dir = Some(value.into()),
                Name::Target => settings.target = Some(value.into()),
                Name::Codegen => {
                    let codegen = Codegen::parse(value);
                    if codegen.name == "extra-filename" {
                        settings.extra_filename = codegen.value.unwrap_or_default().into();
                    }
                }
                _ => {}
            }
        }
        settings
    }

    /// The crate's name as rustc derives it from the command line: `--crate-name`, or the source file's name with `_` for `-`, or
    /// `rust_out` for standard input (`rustc_session::output::find_crate_name`, which asks the source's own `#![crate_name]` before
    /// the file's name; so ask rustc where there can be such an attribute).
    pub fn crate_name_or_derived(&self) -> Cow<'_, str> {
        if let Some(name) = &self.crate_name {
            return name.into();
        }
        let stem = self.input.as_deref().filter(|input| *input != "-").and_then(|input| Path::new(input).file_stem());
        stem.map_or("rust_out".into(), |stem| stem.to_string_lossy().replace('-', "_").into())
    }

    /// Where a kind of output goes, if the command line asks for it: `Some(None)` is a place of rustc's choice.
    pub fn emit(&self, kind: &EmitKind) -> Option<Option<&Path>> {
        self.emits.iter().find(|emit| emit.kind == *kind).map(|emit| emit.path.as_deref())
    }

    fn add_emit(&mut self, emit: &[u8]) {
        let emit = OsStr::from_bytes(emit);
        let (kind, path) = match super::values::split_once(emit, b'=') {
            Some((kind, path)) => (kind, Some(PathBuf::from(path))),
            None => (emit, None),
        };
        let kind = EmitKind::parse(&kind.to_string_lossy());
        match self.emits.iter_mut().find(|known| known.kind == kind) {
            Some(known) => known.path = path,
            None => self.emits.push(Emit { kind, path }),
        }
    }
}

/// Whether rustc only answers a question with this command line, and compiles nothing: `--version`, `--help`, `-Chelp`, most kinds of
/// `--print` (`rustc_driver::run_compiler` and `print_crate_info`). Without any argument it prints its help.
pub fn is_question(line: &CommandLine) -> bool {
    // These it prints on the way.
    const WHILE_COMPILING: [&[u8]; 2] = [b"link-args", b"native-static-libs"];
    let asks = |option: &Opt| {
        let value = option.value().as_bytes();
        match option.name() {
            Name::Help | Name::Version | Name::Explain => true,
            Name::Print => !WHILE_COMPILING.contains(&value.split(|&byte| byte == b'=').next().unwrap_or_default()),
            Name::Codegen | Name::Unstable | Name::Allow | Name::Warn | Name::Deny | Name::Forbid => value == b"help",
            _ => false,
        }
    };
    line.args().is_empty() || line.options().any(asks)
}

/// The value of a `-C` option; the last one wins. `-C name` without a value is an empty text.
pub fn codegen<'a>(line: &'a CommandLine, name: &str) -> Option<&'a OsStr> {
    valued(line, Name::Codegen, name)
}

/// The value of a `-Z` option; the last one wins. `-Zname` without a value is an empty text.
pub fn unstable<'a>(line: &'a CommandLine, name: &str) -> Option<&'a OsStr> {
    valued(line, Name::Unstable, name)
}

fn valued<'a>(line: &'a CommandLine, option: Name, name: &str) -> Option<&'a OsStr> {
    let options = line.options().filter(|candidate| candidate.name() == option);
    let values = options.map(|option| Codegen::parse(option.value())).filter(|codegen| codegen.name == name);
    values.last().map(|codegen| codegen.value.unwrap_or_default())
}

impl CrateType {
    /// Reads one name of `--crate-type`.
    pub fn parse(name: &str) -> Self {
        match name {
            "bin" => Self::Bin,
            "lib" | "rlib" => Self::Rlib,
            "dylib" => Self::Dylib,
            "cdylib" => Self::Cdylib,
            "staticlib" => Self::Staticlib,
            "proc-macro" => Self::ProcMacro,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for CrateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bin => "bin",
            Self::Rlib => "rlib",
            Self::Dylib => "dylib",
            Self::Cdylib => "cdylib",
            Self::Staticlib => "staticlib",
            Self::ProcMacro => "proc-macro",
            Self::Other(name) => name,
        })
    }
}

impl EmitKind {
    fn parse(name: &str) -> Self {
        match name {
            "link" => Self::Link,
            "dep-info" => Self::DepInfo,
            "metadata" => Self::Metadata,
            other => Self::Other(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(tokens: &[&str]) -> Settings {
        Settings::of(&CommandLine::parse(tokens.iter().map(OsString::from)))
    }

    #[test]
    fn repeated_and_joined_values_add_up() {
        let settings =
            settings(&["--crate-type", "lib,cdylib", "--crate-type=rlib", "--emit=dep-info=x.d,link", "--emit", "link=y,obj"]);
        assert_eq!(settings.crate_types, [CrateType::Rlib, CrateType::Cdylib]);
        assert_eq!(settings.emit(&EmitKind::DepInfo), Some(Some("x.d".as_ref())));
        assert_eq!(settings.emit(&EmitKind::Link), Some(Some("y".as_ref())));
        assert_eq!(settings.emit(&EmitKind::Other("obj".into())), Some(None));
        assert_eq!(settings.emit(&EmitKind::Metadata), None);
    }

    #[test]
    fn the_last_value_wins() {
        let tokens = ["-Cextra-filename=-1", "-C", "extra_filename=-2", "-Copt-level=1", "-Copt-level=2", "-Zno-codegen"];
        let line = CommandLine::parse(tokens.iter().map(OsString::from));
        assert_eq!(Settings::of(&line).extra_filename, "-2");
        assert_eq!(codegen(&line, "opt-level"), Some("2".as_ref()));
        assert_eq!(codegen(&line, "lto"), None);
        assert_eq!(unstable(&line, "no-codegen"), Some("".as_ref()));
    }

    #[test]
    fn a_crate_is_named_by_the_flag_then_by_its_file() {
        assert_eq!(settings(&["--crate-name", "a", "b.rs"]).crate_name_or_derived(), "a");
        assert_eq!(settings(&["src/my-lib.rs"]).crate_name_or_derived(), "my_lib");
        assert_eq!(settings(&["-"]).crate_name_or_derived(), "rust_out");
    }
}
