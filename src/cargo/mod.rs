//! Cargo mode: hollow as Cargo's `RUSTC_WORKSPACE_WRAPPER` (or `RUSTC_WRAPPER`), and `cargo hollow`, which sets that up.
//!
//! Cargo starts `hollow RUSTC ARGS...` for every unit. Cargo looks at times and not at contents, so it does that for every dependent of what was
//! compiled again. hollow looks at contents: a unit of which nothing has changed that it was made from is not compiled (see `state`).
//!
//! For a library, hollow makes hollow metadata first and hands them to Cargo as the unit's `.rmeta`, so that Cargo's own pipelining starts the
//! dependents right then. Made by interface, they do not change when only bodies do, and then no dependent is compiled. The full rlib is made
//! after that, and sealed. What is only checked is checked meanwhile, if Cargo has a job slot to spare. All other units are compiled by rustc as ever.

mod build;
mod compiler;
mod files;
mod front;
mod inputs;
mod jobs;
mod metadata;
mod passes;
mod said;
mod settings;
mod spans;
mod state;
mod unit;
mod why;

pub use build::wrap;
pub use front::{Options, run};
pub use why::{Workspace, clean, why};
