//! Cargo mode: hollow as Cargo's `RUSTC_WORKSPACE_WRAPPER` (or `RUSTC_WRAPPER`), and `cargo hollow`, which sets that up.
//!
//! Cargo starts `hollow RUSTC ARGS...` for every unit. Cargo looks at times and not at contents, so it does that for every dependent of what was
//! compiled again. hollow looks at contents: a unit of which nothing has changed that it was made from is not compiled (see `state`).
//!
//! Every unit is compiled by the very call that Cargo asked for, once. The metadata of a library are *published*; as long as its interface stays the
//! same, later versions keep them (see `kept`), and then no dependent is compiled.

mod build;
mod compiler;
mod files;
mod front;
mod inputs;
mod kept;
mod lines;
mod macros;
mod said;
mod settings;
mod state;
mod unit;
mod why;

pub use build::wrap;
pub use front::{Options, run};
pub use why::{Workspace, clean, why};
