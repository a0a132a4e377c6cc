//! The actions over one crate: an ordinary rustc command line in, the action's own command line out.
//!
//! [`plan`] is a pure function: what it must know of the machine it asks through [`World`]. [`perform`] then does what was planned.

mod aside;
mod compile;
mod complete;
mod diagnostics;
mod explain;
mod interface;
mod names;
mod one_rustc;
mod outputs;
mod perform;
mod plan;
mod reach;
mod refusal;
mod relink;
mod remedy;
mod world;

pub use complete::complete;
pub use explain::Explain;
pub use interface::{InterfaceOptions, InterfacePass, InterfaceSource, artifact_messages, first_error, kept_overlay, obstacle};
pub use names::{HOLLOW_DIRECTORY, hollow_twin};
pub use one_rustc::{Compilation, Made, announces_metadata, made, made_metadata};
pub use outputs::{replace_in_dep_info, replace_path};
pub use perform::{cannot_run, perform};
pub use plan::{path_value, plan};
pub use refusal::Refusal;
pub use remedy::Remedy;
pub use world::{Machine, World};

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::link;
use crate::process::Seeds;
use crate::rustc::CommandLine;

/// Which action over a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Makes the hollow rlib.
    Metadata,
    /// Makes the link plan of a program or shared library.
    Compile,
    /// Makes the full rlib, or links a program or shared library.
    Link,
}

/// What can be asked of an action on top of its command line.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the output goes, in place of the name derived from the command line.
    pub output: Option<PathBuf>,
    /// What the link action of an rlib compiles against.
    pub deps: Deps,
    /// Adds `-Zallow-features=`, so that `RUSTC_BOOTSTRAP` opens no nightly feature to stable code.
    pub deny_unstable_features: bool,
    /// What the working directory is called in the outputs.
    pub remap_cwd: Option<OsString>,
    /// The hollow rlib whose metadata the full rlib must have.
    pub verify_against: Option<PathBuf>,
    /// The hollow rlib whose metadata the full rlib gets.
    pub seal_with: Option<PathBuf>,
    /// How the hollow rlib is made from the interface source, if it is.
    pub interface: Option<InterfaceOptions>,
    /// Where rustc's diagnostics go as JSON, if anywhere.
    pub diagnostics: Option<PathBuf>,
    /// In which form the compile action keeps its link plan.
    pub plan_format: link::Format,
    /// The link plan that the link action carries out.
    pub link_plan: Option<PathBuf>,
    /// Take the flags with which one process can serve both actions of a library.
    pub one_rustc: bool,
    /// Which seeds macros see.
    pub seeds: Seeds,
    /// What is done about macros that expand differently each time, if the crate has some.
    pub remedy: Option<Remedy>,
}

/// What the link action of an rlib compiles against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deps {
    /// The hollow twins of its dependencies.
    #[default]
    Hollow,
    /// Its dependencies as they were given.
    Full,
}

/// An action that has been thought through: what to start, what comes out, what follows.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which action it is.
    pub action: Action,
    /// The crate's name.
    pub crate_name: String,
    /// The arguments for rustc.
    pub line: CommandLine,
    /// What to set in rustc's environment.
    pub env: Vec<(OsString, OsString)>,
    /// What rustc will write.
    pub output: PathBuf,
    /// Where the dep-info goes, if there is any.
    pub dep_info: Option<PathBuf>,
    /// Where rustc's diagnostics go as JSON, if anywhere. They are rendered on standard error all the same.
    pub diagnostics: Option<PathBuf>,
    /// How the hollow rlib is made from the interface source, if it is.
    pub interface: Option<InterfaceOptions>,
    /// Whether rustc gets the flags with which one process can serve both actions.
    pub one_rustc: bool,
    /// Which seeds macros see.
    pub seeds: Seeds,
    /// Whether a remedy relies on fixed seeds.
    pub needs_fixed_seeds: bool,
    /// Whether a linker runs: then a failure can leave a partial output.
    pub links: bool,
    /// What is to be done when rustc has succeeded, in this order.
    pub after: Vec<After>,
    /// The part that a link plan has in it.
    pub split: Split,
    /// What a link plan is checked against.
    pub fingerprint: String,
}

/// The part that a link plan has in an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// None.
    Whole,
    /// It is made.
    Compile {
        /// Where it goes.
        plan: PathBuf,
        /// In which form.
        format: link::Format,
        /// Why it can't be more than a note that the link action has to run rustc.
        obstacle: Option<String>,
    },
    /// It is carried out.
    Link {
        /// Where it is.
        plan: PathBuf,
    },
}

/// Something to be done after rustc has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Compare the output's metadata with this hollow rlib's.
    Verify(PathBuf),
    /// Give the output this hollow rlib's metadata.
    Seal(PathBuf),
    /// Put a second name, or a copy, of the output there.
    Publish(PathBuf),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metadata => "metadata action",
            Self::Compile => "compile action",
            Self::Link => "link action",
        })
    }
}
