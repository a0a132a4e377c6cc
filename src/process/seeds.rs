//! The seeds of `HashMap`s in macros: the same each time.
//!
//! A macro that goes through a `HashMap` expands in another order each time, and the two passes of a crate disagree. std asks libc's `getrandom`
//! for the seeds, so a library that is preloaded into rustc can answer. It answers nothing else, and takes itself out of rustc's environment.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{MemfdFlags, memfd_create};

/// What `build.rs` made of `seeds/preload.rs`; nothing where it could not.
const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/seeds.so"));

/// Which seeds macros see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeds {
    /// The same each time, where that is possible.
    #[default]
    Fixed,
    /// The system's.
    Random,
}

/// The library, where rustc can load it: in memory, under a name that holds as long as this does, in this process and in those that it starts.
pub struct Preload {
    variable: (OsString, OsString),
    _file: OwnedFd,
}

impl Preload {
    /// Makes it ready. The error says why it can't be had for this program.
    pub fn new(program: &Path) -> Result<Self, &'static str> {
        if LIBRARY.is_empty() {
            return Err("this hollow was built without the library for it");
        }
        if is_for_another_machine(program) {
            return Err("rustc is for another machine than hollow");
        }
        let not_here = |_| "there is no file in memory to be had";
        // Not closed on exec, because it is for the program that is executed.
        let mut file = File::from(memfd_create("seeds", MemfdFlags::empty()).map_err(not_here)?);
        file.write_all(LIBRARY).map_err(|_| "there is no file in memory to be had")?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // The dynamic linker would complain of it on rustc's standard error.
        if !Path::new(&path).exists() {
            return Err("there is no /proc");
        }
        let mut value = OsString::from(path);
        if let Some(others) = std::env::var_os(VARIABLE).filter(|others| !others.is_empty()) {
            value.push(":");
            value.push(others);
        }
        Ok(Self { variable: (VARIABLE.into(), value), _file: file.into() })
    }

    /// What is to be set in the program's environment.
    pub fn variable(&self) -> (OsString, OsString) {
        self.variable.clone()
    }
}

const VARIABLE: &str = "LD_PRELOAD";

/// Whether it is a binary that can't load the library. A script, whatever it starts, can pass it on.
fn is_for_another_machine(program: &Path) -> bool {
    /// Where an ELF file says its class, its byte order, and its machine.
    const CLASS: usize = 4;
    const MACHINE: usize = 18;
    let mut head = [0; MACHINE + 2];
    let is_elf = File::open(program).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head.starts_with(b"\x7fELF");
    is_elf && (head[CLASS..CLASS + 2] != LIBRARY[CLASS..CLASS + 2] || head[MACHINE..] != LIBRARY[MACHINE..MACHINE + 2])
}
