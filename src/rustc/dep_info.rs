//! Dep-info: the makefile in which rustc says what it read (`rustc_interface::passes::write_out_deps`).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// What a compilation depended on, besides its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepInfo {
    /// The files that were read, as rustc calls them: relative to its working directory.
    pub files: Vec<PathBuf>,
    /// The variables that `env!` and `option_env!` asked for. `None` is a variable that was not set.
    pub environment: Vec<(String, Option<String>)>,
}

impl DepInfo {
    /// Reads the text of a `.d` file. The first rule has all files; the others have a target each and are for make only.
    pub fn parse(text: &[u8]) -> Self {
        let mut found = Self::default();
        let mut has_rule = false;
        for line in text.split(|&byte| byte == b'\n') {
            if let Some(variable) = line.strip_prefix(b"# env-dep:") {
                let variable = String::from_utf8_lossy(variable);
                let (name, value) = match variable.split_once('=') {
                    Some((name, value)) => (name, Some(unescaped(value))),
                    None => (&*variable, None),
                };
                found.environment.push((unescaped(name), value));
            } else if let Some(at) =
                line.windows(2).position(|pair| pair == b": ").filter(|_| !line.starts_with(b"#") && !has_rule)
            {
                has_rule = true;
                found.files = paths(&line[at + 2..]);
            }
        }
        found
    }
}

/// Paths between spaces; a space in a path has a backslash before it.
fn paths(text: &[u8]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut path = Vec::new();
    for part in text.split(|&byte| byte == b' ') {
        path.extend(part);
        if path.last() == Some(&b'\\') {
            path.pop();
            path.push(b' ');
        } else if !path.is_empty() {
            paths.push(OsString::from_vec(std::mem::take(&mut path)).into());
        }
    }
    paths
}

/// Without the escapes of `rustc_interface::passes::escape_dep_env`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_variables_are_read() {
        let text =
            b"out/liba.rlib: src/lib.rs my\\ dir/a.txt src/b.rs\n\nout/a.d: src/lib.rs my\\ dir/a.txt src/b.rs\n\nsrc/lib.rs:\n\
            my\\ dir/a.txt:\n\n# env-dep:NOT_SET\n# env-dep:OUT_DIR=/t/a\\\\b\\nc\n# env-dep:E=a: b\n";
        let read = DepInfo::parse(text);
        assert_eq!(read.files, ["src/lib.rs", "my dir/a.txt", "src/b.rs"].map(PathBuf::from));
        let variables = [("NOT_SET", None), ("OUT_DIR", Some("/t/a\\b\nc")), ("E", Some("a: b"))];
        assert_eq!(read.environment, variables.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
        assert_eq!(DepInfo::parse(b""), DepInfo::default());
    }
}
