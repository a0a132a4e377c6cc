//! What a hollow rlib tells of its crate to those who make interface source of dependents.
//!
//! It is a member of the archive that rustc does not look at. An rlib without it tells nothing, so its crate may do anything.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{crate_of, inert};
use crate::rlib;
use crate::rustc::{CommandLine, Extern, Name};

/// What the macros and functions that a crate and its dependencies have can do in dependents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Macros that may turn a position into a value.
    pub(super) macros: BTreeSet<String>,
    /// Macros that call macros whose names they are given.
    pub(super) givers: BTreeSet<String>,
    /// Functions that may turn the position of their caller into a value.
    pub(super) functions: BTreeSet<String>,
    /// Something else may, which is used without its name, or whose name is not known.
    pub(super) others: bool,
    /// The proc-macro crates that it depends on, and may re-export.
    pub(super) proc_macros: BTreeSet<String>,
}

/// What is known of the crates that a command line names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// What they tell, together.
    pub(super) note: Note,
    /// One that tells nothing, as its name.
    pub(super) silent: Option<String>,
    /// Nothing is known of the macros of some crates.
    pub(super) unknown_macros: bool,
    /// They are those of a build by Cargo.
    pub(super) of_cargo: bool,
}

impl Note {
    /// As the content of a member.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn join(&mut self, other: Self) {
        self.macros.extend(other.macros);
        self.givers.extend(other.givers);
        self.functions.extend(other.functions);
        self.others |= other.others;
        self.proc_macros.extend(other.proc_macros);
    }
}

impl Dependencies {
    /// Reads what the rlibs tell that a command line names.
    ///
    /// Cargo names `.rmeta` files, which tell nothing. There, functions are trusted, and macros in bodies that no dependent compiles are; other macros
    /// are not: rebuilding every dependent of a crate that has dependencies, whatever line is added, would be the end of early cutoff.
    pub fn read(line: &CommandLine) -> Self {
        let mut all = Self::default();
        for dependency in line.values(Name::Extern).map(Extern::parse) {
            let path = dependency.path.as_deref().unwrap_or(Path::new(""));
            let name = crate_of(&dependency).unwrap_or_default().to_owned();
            match path.extension().and_then(OsStr::to_str) {
                Some("so" | "dylib" | "dll") => drop(all.note.proc_macros.insert(name)),
                Some("rmeta") => (all.unknown_macros, all.of_cargo) = (true, true),
                _ => match rlib::note(path).and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
                    Some(note) => all.note.join(note),
                    None => all.silent = Some(name),
                },
            }
            if all.unknown_macros || all.silent.is_some() {
                all.note.macros.extend(inert::LOGGING.iter().map(|name| (*name).to_owned()));
            }
        }
        all.unknown_macros |= all.note.proc_macros.iter().any(|name| !inert::tells_no_position(name));
        all
    }
}
