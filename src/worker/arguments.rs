//! The arguments of one action: with a worker they are in the request, without it behind `hollow worker`, mostly in a file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// An action's arguments, and the variables that are set for it alone.
///
/// Variables are arguments (`--env NAME=VALUE`, before the action's name) because those of a Bazel action belong to the worker's key: with
/// one that differs for each crate, each would get a process of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// What is set in the environment, in order.
    pub env: Vec<(OsString, OsString)>,
    /// `metadata`, `link` and so on, and what follows.
    pub action: Vec<OsString>,
}

impl Arguments {
    /// Takes the variables from the front.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let mut arguments = arguments.into_iter();
        let mut env = Vec::new();
        let mut action = Vec::new();
        while let Some(argument) = arguments.next() {
            let bytes = argument.as_bytes();
            let assignment = match bytes.strip_prefix(b"--env=") {
                Some(assignment) => OsStr::from_bytes(assignment).to_owned(),
                None if bytes == b"--env" => arguments.next().context("--env needs NAME=VALUE")?,
                None => {
                    action.push(argument);
                    break;
                }
            };
            let assignment = assignment.as_bytes();
            match assignment.iter().position(|&byte| byte == b'=') {
                None | Some(0) => bail!("--env needs NAME=VALUE, and has `{}`", String::from_utf8_lossy(assignment)),
                Some(at) => env
                    .push((OsStr::from_bytes(&assignment[..at]).to_owned(), OsStr::from_bytes(&assignment[at + 1..]).to_owned())),
            }
        }
        action.extend(arguments);
        if action.is_empty() {
            bail!("there is no action: give `metadata`, `link` or another command of hollow, and its arguments");
        }
        Ok(Self { env, action })
    }
}

/// Replaces flagfiles by their lines as Bazel does for a worker (`WorkerSpawnRunner.expandArgument`), so that an action is the same with and
/// without one: `@file` is a flagfile, and so is such a line in it; `@@x` and labels (`@repository//package`) are arguments; there is no
/// quoting; an empty line is nothing.
pub fn expand_flagfiles(arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>> {
    let mut expanded = Vec::new();
    for argument in arguments {
        expand(argument, 0, &mut expanded)?;
    }
    Ok(expanded)
}

fn expand(argument: OsString, depth: usize, expanded: &mut Vec<OsString>) -> Result<()> {
    const DEEPEST: usize = 32;
    let Some(path) = flagfile(argument.as_bytes()) else {
        expanded.push(argument);
        return Ok(());
    };
    if depth == DEEPEST {
        bail!("flagfiles name each other without end: `{}`", path.display());
    }
    let content = std::fs::read(path).with_context(|| format!("cannot read the flagfile `{}`", path.display()))?;
    for line in content.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        if !line.is_empty() {
            expand(OsStr::from_bytes(line).to_owned(), depth + 1, expanded)?;
        }
    }
    Ok(())
}

fn flagfile(argument: &[u8]) -> Option<&Path> {
    let path = argument.strip_prefix(b"@")?;
    let is_label = path.starts_with(b"@") || path.windows(2).any(|pair| pair == b"//");
    (!is_label).then(|| Path::new(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn variables_come_before_the_action() {
        let parsed = Arguments::parse(os(&["--env", "A=1=2", "--env=B=", "link", "--env", "C=3"])).unwrap();
        assert_eq!(parsed.env, [("A".into(), "1=2".into()), ("B".into(), "".into())]);
        assert_eq!(parsed.action, ["link", "--env", "C=3"]);
        for wrong in [&["--env"][..], &["--env", "A", "link"], &["--env==x", "link"], &["--env=A=1"], &[]] {
            assert!(Arguments::parse(os(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn flagfiles_are_expanded_as_bazel_does() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            format!("@{}", path.display())
        };
        let inner = file("inner", "x\\\n");
        let outer = file("outer", &format!("a b\n\n{inner}\r\n@@kept\n@rules//label\n"));
        assert_eq!(expand_flagfiles(os(&["first", &outer])).unwrap(), ["first", "a b", "x\\", "@@kept", "@rules//label"]);
        let itself = directory.path().join("itself");
        std::fs::write(&itself, format!("@{}", itself.display())).unwrap();
        assert!(expand_flagfiles(os(&[&format!("@{}", itself.display())])).is_err());
        assert!(expand_flagfiles(os(&["@gone"])).unwrap_err().to_string().contains("`gone`"));
    }
}
