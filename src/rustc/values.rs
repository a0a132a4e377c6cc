//! The values of those options that hold more than one thing.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The value of `--extern`: `[options:]name[=path]` (`rustc_session::config::parse_externs`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// `noprelude`, `priv`, `force`, ..., comma-separated as they came.
    pub options: Option<OsString>,
    /// The name under which the source knows the crate.
    pub name: OsString,
    /// Where it is; without it, rustc looks in the search paths.
    pub path: Option<PathBuf>,
}

impl Extern {
    /// Reads the value. The options end at the first colon of the part before the first `=`.
    pub fn parse(value: &OsStr) -> Self {
        let (name, path) = match split_once(value, b'=') {
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (value, None),
        };
        match split_once(name, b':') {
            Some((options, name)) => Self { options: Some(options.into()), name: name.into(), path },
            None => Self { options: None, name: name.into(), path },
        }
    }

    /// The value for another path.
    pub fn with_path(&self, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..self.clone() }
    }

    /// The value as rustc reads it.
    pub fn to_value(&self) -> OsString {
        let mut value = OsString::new();
        if let Some(options) = &self.options {
            value.push(options);
            value.push(":");
        }
        value.push(&self.name);
        if let Some(path) = &self.path {
            value.push("=");
            value.push(path);
        }
        value
    }
}

/// The value of `-L`: `[kind=]path` (`rustc_session::search_paths::SearchPath::from_cli_opt`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath {
    /// What rustc looks for there.
    pub kind: SearchKind,
    /// The directory.
    pub path: PathBuf,
    written_kind: bool,
}

/// What a search path is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchKind {
    /// Everything; also what a path without a kind means.
    All,
    /// Direct dependencies only.
    Crate,
    /// Transitive dependencies only.
    Dependency,
    /// macOS frameworks.
    Framework,
    /// Native libraries.
    Native,
}

impl SearchKind {
    const PREFIXES: [(SearchKind, &str); 5] = [
        (SearchKind::All, "all="),
        (SearchKind::Crate, "crate="),
        (SearchKind::Dependency, "dependency="),
        (SearchKind::Framework, "framework="),
        (SearchKind::Native, "native="),
    ];

    /// Whether rustc looks for crates there.
    pub fn finds_crates(self) -> bool {
        matches!(self, Self::All | Self::Crate | Self::Dependency)
    }
}

impl SearchPath {
    /// A search path that names its kind.
    pub fn new(kind: SearchKind, path: impl Into<PathBuf>) -> Self {
        Self { kind, path: path.into(), written_kind: true }
    }

    /// Reads the value. Any path has a meaning, so this can't fail.
    pub fn parse(value: &OsStr) -> Self {
        for (kind, prefix) in SearchKind::PREFIXES {
            if let Some(path) = value.as_bytes().strip_prefix(prefix.as_bytes()) {
                return Self::new(kind, OsStr::from_bytes(path));
            }
        }
        Self { kind: SearchKind::All, path: value.into(), written_kind: false }
    }

    /// The value for another directory, with the kind written, or not, as before.
    pub fn with_path(&self, path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..self.clone() }
    }

    /// The value as rustc reads it.
    pub fn to_value(&self) -> OsString {
        let prefix = SearchKind::PREFIXES.iter().find(|(kind, _)| *kind == self.kind && self.written_kind);
        let mut value = OsString::from(prefix.map_or("", |(_, prefix)| prefix));
        value.push(&self.path);
        value
    }
}

/// The value of `-C` or `-Z`: `name[=value]`. rustc takes `_` for `-` in the name (`rustc_session::options::build_options`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codegen<'a> {
    /// The name with dashes, such as `opt-level`.
    pub name: Cow<'a, str>,
    /// What follows the `=`.
    pub value: Option<&'a OsStr>,
}

impl<'a> Codegen<'a> {
    /// Reads the value.
    pub fn parse(value: &'a OsStr) -> Self {
        let (name, value) = match split_once(value, b'=') {
            Some((name, value)) => (name, Some(value)),
            None => (value, None),
        };
        let mut name = name.to_string_lossy();
        if name.contains('_') {
            name = name.replace('_', "-").into();
        }
        Self { name, value }
    }
}

/// Splits at the first such byte, which must be ASCII.
pub(super) fn split_once(text: &OsStr, separator: u8) -> Option<(&OsStr, &OsStr)> {
    let bytes = text.as_bytes();
    let at = bytes.iter().position(|&byte| byte == separator)?;
    Some((OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extern_is_options_name_and_path() {
        for value in ["a", "a=liba.rlib", "priv,noprelude:a=b=c:d.rlib", "force:a"] {
            assert_eq!(Extern::parse(value.as_ref()).to_value(), value);
        }
        let parsed = Extern::parse("priv,noprelude:a=b=c:d.rlib".as_ref());
        assert_eq!(parsed.options.as_deref(), Some("priv,noprelude".as_ref()));
        assert_eq!(parsed.name, "a");
        assert_eq!(parsed.path, Some("b=c:d.rlib".into()));
        assert_eq!(Extern::parse("a=C:\\out\\a.rlib".as_ref()).options, None);
    }

    #[test]
    fn a_search_path_has_a_kind_and_any_path() {
        for value in ["x", "all=x", "dependency=x", "crate=a=b", "native=", "unknown=x", "@RUSTC_BUILTIN/x"] {
            assert_eq!(SearchPath::parse(value.as_ref()).to_value(), value);
        }
        assert_eq!(SearchPath::parse("unknown=x".as_ref()).path, PathBuf::from("unknown=x"));
        assert_eq!(SearchPath::parse("x".as_ref()).kind, SearchKind::All);
        assert_eq!(SearchPath::parse("dependency=x".as_ref()).with_path("y").to_value(), "dependency=y");
        assert_eq!(SearchPath::parse("x".as_ref()).with_path("y").to_value(), "y");
    }

    #[test]
    fn a_codegen_option_may_be_written_with_underscores() {
        let parsed = Codegen::parse("opt_level=s=_".as_ref());
        assert_eq!((parsed.name.as_ref(), parsed.value), ("opt-level", Some("s=_".as_ref())));
        assert_eq!(Codegen::parse("save-temps".as_ref()).value, None);
    }
}
