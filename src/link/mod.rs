//! Split link: rustc compiles a program, and its linker runs later, by itself.
//!
//! rustc compiles from metadata, but its linker needs the objects of all dependencies. So hollow stands in for the linker:
//! [`Recorder`] gives rustc a linker that notes the call and keeps what rustc is about to delete; what comes out is a [`LinkPlan`].
//! [`Replay`] makes the same call again, with the full rlibs in the place of the hollow ones, and without rustc.
//!
//! [`split::obstacle`] says beforehand what can't be split: rustc would compile it without an error, and the program would be broken.

mod describe;
mod failure;
mod identity;
mod manifest;
mod place;
mod plan;
mod record;
mod replay;
pub mod split;

pub use describe::Description;
pub use failure::{Failure, Style};
pub use identity::fingerprint;
pub use manifest::{Call, Content, Manifest, Piece, PlanFile, Rlib, Text};
pub use place::Surroundings;
pub use plan::{Format, LinkPlan, Unpacked};
pub use record::{Recorder, record_if_linker};
pub use replay::{Libraries, Linked, Replay, libraries_of, sysroot};
