//! What of a command line decides the program, so that a plan is not used for another one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::rustc::{Codegen, CommandLine, Name};

/// A hash of the options that decide what the program is. Left out are paths that build systems choose anew (inputs, outputs, dependencies,
/// caches) and what only concerns messages; the working directory has one name wherever it is.
pub fn fingerprint(line: &CommandLine, directories: &[PathBuf]) -> String {
    let mut hasher = blake3::Hasher::new();
    for option in line.options() {
        let value = option.value();
        let counts = match option.name() {
            Name::Codegen => Codegen::parse(value).name != "incremental",
            Name::Cfg
            | Name::LinkLibrary
            | Name::CrateType
            | Name::CrateName
            | Name::Edition
            | Name::DebugInfo
            | Name::Optimize
            | Name::Test
            | Name::Target
            | Name::Unstable
            | Name::EnvSet => true,
            _ => false,
        };
        if counts {
            hasher.update(format!("{:?}\0", option.name()).as_bytes());
            hasher.update(&without_directories(value, directories));
            hasher.update(b"\0");
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn without_directories(value: &OsStr, directories: &[PathBuf]) -> Vec<u8> {
    let mut text = value.as_bytes().to_vec();
    for directory in directories.iter().filter(|directory| directory.parent().is_some()) {
        let name = directory.as_os_str().as_bytes();
        while let Some(at) = memchr::memmem::find(&text, name) {
            text.splice(at..at + name.len(), *b".");
        }
    }
    text
}
