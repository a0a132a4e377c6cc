//! Tests of the whole way from files to interface source.

mod broken;
mod compile;
mod corpus;
mod dropped;
#[path = "../../../tests/it/fixture.rs"]
mod fixture;
mod lists;
mod overlays;
mod random;
mod rules;
mod trees;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Crate, Dependencies, Files, Interface, Lines, Options, Outcome};

/// This project's own dependencies, as `cargo metadata` tells them. Those of other platforms are left out, because nobody need have fetched them.
fn packages() -> Vec<serde_json::Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let arguments = ["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform=host-tuple"];
    let output = Command::new(cargo).args(arguments).args(["--manifest-path", manifest]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    std::mem::take(metadata["packages"].as_array_mut().unwrap())
}

/// Files that are nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(BTreeMap<PathBuf, String>);

impl Memory {
    fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect())
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn options(lines: Lines) -> Options {
    Options { lines, ..Options::default() }
}

/// The interface of a crate of several files, the first of which is the root.
fn interface_of(files: &[(&str, &str)], options: &Options) -> Interface {
    Crate::load(Path::new(files[0].0), &Memory::of(files), None).unwrap().interface(options)
}

/// The interface text of a crate of one file.
fn text_of(text: &str, options: &Options) -> String {
    let interface = interface_of(&[("lib.rs", text)], options);
    interface.files.into_iter().next().map_or_else(|| text.to_owned(), |(_, text)| text)
}

fn keep(text: &str) -> String {
    text_of(text, &options(Lines::Keep))
}

fn drop_(text: &str) -> String {
    text_of(text, &options(Lines::Drop))
}

/// `None` if the function called `f` is emptied, or else why it stays.
fn why(text: &str) -> Option<String> {
    why_with(text, &options(Lines::Keep))
}

fn why_with(text: &str, options: &Options) -> Option<String> {
    let report = interface_of(&[("lib.rs", text)], options).report;
    let function = report.functions.iter().find(|function| function.name.rsplit("::").next() == Some("f")).unwrap();
    match &function.outcome {
        Outcome::Emptied | Outcome::LeftOut => None,
        Outcome::Stayed(reason) => Some(reason.to_string()),
    }
}

/// What can't happen, as far as anybody knows.
struct Panics;

impl Files for Panics {
    fn read(&self, path: &Path) -> io::Result<String> {
        panic!("reading {}", path.display())
    }
}

#[test]
fn a_failure_of_hollows_own_is_an_error_and_the_shipped_program_unwinds_as_this_one_does() {
    let error = Crate::load(Path::new("lib.rs"), &Panics, None).unwrap_err();
    assert_eq!(error.to_string(), "hollow failed at its interface source");
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let release = manifest.split("[profile.release]").nth(1).unwrap().split("\n\n").next().unwrap();
    assert!(!release.contains("panic"), "{release}");
}
