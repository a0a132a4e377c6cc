//! `cargo hollow why` and `cargo hollow clean`: looking at unit state, and forgetting it.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::state::{Last, Outcome, Place};
use crate::action::HOLLOW_DIRECTORY;

/// How many directories are above that of a unit: `TARGET/PROFILE/build/PACKAGE/HASH/out` in Cargo's newer layout.
const DEEPEST: usize = 6;

/// Which workspace.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// `--manifest-path`.
    pub manifest_path: Option<PathBuf>,
    /// `--target-dir`.
    pub target_dir: Option<PathBuf>,
}

/// What `cargo metadata` says of a workspace.
#[derive(Deserialize)]
struct Known {
    target_directory: PathBuf,
    /// Where intermediate files are; Cargo says so since 1.91.
    build_directory: Option<PathBuf>,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// Says what became of each unit that Cargo started in its last run, and why.
pub fn why(workspace: &Workspace, package: Option<&str>) -> Result<ExitCode> {
    let known = workspace.known()?;
    if let Some(package) = package.filter(|package| !known.packages.iter().any(|known| known.name == **package)) {
        bail!("there is no package `{package}` in this workspace");
    }
    let states = workspace.places(&known).into_iter().filter_map(|place| place.read());
    let mut units: Vec<Last> = states.map(|state| state.last).collect();
    units.sort_by_key(|unit| unit.when);
    let Some(run) = units.last().map(|last| last.run.clone()) else {
        bail!("nothing is known of a last run: run `cargo hollow check` or `cargo hollow build` first");
    };
    units.retain(|unit| unit.run == run && package.is_none_or(|package| unit.package == package));
    let mut text: String = units.iter().map(describe).collect();
    if let Some(package) = package.filter(|_| units.is_empty()) {
        text = format!("Cargo had nothing to do for `{package}` in the last run\n");
    }
    // A reader that has gone away has read enough.
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
    Ok(ExitCode::SUCCESS)
}

fn describe(unit: &Last) -> String {
    let outcome = match unit.outcome {
        Outcome::Compiled => "compiled",
        Outcome::Skipped => "skipped",
        Outcome::Relinked => "relinked",
        Outcome::Failed => "failed",
    };
    let same_name = unit.crate_name == unit.package.replace('-', "_");
    let crate_name = if same_name { String::new() } else { format!(" {}", unit.crate_name) };
    let interface = if unit.interface.is_empty() { String::new() } else { format!(" ({})", unit.interface) };
    format!("{outcome:<9}{} {}{crate_name}: {}{interface}\n", unit.package, unit.kind, unit.reason)
}

/// Removes all unit state, and nothing else: Cargo's own view of what is fresh stays.
pub fn clean(workspace: &Workspace) -> Result<ExitCode> {
    let known = workspace.known()?;
    let places = workspace.places(&known);
    for place in &places {
        place.remove_all()?;
    }
    let plural = if places.len() == 1 { "" } else { "s" };
    drop(writeln!(std::io::stderr().lock(), "hollow: removed the state of {} unit{plural}", places.len()));
    Ok(ExitCode::SUCCESS)
}

impl Workspace {
    fn known(&self) -> Result<Known> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        cargo.args(["metadata", "--no-deps", "--format-version=1"]).stderr(Stdio::inherit());
        if let Some(path) = &self.manifest_path {
            cargo.arg("--manifest-path").arg(path);
        }
        let output = cargo.output().with_context(|| format!("cannot run Cargo as `{}`", cargo.get_program().display()))?;
        if !output.status.success() {
            bail!("`cargo metadata` failed, so there is no telling where the workspace is");
        }
        serde_json::from_slice(&output.stdout).context("`cargo metadata` said something unknown")
    }

    /// The state of every unit in the target directory, whatever its layout.
    fn places(&self, known: &Known) -> Vec<Place> {
        let target = self.target_dir.as_ref().unwrap_or(&known.target_directory);
        let mut directories = vec![(0, target.clone())];
        directories.extend(
            known.build_directory.clone().filter(|build| self.target_dir.is_none() && build != target).map(|build| (0, build)),
        );
        let mut places = Vec::new();
        while let Some((depth, directory)) = directories.pop() {
            for child in children(&directory) {
                match child.file_name().and_then(|name| name.to_str()) {
                    Some(HOLLOW_DIRECTORY) => places.extend(Place::all(&child)),
                    // Large, and there is nothing in them.
                    Some("incremental" | ".fingerprint" | "fingerprint" | "doc" | "package") => {}
                    _ if depth < DEEPEST => directories.push((depth + 1, child)),
                    _ => {}
                }
            }
        }
        places.sort();
        places.dedup();
        places
    }
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    { directories }.map(|entry| entry.path()).collect()
}
