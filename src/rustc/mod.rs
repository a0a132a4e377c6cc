//! rustc as seen from outside: its command line, response files and environment.
//!
//! Nothing here knows what a hollow rlib is. A command line is parsed once into [`CommandLine`]; what it asks for is read
//! from there as [`Settings`]; the names of the files that rustc would write come from [`output`].

pub mod bootstrap;
mod command_line;
mod dep_info;
pub mod output;
pub mod response_file;
mod settings;
mod values;

pub use command_line::{Arg, CommandLine, Edit, Name, Opt, is_toolchain};
pub use dep_info::DepInfo;
pub use settings::{CrateType, Emit, EmitKind, Settings, codegen, is_question, unstable};
pub use values::{Codegen, Extern, SearchKind, SearchPath};
