//! Response files: `@path` stands for the arguments in a file.
//!
//! rustc reads one argument a line, without quoting or comments, and does not look for `@` inside the file
//! (`rustc_driver::args::Expander`). Build systems nest them all the same (Buck2's dependency lists, a crate name that is
//! known only when the build runs), so nested ones are expanded here.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Why a response file could not be expanded.
#[derive(Debug)]
pub enum ExpandError {
    /// The file can't be read.
    Unreadable(PathBuf, io::Error),
    /// The file includes itself; the chain starts and ends with it.
    Cycle(Vec<PathBuf>),
}

/// Replaces every `@path` by the lines of that file, and theirs. Relative paths count from the working directory, at every level,
/// as rustc's and Buck2's do. An empty line is an empty argument, as it is for rustc.
///
/// `read` yields a file's bytes.
pub fn expand(
    tokens: impl IntoIterator<Item = OsString>,
    read: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
) -> Result<Vec<OsString>, ExpandError> {
    let mut expanded = Vec::new();
    for token in tokens {
        expand_token(token, read, &mut Vec::new(), &mut expanded)?;
    }
    Ok(expanded)
}

/// The content of a response file that stands for these arguments, or `None` if one of them can't be in such a file: rustc
/// ends an argument at a line end (and drops a carriage return before it), and wants UTF-8.
pub fn render<'a>(arguments: impl IntoIterator<Item = &'a OsStr>) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    for argument in arguments {
        if !is_representable(argument) {
            return None;
        }
        content.extend_from_slice(argument.as_bytes());
        content.push(b'\n');
    }
    Some(content)
}

/// Whether a response file can hold this argument.
pub fn is_representable(argument: &OsStr) -> bool {
    argument.to_str().is_some_and(|text| !text.contains('\n') && !text.ends_with('\r'))
}

fn expand_token(
    token: OsString,
    read: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
    open: &mut Vec<PathBuf>,
    expanded: &mut Vec<OsString>,
) -> Result<(), ExpandError> {
    let Some(path) = token.as_bytes().strip_prefix(b"@") else {
        expanded.push(token);
        return Ok(());
    };
    let path = PathBuf::from(OsStr::from_bytes(path));
    if let Some(start) = open.iter().position(|outer| is_same(outer, &path)) {
        let mut chain = open.split_off(start);
        chain.push(path);
        return Err(ExpandError::Cycle(chain));
    }
    let content = read(&path).map_err(|error| ExpandError::Unreadable(path.clone(), error))?;
    open.push(path);
    for line in lines(&content) {
        expand_token(line, read, open, expanded)?;
    }
    open.pop();
    Ok(())
}

/// Whether two spellings lead to one file (`a` and `./a`, or through a link).
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Lines as `str::lines` yields them, of bytes.
fn lines(content: &[u8]) -> impl Iterator<Item = OsString> {
    content.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let ended = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        OsString::from_vec(ended.unwrap_or(line).to_vec())
    })
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read the response file `{}`: {error}", path.display()),
            Self::Cycle(chain) => {
                write!(f, "the response file `{}` includes itself: ", chain[0].display())?;
                for (index, path) in chain.iter().enumerate() {
                    let arrow = if index == 0 { "" } else { " -> " };
                    write!(f, "{arrow}{}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ExpandError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand_with(files: &[(&str, &str)], tokens: &[&str]) -> Result<Vec<String>, String> {
        let mut read = |path: &Path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            file.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        expand(tokens.iter().map(OsString::from), &mut read)
            .map(|tokens| tokens.into_iter().map(|token| token.into_string().unwrap()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nested_files_are_flattened_in_place() {
        let files = [("params", "--crate-name\n@name\n@dirs\n"), ("name", "a\n"), ("dirs", "-Ldependency=x\r\n-Ldependency=y")];
        assert_eq!(
            expand_with(&files, &["-O", "@params", "a.rs"]).unwrap(),
            ["-O", "--crate-name", "a", "-Ldependency=x", "-Ldependency=y", "a.rs"]
        );
    }

    #[test]
    fn an_empty_file_is_nothing_and_an_empty_line_is_an_empty_argument() {
        assert_eq!(expand_with(&[("e", "")], &["@e", "x"]).unwrap(), ["x"]);
        assert_eq!(expand_with(&[("e", "\n\nq\n")], &["@e"]).unwrap(), ["", "", "q"]);
        assert_eq!(expand_with(&[("e", "\n")], &["@e"]).unwrap(), [""]);
    }

    #[test]
    fn the_same_file_twice_is_no_cycle() {
        assert_eq!(expand_with(&[("a", "@b\n@b"), ("b", "x")], &["@a", "@b"]).unwrap(), ["x", "x", "x"]);
    }

    #[test]
    fn a_cycle_names_its_members() {
        let error = expand_with(&[("a", "@b"), ("b", "x\n@c"), ("c", "@b")], &["@a"]).unwrap_err();
        assert_eq!(error, "the response file `b` includes itself: b -> c -> b");
    }

    #[test]
    fn a_missing_file_is_named() {
        assert_eq!(
            expand_with(&[("a", "@gone")], &["@a"]).unwrap_err(),
            "cannot read the response file `gone`: entity not found"
        );
    }

    #[test]
    fn only_lines_of_utf8_fit_into_a_response_file() {
        let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        assert!(is_representable(&os(b"a b\"'\\@ \tc")));
        assert!(!is_representable(&os(b"two\nlines")));
        assert!(!is_representable(&os(b"ends with a return\r")));
        assert!(!is_representable(&os(b"\xff")));
        assert_eq!(render([OsStr::new("a"), OsStr::new("")]).unwrap(), b"a\n\n");
    }
}
