//! What a final link would find. rustc links hollow rlibs without a word: a program then fails in the linker, or works by luck, and a
//! shared library is broken. So they are looked for beforehand, in the files themselves: names prove nothing.

use std::path::{Path, PathBuf};

use super::names::full_twin;
use super::{Refusal, World};
use crate::rlib::Kind;
use crate::rustc::{CommandLine, Extern, Name, SearchPath};

/// Refuses if a hollow rlib, or an rlib without its metadata, is in the reach of this link.
pub fn check(line: &CommandLine, subject: &str, world: &dyn World) -> Result<(), Refusal> {
    let externs: Vec<Extern> = line.values(Name::Extern).map(Extern::parse).collect();
    for dependency in &externs {
        let Some(path) = dependency.path.as_deref().filter(|path| path.extension().is_some_and(|e| e == "rlib")) else {
            continue;
        };
        match world.rlib_kind(path) {
            Some(Kind::Hollow) => return Err(hollow_extern(dependency, path, subject)),
            Some(Kind::Full) if world.is_stub(path) && !has_metadata_file(&externs, dependency) => {
                return Err(stub_extern(dependency, path, subject));
            }
            _ => {}
        }
    }
    let searched = line.values(Name::LibraryPath).map(SearchPath::parse).filter(|search| search.kind.finds_crates());
    let mut seen: Vec<PathBuf> = Vec::new();
    for SearchPath { path: directory, .. } in searched {
        if seen.contains(&directory) {
            continue;
        }
        if let Some(rlib) = world.rlibs_in(&directory).iter().find(|rlib| world.rlib_kind(rlib) == Some(Kind::Hollow)) {
            return Err(hollow_directory(&directory, rlib, subject));
        }
        seen.push(directory);
    }
    Ok(())
}

fn hollow_extern(dependency: &Extern, path: &Path, subject: &str) -> Refusal {
    let full = full_twin(path).map_or("its full rlib".to_owned(), |full| format!("`{}`", full.display()));
    Refusal::new(format!(
        "`--extern {}={}` is a hollow rlib, and {subject} needs object code: pass {full} instead",
        dependency.name.to_string_lossy(),
        path.display(),
    ))
}

fn stub_extern(dependency: &Extern, path: &Path, subject: &str) -> Refusal {
    Refusal::new(format!(
        "`--extern {}={}` was made with `-Zembed-metadata=no` and can't be used alone by {subject}: build it without that option",
        dependency.name.to_string_lossy(),
        path.display(),
    ))
}

fn hollow_directory(directory: &Path, rlib: &Path, subject: &str) -> Refusal {
    let name = rlib.file_name().unwrap_or_default().to_string_lossy();
    Refusal::new(format!(
        "the search path `{}` holds hollow rlibs ({name}), and {subject} needs object code: \
         search the directory of the full rlibs instead, and keep hollow ones out of it",
        directory.display(),
    ))
}

/// Whether the `.rmeta` of the same crate was given too, as Cargo does when it builds without embedded metadata.
fn has_metadata_file(externs: &[Extern], dependency: &Extern) -> bool {
    externs.iter().any(|other| {
        other.name == dependency.name && other.path.as_ref().is_some_and(|path| path.extension().is_some_and(|e| e == "rmeta"))
    })
}
