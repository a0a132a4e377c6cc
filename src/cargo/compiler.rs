//! rustc, and what may be in front of it.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::files::Digest;
use super::settings;
use crate::process::Invocation;
use crate::rlib::Staged;

const MANGLINGS: [&str; 2] = ["legacy", "v0"];

/// rustc, as Cargo names it.
pub struct Compiler {
    /// What to start: rustc, or a wrapper such as sccache in front of it.
    program: PathBuf,
    /// rustc as the wrapper's first argument, if there is a wrapper.
    wrapped: Option<OsString>,
}

/// What Cargo calls for.
pub enum Called {
    /// For a unit that hollow has a part in, perhaps, with rustc's arguments.
    ForUnit(Compiler, Vec<OsString>),
    /// For another crate: this is to be run.
    ForOther(Invocation),
}

impl Compiler {
    /// `cargo hollow` makes hollow the wrapper of all crates if there is another wrapper, which then comes second. Cargo calls `hollow hollow
    /// rustc` for workspace members then, and `hollow rustc` for all others, which hollow leaves to the other wrapper.
    pub fn of(mut rustc: OsString, mut arguments: Vec<OsString>) -> Called {
        let is_member = std::env::var_os("RUSTC_WORKSPACE_WRAPPER").is_some_and(|own| own == rustc) && !arguments.is_empty();
        if is_member {
            rustc = arguments.remove(0);
        }
        let wrapper = std::env::var_os(settings::INNER_WRAPPER).filter(|wrapper| !wrapper.is_empty());
        match wrapper {
            None => Called::ForUnit(Self { program: rustc.into(), wrapped: None }, arguments),
            Some(wrapper) if is_member => Called::ForUnit(Self { program: wrapper.into(), wrapped: Some(rustc) }, arguments),
            Some(wrapper) => {
                arguments.insert(0, rustc);
                Called::ForOther(Invocation { program: wrapper.into(), args: arguments, env: Vec::new() })
            }
        }
    }

    /// An invocation with these arguments, and this in the environment.
    pub fn invocation(&self, arguments: Vec<OsString>, env: &[(OsString, OsString)]) -> Invocation {
        let args = self.wrapped.iter().cloned().chain(arguments).collect();
        Invocation { program: self.program.clone(), args, env: env.to_vec() }
    }

    /// rustc's own arguments of an invocation.
    pub fn arguments<'a>(&self, invocation: &'a Invocation) -> &'a [OsString] {
        &invocation.args[usize::from(self.wrapped.is_some())..]
    }

    /// rustc itself.
    pub fn rustc(&self) -> &Path {
        self.wrapped.as_ref().map_or(&self.program, |rustc| Path::new(rustc))
    }

    /// Whether rustc takes unstable features without being told to.
    pub fn is_nightly(&self) -> bool {
        let answer = Command::new(self.rustc()).arg("-vV").output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&answer).lines().any(|line| line.starts_with("release:") && line.contains('-'))
    }

    /// How rustc names symbols if nothing on its command line or in the environment says how: a value of `-Csymbol-mangling-version`. `None` if it
    /// can't be told. Only a compilation tells, so the answer is kept in a file in this directory: rustc 1.95 says `legacy`, and `v0` under
    /// `RUSTC_BOOTSTRAP`.
    pub fn mangling(&self, directory: &Path, identity: &Digest) -> Option<&'static str> {
        let path = directory.join("mangling");
        let line = |mangling: &str| format!("{} {mangling}\n", identity.0);
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(mangling) = MANGLINGS.into_iter().find(|mangling| known == line(mangling)) {
            return Some(mangling);
        }
        let mangling = self.mangling_of_a_probe(directory)?;
        // The next unit asks again if it can't be kept.
        drop(Staged::beside(&path).and_then(|mut staged| {
            staged.file().write_all(line(mangling).as_bytes())?;
            staged.publish(&path)
        }));
        Some(mangling)
    }

    /// Another unit may be asking at the same time, and rustc leaves files beside its output for a while, so each has a directory.
    fn mangling_of_a_probe(&self, directory: &Path) -> Option<&'static str> {
        let directory = TempDir::with_prefix_in(".probe-", directory).ok()?;
        let (source, assembly) = (directory.path().join("probe.rs"), directory.path().join("probe.s"));
        std::fs::write(&source, "#![no_std] pub fn f() {}").ok()?;
        let mut rustc = Command::new(self.rustc());
        rustc.args(["--crate-name=probe", "--crate-type=lib", "--emit=asm", "--out-dir"]).arg(directory.path()).arg(source);
        rustc.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        let assembly = std::fs::read(assembly).ok()?;
        let starts = ["_ZN5probe1f", "_RNv"];
        let names = |start: &str| memchr::memmem::find(&assembly, start.as_bytes()).is_some();
        starts.into_iter().zip(MANGLINGS).find_map(|(start, mangling)| names(start).then_some(mangling))
    }
}
