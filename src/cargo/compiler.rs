//! rustc, and what may be in front of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::settings;
use crate::process::Invocation;

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

    /// An invocation with these arguments.
    pub fn invocation(&self, arguments: Vec<OsString>) -> Invocation {
        let args = self.wrapped.iter().cloned().chain(arguments).collect();
        Invocation { program: self.program.clone(), args, env: Vec::new() }
    }

    /// rustc's own arguments of an invocation.
    pub fn arguments<'a>(&self, invocation: &'a Invocation) -> &'a [OsString] {
        &invocation.args[usize::from(self.wrapped.is_some())..]
    }

    /// rustc itself.
    pub fn rustc(&self) -> &Path {
        self.wrapped.as_ref().map_or(&self.program, |rustc| Path::new(rustc))
    }
}
