//! Cargo mode: hollow as Cargo's `RUSTC_WRAPPER` or `RUSTC_WORKSPACE_WRAPPER`.
//!
//! Cargo starts `hollow RUSTC ARGS...` for every unit. For a library, hollow makes the hollow rlib first and hands its metadata to Cargo as the
//! unit's `.rmeta`, so that Cargo's own pipelining starts the dependents right then; it makes the full rlib after that and seals it. All other
//! calls become plain rustc at once.

mod build;
mod passes;
mod settings;
mod unit;

pub use build::wrap;
